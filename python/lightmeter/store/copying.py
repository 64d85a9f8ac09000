"""Moving a store: everything that is in one is put into another, of whatever kind."""

import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from lightmeter.errors import ConflictError, DecodeError, StoreError
from lightmeter.profile import ProfileView
from lightmeter.profile.segments import Segment
from lightmeter.store.changes import Changes
from lightmeter.store.database import is_damage
from lightmeter.store.profiles import Profiles
from lightmeter.store.rows import StoredProfile, describe
from lightmeter.store.store import Store

__all__ = ["Copied", "copy_store"]

_KEYS = "key"  # of a server: who may ask it for what is not moved with what it has


class Copied(NamedTuple):
    """What `copy_store` did, and found afterwards.

    Attributes:
        profiles: how many were put.
        there: how many were there before.
        compared: of how many the bytes are the same in both, by their SHA-256.
        state: how many rows of results, of what was told, acknowledged, accepted and snoozed are
            the same in both; None where one of the two has no state of its own.
        left: what was not copied, or is not the same, in words.
    """

    profiles: int
    there: int
    compared: int
    state: int | None
    left: list[str]


def copy_store(
    source: Store, target: Store, *, progress: Callable[[int], None] | None = None
) -> Copied:
    """Put everything that is in `source` into `target`, then compare both.

    Profiles keep their writer, segment and seq, and rolled-up days what they hold. What `target`
    has with a higher seq, or with other bytes, is left as it is, and said in `left`. So copying
    again, also after it was cut off, goes on where it ended. The keys of a server are not copied.

    Args:
        source: where from; others may go on writing to it.
        target: where to, of the same or another kind.
        progress: called with how many profiles were looked at.

    Raises:
        StoreError: one of them cannot be read or written.
    """
    copy = _Copy(source, target)
    with source.profiles.snapshot():
        for dataset, every in source.datasets().items():
            try:
                target.define(dataset, every)
            except ConflictError as error:
                copy.left.append(f"the dataset {dataset!r}: in the target {error}")
                continue
            for segment in source.segments(dataset):
                for looked in copy.run(dataset, every, segment):
                    if progress is not None:
                        progress(looked)
        state = copy.run_state()
        for dataset in source.datasets():
            for segment in source.segments(dataset):
                copy.compare(dataset, segment)
    return Copied(copy.copied, copy.there, copy.compared, state, copy.left)


