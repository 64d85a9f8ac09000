"""Rows of pictures on the machines of a cluster: profiled there, and merged in one place."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lightmeter import _core
from lightmeter.batch.block import Work, blocks
from lightmeter.batch.segments import GroupBy, GroupOf, SegmentBy, SegmentOf, columns_of
from lightmeter.batch.sources.fetch import fetched
from lightmeter.batch.sources.item import Item, plain
from lightmeter.batch.sources.remote import item_of
from lightmeter.batch.sources.table import USUAL_PATHS, USUAL_PICTURES, known
from lightmeter.batch.sources.urls import is_url
from lightmeter.errors import ImageError
from lightmeter.image.reading import Reading, reading_of
from lightmeter.profile import Profile, ProfileView
from lightmeter.profile.segments import SegmentedViews

__all__ = ["Plan", "plan_of"]

Part = tuple[str, bytes]  # the text of a segment, nothing for all pictures; and its profile

_WHOLE = ""


@dataclass(frozen=True)
class Plan:
    """What is done with rows. It can be pickled.

    Attributes:
        work: what is done with a block of them.
        column: the one of pictures.
        name: the one that says what a picture is called, if there is one.
        values: those of values, segments and groups.
    """

    work: Work
    column: str
    name: str | None
    values: tuple[str, ...]

    @property
    def columns(self) -> list[str]:
        """The columns that are needed."""
        return list(dict.fromkeys(filter(None, (self.column, self.name, *self.values))))

    def parts(self, rows: Iterable[Mapping[str, Any]]) -> Iterator[Part]:
        """Profile rows, a block at a time, where their pictures can be read."""
        totals: dict[str, Profile] = {}
        for block in blocks(map(self._item, rows)):
            done = self.work(fetched(block, self.work.reading.limits))
            for segment, data in ((_WHOLE, done.profile), *done.segments.items()):
                total = totals.setdefault(segment, self.work.empty())
                total._core.merge(_core.Profile.decode(data))
        for segment, total in totals.items():
            yield segment, total.view().to_bytes()

    def _item(self, row: Mapping[str, Any]) -> Item:
        values = {name: _plain(row[name]) for name in self.values}
        cell, name = row[self.column], row[self.name] if self.name else None
        if isinstance(cell, Mapping):
            name = cell.get("path") or name
            cell = name if cell.get("bytes") is None else cell["bytes"]
        if isinstance(cell, str) and cell:
            return item_of(_path(cell), values=values)
        if isinstance(cell, bytearray | memoryview):
            cell = bytes(cell)
        if cell is None or isinstance(cell, str):
            cell = ImageError("empty", "the cell is empty")
        name = _path(name) if isinstance(name, str) and name else "a row"
        return item_of(cell, name, values=values)

    def merged(self, parts: Iterable[Part]) -> ProfileView | SegmentedViews:
        """Merge all parts; of segments the first that come are kept."""
        total = self.work.empty()
        segments: dict[str, Profile] = {}
        kept: set[str] = set()
        for text, data in parts:
            profile = total
            if text != _WHOLE and self.work.segment_of is not None:
                text = self.work.segment_of.kept(text, kept)
                profile = segments.setdefault(text, self.work.empty())
            profile._core.merge(_core.Profile.decode(data))
        if self.work.segment_of is None:
            return total.view()
        return SegmentedViews(total.view(), {text: it.view() for text, it in segments.items()})


def _path(text: str) -> str:
    """A path as Python opens it, where Hadoop wrote it."""
    return text.removeprefix("file:") if text.startswith("file:/") and not is_url(text) else text


def _plain(value: Any) -> Any:
    return plain(value.item() if isinstance(value, np.generic) else value)


def plan_of(
    names: Sequence[str],
    segment_by: SegmentBy | None,
    *,
    column: str | None = None,
    values: Iterable[str] = (),
    group: GroupBy | None = None,
    reading: Reading | None = None,
    prefix: str = "image",
    exemplars: int = 0,
    sample: int = 0,
    **options: Any,
) -> Plan:
    """Return the plan for rows with columns of these names; raises as `profile_images` does."""
    reading = reading_of(reading, options)  # type: ignore[arg-type]  # it looks itself
    logged = tuple(values)
    wanted = dict.fromkeys((*logged, *columns_of(segment_by), *columns_of(group)))
    known(wanted, names, "the data set")
    work = Work(
        reading=reading,
        prefix=prefix,
        values=logged,
        exemplars=exemplars,
        sample=sample,
        segment_of=None if segment_by is None else SegmentOf(segment_by, None, reading.exif),
        group_of=None if group is None else GroupOf(group, None, reading.exif),
    )
    work.empty()  # checks the options here
    usual = USUAL_PICTURES + USUAL_PATHS if column is None else (column,)
    picture = next((name for name in usual if name in names), None)
    if picture is None:
        if column is not None or len(names) != 1:
            raise ValueError(
                f"got the columns {', '.join(names)}; expected one of pictures or of their "
                f"addresses named {', '.join(usual)}, or its name as the column"
            )
        picture = names[0]
    name = next((name for name in USUAL_PATHS if name in names and name != picture), None)
    return Plan(work, picture, name, tuple(wanted))
