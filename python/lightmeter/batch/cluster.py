"""Rows of pictures on the machines of a cluster: profiled there, and merged in one place."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from lightmeter import _core
from lightmeter.batch.block import Block, blocks, profile_block
from lightmeter.batch.groups import GroupBy, GroupOf
from lightmeter.batch.segments import SegmentBy, SegmentOf, columns_of
from lightmeter.batch.sources.ahead import fetched_ahead
from lightmeter.batch.sources.cell import item_of, name_column, picture_column, plain_cell
from lightmeter.batch.sources.item import Item
from lightmeter.batch.sources.table import known
from lightmeter.image.reading import Reading, ReadingOptions, reading_of
from lightmeter.profile import Profile, ProfileView
from lightmeter.profile.segments import SegmentedViews

__all__ = ["Plan", "PlanOptions", "plan_of"]

Part = tuple[str, bytes]  # the text of a segment, nothing for all pictures; and its profile

_WHOLE = ""


class PlanOptions(ReadingOptions, total=False):
    """Arguments of `lightmeter.profile_images` that a cluster has too."""

    column: str | None
    values: Iterable[str]
    prefix: str
    group: GroupBy | None
    reading: Reading | None
    exemplars: int
    rows: int


@dataclass(frozen=True)
class Plan:
    """What is done with rows. It can be pickled.

    Attributes:
        columns: those that are needed.
    """

    work: Callable[..., Block]
    empty: Callable[[], Profile]
    reading: Reading
    column: str
    name: str | None
    values: tuple[str, ...]
    segment_of: SegmentOf | None

    @property
    def columns(self) -> list[str]:
        """The columns that are needed."""
        return list(dict.fromkeys(filter(None, (self.column, self.name, *self.values))))

    def parts(self, rows: Iterable[Mapping[str, Any]]) -> Iterator[Part]:
        """Profile rows, a block at a time, where their pictures can be read."""
        totals: dict[str, _core.Profile] = {}
        for block in blocks(map(self._item, rows)):
            done = self.work(fetched_ahead(block, self.reading.limits), None)
            for segment, data in ((_WHOLE, done.profile), *done.segments.items()):
                profile = _core.Profile.decode(data)
                if segment in totals:
                    totals[segment].merge(profile)
                else:
                    totals[segment] = profile
        for segment, total in totals.items():
            yield segment, ProfileView(total).to_bytes()

    def _item(self, row: Mapping[str, Any]) -> Item:
        values = {name: plain_cell(row[name]) for name in self.values}
        return item_of(row[self.column], row[self.name] if self.name else None, values)

    def merged(self, parts: Iterable[Part]) -> ProfileView | SegmentedViews:
        """Merge all parts; of segments the first that come are kept."""
        total = self.empty()
        segments: dict[str, Profile] = {}
        kept: set[str] = set()
        for text, data in parts:
            profile = total
            if text != _WHOLE and self.segment_of is not None:
                profile = segments.setdefault(self.segment_of.kept(text, kept), self.empty())
            profile._core.merge(_core.Profile.decode(data))
        if self.segment_of is None:
            return total.view()
        views = {text: segment.view() for text, segment in sorted(segments.items())}
        return SegmentedViews(total.view(), views)


def plan_of(
    names: Sequence[str],
    segment_by: SegmentBy | None,
    *,
    column: str | None = None,
    values: Iterable[str] = (),
    prefix: str = "image",
    group: GroupBy | None = None,
    reading: Reading | None = None,
    exemplars: int = 0,
    rows: int = 0,
    **options: Any,
) -> Plan:
    """Return the plan for rows with columns of these names; raises as `profile_images` does."""
    reading = reading_of(reading, options)  # type: ignore[arg-type]  # it looks itself
    exif = reading.exif
    empty = partial(Profile, prefix, reading=reading, exemplars=exemplars, rows=rows)
    empty()  # checks the options here
    logged = tuple(values)
    wanted = dict.fromkeys((*logged, *columns_of(segment_by), *columns_of(group)))
    known(wanted, names, "the data set")
    segment_of = None if segment_by is None else SegmentOf(segment_by, root=None, exif=exif)
    picture = picture_column(names, column)
    work = partial(
        profile_block,
        reading=reading,
        prefix=prefix,
        exemplars=exemplars,
        rows=rows,
        values=logged,
        root=None,
        segment_of=segment_of,
        group_of=None if group is None else GroupOf(group, root=None, exif=exif),
        threads=1,
    )
    return Plan(
        work, empty, reading, picture, name_column(names, picture), tuple(wanted), segment_of
    )
