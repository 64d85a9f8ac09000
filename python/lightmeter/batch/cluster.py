"""Rows of pictures on the machines of a cluster: profiled there, and merged in one place."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lightmeter import _core
from lightmeter.batch.block import Work, blocks
from lightmeter.batch.segments import GroupBy, GroupOf, SegmentBy, SegmentOf, columns_of
from lightmeter.batch.sources.fetch import fetched
from lightmeter.batch.sources.item import Wanted
from lightmeter.batch.sources.table import (
    USUAL_PATHS,
    USUAL_PICTURES,
    items_of_batches,
    known,
)
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
        wanted: the columns of values, segments and groups.
    """

    work: Work
    column: str
    name: str | None
    wanted: Wanted

    @property
    def columns(self) -> list[str]:
        """The columns that are needed."""
        return list(dict.fromkeys(filter(None, (self.column, self.name, *self.wanted.values))))

    def parts(self, batches: Iterable[Any]) -> Iterator[Part]:
        """Profile record batches of Arrow, a block at a time, where their pictures can be read."""
        totals: dict[str, Profile] = {}
        items = items_of_batches("", batches, self.column, self.wanted, names=self.name)
        for block in blocks(items):
            done = self.work(fetched(block, self.wanted.limits))
            for segment, data in ((_WHOLE, done.profile), *done.segments.items()):
                total = totals.setdefault(segment, self.work.empty())
                total._core.merge(_core.Profile.decode(data))
        for segment, total in totals.items():
            yield segment, total.view().to_bytes()

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
        return SegmentedViews(total.view(), {text: part.view() for text, part in segments.items()})


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
    tags: Mapping[str, str] | None = None,
    **options: Any,
) -> Plan:
    """Return the plan for rows with columns of these names; raises as `profile_images` does."""
    reading = reading_of(reading, options)  # type: ignore[arg-type]  # it looks itself
    logged = tuple(values)
    others = tuple(dict.fromkeys((*logged, *columns_of(segment_by), *columns_of(group))))
    known(others, names, "the data set")
    work = Work(
        reading=reading,
        prefix=prefix,
        values=logged,
        exemplars=exemplars,
        sample=sample,
        tags=tags,
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
    return Plan(work, picture, name, Wanted(picture, others, reading.limits, reading.layout))
