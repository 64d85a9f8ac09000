"""Readers of the user: functions from a file to its pixels, for formats that are not read here."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count, islice
from typing import Any, NamedTuple

from lightmeter.image import encoded
from lightmeter.image.limits import check_frames
from lightmeter.image.reading import Reading
from lightmeter.quiet import quiet

_MOST_FACTS, _LONGEST = 64, 128  # of a picture; characters of a name or text


class Read(NamedTuple):
    """What a reader found: one picture of a file, and what is known of it.

    A reader may also return the picture alone, or a tuple of it, facts and a mask.

    Attributes:
        picture: an array HxW or HxWxC, one that is read in pieces, a PIL image, or a path.
        facts: numbers and texts by name, at most 64. They are features below the reader's name.
        mask: HxW, not 0 where pixels are ignored.
        bands: names of its channels, if they are no colours; those of the `Reading` come first.
        value_range: which samples are black and white, likewise.
        group: what pictures that are alike have in common, such as their series.
    """

    picture: Any
    facts: Mapping[str, Any] | None = None
    mask: Any = None
    bands: Sequence[str] | None = None
    value_range: tuple[float, float] | None = None
    group: str | None = None


def pictures_read(image: Any, reading: Reading) -> Iterator[tuple[Read, Reading]]:
    """Yield the pictures that the reader of a `Reading` finds, and how each is measured.

    Args:
        image: a path or encoded bytes.
        reading: has a reader, which may yield several pictures.

    Raises:
        ImageError: there is no such file, or it is too large, or has too many pictures.
        Exception: whatever the reader raises.
    """
    read: Any = reading.read
    if not encoded.is_zarr(image):
        encoded.open_encoded(image, reading.limits).__exit__(None, None)  # refuses what it may
    with quiet():
        given = read(image)
    several = given if isinstance(given, Iterator) else iter([given])
    for number in range(1) if reading.frames == "first" else count():
        with quiet():
            one = next(several, several)
        if one is several:
            break
        check_frames(number + 1, reading.limits)
        found = Read(*one) if isinstance(one, tuple) else Read(one)
        facts = islice((found.facts or {}).items(), _MOST_FACTS)
        known = {str(name)[:_LONGEST]: _short(value) for name, value in facts}
        more: dict[str, Any] = {
            "bands": reading.bands or found.bands,
            "value_range": reading.value_range or found.value_range,
        }
        yield found._replace(facts=known), replace(reading, **more)


def _short(value: Any) -> Any:
    return value[:_LONGEST] if isinstance(value, str) else value
