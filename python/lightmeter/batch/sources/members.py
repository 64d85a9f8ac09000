"""Members of archives as items: pictures, and the small files beside them that say more of them."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from lightmeter.batch.sources.item import Item, Wanted, plain
from lightmeter.batch.sources.names import is_image_name, no_zarr, zarr_folders
from lightmeter.errors import ImageError
from lightmeter.nesting import parse_json
from lightmeter.text import shorten

__all__ = ["Damage", "Member", "items_of"]

# A side file may be no larger; so many pictures, of so many bytes, wait for that of their name.
_SIDE_BYTES = 1 << 20
_MOST_WAITING = 64
_MOST_WAITING_BYTES = 64 << 20
_MOST_NAMES = 1000  # of values, which a warning lists
_MOST_ZARR = 100  # folders of an archive that are told
_log = logging.getLogger("lightmeter.batch")


class Member(NamedTuple):
    """A file in an archive.

    Attributes:
        name: its name there.
        size: its bytes, as the archive says.
        data: gives what an `Item` holds: a part, its bytes or an error.
        read: reads it, at most so many bytes as are given.
    """

    name: str
    size: int
    data: Callable[[], Any]
    read: Callable[[int], bytes]


class Damage(NamedTuple):
    """A place in an archive where something was lost."""

    error: ImageError


def items_of(
    archive: str, members: Iterable[Member | Damage], wanted: Wanted, *, alone: bool
) -> Iterator[Item]:
    """The pictures of an archive, in its order, with what their side files say.

    As WebDataset has it, files whose paths are equal up to the first dot of their last part and
    that follow each other belong together: ``a/7.jpg``, ``a/7.json`` and ``a/7.cls``.

    Args:
        archive: its path or address.
        members: what it holds.
        wanted: its column is what follows the first dot of the pictures' names, such as ``jpg`` or
            ``mask.png``; None takes all pictures. Without values to take, side files are not read.
        alone: whether this archive is the whole source.
    """
    waiting: list[Item] = []
    values: dict[str, Any] = {}
    key = None
    zarr: list[str] = []
    said: set[str] = set()
    pictures = 0
    for member in members:
        if isinstance(member, Damage):
            yield Item(archive, member.error)
            continue
        if zarr_folders([member.name]) and len(zarr) < _MOST_ZARR:
            folders = zarr_folders([*(f"{folder}/zarr.json" for folder in zarr), member.name])
            yield from (Item(archive, no_zarr()) for it in folders if it not in zarr)
            zarr = folders
        of = _key(member.name)
        if of != key or len(waiting) >= _MOST_WAITING or _weight(waiting) > _MOST_WAITING_BYTES:
            yield from _with_values(waiting, values)
            waiting = []
            if of != key:
                key, values = of, {}
        if _is_wanted(member.name, wanted.column):
            pictures += 1
            name = member.name.removeprefix("./")
            item = Item(f"{archive}:{name}", member.data(), name if alone else None)
            if wanted.values:
                waiting.append(item)
            else:
                yield item
        elif wanted.values and member.size <= _SIDE_BYTES:
            values.update(_said_by(member))
            said.update(values if len(said) < _MOST_NAMES else ())
    yield from _with_values(waiting, values)
    if pictures:
        _warn_of_values(archive, set(wanted.values) - said, said)


def _warn_of_values(archive: str, missing: set[str], known: Iterable[str]) -> None:
    """Say which values no side file has. Pictures were measured by then, so it is no error."""
    for name in sorted(missing):
        listed = shorten(", ".join(sorted(known)), 200) or "none"
        _log.warning("no side file in %s has a value %r; they have %s", archive, name, listed)


def _is_wanted(name: str, column: str | None) -> bool:
    last = name.rpartition("/")[2]
    return is_image_name(name) and column in (None, last.partition(".")[2])


def _key(name: str) -> str:
    folder, slash, last = name.rpartition("/")
    return f"{folder}{slash}{last.partition('.')[0]}"


def _weight(items: Iterable[Item]) -> int:
    return sum(item.weight for item in items)


def _with_values(waiting: Iterable[Item], values: Mapping[str, Any]) -> Iterator[Item]:
    said = {name: plain(value) for name, value in values.items()}
    return (replace(item, values=said) for item in waiting)


def _said_by(member: Member) -> Mapping[str, Any]:
    """What a side file says; a damaged one says nothing, and the values are missing."""
    suffix = member.name.rpartition(".")[2].lower()
    if suffix not in ("json", "cls", "txt"):
        return {}
    try:
        text = member.read(_SIDE_BYTES).decode("utf-8-sig")
        if suffix != "json":
            return {suffix: int(text) if suffix == "cls" else text.strip()}
        said = parse_json(text)
    except (ValueError, ImageError, OSError):
        return {}
    return said if isinstance(said, dict) else {}
