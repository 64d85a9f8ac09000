"""Keeping a store of objects small: roll-ups, deletion, and what counts no more."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from lightmeter.errors import StoreError
from lightmeter.profile.segments import Segment, segment_text
from lightmeter.store.cloud.chains import DayChain, list_day
from lightmeter.store.cloud.contents import Cover, ProfileObject
from lightmeter.store.cloud.index import Index, Known, Moved, Sorted, sort_names
from lightmeter.store.cloud.layout import encoded, folder_of, place_name, start_of
from lightmeter.store.cloud.services import Listed
from lightmeter.store.cloud.session import Session
from lightmeter.store.cloud.tables import count_of, name_of_row, set_count
from lightmeter.store.retention import Collected, Merge, collect, merge_rows
from lightmeter.store.rows import (
    StoredProfile,
    dataset_number,
    list_rows,
    load,
    replaced,
    span_of,
)
from lightmeter.times import DAY, MILLISECOND, to_ms

__all__ = ["Keeping"]

_TRIES = 10


class Keeping:
    """What deletes objects."""

    def __init__(self, session: Session) -> None:
        """Of an open store."""
        self._session = session
        self._objects = session.objects

    def collect(self, now: datetime, roll_up_after: timedelta, keep: timedelta | None) -> Collected:
        """`Store.gc`, with a turn taken."""
        database = self._session.database
        try:
            return collect(
                database,
                now,
                roll_up_after,
                keep,
                deleting=lambda _, dataset, start, end, segment: self.delete(
                    dataset, start, end, segment_text(segment), None
                ),
                rolling=lambda _, *period: self._roll_up(*period),
            )
        finally:
            self._session.refresh()
            self._sweep()
            self._told_deletions()

    # Rolling up

    def _roll_up(
        self, dataset: str, start: datetime, end: datetime, segment: Segment
    ) -> tuple[int, int]:
        """Merge all profiles of a period into one; how many, and how many are damaged."""
        folder = folder_of(dataset, to_ms(start), segment_text(segment))
        for _ in range(_TRIES):
            rows = list_rows(self._session.database, dataset, start, end, segment)
            merge = merge_rows(rows, lambda row: load(self._session.database, row))
            if not merge.can_replace(start, end):
                return 0, len(merge.damaged)
            names, listed = list_day(self._objects, folder)
            chain = DayChain(self._objects, folder, names, listed)
            profile = self._rolled(merge, start, end, chain.next())
            body, id_ = chain.propose(profile)
            again, _ = list_day(self._objects, folder)
            if self._is_as_merged(merge, folder, names, again) and chain.decide(profile.seq, id_):
                self._clear_day(folder, profile, again, body)
                return len(merge.good), len(merge.damaged)
            self._objects.remove([body])
            self._session.refresh()
        return 0, 0  # somebody writes there all the time: the next call tries again

    def _covers(self, merge: Merge) -> tuple[Cover, ...]:
        """What the new roll-up holds: also what earlier ones did."""
        covers = {(to_ms(row.start), row.writer): row.seq for row in merge.good if row.writer}
        for start, writer, seq in self._covered_before(merge):
            covers.setdefault((start, writer), seq)
        return tuple(Cover(start, writer, seq) for (start, writer), seq in sorted(covers.items()))

    def _covered_before(self, merge: Merge) -> list[Cover]:
        database = self._session.database
        rolled = [row for row in merge.good if not row.writer]
        if not rolled or (name := name_of_row(database, rolled[0])) is None:
            return []
        known = Index(database, self._objects).rolled().get(name)
        return [] if known is None else known.covers  # it has changed, as `_is_as_merged` will see

    def _rolled(self, merge: Merge, start: datetime, end: datetime, number: int) -> ProfileObject:
        row = merge.good[0]
        every = self._session.length_of(row.dataset, None)
        return ProfileObject(
            row.dataset,
            every // MILLISECOND,
            to_ms(start),
            (end - start) // MILLISECOND,
            segment_text(row.segment),
            "",
            number,
            merge.view.images,
            to_ms(max(row.updated for row in merge.good)),
            self._covers(merge),
            merge.view.to_bytes(),
        )

    def _is_as_merged(self, merge: Merge, folder: str, before: Sorted, now: Sorted) -> bool:
        """Whether exactly what was merged is there, and no other roll-up was decided on."""
        damaged = Index(self._session.database, self._objects).damaged()
        if before.decisions.get(folder) != now.decisions.get(folder):
            return False
        for row in merge.good:
            if row.writer:
                path = f"{folder}/{place_name(to_ms(row.start), row.writer)}"
                there = now.places.get(path, [])
                whole = [parsed.last.number for parsed, name in there if name not in damaged]
                if not whole or whole[0] != row.seq:
                    return False
            elif name_of_row(self._session.database, row) not in now.bodies:
                return False
        return True

    def _clear_day(self, folder: str, profile: ProfileObject, names: Sorted, body: str) -> None:
        """Delete what a roll-up that counts stands for."""
        gone = [
            name
            for start, writer, _ in profile.covers
            for _, name in names.places.get(f"{folder}/{place_name(start, writer)}", [])
        ]
        gone += [name for name in names.bodies if name != body]
        gone += [name for _, name in names.decisions.get(folder, [])]
        self._objects.remove(gone)

    def put_rolled_up(self, profile: ProfileObject) -> bool:
        """Put a day that another store has rolled up; False if there is one already."""
        folder = profile.folder
        for _ in range(_TRIES):
            names, listed = list_day(self._objects, folder)
            chain = DayChain(self._objects, folder, names, listed)
            try:
                if chain.top() in chain.bodies:
                    return False
            except Moved:
                continue
            profile = profile._replace(seq=max(chain.next(), profile.seq))
            body, id_ = chain.propose(profile)
            again, _ = list_day(self._objects, folder)
            for start, writer, seq in profile.covers:
                there = again.places.get(f"{folder}/{place_name(start, writer)}", [])
                if there and there[0][0].last.number > seq:
                    self._objects.remove([body])
                    raise StoreError(replaced(writer, there[0][0].last.number, seq))
            if chain.decide(profile.seq, id_):
                self._clear_day(folder, profile, again, body)
                self._told_deletions()
                return True
            self._objects.remove([body])
        return False

    # Deleting

    def delete(
        self,
        dataset: str,
        start: datetime | date | None,
        end: datetime | date | None,
        segment: str,
        writer: str | None,
    ) -> int:
        """Delete the objects of buckets from `start` to before `end`; how many profiles they had.

        First goes what counts for nothing, so that nothing old appears again when this is cut off.
        """
        database = self._session.database
        first, last = span_of(start, end)
        dataset_number(database, dataset)
        rows = [
            row
            for row in list_rows(database, dataset, start, end, segment)
            if writer is None or row.writer == writer
        ]
        listed = dict[str, Listed]()
        for folder in self._folders(dataset, segment, start, end, rows):
            listed |= self._objects.list(folder)
        names = sort_names(listed)
        old, top, bodies = list[str](), list[str](), list[str]()
        rolled = (
            {folder_of(dataset, to_ms(row.start), segment) for row in rows if not row.writer}
            if writer is None
            else set[str]()
        )
        covered = _covered_places(Index(database, self._objects).rolled(), names)
        for path, group in names.places.items():
            parsed = group[0][0]
            at, _, name = parsed.place.partition("/")
            moment = start_of(at)
            inside = moment is not None and first <= moment < last
            if parsed.folder.split("/")[4] != encoded(segment):
                continue
            if writer is not None and name != encoded(writer):
                continue
            if parsed.folder in rolled and path in covered:
                old += [each for _, each in group]
            elif inside:
                old += [each for _, each in group[1:]]
                top.append(group[0][1])
        for folder in rolled:
            decisions = [each for _, each in names.decisions.get(folder, [])]
            old += decisions[1:]
            top += decisions[:1]
            bodies += [each for each, parsed in names.bodies.items() if parsed.folder == folder]
        for group_ in (old, top, bodies):
            self._objects.remove(group_)
        self._told_deletions()
        return len(rows)

    def _folders(
        self,
        dataset: str,
        segment: str,
        start: datetime | date | None,
        end: datetime | date | None,
        rows: list[StoredProfile],
    ) -> set[str]:
        """What to list: the days of a short time, or all of a dataset."""
        first, last = span_of(start, end)
        if last - first <= 2 * (DAY // MILLISECOND):
            days = {first, last - 1, (first + last) // 2, *(to_ms(row.start) for row in rows)}
            return {folder_of(dataset, day, segment) for day in days}
        return {f"v1/profile/{encoded(dataset)}"}

    def _told_deletions(self) -> None:
        """Whoever has listed the objects before this must not write what is gone into the index."""
        database = self._session.database
        with database.transaction() as sql:
            set_count(sql, "deletions", count_of(database, "deletions") + 1)

    # What counts no more

    def _sweep(self) -> None:
        listed = self._objects.list("v1/profile")
        names = sort_names(listed)
        known = Index(self._session.database, self._objects).known()
        owners = {name for name, each in known.items() if each.owns}
        covered = _covered_places(known, names)
        gone: list[str] = []
        for path, group in names.places.items():
            if path in covered:
                gone += [name for _, name in group]
                continue
            counting = [parsed.last.number for parsed, name in group if name in owners]
            gone += [
                name for parsed, name in group if counting and parsed.last.number < counting[0]
            ]
        for folder in {parsed.folder for parsed in names.bodies.values()} | set(names.decisions):
            gone += self._idle_in(DayChain(self._objects, folder, names, listed), known)
        self._objects.remove(gone)
        self._session.objects.service.tidy()

    def _idle_in(self, chain: DayChain, known: Mapping[str, Known]) -> list[str]:
        """What a day's chain has no use for, by decisions that are known, or made here.

        What another has decided since the index was brought up to date is left alone.
        """
        decided = {
            number: known[name].detail
            for name, number in chain.decisions.items()
            if name in known and not known[name].reason
        }
        for number in chain.open_numbers():  # of one that was cut off, or is too late now
            if chain.decide(number):
                decided[number] = ""
        top = max((number for number, kept in decided.items() if kept), default=0)
        idle = [name for name, number in chain.decisions.items() if number < top]
        for name, parsed in chain.bodies.items():
            number, id_ = parsed.last.number, parsed.last.suffix[1:]
            if number < top or decided.get(number, id_) != id_:
                idle.append(name)
        return idle


def _covered_places(known: Mapping[str, Known], names: Sorted) -> set[str]:
    """The places whose profiles roll-ups that count hold."""
    return {
        f"{parsed.folder}/{place_name(start, writer)}"
        for body, parsed in names.bodies.items()
        if body in known and known[body].owns
        for start, writer, _ in known[body].covers
    }
