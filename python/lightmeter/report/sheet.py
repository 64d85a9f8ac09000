"""Writing contact sheets: images with the highest or lowest values of a number."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from numpy.typing import NDArray
from PIL import Image

from lightmeter.drift.row import label_of
from lightmeter.errors import ImageError
from lightmeter.image.encoded import short_path
from lightmeter.image.frame import Thumbnail, make_thumbnail
from lightmeter.image.measure import measure_images
from lightmeter.image.reading import Reading
from lightmeter.profile.row import PREFIX, Row
from lightmeter.report.charts.html import Html, document, section, tag
from lightmeter.report.parts import thumbnail_tag
from lightmeter.text import count, counted, number

_SIDE = 320  # pixels
_MOST_BYTES = 40_000
# More images would make a page slow to open and to read.
_MOST_PICTURES = 200


def contact_sheet(
    rows: Sequence[Row],
    by: str,
    *,
    highest: bool,
    images: int,
    failed: int = 0,
    reading: Reading,
    opened: Callable[[str], Any] = str,
) -> Html:
    """Return a page with thumbnails of rows, whose images are opened again.

    Parameters
    ----------
    rows
        Rows from `lightmeter.measure`, in the order of the page.
    by
        Number by which the rows were sorted, such as ``image.entropy``.
    highest
        Whether these are the rows with the highest values.
    images
        Number of all images.
    failed
        Number of files that could not be measured.
    reading
        How to read images.
    opened
        Returns the source of an image from the path of its row.
    """
    end = "highest" if highest else "lowest"
    which = f"The {counted(len(rows), 'image')}" if rows else "No image"
    headline = f"{which} with the {end} {_called(by)}, of {count(images)} measured"
    cards = (_card(row, by, reading, opened) for row in rows[:_MOST_PICTURES])
    more = len(rows) - _MOST_PICTURES
    header = (
        tag("h1", "Contact sheet"),
        tag("p", headline, cls="headline"),
        tag("p", f"{by}; {counted(failed, 'file')} failed", cls="sides"),
    )
    main = (
        section("Images", tag("div", cards, cls="cards sheet")) if rows else None,
        tag("p", f"{count(more)} more are not shown.", cls="quiet") if more > 0 else None,
    )
    return document(f"Contact sheet: {headline}", tag("header", header), tag("main", main))


def _called(feature: str) -> str:
    return label_of(feature, "image", [PREFIX.removesuffix(".")]).name


def _card(row: Row, by: str, reading: Reading, opened: Callable[[str], Any]) -> Html:
    path, value = str(row["path"]), row[by]
    image = thumbnail_tag(_small(path, int(str(row.get("frame", 0))), reading, opened), path)
    shown = f"{value:,}" if isinstance(value, int) else number(float(str(value)))
    frame = f" (frame {row['frame']})" if "frame" in row else None
    sides = [row.get(f"{PREFIX}ImagePixel{side}") for side in ("Width", "Height")]
    size = None if None in sides else f", {sides[0]}\N{MULTIPLICATION SIGN}{sides[1]}"
    return tag(
        "figure",
        image or tag("p", "This image cannot be shown.", cls="quiet"),
        tag("p", tag("b", shown), f" {_called(by)}"),
        tag("figcaption", tag("bdi", path), frame, size),
    )


def _small(path: str, frame: int, reading: Reading, opened: Callable[[str], Any]) -> bytes:
    """Return a JPEG of the image with 8 bits, as user functions receive it; b"" for bands."""
    if reading.bands is not None:
        return b""

    def shot(samples: NDArray[Any]) -> Thumbnail | None:
        image = Image.fromarray(samples)
        return make_thumbnail(image, short_path(path), side=_SIDE, most_bytes=_MOST_BYTES)

    try:
        own = replace(reading, metrics=shot, ignore=None)
        frames = measure_images(opened(path), own, threads=1)
        measured = next(islice(frames, frame, None), None)
    except ImageError:  # it has changed since
        return b""
    returned = None if measured is None else dict(measured.returned)["shot"]
    return returned.jpeg if isinstance(returned, Thumbnail) else b""
