"""Which pixels of pictures are ignored: by place, by masks, and by what their samples say."""

import math
import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from numbers import Integral, Real
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lightmeter import _core
from lightmeter.errors import ImageError
from lightmeter.image.arrays import ArrayLike, as_numpy, is_array
from lightmeter.image.encoded import open_encoded
from lightmeter.image.failure import image_error
from lightmeter.image.limits import DEFAULT_LIMITS
from lightmeter.image.meter import measurable
from lightmeter.image.pillow import open_picture
from lightmeter.image.tiles.raster import Block
from lightmeter.quiet import quiet

# x, y, width and height: in pixels, or in shares of the sides where one of them is a float.
Rectangle = tuple[float, float, float, float]
# From the path and the samples of a picture to its mask: a path, an array, or None.
MaskOf = Callable[[str, NDArray[Any]], Any]
_One = Rectangle | float | str | os.PathLike[str] | ArrayLike | MaskOf
Ignore = _One | Sequence[_One]

_NUMBER = re.compile(r"\s*-?\d*\.?\d+\s*")
_COLUMN, _RULES = "column:", ("alpha", "nodata")
_SUFFIXES = (".png", ".tif")  # of masks of pictures of other formats
_EXPECTED = (
    "a rectangle (x, y, width, height), 'alpha', 'nodata', a number, a mask as a path or an array, "
    "a folder of masks, 'column:NAME', a function, or a list of these"
)


class _Mask(NamedTuple):
    width: int
    height: int
    bits: bytes  # one for a pixel; each row begins with a byte

    def __repr__(self) -> str:
        return f"a mask of {self.width}x{self.height}"

    def block(self, block: Block) -> NDArray[np.bool_]:
        rows = np.frombuffer(self.bits, np.uint8).reshape(self.height, -1)
        rows = rows[block.y : block.y + block.height]
        bits = np.unpackbits(rows, axis=1, count=self.width).view(np.bool_)
        return bits[:, block.x : block.x + block.width]


