"""The profiles in a store of objects."""

import contextlib
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

from lightmeter.errors import DecodeError, StoreError
from lightmeter.profile import ProfileView
from lightmeter.profile.segments import Segment, segment_text
from lightmeter.store.buckets import bucket_start
from lightmeter.store.cloud.chains import DayChain, list_day
from lightmeter.store.cloud.contents import Cover, ProfileObject, pack_profile, profile_of
from lightmeter.store.cloud.index import Moved
from lightmeter.store.cloud.keeping import Keeping
from lightmeter.store.cloud.layout import parse_profile, place_name
from lightmeter.store.cloud.sealed import MOST_BYTES
from lightmeter.store.cloud.services import Listed
from lightmeter.store.cloud.session import Session, fresh
from lightmeter.store.cloud.tables import name_of_row
from lightmeter.store.database import Database
from lightmeter.store.profiles import Profiles
from lightmeter.store.retention import Collected
from lightmeter.store.rows import (
    Put,
    StoredProfile,
    checked_name,
    load_body,
    stamped,
)
from lightmeter.times import MILLISECOND, from_ms, to_duration, to_ms, to_utc

__all__ = ["CloudProfiles"]

_TRIES = 100


class CloudProfiles(Profiles):
    """The profiles of a store of objects. Reading goes by the index, writing to the objects."""

    def __init__(self, session: Session) -> None:
        """Those of an open store."""
        self._session = session

    @property
    def _database(self) -> Database:  # type: ignore[override]
        return self._session.database

    # Writing

    def define(self, dataset: str, every: str | timedelta) -> None:
        """See `Profiles.define`."""
        checked_name("dataset", dataset)
        self._session.length_of(dataset, to_duration(every))

    def _put(self, put: Put) -> bool:
        """Once this returns, the profile's object is there, whole."""
        bucket_start(put.at, self._session.length_of(put.dataset, put.every, enter=False))
        # What cannot be put enters no dataset.
        length = self._session.length_of(put.dataset, put.every)
        start = bucket_start(put.at, length)
        view = stamped(put.view, start)
        every_ms = length // MILLISECOND
        profile = ProfileObject(
            put.dataset,
            every_ms,
            to_ms(start),
            every_ms,
            put.segment,
            put.writer,
            0,
            view.images,
            time.time_ns() // 1_000_000,
            (),
            view.to_bytes(),
        )
        kept = self._put_object(profile, put.seq)
        self._session.wrote()
        return kept

    def _put_object(self, profile: ProfileObject, seq: int | None) -> bool:
        objects, folder = self._session.objects, profile.folder
        path = f"{folder}/{place_name(profile.start, profile.writer)}"
        for _ in range(_TRIES):
            with contextlib.suppress(Moved):
                names, listed = list_day(objects, folder)
                if self._is_merged(DayChain(objects, folder, names, listed), profile, seq):
                    return False
                there = names.places.get(path, [])
                last = there[0][0].last.number if there else 0
                number = (last + 1 if there else 1) if seq is None else seq
                if number > 2**62:
                    raise StoreError(
                        f"{objects.address}: {path}/{last} leaves no higher seq to put"
                    )
                beside = False
                if there and number <= last:
                    whole = self._highest_whole(path, {name: listed[name] for _, name in there})
                    if whole is not None and whole >= number:
                        return False
                    beside = any(parsed.last.number == number for parsed, _ in there)
                data = pack_profile(profile._replace(seq=number), secrets.token_hex(8))
                own = objects.put(f"{path}/{number}", data, beside=beside)
                if own is None:
                    continue
                merged, higher = self._seen(profile, path, number)
                if merged == number:  # by one who has seen it
                    return True
                if merged is not None:
                    objects.remove([own])
                    continue
                # What was there of this number may have been replaced and deleted meanwhile.
                if seq is not None and higher:
                    objects.remove([own])
                    return False
                self._tidy(name for parsed, name in there if parsed.last.number < number)
                return True
        raise StoreError(
            f"{objects.address}: others put profiles of {profile.writer!r} all the time"
        )

    def _is_merged(self, chain: DayChain, profile: ProfileObject, seq: int | None) -> bool:
        """Whether a roll-up has this profile already."""
        merged = chain.merged(*profile.bucket)
        if merged is None:
            return False
        if seq is not None and seq <= merged:
            return True
        raise StoreError(
            f"the bucket of {from_ms(profile.start):%Y-%m-%d %H:%M} has been rolled up with a "
            f"profile of {profile.writer!r} in it, which can no longer be replaced"
        )

    def _seen(self, profile: ProfileObject, path: str, number: int) -> tuple[int | None, bool]:
        """After a put: which number of its place a roll-up holds, and if a higher one is there.

        No roll-up is left that could still count or not.
        """
        objects, folder = self._session.objects, profile.folder
        for _ in range(_TRIES):
            with contextlib.suppress(Moved):
                names, listed = list_day(objects, folder)
                chain = DayChain(objects, folder, names, listed)
                if numbers := chain.open_numbers():
                    for each in numbers:
                        chain.decide(each)
                    continue
                higher = {
                    name: listed[name]
                    for parsed, name in names.places.get(path, [])
                    if parsed.last.number > number
                }
                merged = chain.merged(*profile.bucket)
                return merged, self._highest_whole(path, higher) is not None
        raise StoreError(f"{objects.address}: others roll up {folder} all the time")

    def _highest_whole(self, path: str, listed: Mapping[str, Listed]) -> int | None:
        """The highest number of an object that is one; others may be anything."""
        for name, data in self._session.objects.read_many(listed):
            if data is None and listed[name].size <= MOST_BYTES:
                raise Moved
            with contextlib.suppress(DecodeError):
                return profile_of(path, data or b"").seq
        return None

    def _tidy(self, names: Iterator[str]) -> None:
        """Delete what counts no more. It takes a right that a writer may not have; `gc` can too."""
        with contextlib.suppress(StoreError):
            self._session.objects.remove(names)

    # Reading

    def snapshot(self) -> contextlib.AbstractContextManager[None]:
        """Everything that this thread reads inside is of one moment, whoever writes meanwhile."""
        return self._session.snapshot()

    datasets = fresh(Profiles.datasets)
    segments = fresh(Profiles.segments)
    buckets = fresh(Profiles.buckets)
    summary = fresh(Profiles.summary)
    newest = fresh(Profiles.newest)
    rolled_up = fresh(Profiles.rolled_up)
    read = fresh(Profiles.read)
    merged = fresh(Profiles.merged)
    body = fresh(Profiles.body)
    stored = fresh(Profiles.stored)
    load = fresh(Profiles.load)

    def _body_of(self, row: StoredProfile) -> bytes | DecodeError:
        """A profile's bytes; where only the index is damaged, out of its object."""
        content = load_body(self._database, row)
        if not isinstance(content, DecodeError):
            return content
        name = name_of_row(self._database, row)
        if name is None or (data := self._session.objects.read(name)) is None:
            return content
        parsed = parse_profile(name)
        assert parsed is not None
        try:
            body = profile_of(parsed.path, data).body
        except DecodeError:
            return content
        with self._database.transaction() as sql:  # so that the next refresh reads it
            sql.execute("DELETE FROM cloud_object WHERE name = ?", (name,))
        return body

    # Moving

    covered = fresh(Profiles.covered)

    def put_rolled_up(
        self,
        row: StoredProfile,
        view: ProfileView,
        covers: Sequence[tuple[datetime, str, int]],
    ) -> bool:
        """See `Profiles.put_rolled_up`."""
        length = self._session.length_of(row.dataset, None)
        rolled = ProfileObject(
            row.dataset,
            length // MILLISECOND,
            to_ms(row.start),
            (row.end - row.start) // MILLISECOND,
            segment_text(row.segment),
            "",
            row.seq,
            view.images,
            to_ms(row.updated),
            tuple(Cover(to_ms(start), writer, seq) for start, writer, seq in covers),
            view.to_bytes(),
        )
        kept = Keeping(self._session).put_rolled_up(rolled)
        self._session.wrote()
        return kept

    # Keeping

    def delete(
        self,
        dataset: str,
        start: datetime | date | None = None,
        end: datetime | date | None = None,
        *,
        segment: Segment | None = None,
        writer: str | None = None,
    ) -> int:
        """See `Profiles.delete`. One that is cut off has deleted some."""
        checked_name("dataset", dataset)
        place = segment_text(segment)
        keeping = Keeping(self._session)
        self._session.read(lambda: None)
        deleted = keeping.delete(dataset, start, end, place, writer)
        self._session.wrote()
        return deleted

    def gc(
        self,
        *,
        now: datetime | None = None,
        roll_up_after: str | timedelta = "14d",
        keep: str | timedelta | None = None,
    ) -> Collected:
        """See `Profiles.gc`. It takes a turn, and deletes objects that count no more."""
        at = to_utc(now or datetime.now(UTC))
        after, most = to_duration(roll_up_after), None if keep is None else to_duration(keep)
        with self._session.turn():
            return Keeping(self._session).collect(at, after, most)
