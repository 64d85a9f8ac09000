"""The store: profiles by dataset, time bucket and segment, wherever its address leads."""

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
    MERGED,
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
from lightmeter.times import MILLISECOND, to_duration, to_ms, to_utc

_P = profile.c
_T = TypeVar("_T")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)


class Store(Putting):
    """Profiles by dataset, UTC time bucket and segment.

    `Store(address)` gives a store of the kind that the address names:

    - a path, such as ``drift.db``: one SQLite file of this machine;
    - ``postgresql://user@host/database``: the tables of a database; the password is best given as
      libpq takes it, in ``PGPASSWORD`` or ``~/.pgpass``;
    - ``https://host``: a server, which asks for a `key` (`RemoteStore`).

    Threads may share a store, processes may open the same one, and it survives a fork. A file is
    whole only when nobody has it open: until then the latest profiles may lie in files beside it.
    To copy it while it is in use, call `copy_store`. A process that has a store open must not open
    the file by other means: to close it there gives up the locks that SQLite holds on it. A file is
    for a local disk: over a network its locks do not work.

    Attributes
    ----------
    address
        Where it is, without a password.
    path
        Of its file; None for others.
    state
        Results of monitors, and what alerts told.
    environment
        What another process needs in its environment to open `address`.

    Examples
    --------
    >>> with lm.Store("drift.db") as store:
    ...     store.put("cells", view, at=date(2022, 9, 7), writer="microscope 1")
    ...     store.read("cells", date(2022, 9, 1), date(2022, 9, 8))
    """

    address: str
    state: State
    path: Path | None = None
    environment: Mapping[str, str] = {}
    _key: str | None = None
    _tags: Mapping[str, str] = {}

    def __new__(cls, address: str | os.PathLike[str], **_: Any) -> Self:
        """Make a store of the kind of the address."""
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
        """Open the store at an address, or start one there.

        Parameters
        ----------
        address
            Path or URL.
        key
            What a server knows the caller by; of no meaning for others.
        create
            Whether to start a store where there is none.

        Raises
        ------
        StoreError
            It cannot be opened, is no store or of a newer version, or there is none and `create` is
            False.
        """
        if _scheme_of(address) not in ("", "postgresql"):
            raise StoreError(
                f"got an address that begins with {_scheme_of(address)!r}; expected a path, "
                "postgresql://... or https://..."
            )
        self._address = address
        self._database = Database(address, create=create)
        self.address, self.path = self._database.address, self._database.path
        self.environment = self._database.environment
        self.state = State(self._database)

    def tagged(self, tags: Mapping[str, str]) -> Self:
        """Return the same store as if it had only profiles with all of these tags.

        A bucket is the merge of those, also after a roll-up, which keeps profiles of different tags
        apart. It is for reading and for `delete`; results of monitors are of all profiles.

        Parameters
        ----------
        tags
            Such as ``{"model": "v7"}``; a profile that was merged of several has those of all.

        Raises
        ------
        TypeError, ValueError
            They are no tags, see `Profile`.

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
        """Return the conditions for the rows of profiles that are there and have the tags."""
        texts = (f"&{segment_text({name: tag})}&" for name, tag in self._tags.items())
        # LIKE would take "v7" for "V7" in SQLite.
        return [KEPT, *(func.replace(_P.tags, text, "") != _P.tags for text in texts)]

    # Reading

    def snapshot(self) -> contextlib.AbstractContextManager[object]:
        """Let all that this thread reads inside be of one moment, whoever writes meanwhile.

        Examples
        --------
        >>> with lm.Store("drift.db") as store, store.snapshot():
        ...     days = store.buckets("cells")
        """
        return self._database.snapshot()

    def datasets(self) -> dict[str, timedelta]:
        """Return the names of the datasets, and the length of their buckets.

        Examples
        --------
        >>> with lm.Store("drift.db") as store:
        ...     store.datasets()
        """
        query = sa.select(tables.dataset).order_by(tables.dataset.c.name)
        return dict(self._database.rows(query, lambda name, every: (name, _length(every))))

    def segments(self, dataset: str) -> list[dict[str, str]]:
        """Return the segments a dataset has profiles of; ``{}`` is the dataset as a whole.

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
        """Return the buckets from `start` to before `end` that have profiles, earliest first.

        Those that have been rolled up are days.

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
        """Return a line for each dataset and segment, without reading the profiles.

        A dataset without profiles has a line without buckets.
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
        """Return the newest bucket of each segment that is complete by then, by an index alone."""
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
        """Return the starts of the buckets that `gc` deleted, or merged the writer's profile of.

        What the writer says of them can no longer be `put`.
        """
        where = *_is_in(dataset, segment=segment), ~KEPT, (_P.writer == writer) | profiles.DELETED
        query = sa.select(_P.start).where(*where).distinct().order_by(_P.start)
        return self._database.rows(query, time_of)

    def stored(
        self, dataset: str, start: Moment = None, end: Moment = None, *, segment: Part = None
    ) -> list[StoredProfile]:
        """Return which profiles there are in buckets from `start` to before `end`.

        Raises
        ------
        StoreError
            There is no such dataset, or the store cannot be read.
        """
        where = *_is_in(dataset, start, end, segment), *self._here
        query = sa.select(*profiles.LISTED).where(*where).order_by(_P.start, _P.writer)
        return self._found(dataset, query, StoredProfile)

    def versions(self, dataset: str) -> dict[tuple[str, datetime], int]:
        """Return a number for each bucket, by segment as text and start.

        It is the sum modulo 2^63 of the first 8 bytes of their SHA-256, so it changes with any of
        its profiles, and not with their order or a clock. A bucket that `gc` rolled up or deleted
        keeps it: what was merged is counted, and not what it was merged into.
        """
        query = sa.select(_P.segment, _P.start, _P.sha256).where(
            *(_P.dataset == dataset, tables.dataset.c.name == _P.dataset),
            *(tables.dataset.c.every == _P.span, func.substr(_P.writer, 1, 1).not_in(MERGED)),
        )
        versions: defaultdict[tuple[str, datetime], int] = defaultdict(int)

        def add(segment: str, start: int, digest: bytes) -> None:
            key = segment, time_of(start)
            versions[key] = (versions[key] + int.from_bytes(digest[:8], "big")) % 2**63

        self._database.rows(query, add)
        return dict(versions)

    def read(
        self, dataset: str, start: Moment = None, end: Moment = None, *, segment: Part = None
    ) -> ProfileView:
        """Return the merge of all buckets that start at `start` or later and before `end`.

        A damaged profile is left out with a warning; `verify` lists them.

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
            warnings.warn(f"{row} is left out: {reason}", stacklevel=2)
        return merged

    def merged(
        self, *where: Any, segment: Part = None, most: int | None = None
    ) -> tuple[ProfileView, list[tuple[StoredProfile, DecodeError]]]:
        """Return what `read` gives, and the damaged profiles that are not in it with what is wrong.

        Raises
        ------
        StoreError
            There is no such dataset, or the store cannot be read.
        IncompatibleError
            Together they have more than `most` features.

        Examples
        --------
        >>> with lm.Store("drift.db") as store:
        ...     week = store.merged("cells", date(2022, 9, 1), date(2022, 9, 8))
        """
        damaged: list[tuple[StoredProfile, DecodeError]] = []
        names = set[str]()

        def views() -> Iterator[ProfileView]:  # one at a time: decoded they take much room
            for row, view in self.load(*where, segment=segment):
                if isinstance(view, DecodeError):
                    damaged.append((row, view))
                    continue
                names.update(view if most else ())
                if most and len(names) > most:
                    raise IncompatibleError(
                        f"together they have more than {most} features; take fewer buckets"
                    )
                yield view

        with self.snapshot():
            return ProfileView.merge_many(views()), damaged

    def load(
        self, dataset: str, start: Moment = None, end: Moment = None, *, segment: Part = None
    ) -> Iterator[tuple[StoredProfile, ProfileView | DecodeError]]:
        """Give every profile of these buckets, or what is wrong with it, in order of time.

        They are of one moment; the thread reads nothing else until the end.

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
        """Delete the profiles of buckets from `start` to before `end`; how many there were.

        With `writer` those of this writer alone.

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
            if writer is None and not self._tags:  # what is remembered of them, too
                connection.execute(there)
            return deleted

    def gc(
        self,
        *,
        now: datetime | None = None,
        roll_up_after: str | timedelta = "14d",
        keep: str | timedelta | None = None,
    ) -> Collected:
        """Merge what is old into one profile per day and segment, and delete what is older still.

        A day is rolled up as a whole: buckets shorter than a day become one, and so do several
        writers; profiles of different tags stay apart. What was merged or deleted can no longer be
        replaced. What arrives late for a day that was merged is added, and refused for a bucket
        that was deleted. Monitors no longer judge days made of shorter buckets.
        It can be cut off or run twice without harm. Damaged profiles are left as they are.

        Parameters
        ----------
        now
            What age is counted from; None takes the time it is.
        roll_up_after
            Age of the days to roll up, from the end of the day.
        keep
            Age of the days to delete; None keeps them for ever.

        Raises
        ------
        TypeError
            An argument is of another type.
        ValueError
            A duration is none.
        StoreError
            The store cannot be read or written. What is old is deleted first, as that gives the
            room that merging takes.

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
        """Read everything; what is damaged. An empty list means that nothing is.

        It reads all bytes of profiles, what is said of them (time, segment, writer, counts), and
        what monitors and alerts keep as far as it can be told. Of a file it looks at the structure.

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
                except DamagedError as error:  # it cannot go on
                    damage.append(Damage(None, str(error)))
        return damage

    def turn(self) -> contextlib.AbstractContextManager[None]:
        """Wait until no other process or thread is inside a turn on this store.

        For judging, keeping results and telling as one: a run that waited sees what the one before
        it has stored and told. Nothing else waits for it; a turn ends with its process.

        Raises
        ------
        StoreError
            Somebody is inside for 10 minutes, or nobody can have a turn.
        """
        return self._database.turn()

    def hurry(self, seconds: float) -> None:
        """Let no call, not one under way either, wait longer than so many seconds for a server.

        The last call of this counts.
        """

    def close(self) -> None:
        """Close it. A closed store raises StoreError when used.

        Examples
        --------
        >>> store = lm.Store("drift.db")
        >>> store.close()
        """
        self._database.close()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy by the address and the key: the copy is the same store, opened anew."""
        return _opened, (self.path or self._address, self._key, self._tags)

    def __enter__(self) -> Self:
        """Return the store itself, which is closed at the end of the block."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the store."""
        self.close()

    def __repr__(self) -> str:
        """Return where it is."""
        return f"<{type(self).__name__} {self.address!r}>"


def _opened(address: str | os.PathLike[str], key: str | None, tags: Mapping[str, str]) -> Store:
    return Store(address, key=key, create=False).tagged(tags)


def _scheme_of(address: str | os.PathLike[str]) -> str:
    """Return what a URL begins with, in small letters; empty for a path."""
    scheme = _SCHEME.match(address) if isinstance(address, str) else None
    return scheme[1].lower() if scheme else ""


def _length(every: int) -> timedelta:
    """Return the length of buckets, which is none where it is damaged."""
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
