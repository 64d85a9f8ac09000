"""Archives as sources: images among their members, and side files with values.

Damage ends an archive: images before it count, and the rest is one failure.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from typing import IO, Any, NamedTuple

from lightmeter.batch.sources.item import Item, Wanted, check_bytes, seen
from lightmeter.batch.sources.names import is_image_name
from lightmeter.batch.sources.rows import row_items
from lightmeter.errors import ImageError
from lightmeter.image.failure import image_error
from lightmeter.image.limits import Limits
from lightmeter.nesting import parse_json

_IMAGE = ""  # its column, which no side file has
_SIDE_BYTES = 1 << 20  # a side file may be no larger
_MOST_WAITING = 64 << 20  # bytes of images that wait for the side file of their name


class Member(NamedTuple):
    """Describe a file in an archive: name, unpacked size in bytes, and a function to unpack it."""

    name: str
    size: int
    read: Callable[[], bytes]

    def data(self, limits: Limits) -> bytes | ImageError:
        """Return the unpacked bytes, or an error."""
        try:
            check_bytes(self.size, limits)
            return self.read()
        except Exception as error:
            return image_error(error)


class Bounded:
    """Limit the bytes that a library may read from a file, until the limit is raised."""

    def __init__(self, file: IO[bytes], most: int) -> None:
        self._file, self.left = file, most
        self.seek, self.tell, self.close = file.seek, file.tell, file.close
        self.seekable = file.seekable
        self.block = b""  # that was read last

    def read(self, count: int = 1 << 17) -> bytes:
        """Read from the file, or raise an error beyond the limit."""
        self.left -= count
        if self.left < 0:
            raise ImageError("corrupt", "a header or directory of too many bytes")
        self.block = self._file.read(count)
        return self.block


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
    damage = None

    def until_damage() -> Iterator[Member]:
        nonlocal damage
        try:
            yield from members
        except Exception as error:  # libraries may raise any for hostile bytes
            damage = image_error(error)

    for _, sample in groupby(until_damage(), _key):
        images: list[dict[str, Any]] = []
        values: dict[str, Any] = {}
        held = 0
        for member in sample:
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
    if damage is not None:
        raise damage


def _is_image(name: str, column: str | None) -> bool:
    last = name.rpartition("/")[2]
    return is_image_name(name) and column in (None, last.partition(".")[2])


def _key(member: Member) -> str:
    folder, slash, last = member.name.rpartition("/")
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
