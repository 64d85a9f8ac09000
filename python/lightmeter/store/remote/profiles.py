"""The profiles of a store behind a server, by the methods that those of a file have."""

import contextlib
import warnings
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from lightmeter.errors import DecodeError
from lightmeter.files import MAX_PROFILE_BYTES
from lightmeter.profile import ProfileView
from lightmeter.profile.load import ProfileLike
from lightmeter.profile.segments import segment_text
from lightmeter.store.profiles import Profiles, with_few_features
from lightmeter.store.remote.answers import (
    bucket_of,
    each_of,
    length_of,
    moment_of,
    pairs_of,
    stored_of,
    summary_of,
    text_of,
)
from lightmeter.store.remote.client import AwayError, Client, RefusedError
from lightmeter.store.remote.sending import Sender
from lightmeter.store.remote.spool import Entry
from lightmeter.store.remote.wire import Answer
from lightmeter.store.rows import (
    Bucket,
    Collected,
    Damage,
    Moment,
    Newest,
    Part,
    Put,
    StoredProfile,
    Summary,
    checked_name,
)
from lightmeter.store.rows import new_writer as new_local_writer
from lightmeter.times import MILLISECOND, duration_text, to_duration, to_utc

__all__ = ["RemoteProfiles"]

# How much longer than usual a server may take to merge what is asked for, or to go through all.
_MERGING, _SLOW = 4, 40
_BRIEF = 2.0  # seconds to try what need not be done now