@dataclass(frozen=True)
class Ignored:
    """What `as_ignored` made of an `Ignore`.

    Attributes:
        rectangles: those in every picture.
        masks: of every picture, which is of their size.
        samples: numbers, ``"alpha"`` and ``"nodata"``: what samples are of ignored pixels.
        beside: folders of masks by the names of pictures, and ``"column:NAME"``.
        functions: each gives a mask of a picture.
        given: what was given, as the profile says it; masks that were found are not among it.
    """

    rectangles: tuple[Rectangle, ...] = ()
    masks: tuple[_Mask, ...] = ()
    samples: tuple[float | str, ...] = ()
    beside: tuple[Path | str, ...] = ()
    functions: tuple[MaskOf, ...] = ()
    given: "Ignored | None" = None

    @property
    def is_fixed(self) -> bool:
        """Whether pictures of one size have one mask."""
        return not (self.samples or self.beside or self.functions)

    @property
    def column(self) -> str | None:
        """The column that has a mask of each picture."""
        columns = (text for text in self.beside if isinstance(text, str))
        return next((text.removeprefix(_COLUMN) for text in columns), None)

    @lru_cache(maxsize=2)  # noqa: B019  a few bits a pixel
    def mask(self, width: int, height: int) -> _core.Mask:
        """Return that of a picture of this size, of what is fixed.

        Raises:
            ImageError: a mask is of another size, or all pixels are ignored.
        """
        return self.fill(width, height, [Block(0, 0, width, height)])[0]

    def with_masks(self, masks: Iterable[Any]) -> "Ignored":
        """Return it with masks of one picture.

        Raises:
            ImageError: one of them cannot be read, or is none.
        """
        found = tuple(map(_mask_of_picture, masks))
        return replace(self, masks=self.masks + found, given=self.given or self)

    def with_beside(self, name: str, cell: Any = None) -> "Ignored":
        """Return it with the masks that are beside a picture.

        Args:
            name: that of the picture below its folder.
            cell: its mask in the column.

        Raises:
            ImageError: it has none, or one that cannot be read.
        """
        if not self.beside:
            return self
        places = [
            _in_folder(each, name) if isinstance(each, Path) else cell for each in self.beside
        ]
        return replace(self.with_masks(places), beside=())

    def fill(
        self,
        width: int,
        height: int,
        blocks: Iterable[Block],
        read: Callable[[Block], tuple[Any, Any]] = lambda block: (None, None),
        *,
        nodata: float | None = None,
        bands: int = 1,
        each: Callable[[Callable[[Block], None], Iterable[Block]], Iterable[None]] = map,
    ) -> list[_core.Mask]:
        """Return the mask of a picture, or of each of its bands.

        Args:
            width: of the picture.
            height: likewise.
            blocks: rectangles that cover it.
            read: gives the samples, HxWxC, and the alpha, HxW or None, of a block; it is called if
                there are `samples`.
            nodata: the number that its file says of samples that are none.
            bands: how many channels have a mask each.
            each: calls a function with each block; `map`, or that of threads.

        Raises:
            ImageError: a mask is of another size, or all pixels of the picture or a band are
                ignored.
        """
        masks = [_core.Mask(width, height) for _ in range(bands)]

        def ignore(block: Block) -> None:
            fixed = self._fixed(width, height, block)
            of_bands = [fixed] * bands
            if self.samples:
                samples, alpha = read(block)
                if "alpha" in self.samples and alpha is not None:
                    fixed |= alpha == 0
                of_bands = [fixed | found for found in self._found(samples, nodata, bands)]
            for mask, ignored in zip(masks, of_bands, strict=True):
                mask.ignore(ignored, block.x, block.y)

        for _ in each(ignore, blocks):
            pass
        if any(mask.count == width * height for mask in masks):
            what = "" if bands == 1 else " of a band"
            raise ImageError("empty", f"all {width}x{height} pixels{what} are ignored")
        return masks

    def _fixed(self, width: int, height: int, block: Block) -> NDArray[np.bool_]:
        fixed = np.zeros((block.height, block.width), np.bool_)
        for x, y, across, down in self.rectangles:
            edges = x, x + across, y, y + down
            if any(isinstance(number, float) for number in edges):
                edges = edges[0] * width, edges[1] * width, edges[2] * height, edges[3] * height
            left, right, top, bottom = (
                max(0, round(edge) - start)
                for edge, start in zip(edges, (block.x, block.x, block.y, block.y), strict=True)
            )
            fixed[top:bottom, left:right] = True
        for mask in self.masks:
            if mask[:2] != (width, height):
                got = f"got {width}x{height} pixels, and {mask} of what to ignore"
                advice = "give a mask of the size of the picture, or rectangles in shares of it"
                raise ImageError("unsupported", f"{got}; {advice}")
            fixed |= mask.block(block)
        return fixed

    def _found(
        self, samples: NDArray[Any], nodata: float | None, bands: int
    ) -> list[NDArray[np.bool_]]:
        """Return which pixels of a block have samples that are ignored, or those of each band.

        A pixel of colours is ignored if all of them are, or if one is NaN.
        """
        numbers = [nodata if each == "nodata" else each for each in self.samples if each != "alpha"]
        channels = np.moveaxis(samples, 2, 0)
        if bands == 1 and len(channels) in (2, 4):  # the last one is alpha
            channels = channels[:-1]
        found, is_nan = np.zeros((2, *channels.shape), np.bool_)
        is_float = channels.dtype.kind == "f"
        for number in numbers:
            if number is not None:
                found |= channels == (channels.dtype.type(number) if is_float else number)
        if is_float and "nodata" in self.samples:
            is_nan = np.isnan(channels)
        if bands > 1:
            return list(found | is_nan)
        return [found.all(axis=0) | is_nan.any(axis=0)]


