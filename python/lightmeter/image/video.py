"""Reading frames at regular intervals from a video file or stream, with PyAV (FFmpeg).

A file names nothing that is opened: only demuxers of one file are allowed, which get its bytes and
no protocol. Sides, streams and memory are bounded before anything is decoded. `Motion` compares the
frames: for how long nothing moves, and whether the view is another one.
"""

import ctypes
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
from PIL import Image

from lightmeter.errors import ImageError
from lightmeter.image.arrays import Array
from lightmeter.image.decoders import decoder
from lightmeter.image.encoded import Opened, most_pixels, open_encoded
from lightmeter.image.frame import Frame
from lightmeter.image.limits import DEFAULT_LIMITS, check_frames, check_size
from lightmeter.image.open import Facts
from lightmeter.image.reading import Reading
from lightmeter.times import parse_time

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

    def facts(self, small: Array, seconds: float) -> Facts:
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
        image = small.astype(np.float64)
        if image.std() < _LEAST_CONTRAST:
            return {"StillSeconds": None, "Shift": None}
        seconds += self.offset
        cells = image.reshape(SIDE // 2, 2, SIDE // 2, 2).mean(axis=(1, 3))
        if self._cells is None or np.abs(cells - self._cells).max() > _STILL:
            self._cells, self._since = cells, seconds
        middle, spread = image.mean(), image.std()
        image = image.clip(middle - spread, middle + spread)  # a light at night is not the view
        self._shifts = [*self._shifts, self._shift(image)][-_LASTING:]
        shift = sorted(self._shifts)[(len(self._shifts) - 1) // 2]
        return {"StillSeconds": seconds - self._since, "Shift": shift}

    def _shift(self, image: Array) -> float:
        if self._view is None or (self._unlike == _KNOWN > self._alike):  # an odd frame came first
            self._view, self._before, self._alike = image.copy(), image, 0
        peak, steps = _correlated(image, self._view)
        if peak >= _SAME:
            self._alike, self._unlike = self._alike + 1, 0
            self._view += _FOLLOW * (image - self._view) if steps == 0 else 0.0
        else:
            is_steady = _correlated(image, self._before)[0] >= _SAME
            self._unlike = min(self._unlike + 1, _KNOWN) if is_steady else 0
            steps = SIDE if self._unlike == _KNOWN <= self._alike else 0
        self._before = image
        return 100.0 * steps / SIDE


def _correlated(image: Array, other: Array) -> tuple[float, int]:
    """Return the peak of the phase correlation of two images, 1 if equal, and its offset."""
    both = [np.fft.rfft2((each - each.mean()) * _WINDOW) for each in (image, other)]
    cross = both[0] * np.conj(both[1])
    found = np.fft.irfft2(_WEIGHT * cross / (np.abs(cross) + 1e-9), (SIDE, SIDE))
    place = np.unravel_index(found.argmax(), found.shape)
    steps = max(min(int(at), SIDE - int(at)) for at in place)
    return float(found.max() / _PEAK), steps


_FILES = {"format_whitelist": "mov,matroska,avi,mpegts,mpeg", "protocol_whitelist": "file"}
_STREAMS = {"format_whitelist": "rtsp,mpegts", "protocol_whitelist": "rtp,udp,tcp,tls"}
_TIMEOUT = 10.0  # seconds until a silent stream counts as broken
_MOST_PIXELS = 1 << 25  # of a frame: 8K, of which a decoder holds up to 17
_BOUNDS = {"max_streams": "16", "max_pixels": str(_MOST_PIXELS)}
_MOST_ALLOCATED = 1 << 27  # bytes at once, as for an index of a day of 60 frames a second
_MOST_WAITING = 16 << 20  # bytes of packets since a key frame, not selected yet
_PACKET = 500  # bytes of memory for a packet without its contents
_GAP = 2.5  # frames
_PER_SECOND = 1_000_000  # units of a container's times, and the least step of ours
NO_FRAME_IN_PART = "no frame in this part of a video"


@dataclass(frozen=True)
class Clip:
    """Select a part of a video file, from `begin` to `end` in seconds; as a path it is the file."""

    path: str
    begin: float
    end: float

    def __fspath__(self) -> str:
        """Return the path of the file."""
        return self.path


@cache
def pyav() -> Any:
    """Import PyAV, and bound each memory allocation of FFmpeg in this process.

    Raises
    ------
    ImageError
        PyAV is not installed.
    """
    try:
        import av
    except ImportError:
        text = "video needs PyAV: pip install 'lightmeter[video]'"
        raise ImageError("unsupported", text) from None
    # A table that claims many frames would take memory before any is read.
    ctypes.CDLL(av._core.__file__).av_max_alloc(ctypes.c_size_t(_MOST_ALLOCATED))
    return av


def open_video(source: Opened | str) -> Any:
    """Open a file, or the URL of a stream, as a container of PyAV.

    Raises
    ------
    ImageError
        PyAV is not installed.
    Exception
        PyAV may raise any exception for a damaged file or an unreachable stream.
    """
    of_kind: dict[str, Any] = {"options": _FILES | _BOUNDS, "io_open": _refuse}
    if isinstance(source, str):
        of_kind = {"options": _STREAMS | _BOUNDS | {"rtsp_transport": "tcp"}, "timeout": _TIMEOUT}
    if int(pyav().__version__.partition(".")[0]) < 19:  # which escapes bad bytes by itself
        of_kind["metadata_errors"] = "replace"
    try:
        return pyav().open(source, buffer_size=1 << 18, **of_kind)
    except OSError as error:  # of a file it is damage, unless reading its bytes raised it
        if isinstance(source, str) or not isinstance(error, pyav().error.FFmpegError):
            raise
        raise ImageError("corrupt", str(error.strerror)) from None


def _refuse(*_: object) -> Any:
    raise ImageError("unsupported", "a video that names other files")


def span_of(path: str) -> tuple[datetime | None, float]:
    """Return the start time that a video file states, and its length in seconds.

    Raises
    ------
    Exception
        The file cannot be opened; see `open_video`.
    """
    with open_encoded(path, DEFAULT_LIMITS) as file, open_video(file) as container:
        text = container.metadata.get("creation_time")
        seconds = (container.duration or 0) / _PER_SECOND
    return text and parse_time(text), seconds


def video_frames(
    source: Opened | str, reading: Reading, clip: Clip | None = None, motion: Motion | None = None
) -> Iterator[Frame]:
    """Yield the intact frames of a video that `Reading.every` selects.

    The first frame carries the facts of the file, the last one those of its times.

    Parameters
    ----------
    source
        A file, or the URL of a stream.
    reading
        How to read it.
    clip
        Part of the file; None means all of it.
    motion
        Comparison with earlier frames, if a stream broke.

    Raises
    ------
    ImageError
        The video is of an unsupported kind, or has no frame in this part.
    Exception
        PyAV may raise any exception.
    """
    clip = clip or Clip("", 0.0, math.inf)
    motion = motion or Motion()
    kind = "stream" if isinstance(source, str) else str(source.format)
    decoded_by, last, count = decoder(kind, "av"), None, 0
    with open_video(source) as container:
        if clip.begin > 0:
            container.seek(int(clip.begin * _PER_SECOND))
        video = _Video(container, reading, clip.begin)
        facts: Facts = {"Format": kind, "FileSize": getattr(source, "size", None), **video.facts}
        for frame in video.frames():
            if (seconds := float(video.seconds(frame))) >= clip.end:
                break
            if last is not None:
                yield last
            count += reading.frames == "all" and not isinstance(source, str)  # which has no end
            check_frames(count, reading.limits)
            image = Image.fromarray(frame.to_ndarray(format=video.mode))
            small = frame.reformat(SIDE, SIDE, "gray", interpolation="AREA").to_ndarray()
            facts |= motion.facts(small, seconds)
            last, facts = Frame(image, None, facts, decoded_by, seconds=seconds), {}
        if last is None:
            is_whole = clip.begin > 0 and not video.counts["UndecodedPackets"]
            detail = NO_FRAME_IN_PART if is_whole else "no frame that can be decoded"
            raise ImageError("empty", detail)
        yield last._replace(facts={**(last.facts or {}), **video.counts})


class _Video:
    """Decode the best video stream of a container, from a given second on.

    Attributes
    ----------
    facts
        Facts of the stream.
    counts
        Counts of time errors and damage so far.
    mode
        PyAV's pixel format of its frames.
    """

    def __init__(self, container: Any, reading: Reading, begin: float) -> None:
        stream = container.streams.best("video")
        context = stream and stream.codec_context
        if not context or not context.format:
            raise ImageError("unsupported", "no video that this FFmpeg decodes")
        parts = context.format.components
        bits = parts[0].bits
        if bits > 8 and reading.value_range is not None:
            raise ImageError("unsupported", f"video of {bits} bits, of which 8 are decoded")
        context.thread_count, context.options = 1, dict(_BOUNDS)
        has_alpha = "alpha" in reading.ignored.rules and any(part.is_alpha for part in parts)
        is_gray = context.format.name.startswith("gray")
        self.mode = "gray" if is_gray else "rgba" if has_alpha else "rgb24"
        rate = stream.guessed_rate or stream.average_rate
        per_second = rate and float(rate)
        self.facts = {"Codec": context.name, "BitDepth": bits, "FramesPerSecond": per_second}
        self.counts = {"TimeGaps": 0, "TimeRepeats": 0, "UndecodedPackets": 0}
        self._container, self._stream, self._context = container, stream, context
        self._base, self._rate = stream.time_base, rate or math.nan
        self._most = min(_MOST_PIXELS, most_pixels(reading.limits))
        check_size(context.width, context.height, self._most)
        self._every = Fraction(reading.seconds).limit_denominator(_PER_SECOND)
        first = Fraction(begin).limit_denominator(_PER_SECOND)
        # Time of the next frame to yield.
        self._wanted = math.ceil(first / self._every) * self._every if self._every else first

    def seconds(self, timed: Any) -> Any:
        """Return the time of a frame or packet; infinity without one, so that it is decoded."""
        start = self._stream.start_time or 0
        return math.inf if timed.pts is None else (timed.pts - start) * self._base

    def frames(self) -> Iterator[Any]:
        """Yield the selected frames, by decoding them and those on which they depend.

        Packets are kept until one is selected; those before a usable key frame are dropped. Frames
        on which no other depends are skipped.
        """
        waiting: list[Any] = []
        size, decoded = 0, -math.inf  # the latest time of a decoded packet
        for packet in self._packets():
            seconds = self.seconds(packet)
            is_owed = decoded >= self._wanted  # its frame comes out later
            if packet.is_keyframe and seconds <= self._wanted and not is_owed and waiting:
                waiting, size = [], 0
                self._context.flush_buffers()
            waiting.append(packet)
            size += packet.size + _PACKET
            if seconds < self._wanted and size < _MOST_WAITING and not is_owed:
                continue
            for each in waiting:
                is_wanted = self.seconds(each) >= self._wanted
                self._context.skip_frame = "DEFAULT" if is_wanted else "NONREF"
                yield from self._selected(each)
            waiting, size, decoded = [], 0, max(decoded, seconds)
        yield from self._selected(None)

    def _selected(self, packet: Any) -> Iterator[Any]:
        frames: Any = []
        try:
            frames = self._context.decode(packet)
        except MemoryError:
            raise
        except pyav().error.FFmpegError:
            self.counts["UndecodedPackets"] += 1
        for frame in frames:
            if frame.is_corrupt:  # a guess of FFmpeg
                self.counts["UndecodedPackets"] += 1
            elif self._wanted <= (seconds := self.seconds(frame)) < math.inf:
                check_size(frame.width, frame.height, self._most)  # which may change
                if self._every:
                    self._wanted = (seconds // self._every + 1) * self._every
                yield frame

    def _packets(self) -> Iterator[Any]:
        """Yield the packets, and count gaps and repeats of their times in the order of decoding."""
        last = None
        try:
            for packet in self._container.demux(self._stream):
                if packet.size and packet.dts is not None:
                    steps = 1.0 if last is None else (packet.dts - last) * self._base * self._rate
                    self.counts["TimeGaps"] += steps > _GAP
                    self.counts["TimeRepeats"] += steps <= 0
                    last = packet.dts
                if packet.size:
                    yield packet
        except pyav().error.FFmpegError:
            if self._container.file is None:  # a stream, which may go on
                raise
            self.counts["UndecodedPackets"] += 1
