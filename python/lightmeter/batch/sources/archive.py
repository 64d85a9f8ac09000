"""Archives as sources: images among their members, and side files with values.

Damage ends an archive: images before it count, and the rest is one failure.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from typing import Any

from lightmeter.batch.sources.checks import seen
from lightmeter.batch.sources.item import Item, Wanted
from lightmeter.batch.sources.members import Member, with_damage
from lightmeter.batch.sources.names import is_image_name
from lightmeter.batch.sources.rows import row_items
from lightmeter.errors import ImageError
from lightmeter.nesting import parse_json

_IMAGE = ""  # its column, which no side file has
_SIDE_BYTES = 1 << 20  # a side file may be no larger
_MOST_WAITING = 64 << 20  # bytes of images that wait for the side file of their name


def archive_items(name: str, members: Iterable[Member], wanted: Wanted) -> Iterator[Item]:
    """Yield the images of an archive in order, with the values of their side files.

    As in WebDataset, consecutive files with equal paths up to the first dot of the file name belong
    together: ``a/7.jpg``, ``a/7.json`` and ``a/7.cls``.

    Parameters
    ----------
    name
        Name of the archive.
    members
        Files of the archive; any error ends them.
    wanted
        Its column is the part of a name after the first dot, such as ``jpg`` or ``mask.png``; None
        takes all images. Side files are read only if it names values.

    Raises
    ------
    ImageError
        The archive is damaged.
    ValueError
        No side file has a value in `wanted`.
    """
    rows = seen(_rows(members, wanted), wanted.values, f"the side files of {name}")
    return row_items(name, rows, replace(wanted, column=_IMAGE))


def _rows(members: Iterable[Member], wanted: Wanted) -> Iterator[dict[str, Any]]:
    """Yield a row for each image, with the values of its side files.

    Raises
    ------
    ImageError
        The archive is damaged.
    """
    for _, sample in groupby(with_damage(members), _key):
        images: list[dict[str, Any]] = []
        values: dict[str, Any] = {}
        held = 0
        for member in sample:
            if isinstance(member, ImageError):
                raise member
            if _is_image(member.name, wanted.column):
                name = member.name.removeprefix("./")
                images.append({"bytes": member.data(wanted.limits), "path": name})
                held += member.size
            elif wanted.values and member.size <= _SIDE_BYTES:
                values.update(_side_values(member))
            if held > _MOST_WAITING:
                yield from ({**values, _IMAGE: image} for image in images)
                images, held = [], 0
        yield from ({**values, _IMAGE: image} for image in images)


def _is_image(name: str, column: str | None) -> bool:
    last = name.rpartition("/")[2]
    return is_image_name(name) and column in (None, last.partition(".")[2])


def _key(member: Member | ImageError) -> str:
    folder, slash, last = getattr(member, "name", "").rpartition("/")
    return f"{folder}{slash}{last.partition('.')[0]}"


def _side_values(member: Member) -> dict[str, Any]:
    """Return the values of a side file; those of a damaged file are missing."""
    suffix = member.name.rpartition(".")[2].lower()
    if suffix not in ("json", "cls", "txt"):
        return {}
    try:
        text = member.read().decode("utf-8-sig")
        if suffix != "json":
            return {suffix: int(text) if suffix == "cls" else text.strip()}
        values = parse_json(text)
    except Exception:
        return {}
    return values if isinstance(values, dict) else {}