def samples_and_alpha(picture: Image.Image | NDArray[Any]) -> tuple[NDArray[Any], Any]:
    """Return the samples of a loaded picture, HxWxC, and its alpha, HxW; None without any."""
    samples = np.asarray(picture)
    samples = samples if samples.ndim == 3 else samples[..., None]
    if not isinstance(picture, Image.Image):
        return samples, samples[..., -1] if samples.shape[2] in (2, 4) else None
    if picture.getbands()[-1] in "Aa":
        return samples, samples[..., -1]
    if "transparency" not in picture.info:
        return samples, None
    if picture.mode.startswith("I"):
        return samples, samples[..., 0] != picture.info["transparency"]
    return samples, np.asarray(picture.convert("RGBA"))[..., 3]


def masks_of(
    picture: Image.Image | NDArray[Any],
    ignored: Ignored | None,
    *,
    path: str = "",
    nodata: float | None = None,
    bands: int = 1,
) -> Sequence[_core.Mask | None]:
    """Return the mask of a loaded picture, or of each of its bands; None where nothing is ignored.

    Args:
        picture: a loaded image, or an array HxWxC.
        ignored: what is ignored, with the masks that are beside it.
        path: what functions get.
        nodata: as for `Ignored.fill`.
        bands: likewise.

    Raises:
        ImageError: as `Ignored.fill` does, or a function raised something.
    """
    if ignored is None:
        return [None] * bands
    width, height = picture.size if isinstance(picture, Image.Image) else picture.shape[1::-1]
    if ignored.is_fixed:
        return [ignored.mask(width, height)] * bands
    samples, alpha = samples_and_alpha(picture)
    ignored = with_functions(ignored, path, samples)
    whole = [Block(0, 0, width, height)]
    return ignored.fill(
        width, height, whole, lambda _: (samples, alpha), nodata=nodata, bands=bands
    )


def with_functions(ignored: Ignored, path: str, samples: NDArray[Any]) -> Ignored:
    """Return what is ignored with the masks that functions give for a picture."""
    if not ignored.functions:
        return ignored
    samples = samples.view()
    samples.flags.writeable = False
    try:
        found = [function(path, samples) for function in ignored.functions]
    except Exception as error:
        detail = f"the function of what to ignore: {type(error).__name__}: {error}"
        raise ImageError("unsupported", detail[:200]) from error
    return replace(ignored.with_masks(mask for mask in found if mask is not None), functions=())


def as_ignored(ignore: "Ignore | Ignored | None") -> Ignored | None:
    """What to ignore, checked; None where that is nothing.

    Raises:
        TypeError: `ignore` is of another type.
        ValueError: a rectangle has no area, or a share is not from 0 to 1; an array is not HxW.
        ImageError: a mask cannot be read.
    """
    if ignore is None or isinstance(ignore, Ignored):
        return ignore
    if _is_rectangle(ignore) or not isinstance(ignore, list | tuple):
        ignore = [ignore]  # type: ignore[list-item]
    parts: dict[str, tuple[Any, ...]] = {}
    for kind, part in map(_part, ignore):
        parts[kind] = (*parts.get(kind, ()), part)
    return Ignored(**parts) if parts else None  # type: ignore[arg-type]


def _part(given: Any) -> tuple[str, Any]:
    """Return the attribute of `Ignored` that something belongs to, and what it is there."""
    if _is_rectangle(given):
        return "rectangles", _rectangle(given)
    if is_rule(given):
        return "samples", given if given in _RULES else float(given)
    if isinstance(given, str) and given.startswith(_COLUMN):
        return "beside", given
    if isinstance(given, str | os.PathLike) and os.path.isdir(given):
        return "beside", Path(os.fsdecode(given))
    if callable(given) and not is_array(given):
        return "functions", given
    return "masks", _mask(given)


def is_rule(given: object) -> bool:
    """Return whether it says which samples are ignored: a word, or a number, also as a text."""
    if isinstance(given, str) and given in _RULES:
        return True
    if not isinstance(given, str | Real) or isinstance(given, bool):
        return False
    try:
        number = float(given)
    except ValueError:
        return False
    if math.isnan(number):
        raise ValueError("ignore has nan; expected 'nodata', which NaN is too")
    return True


