"""Comparing the frames of a video: how long nothing moves, and whether the view changed."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightmeter.image.header import Facts

SIDE = 64  # side in pixels of the gray images that are compared
_LEAST_CONTRAST = 5.0  # standard deviation; less shows nothing
_STILL = 2.5  # steps by which no cell differs while a camera is frozen, though its encoder is not
_SAME = 0.4  # height of the peak where a view is the same; of unlike images it is below 0.25
_FOLLOW = 0.1  # of a frame in the view that others are compared with, so that it follows the light
_LASTING = 5  # frames of a running median, which ignores a passing car
_KNOWN = 10  # frames in a row that make a view known

_HANN = np.hanning(SIDE + 2)[1:-1]
_WINDOW = np.outer(_HANN, _HANN)
_FREQUENCIES = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)[None])
_WEIGHT = np.exp(-((_FREQUENCIES / 0.25) ** 2))  # fine detail is noise
_PEAK = np.fft.irfft2(_WEIGHT, (SIDE, SIDE)).max()


class Motion:
    """Compare the frames of one video in sequence.

    Attributes
    ----------
    offset
        Seconds to add to the times of later frames, after a stream broke.
    """

    offset = 0.0

    def __init__(self) -> None:
        """Start without a frame."""
        self._view: Any = None  # that others are compared with
        self._before: Any = None
        self._cells: Any = None  # since when nothing changed, and how it looked
        self._since = 0.0
        self._alike = self._unlike = 0  # frames; in a row
        self._shifts: list[float] = []  # of the last frames

    def facts(self, small: NDArray[Any], seconds: float) -> Facts:
        """Return the facts of the next frame; they are None if it has no contrast.

        Parameters
        ----------
        small
            The frame, gray and of SIDE x SIDE.
        seconds
            Time of the frame in seconds.

        Returns
        -------
        Facts
            ``StillSeconds`` is the time without change, in seconds. ``Shift`` is how far the view
            moved since the first frame, in percent of the width or height, whichever is larger; 100
            for a different view. It is the median of five frames.
        """
        picture = small.astype(np.float64)
        if picture.std() < _LEAST_CONTRAST:
            return {"StillSeconds": None, "Shift": None}
        seconds += self.offset
        cells = picture.reshape(SIDE // 2, 2, SIDE // 2, 2).mean(axis=(1, 3))
        if self._cells is None or np.abs(cells - self._cells).max() > _STILL:
            self._cells, self._since = cells, seconds
        middle, spread = picture.mean(), picture.std()
        picture = picture.clip(middle - spread, middle + spread)  # a light at night is not the view
        self._shifts = [*self._shifts, self._shift(picture)][-_LASTING:]
        shift = sorted(self._shifts)[(len(self._shifts) - 1) // 2]
        return {"StillSeconds": seconds - self._since, "Shift": shift}

    def _shift(self, picture: NDArray[Any]) -> float:
        if self._view is None or (self._unlike == _KNOWN > self._alike):  # an odd frame came first
            self._view, self._before, self._alike = picture.copy(), picture, 0
        peak, steps = _correlated(picture, self._view)
        if peak >= _SAME:
            self._alike, self._unlike = self._alike + 1, 0
            self._view += _FOLLOW * (picture - self._view) if steps == 0 else 0.0
        else:
            is_steady = _correlated(picture, self._before)[0] >= _SAME
            self._unlike = min(self._unlike + 1, _KNOWN) if is_steady else 0
            steps = SIDE if self._unlike == _KNOWN <= self._alike else 0
        self._before = picture
        return 100.0 * steps / SIDE


def _correlated(picture: NDArray[Any], other: NDArray[Any]) -> tuple[float, int]:
    """Return the peak of the phase correlation of two images, 1 if equal, and its offset."""
    both = [np.fft.rfft2((each - each.mean()) * _WINDOW) for each in (picture, other)]
    cross = both[0] * np.conj(both[1])
    found = np.fft.irfft2(_WEIGHT * cross / (np.abs(cross) + 1e-9), (SIDE, SIDE))
    place = np.unravel_index(found.argmax(), found.shape)
    steps = max(min(int(at), SIDE - int(at)) for at in place)
    return float(found.max() / _PEAK), steps
