"""The store: profiles by dataset, time bucket and segment, in a file, a database or a server."""

import contextlib
import os
import re
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Self, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy import func

from lightmeter.errors import DecodeError, IncompatibleError, StoreError
from lightmeter.profile import ProfileView
from lightmeter.profile.profile import checked_tags
from lightmeter.profile.segments import parse_segment, segment_text
from lightmeter.store import profiles, tables
from lightmeter.store.engine import DamagedError, Database
from lightmeter.store.profiles import Putting, checked_name, find_damage, time_of
from lightmeter.store.state import State
from lightmeter.store.tables import (
    KEPT,
    Bucket,
    Collected,
    Damage,
    Moment,
    Newest,
    Part,
    StoredProfile,
    Summary,
    profile,
)
from lightmeter.times import MILLISECOND, bucket_start, to_duration, to_ms, to_utc

_P = profile.c
_T = TypeVar("_T")
_DATASETS = sa.text("SELECT name, every FROM dataset ORDER BY name")
_DIGESTS = sa.text(
    "SELECT segment, start, sha256 FROM profile JOIN dataset ON name = profile.dataset "
    "AND every = span WHERE profile.dataset = :dataset AND "
    "substr(writer, 1, 1) NOT IN ('', '&')"  # those of roll-ups
)
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)