def parse_ignored(text: str) -> Any:
    """Return a rectangle such as ``0,0,200,40`` or ``0,0.9,1,0.1``, or else the path of a mask."""
    numbers = text.split(",")
    if len(numbers) == 1 or not all(map(_NUMBER.fullmatch, numbers)):
        return text
    return tuple(float(number) if "." in number else int(number) for number in numbers)


def _is_rectangle(value: object) -> bool:
    return (
        isinstance(value, list | tuple)
        and len(value) > 0
        and all(isinstance(number, Real) for number in value)
    )


def _rectangle(numbers: Any) -> Rectangle:
    in_shares = not all(isinstance(number, Integral) for number in numbers)
    if len(numbers) != 4:
        raise ValueError(f"ignore has {numbers!r}; expected {_EXPECTED}")
    x, y, width, height = map(float if in_shares else int, numbers)
    if not (x >= 0 and y >= 0 and width > 0 and height > 0):
        wanted = "expected x and y from 0, and a width and a height above 0"
        raise ValueError(f"ignore has the rectangle {numbers!r}; {wanted}")
    if in_shares and not (x + width <= 1 + 1e-9 and y + height <= 1 + 1e-9):
        wanted = "in shares of the sides it reaches beyond 1; for pixels give whole numbers"
        raise ValueError(f"ignore has the rectangle {numbers!r}; {wanted}")
    return x, y, width, height


def _mask(given: Any) -> _Mask:
    if isinstance(given, str | os.PathLike | bytes):
        samples = _samples_of(given)
    elif is_array(given):
        samples = as_numpy(given)
    else:
        raise TypeError(f"ignore has a {type(given).__name__}; expected {_EXPECTED}")
    if samples.ndim != 2 or samples.size == 0:
        raise ValueError(f"ignore has a mask of shape {samples.shape}; expected HxW")
    if samples.dtype.kind not in "biuf":
        raise ValueError(f"ignore has a mask of {samples.dtype}; expected numbers or bools")
    height, width = samples.shape
    return _Mask(width, height, np.packbits(samples != 0, axis=1).tobytes())


def _mask_of_picture(given: Any) -> _Mask:
    if given is None:
        raise ImageError("unsupported", "it has no mask of what to ignore")
    try:
        return _mask(given)
    except (TypeError, ValueError) as error:
        reason = error.reason if isinstance(error, ImageError) else "unsupported"
        detail = error.detail if isinstance(error, ImageError) else str(error)
        raise ImageError(reason, f"its mask: {detail}") from error


def _in_folder(folder: Path, name: str) -> Path:
    """Return the mask of a picture in a folder: of the same name, or with a suffix of masks."""
    own = Path(name)
    if not own.name or own.is_absolute() or ".." in own.parts:
        raise ImageError("unsupported", f"no mask is beside a picture called {name!r:.100}")
    files = [folder / own, *(folder / own.with_suffix(suffix) for suffix in _SUFFIXES)]
    found = next(filter(os.path.isfile, files), None)
    if found is None:
        raise ImageError("unsupported", f"no mask is called {own}, with its suffix or .png or .tif")
    return found


def _samples_of(path: str | os.PathLike[str] | bytes) -> NDArray[Any]:
    """One a pixel, which is not 0 where a sample is; alpha does not count."""
    try:
        with quiet(), open_encoded(path, DEFAULT_LIMITS) as file:
            image = measurable(open_picture(file, DEFAULT_LIMITS))
            samples: NDArray[Any] = np.asarray(image)
    except Exception as error:
        raise image_error(error, path=None if isinstance(path, bytes) else path) from error
    if samples.ndim == 2:
        return samples
    flat: NDArray[Any] = samples[..., : 1 if samples.shape[2] == 2 else 3].max(axis=2)
    return flat