class RemoteProfiles(Profiles):
    """What a server has, as far as the key sees it.

    Reading raises StoreError where the server is away or does not take the key.
    """

    _client: Client
    _sender: Sender
    _pictures: bool  # whether exemplars and paths are sent to the server

    # Writing

    def define(self, dataset: str, every: str | timedelta) -> None:
        """See `Profiles.define`. While the server is away nothing happens; `put` says it again."""
        checked_name("dataset", dataset)
        text = duration_text(to_duration(every))
        place = {"dataset": dataset, "every": text}
        try:
            self._client.ask("PUT", "/dataset", place, most=1 << 16, patience=_BRIEF, whole=_BRIEF)
        except AwayError:
            pass
        except RefusedError as error:
            if error.status < 500:  # of more it is the server that has a mistake, for a while
                raise

    def _put(self, put: Put) -> bool:
        """While the server is away the profile waits on this machine's disk.

        It is on a disk, here or there, once this returns. What waits is sent in order by the next
        put, opening or closing of a store of this address, also in another process.

        Raises:
            StoreError: the server refuses it, or is away and no more can wait.
        """
        view = put.view if self._pictures else put.view.without_pictures()
        place = put.dataset, to_utc(put.at), put.writer, put.segment, put.seq, put.every
        return self._sender.put(Entry(*place, view.to_bytes()))

    def add(
        self,
        dataset: str,
        profile: ProfileLike,
        *,
        at: Moment = None,
        segment: Part = None,
        every: str | timedelta | None = None,
    ) -> None:
        """See `Profiles.add`."""
        # With a seq, as what waited may be sent twice.
        writer = new_local_writer()
        self.put(dataset, profile, at=at, writer=writer, segment=segment, seq=1, every=every)

    # Reading

    def snapshot(self) -> contextlib.AbstractContextManager[object]:
        """Nothing: what a server answers is of the moment at which it is asked."""
        return contextlib.nullcontext()

    def datasets(self) -> dict[str, timedelta]:
        """See `Profiles.datasets`."""
        lengths = self._client.get("/datasets", {}, "datasets", dict)
        with self._client.reading():
            return {text_of(name): length_of(every) for name, every in lengths.items()}

    def segments(self, dataset: str) -> list[dict[str, str]]:
        """See `Profiles.segments`."""
        segments = self._list("/segments", "segments", dataset=dataset)
        with self._client.reading():
            return [pairs_of(each["pairs"]) for each in each_of(segments)]

    def buckets(
        self, dataset: str, start: Moment = None, end: Moment = None, *, segment: Part = None
    ) -> list[Bucket]:
        """See `Profiles.buckets`."""
        buckets = self._list("/buckets", "buckets", **_where(dataset, start, end, segment))
        with self._client.reading():
            return list(map(bucket_of, each_of(buckets)))

    def summary(self) -> list[Summary]:
        """See `Profiles.summary`."""
        lines = self._list("/summary", "summary")
        with self._client.reading():
            return list(map(summary_of, each_of(lines)))

    def newest(self, now: datetime) -> list[Newest]:
        """See `Profiles.newest`; a request more for each segment whose last is not complete."""
        lines = []
        for line in self.summary():
            if line.last is not None:
                starts = [line.last]
                latest = to_utc(now) - line.every
                if line.last > latest:
                    buckets = self.buckets(line.dataset, segment=line.segment)
                    starts = [bucket.start for bucket in buckets if bucket.start <= latest]
                if starts:
                    lines.append(Newest(line.dataset, line.every, line.segment, starts[-1]))
        return lines

    def rolled_up(self, dataset: str, *, writer: str, segment: Part = None) -> list[datetime]:
        """See `Profiles.rolled_up`."""
        where = {"dataset": dataset, "writer": writer, "segment": segment_text(segment) or None}
        try:
            starts = self._list("/rolled_up", "starts", **where)
        except RefusedError as error:
            if error.status != 404:
                raise
            return []  # of a dataset that is not there yet
        with self._client.reading():
            return list(map(moment_of, starts))

    def read(
        self, dataset: str, start: Moment = None, end: Moment = None, *, segment: Part = None
    ) -> ProfileView:
        """See `Profiles.read`. The server merges; a warning says how many damaged it left out."""
        answer = self._bytes("/profile", _where(dataset, start, end, segment))
        damaged = answer.headers.get("x-lightmeter-damaged", "0")
        if damaged != "0":
            warnings.warn(
                f"{damaged[:20]} damaged profiles of {dataset!r} are left out; "
                "see `lightmeter store verify`",
                stacklevel=3,
            )
        try:
            return ProfileView.from_bytes(answer.body)
        except DecodeError as error:
            raise self._client.strange(f"no profile ({error})") from None

    def merged(
        self,
        dataset: str,
        start: Moment = None,
        end: Moment = None,
        *,
        segment: Part = None,
        most: int | None = None,
    ) -> tuple[ProfileView, list[tuple[StoredProfile, str]]]:
        """See `Profiles.merged`; merged here, of one request for each."""
        loaded = self.load(dataset, start, end, segment=segment)
        views = [view for _, view in loaded if isinstance(view, ProfileView)]
        damaged = [(row, str(error)) for row, error in loaded if isinstance(error, DecodeError)]
        return ProfileView.merge_many(with_few_features(views, most)), damaged

    def body(
        self, dataset: str, at: datetime | date, *, writer: str, segment: Part = None
    ) -> tuple[StoredProfile, bytes] | None:
        """See `Profiles.body`."""
        first = to_utc(at)
        for row in self.stored(dataset, first, first + MILLISECOND, segment=segment):
            if row.writer == writer:
                body = self._body(row)
                if isinstance(body, DecodeError):
                    raise body
                return row, body
        return None

    def load(
        self, dataset: str, start: Moment = None, end: Moment = None, *, segment: Part = None
    ) -> list[tuple[StoredProfile, ProfileView | DecodeError]]:
        """See `Profiles.load`; one request for each."""
        return [(row, self._load(row)) for row in self.stored(dataset, start, end, segment=segment)]

    def stored(
        self, dataset: str, start: Moment = None, end: Moment = None, *, segment: Part = None
    ) -> list[StoredProfile]:
        """See `Profiles.stored`."""
        rows = self._list("/stored", "profiles", **_where(dataset, start, end, segment))
        with self._client.reading():
            return list(map(stored_of, each_of(rows)))

    # Keeping

    def delete(
        self,
        dataset: str,
        start: Moment = None,
        end: Moment = None,
        *,
        segment: Part = None,
        writer: str | None = None,
    ) -> int:
        """See `Profiles.delete`. What every writer wrote is deleted by a key of an admin only.

        What waits is sent before, and is deleted too.
        """
        self._sender.send_first()
        where = {**_where(dataset, start, end, segment), "writer": writer}
        return self._client.get("/profiles", where, "deleted", int, method="DELETE")

    def verify(self) -> list[Damage]:
        """See `Store.verify`: of the whole store of the server, for a key of an admin."""
        listed = self._client.get("/verify", {}, "damage", list, times=_SLOW)
        with self._client.reading():
            return [Damage(None, text_of(each["words"])) for each in each_of(listed)]

    def gc(
        self,
        *,
        now: datetime | None = None,
        roll_up_after: str | timedelta = "14d",
        keep: str | timedelta | None = None,
    ) -> Collected:
        """See `Profiles.gc`, for a key of an admin; the clock is the server's.

        Raises:
            ValueError: `now` is given.
        """
        if now is not None:
            raise ValueError("got `now`; a server takes its own clock")
        ages = {
            "roll_up_after": duration_text(to_duration(roll_up_after)),
            "keep": None if keep is None else duration_text(to_duration(keep)),
        }
        answer = self._client.ask("POST", "/gc", ages, most=1 << 16, times=_SLOW)
        return Collected(
            *(self._client.field(answer, name, int) for name in ("merged", "deleted", "damaged"))
        )

    def _list(self, path: str, name: str, **query: Any) -> list[Any]:
        return self._client.get(path, query, name, list)

    def _bytes(self, path: str, query: Mapping[str, Any]) -> Answer:
        return self._client.ask("GET", path, query, most=MAX_PROFILE_BYTES, times=_MERGING)

    def _load(self, row: StoredProfile) -> ProfileView | DecodeError:
        body = self._body(row)
        if isinstance(body, DecodeError):
            return body
        try:
            return ProfileView.from_bytes(body)
        except DecodeError as error:
            return error

    def _body(self, row: StoredProfile) -> bytes | DecodeError:
        where = {"at": row.start.isoformat(), "writer": row.writer}
        try:
            return self._bytes("/row", _where(row.dataset, None, None, row.segment) | where).body
        except RefusedError as error:
            if error.status not in (404, 409):
                raise
            return DecodeError(str(error))


def _where(dataset: str, start: Moment, end: Moment, segment: Part) -> dict[str, Any]:
    """The parameters that say which buckets."""
    return {
        "dataset": checked_name("dataset", dataset),
        "start": None if start is None else to_utc(start).isoformat(),
        "end": None if end is None else to_utc(end).isoformat(),
        "segment": segment_text(segment) or None,
    }