class _Copy:
    """One copy."""

    def __init__(self, source: Store, target: Store) -> None:
        self._source, self._target = source, target
        self.copied = self.there = self.compared = self._looked = 0
        self.left: list[str] = []
        self._digests: dict[tuple[str, str, datetime, str], bytes] = {}

    def run(self, dataset: str, every: timedelta, segment: Segment) -> Iterator[int]:
        """Copy a segment, profile by profile; rolled-up days first, as they may hold the others."""
        there = {_key(row): row for row in self._stored(dataset, segment)}
        rows = self._source.stored(dataset, segment=segment)
        for row in sorted(rows, key=lambda row: (row.writer != "", row.start, row.writer)):
            self._looked += 1
            yield self._looked
            try:
                read = self._body(self._source.profiles, row)
                if read is None:
                    continue  # somebody deleted it
                row, body = read
                view = ProfileView.from_bytes(body)
            except DecodeError as error:
                self.left.append(f"{describe(row)}: it is damaged in the source: {error}")
                continue
            other = there.get(_key(row))
            self._digests[_place(row)] = hashlib.sha256(body).digest()
            if other is not None and other.digest == self._digests[_place(row)]:
                self.there += 1
            elif other is not None and (other.seq >= row.seq or not row.writer):
                self.left.append(
                    f"{describe(row)}: the target has another one, of seq {other.seq} where the "
                    f"source has {row.seq}"
                )
                del self._digests[_place(row)]
            else:
                self._put(row, view, every)

    def _put(self, row: StoredProfile, view: ProfileView, every: timedelta) -> None:
        try:
            if row.writer:
                kept = self._target.put(
                    row.dataset,
                    view,
                    at=row.start,
                    writer=row.writer,
                    segment=row.segment,
                    seq=row.seq,
                    every=every,
                )
            else:
                covers = self._source.profiles.covered(row)
                kept = self._target.profiles.put_rolled_up(row, view, covers)
            self.copied += kept
            if not kept:
                self.left.append(f"{describe(row)}: the target has it, or a later one, rolled up")
        except StoreError as error:
            kept = False
            self.left.append(f"{describe(row)}: {error}")
        if not kept:
            del self._digests[_place(row)]

    def _stored(self, dataset: str, segment: Segment) -> list[StoredProfile]:
        if dataset not in self._target.datasets():
            return []
        return self._target.stored(dataset, segment=segment)

    def _body(self, profiles: Profiles, row: StoredProfile) -> tuple[StoredProfile, bytes] | None:
        return profiles.body(row.dataset, row.start, writer=row.writer, segment=row.segment)

    def compare(self, dataset: str, segment: Segment) -> None:
        """Read what the target has now, and compare it with what was read of the source."""
        with self._target.profiles.snapshot():
            for row in self._stored(dataset, segment):
                expected = self._digests.pop(_place(row), None)
                if expected is None:
                    continue
                try:
                    read = self._body(self._target.profiles, row)
                except DecodeError as error:
                    self.left.append(f"{describe(row)}: it is damaged in the target: {error}")
                    continue
                if read is None or hashlib.sha256(read[1]).digest() != expected:
                    self.left.append(f"{describe(row)}: the target has other bytes than were sent")
                else:
                    self.compared += 1
        for name, _, start, writer in [
            place for place in self._digests if place[0] == dataset and place[1] == repr(segment)
        ]:
            self.left.append(
                f"the profile {name} {start:%Y-%m-%d %H:%M} of {writer!r}: it is not in the target"
                " (yet)"
            )
            del self._digests[name, repr(segment), start, writer]

    # What monitors and alerts remember

    def run_state(self) -> int | None:
        """Copy it, if that loses nothing; how many rows are the same afterwards."""
        try:
            ours, theirs = self._source.state.rows(), self._target.state.rows()
        except StoreError as error:
            if is_damage(error.__cause__):
                self.left.append(f"results and alerts: {error}")
            elif error.__cause__ is not None:
                raise
            else:  # that of a server is its own
                self.left += self._unless_empty()
            return None
        had = {each.table.name: set(each.put) for each in theirs}
        have = {each.table.name: each for each in ours if each.table.name != _KEYS}
        for name, each in have.items():
            if not had.get(name, set()) <= set(each.put):
                self.left.append(
                    f"results and alerts: the target has rows of its table {name} that the source "
                    "does not have; nothing of them was copied"
                )
                return 0
        self._target.state.put_rows(
            [Changes(table, put, []) for table, put, _ in have.values() if put]
        )
        now = {each.table.name: set(each.put) for each in self._target.state.rows()}
        same = sum(len(set(each.put) & now[name]) for name, each in have.items())
        missing = sum(len(each.put) for each in have.values()) - same
        if missing:
            self.left.append(f"results and alerts: {missing} rows are not the same in the target")
        return same

    def _unless_empty(self) -> list[str]:
        try:
            count = sum(
                len(each.put) for each in self._source.state.rows() if each.table.name != _KEYS
            )
        except StoreError:
            return ["results and alerts: a server keeps its own; copy from where its store is"]
        if not count:
            return []
        return [f"results and alerts: {count} rows were not copied, as a server keeps its own"]


def _key(row: StoredProfile) -> tuple[datetime, str]:
    return row.start, row.writer


def _place(row: StoredProfile) -> tuple[str, str, datetime, str]:
    return row.dataset, repr(row.segment), row.start, row.writer