class Store(Putting):
    """Profiles by dataset, UTC time bucket and segment.

    `Store(address)` opens the kind of store that the address names:

    - a path, such as ``drift.db``: one SQLite file on this machine;
    - ``postgresql://user@host/database``: tables of a PostgreSQL database; give the password to
      libpq, in ``PGPASSWORD`` or ``~/.pgpass``;
    - ``https://host``: a server, with a `key` (`RemoteStore`).

    Threads may share a store, and several processes may open the same one. A fork is safe: parent
    and child both go on using the store. Only the snapshots that are open during the fork, and a
    transaction of the forking thread itself, end with an error.

    A SQLite file must lie on a local disk, because its locks do not work over a network. While a
    process has it open, the latest profiles may be in files beside it, so copy it with
    `copy_store`. Do not open the file by other means in the same process: closing it there releases
    the locks that SQLite holds.

    Attributes
    ----------
    address
        The address, without a password.
    path
        The path of the SQLite file; None for other kinds.
    state
        The results of monitors and the reported incidents.

    Examples
    --------
    >>> with lm.Store("drift.db") as store:
    ...     store.put("cells", view, at=date(2022, 9, 7), writer="microscope 1")
    ...     store.read("cells", date(2022, 9, 1), date(2022, 9, 8))
    """

    address: str
    state: State
    path: Path | None = None
    _key: str | None = None
    _tags: Mapping[str, str] = {}

    def __new__(cls, address: Any, *, key: str | None = None, create: bool = True) -> Self:
        """Return a store of the kind that the address names."""
        if cls is Store and _scheme_of(address) in ("http", "https"):
            try:
                remote = import_module("lightmeter.store.remote")  # which builds on this module
            except ModuleNotFoundError as error:
                text = (
                    f"for a server, lightmeter needs {error.name}: pip install 'lightmeter[remote]'"
                )
                raise ImportError(text) from error
            return cast(Self, object.__new__(remote.RemoteStore))
        return object.__new__(cls)

    def __init__(
        self, address: str | os.PathLike[str], *, key: str | None = None, create: bool = True
    ) -> None:
        """Open the store at an address, or create one there.

        Parameters
        ----------
        address
            A path or URL.
        key
            The key with which a server identifies the caller; other stores ignore it.
        create
            Whether to create a store if there is none.

        Raises
        ------
        StoreError
            The store cannot be opened, the address is not that of a store, its tables belong to
            another version of lightmeter, or there is no store and `create` is False.
        ImportError
            The extra ``postgres`` or ``remote``, which the address needs, is not installed.
        """
        if _scheme_of(address) not in ("", "postgresql"):
            raise StoreError(
                f"got an address that begins with {_scheme_of(address)!r}; expected a path, "
                "postgresql://... or https://..."
            )
        self._address = address
        self._database = Database(address, create=create)
        self.address, self.path = self._database.address, self._database.path
        self.state = State(self._database)

    def tagged(self, tags: Mapping[str, str]) -> Self:
        """Return the same store, restricted to profiles that have all of these tags.

        Every bucket is then the merge of those profiles. This also works after a roll-up, which
        keeps profiles with different tags apart. The restriction applies to reading and to
        `delete`; the results of monitors always cover all profiles.

        Parameters
        ----------
        tags
            Tags such as ``{"model": "v7"}``. A merged profile has the tags of all its parts.

        Raises
        ------
        TypeError, ValueError
            The tags are not valid; see `Profile`.

        Examples
        --------
        >>> with lm.Store("drift.db") as store:
        ...     store.tagged({"model": "v7"}).read("cells")
        """
        if not tags:
            return self
        same = object.__new__(type(self))
        same.__dict__.update(self.__dict__, _tags={**self._tags, **checked_tags(tags)})
        return same

    @property
    def _here(self) -> list[sa.ColumnElement[bool]]:
        """Return the conditions for rows that have a body and all of the tags."""
        texts = (f"&{segment_text({name: tag})}&" for name, tag in self._tags.items())
        # LIKE ignores case in SQLite: "v7" would match "V7".
        return [KEPT, *(func.replace(_P.tags, text, "") != _P.tags for text in texts)]

    # Reading

    def snapshot(self) -> contextlib.AbstractContextManager[object]:
        """Return a context in which this thread reads the store as it is at one moment.

        Other threads and processes may go on writing. A server gives no snapshot.

        Examples
        --------
        >>> with lm.Store("drift.db") as store, store.snapshot():
        ...     days = store.buckets("cells")
        """
        return self._database.snapshot()

    def datasets(self) -> dict[str, timedelta]:
        """Return the datasets in order of their names, each with the length of its buckets.

        Raises
        ------
        StoreError
            The store cannot be read.

        Examples
        --------
        >>> with lm.Store("drift.db") as store:
        ...     store.datasets()
        """
        return dict(self._database.rows(_DATASETS, lambda name, every: (name, _length(every))))

    def length(self, dataset: str) -> timedelta | None:
        """Return the length of the buckets of a dataset; None if there is no such dataset.

        While a server is unavailable, this is the length that this machine last got from it.

        Raises
        ------
        StoreError
            The store cannot be read, or this machine never got the length.

        Examples
        --------
        >>> with lm.Store("drift.db") as store:
        ...     store.length("cells")
        """
        return self.datasets().get(dataset)

    def segments(self, dataset: str) -> list[dict[str, str]]:
        """Return the segments for which a dataset has profiles; ``{}`` is the whole dataset.

        Raises
        ------
        StoreError
            There is no such dataset, or the store cannot be read.

        Examples
        --------
        >>> with lm.Store("drift.db") as store:
        ...     store.segments("cells")
        """
        ours = _P.dataset == checked_name(dataset=dataset)
        query = sa.select(_P.segment).where(ours, *self._here).distinct().order_by(_P.segment)
        return self._found(dataset, query, parse_segment)

    def buckets(
        self, dataset: str, start: Moment = None, end: Moment = None, *, segment: Part = None
    ) -> list[Bucket]:
        """Return the buckets with profiles, earliest first.

        A rolled-up bucket is one day long.

        Parameters
        ----------
        dataset
            The name of the dataset.
        start
            Return buckets that start at this time or later; None sets no limit. Times without a
            zone are local; a date means its midnight in UTC.
        end
            Return buckets that start before this time; None sets no limit.
        segment
            A segment such as ``{"camera": "left"}`` or ``"camera=left"``; None for the whole
            dataset.

        Raises
        ------
        StoreError
            There is no such dataset, or the store cannot be read.

        Examples
        --------
        >>> with lm.Store("drift.db") as store:
        ...     store.buckets("cells", date(2022, 9, 7))
        """
        counts = func.sum(_P.images), func.count(), func.max(_P.updated)
        query = sa.select(_P.start, func.max(_P.span), *counts).group_by(_P.start)

        def bucket(start: int, span: int, images: int, writers: int, updated: int) -> Bucket:
            times = time_of(start), time_of(start + span)
            return Bucket(*times, int(images), writers, time_of(updated))

        query = query.where(*_is_in(dataset, start, end, segment), *self._here)
        return self._found(dataset, query.order_by(_P.start), bucket)

    def summary(self) -> list[Summary]:
        """Return a summary of each dataset and segment, without reading the profiles.

        A dataset without profiles has a summary without buckets.

        Raises
        ------
        StoreError
            The store cannot be read.
        """
        place = _P.dataset, _P.segment
        columns = (
            *(*place, func.count(_P.start.distinct()), func.min(_P.start), func.max(_P.start)),
            *(func.count(_P.writer.distinct()), func.sum(_P.images)),
            *(func.sum(func.length(_P.body)), func.max(_P.updated)),
            func.aggregate_strings(_P.tags, "&"),
        )
        lines = dict[tuple[str, str], Summary]()

        def add(dataset: str, segment: str, *numbers: Any) -> None:
            buckets, first, last, writers, images, size, updated, texts = numbers
            tags = defaultdict[str, list[str]](list)
            for each in sorted(set(texts.split("&"))):
                for name, tag in parse_segment(each).items():
                    tags[name].append(tag)
            days = time_of(first), time_of(last), writers, int(images), int(size), time_of(updated)
            part = parse_segment(segment)
            lines[dataset, segment] = Summary(dataset, lengths[dataset], part, buckets, *days, tags)

        with self._database.snapshot():
            lengths = self.datasets()
            self._database.rows(sa.select(*columns).where(*self._here).group_by(*place), add)
        for name in lengths.keys() - {dataset for dataset, _ in lines}:
            lines[name, ""] = Summary(name, lengths[name], {}, 0, None, None, 0, 0, 0, None, {})
        return [lines[key] for key in sorted(lines)]

    def newest(self, now: datetime) -> list[Newest]:
        """Return the newest bucket of each segment that is complete at `now`."""
        every = tables.dataset.c.every
        place = _P.dataset, every, _P.segment
        complete = tables.dataset.c.name == _P.dataset, _P.start <= to_ms(now) - every
        query = sa.select(*place, func.max(_P.start)).where(*complete, *self._here)
        return self._database.rows(
            query.group_by(*place).order_by(*place),
            lambda name, every, segment, start: Newest(
                name, _length(every), parse_segment(segment), time_of(start)
            ),
        )

    def rolled_up(self, dataset: str, *, writer: str, segment: Part = None) -> list[datetime]:
        """Return the starts of the buckets for which the writer can no longer `put` a profile.

        In those buckets `gc` has deleted the profiles, or merged the profile of the writer.
        """
        where = *_is_in(dataset, segment=segment), ~KEPT, (_P.writer == writer) | profiles.DELETED
        query = sa.select(_P.start).where(*where).distinct().order_by(_P.start)
        return self._database.rows(query, time_of)

    def last_seq(self, dataset: str, at: Any, writer: str, segment: Part = None) -> int:
        """Return the `seq` of the last profile of a writer for a bucket, also after `gc`."""
        start = to_ms(bucket_start(to_utc(at), self.datasets()[dataset]))
        is_row = tables.has(profile, dataset, segment_text(segment), start, writer)
        return max(self._database.rows(sa.select(_P.seq).where(is_row), int), default=0)

    def stored(
        self, dataset: str, start: Moment = None, end: Moment = None, *, segment: Part = None
    ) -> list[StoredProfile]:
        """Return the rows of the profiles in buckets from `start` to before `end`.

        The rows do not contain the profiles themselves; `load` reads those.

        Raises
        ------
        StoreError
            There is no such dataset, or the store cannot be read.
        """
        where = *_is_in(dataset, start, end, segment), *self._here
        query = sa.select(*profiles.LISTED).where(*where).order_by(_P.start, _P.writer)
        return self._found(dataset, query, StoredProfile)

    def versions(self, dataset: str) -> dict[tuple[str, datetime], int]:
        """Return a version number for each bucket, by segment (as text) and start.

        The version changes with any profile of the bucket, but depends neither on their order nor
        on a clock: it is the sum modulo 2^63 of the first 8 bytes of their SHA-256 digests. A
        bucket that `gc` rolled up or deleted keeps its version, because the sum covers the merged
        profiles and not the merge.
        """
        versions: defaultdict[tuple[str, datetime], int] = defaultdict(int)

        def add(segment: str, start: int, digest: bytes) -> None:
            key = segment, time_of(start)
            versions[key] = (versions[key] + int.from_bytes(digest[:8], "big")) % 2**63

        self._database.rows(_DIGESTS, add, {"dataset": dataset})
        return dict(versions)

    def read(
        self, dataset: str, start: Moment = None, end: Moment = None, *, segment: Part = None
    ) -> ProfileView:
        """Return the merge of all buckets that start at `start` or later and before `end`.

        A damaged profile is left out with a warning; `verify` lists all damaged profiles.

        Parameters
        ----------
        dataset
            The name of the dataset.
        start
            The earliest start of a bucket; None sets no limit. Times without a zone are local; a
            date means its midnight in UTC.
        end
            The time before which the buckets start; None sets no limit.
        segment
            A segment such as ``{"camera": "left"}`` or ``"camera=left"``; None for the whole
            dataset.

        Raises
        ------
        StoreError
            There is no such dataset, or the store cannot be read.

        Examples
        --------
        >>> with lm.Store("drift.db") as store:
        ...     week = store.read("cells", date(2022, 9, 1), date(2022, 9, 8))
        """
        merged, damaged = self.merged(dataset, start, end, segment=segment)
        for row, reason in damaged:
            warnings.warn(f"left out {row}: {reason}", stacklevel=2)
        return merged

    def merged(
        self, *where: Any, segment: Part = None, most: int | None = None
    ) -> tuple[ProfileView, list[tuple[StoredProfile, DecodeError]]]:
        """Return the merge that `read` returns, and the damaged profiles that it leaves out.

        Parameters
        ----------
        where
            The dataset, `start` and `end`, as for `read`.
        segment
            As for `read`.
        most
            The largest number of features that the merge may have; None sets no limit.

        Returns
        -------
        tuple
            The merge, and each damaged profile with the reason.

        Raises
        ------
        StoreError
            There is no such dataset, or the store cannot be read.
        IncompatibleError
            The merge would have more than `most` features.

        Examples
        --------
        >>> with lm.Store("drift.db") as store:
        ...     week = store.merged("cells", date(2022, 9, 1), date(2022, 9, 8))
        """
        damaged: list[tuple[StoredProfile, DecodeError]] = []
        names = set[str]()

        def views() -> Iterator[ProfileView]:  # one at a time, because decoded views are large
            for row, view in self.load(*where, segment=segment):
                if isinstance(view, DecodeError):
                    damaged.append((row, view))
                    continue
                names.update(view if most else ())
                if most and len(names) > most:
                    raise IncompatibleError(
                        f"the buckets have more than {most} features together; choose fewer buckets"
                    )
                yield view

        with self.snapshot():
            return ProfileView.merge_many(views()), damaged

    def load(
        self, dataset: str, start: Moment = None, end: Moment = None, *, segment: Part = None
    ) -> Iterator[tuple[StoredProfile, ProfileView | DecodeError]]:
        """Yield every profile of these buckets in order of time, or the error in its place.

        The profiles are those of one moment. The calling thread must not read anything else from
        the store until the iteration ends.

        Raises
        ------
        StoreError
            There is no such dataset, or the store cannot be read.
        """
        where, empty = _is_in(dataset, start, end, segment), True
        for row, _, view in profiles.contents(self._database, *where, *self._here):
            empty = False
            if view is not None:
                yield row, view
        if empty:
            self._check(dataset)

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
        """Delete the profiles of buckets from `start` to before `end`; return their number.

        Parameters
        ----------
        dataset, start, end, segment
            As for `read`.
        writer
            Delete the profiles of this writer only; None deletes those of all writers.

        Raises
        ------
        StoreError
            There is no such dataset, or the store cannot be written.

        Examples
        --------
        >>> with lm.Store("drift.db") as store:
        ...     store.delete("raw", date(2022, 9, 1), date(2022, 9, 2))
        """
        self._check(dataset)
        there = sa.delete(profile).where(*_is_in(dataset, start, end, segment))
        ours = sa.true() if writer is None else _P.writer == writer
        with self._database.transaction() as connection:
            profiles.lock(connection, dataset)
            deleted = connection.execute(there.where(ours, *self._here)).rowcount
            if writer is None and not self._tags:  # rows without a body, too
                connection.execute(there)
            return deleted

    def gc(
        self,
        *,
        now: datetime | None = None,
        roll_up_after: str | timedelta = "14d",
        keep: str | timedelta | None = None,
    ) -> Collected:
        """Merge old profiles into one per day and segment, and delete still older ones.

        A day is rolled up as a whole: all its buckets and writers become one profile for each
        combination of tags. A merged or deleted profile can no longer be replaced. A profile of
        another writer that arrives late is added to a merged day, but refused for a deleted bucket.
        Monitors no longer judge days that were made of shorter buckets. Damaged profiles stay as
        they are.

        It is safe to interrupt this call or to run it twice.

        Parameters
        ----------
        now
            The time from which ages are counted; None takes the clock.
        roll_up_after
            The age at which a day is rolled up, counted from its end.
        keep
            The age at which a day is deleted; None keeps all days.

        Raises
        ------
        TypeError
            An argument has the wrong type.
        ValueError
            A duration cannot be parsed.
        StoreError
            The store cannot be read or written. Deletion comes first, because it frees the space
            that merging needs.

        Examples
        --------
        >>> with lm.Store("drift.db") as store:
        ...     store.gc(roll_up_after="14d")
        """
        ages = to_duration(roll_up_after), None if keep is None else to_duration(keep)
        return profiles.collect(self._database, to_ms(to_utc(now or datetime.now(UTC))), *ages)

    def _found(self, dataset: str, query: sa.Select[Any], make: Callable[..., _T]) -> list[_T]:
        found = self._database.rows(query, make)
        if not found:
            self._check(dataset)
        return found

    def _check(self, dataset: str) -> None:
        """Raise StoreError if there is no dataset of that name."""
        names = self.datasets()
        if checked_name(dataset=dataset) not in names:
            there = ", ".join(map(repr, names)) or "none"
            raise StoreError(f"there is no dataset {dataset!r} in {self.address}; it has {there}")

    def verify(self) -> list[Damage]:
        """Read the whole store and return what is damaged; an empty list means no damage.

        This checks all bytes of the profiles and their time, segment, writer and counts, the types
        of the rows of monitors and alerts, and the structure of a SQLite file.

        Raises
        ------
        StoreError
            The store is closed or out of reach.

        Examples
        --------
        >>> with lm.Store("drift.db") as store:
        ...     damaged = store.verify()
        """
        database, damage = self._database, list[Damage]()
        with database.snapshot():
            for check in (partial(damage.extend, find_damage(database)), self.state.verify):
                try:
                    check()
                except DamagedError as error:  # ends this check, not the others
                    damage.append(Damage(None, str(error)))
        return damage

    def turn(self) -> contextlib.AbstractContextManager[None]:
        """Return a lock on the store that one run of monitors at a time can hold.

        A run holds it while it judges buckets, stores results and sends alerts, so that the next
        run sees all of these. It does not block other reading or writing. The lock is released when
        its process ends.

        Raises
        ------
        StoreError
            Another run has held the lock for 10 minutes, or it cannot be locked.
        """
        return self._database.turn()

    def hurry(self, seconds: float) -> None:
        """Limit how long calls wait for a server from now on, including calls in progress.

        The last call of this method counts. Stores without a server ignore it.

        Parameters
        ----------
        seconds
            Seconds from now after which no call waits any longer.
        """

    def close(self) -> None:
        """Close the store; any later use raises StoreError.

        Examples
        --------
        >>> store = lm.Store("drift.db")
        >>> store.close()
        """
        self._database.close()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy the address and key: the copy opens the same store anew."""
        opened = partial(Store, key=self._key, create=False)
        return opened, (self.path or self._address,), {"_tags": self._tags}

    def __enter__(self) -> Self:
        """Return the store itself; the end of the block closes it."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the store."""
        self.close()

    def __repr__(self) -> str:
        """Return the kind of store and its address."""
        return f"<{type(self).__name__} {self.address!r}>"


def _scheme_of(address: str | os.PathLike[str]) -> str:
    """Return the scheme of a URL in lower case; empty for a path."""
    scheme = _SCHEME.match(address) if isinstance(address, str) else None
    return scheme[1].lower() if scheme else ""


def _length(every: int) -> timedelta:
    """Return the length of buckets; raise ValueError if it is damaged."""
    if (length := every * MILLISECOND) <= timedelta():
        raise ValueError(f"buckets last {length}")
    return length


def _is_in(
    dataset: str, start: Moment = None, end: Moment = None, segment: Part = None
) -> list[sa.ColumnElement[bool]]:
    """Return the conditions for the rows of buckets that start in [start, end)."""
    where = [_P.dataset == checked_name(dataset=dataset), _P.segment == segment_text(segment)]
    where += [] if start is None else [_P.start >= to_ms(to_utc(start))]
    return where + ([] if end is None else [_P.start < to_ms(to_utc(end))])
