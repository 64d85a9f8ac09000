"""Archives as sources, a member at a time.

What is damaged ends an archive: what was read before counts, and the rest is one failure of it.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import IO, Any

from lightmeter.batch.sources.item import Item, SeenValues, Wanted, item_of, plain
from lightmeter.batch.sources.members import Member, members
from lightmeter.batch.sources.names import is_image_name
from lightmeter.errors import ImageError
from lightmeter.nesting import parse_json

__all__ = ["archive_items"]

# A side file may be no larger; so many pictures, of so many bytes, wait for that of their name.
_SIDE_BYTES = 1 << 20
_MOST_WAITING = 64
_MOST_WAITING_BYTES = 64 << 20


def archive_items(name: str, file: IO[bytes], size: int | None, wanted: Wanted) -> Iterator[Item]:
    """The pictures of an archive, in its order, with what their side files say.

    As WebDataset has it, files whose paths are equal up to the first dot of their last part and
    that follow each other belong together: ``a/7.jpg``, ``a/7.json`` and ``a/7.cls``.

    Args:
        name: what the archive is called, whose suffix says what it is.
        file: its bytes.
        size: how many; None if it cannot seek.
        wanted: its column is what follows the first dot of the pictures' names, such as ``jpg`` or
            ``mask.png``; None takes all pictures. Without values to take, side files are not read.

    Raises:
        ValueError: no side file has one of the values.
    """
    waiting: list[Item] = []
    values: dict[str, Any] = {}
    key: str | None = None
    seen = SeenValues(wanted.values, f"the side files of {name}")
    for member in chain(members(name, file, size), [None]):
        member_key = _key(member.name) if isinstance(member, Member) else None
        weight = sum(item.weight for item in waiting)
        if member_key != key or len(waiting) >= _MOST_WAITING or weight > _MOST_WAITING_BYTES:
            if waiting:
                seen.add(values)
            named = {name: plain(values.get(name)) for name in wanted.values}
            yield from (replace(item, values=named) for item in waiting)
            waiting = []
        if member_key != key:
            key, values = member_key, {}
        if isinstance(member, ImageError):
            yield item_of(member, name)
        if not isinstance(member, Member):
            continue
        if _is_picture(member.name, wanted.column):
            data = member.data(wanted.limits)
            waiting.append(item_of(data, f"{name}:{member.name.removeprefix('./')}"))
        elif wanted.values and member.size <= _SIDE_BYTES:
            values.update(_side_values(member))
    seen.check()


def _is_picture(name: str, column: str | None) -> bool:
    last = name.rpartition("/")[2]
    return is_image_name(name) and column in (None, last.partition(".")[2])


def _key(name: str) -> str:
    folder, slash, last = name.rpartition("/")
    return f"{folder}{slash}{last.partition('.')[0]}"


def _side_values(member: Member) -> dict[str, Any]:
    """Return what a side file says; a damaged one says nothing, and the values are missing."""
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
