"""The local index: which objects count, and their profiles as rows of a store's tables.

Of a writer and bucket that is the whole object of the highest number. A roll-up that counts stands
for all profiles that it covers, whether their objects are still there or not. Objects never
change, so one that is known is not read again.
"""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from lightmeter.errors import DecodeError
from lightmeter.store.cloud.contents import (
    Cover,
    ProfileObject,
    dataset_of,
    decision_of,
    profile_of,
)
from lightmeter.store.cloud.layout import (
    ProfileName,
    parse_place,
    parse_profile,
    place_name,
)
from lightmeter.store.cloud.objects import Objects
from lightmeter.store.cloud.sealed import MOST_BYTES
from lightmeter.store.cloud.services import Listed
from lightmeter.store.cloud.tables import count_of, put_damaged_row, put_row, text_of_place
from lightmeter.store.database import Database
from lightmeter.store.rows import note_merged, seal
from lightmeter.times import DAY, MILLISECOND

__all__ = ["Index", "Moved", "Sorted", "sort_names"]

_COMMIT = 2**26  # bytes of profiles written in one transaction


class Moved(Exception):  # noqa: N818 - it is caught where it is raised for
    """Objects came or went while they were read: list them again."""


class Known(NamedTuple):
    """An object that was read. `owns` says whether the row of its place is its own."""

    name: str
    mark: str  # of the listing
    place: str  # JSON: dataset, start, segment, writer, seq
    owns: int
    reason: str
    detail: str

    @property
    def covers(self) -> list[Cover]:
        """Of a roll-up, what it holds."""
        return [Cover(*each) for each in json.loads(self.detail)] if self.place else []


_COLUMNS = ", ".join(Known._fields)


class Sorted(NamedTuple):
    """Names by what they are names of."""

    datasets: list[str]
    places: dict[str, list[tuple[ProfileName, str]]]  # the highest number first
    decisions: dict[str, list[tuple[ProfileName, str]]]  # by folder, the highest number first
    bodies: dict[str, ProfileName]
    foreign: list[str]


def sort_names(names: Iterable[str]) -> Sorted:
    """Of everything below ``v1/dataset`` and ``v1/profile``."""
    datasets, foreign = list[str](), list[str]()
    places: defaultdict[str, list[tuple[ProfileName, str]]] = defaultdict(list)
    decisions: defaultdict[str, list[tuple[ProfileName, str]]] = defaultdict(list)
    bodies: dict[str, ProfileName] = {}
    for name in names:
        if not name.isascii():
            foreign.append(name)
        elif name.startswith("v1/dataset/") and name.count("/") == 2:
            datasets.append(name)
        elif not name.startswith("v1/profile/") or (parsed := parse_profile(name)) is None:
            foreign.append(name)
        elif parsed.last.is_body:
            bodies[name] = parsed
        elif parsed.place.startswith("~"):
            decisions[parsed.folder].append((parsed, name))
        else:
            places[parsed.path].append((parsed, name))
    for group in (*places.values(), *decisions.values()):
        group.sort(key=lambda pair: (-pair[0].last.number, pair[0].last.suffix))
    return Sorted(datasets, dict(places), dict(decisions), bodies, foreign)


class Index:
    """The profiles of a store's objects in a local file."""

    def __init__(self, database: Database, objects: Objects) -> None:
        """Nothing is read yet."""
        self._database = database
        self._objects = objects

    def begin(self) -> Callable[[Mapping[str, Listed]], None]:
        """What brings the local rows up to a listing of all objects, which is made afterwards.

        Else what somebody else has written into the index meanwhile would be missing in the
        listing, as if it had been deleted.

        Raises (when called):
            Moved: it is no longer so.
            StoreError: an object, or the local file, cannot be read.
        """
        deletions, known = count_of(self._database, "deletions"), self.known()

        def refresh(listed: Mapping[str, Listed]) -> None:
            _Refresh(self._database, self._objects, listed, deletions, known).run()

        return refresh

    def known(self, where: str = "1") -> dict[str, Known]:
        """The objects that were read, by their names."""
        rows = self._database.all(f"SELECT {_COLUMNS} FROM cloud_object WHERE {where}")
        return {row[0]: Known(*row) for row in rows}

    def damaged(self) -> set[str]:
        """The names of those that are none."""
        return set(self.known("reason != ''"))

    def rolled(self) -> dict[str, Known]:
        """The roll-ups that count."""
        return self.known("owns AND name LIKE '%.body'")


class _Refresh:
    """One refresh."""

    def __init__(
        self,
        database: Database,
        objects: Objects,
        listed: Mapping[str, Listed],
        deletions: int,
        known: dict[str, Known],
    ) -> None:
        self._database = database
        self._objects = objects
        self._listed = listed
        self._sorted = sort_names(listed)
        self._deletions, self._known = deletions, known
        self._before = dict(self._known)
        self._rows_before = _rows_by_folder(self._before)
        self._gone = False
        for name, each in self._before.items():
            if name not in listed or str(listed[name]) != each.mark:
                del self._known[name]
        self._owners: set[str] = set()
        self._later: list[tuple[str, ProfileObject]] = []  # rows that wait for others to go
        self._soon: list[tuple[str, ProfileObject]] = []

    def run(self) -> None:
        self._read_small()
        tops = self._tops()
        self._read_profiles({top: self._sorted.bodies[top] for top in tops})
        covered = self._covered(tops)
        winners = self._winners(covered)
        winners |= {self._sorted.bodies[top].path: top for top in tops}
        self._finish(winners)

    # Reading

    def _unknown(self, names: Iterable[str]) -> dict[str, Listed]:
        return {name: self._listed[name] for name in names if name not in self._known}

    def _read(self, names: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        for name, data in self._objects.read_many(self._unknown(names)):
            if data is None and self._listed[name].size <= MOST_BYTES:
                self._gone = True
            else:
                yield name, data

    def _check_gone(self) -> None:
        """Only after the others were read and kept: else one busy writer would stop a reader."""
        if self._gone:
            raise Moved

    def _note(self, name: str, *, place: str = "", reason: str = "", detail: str = "") -> None:
        self._known[name] = Known(name, str(self._listed[name]), place, 0, reason, detail)

    def _read_small(self) -> None:
        """Datasets and decisions, which are kept at once."""
        decisions = [name for group in self._sorted.decisions.values() for _, name in group]
        entered: list[tuple[str, int]] = []
        for name, data in self._read([*self._sorted.datasets, *decisions]):
            try:
                if data is None:
                    raise DecodeError(f"it has more than {MOST_BYTES} bytes")
                if name.startswith("v1/dataset/"):
                    entered.append(dataset_of(name, data))
                    self._note(name, detail=entered[-1][0])
                else:
                    self._note(name, detail=decision_of(data).kept)
            except DecodeError as error:
                self._note(name, reason=str(error))
        if entered:
            with self._database.transaction() as sql:
                for dataset, every in entered:
                    _enter(sql, dataset, every)
        self._check_gone()

    def _tops(self) -> list[str]:
        """The bodies of the roll-ups that count."""
        tops = []
        for folder, decisions in self._sorted.decisions.items():
            for parsed, name in decisions:
                known = self._known[name]
                if not known.reason and known.detail:
                    body = f"{folder}/{parsed.place}/{parsed.last.number}.{known.detail}.body"
                    if body in self._sorted.bodies:
                        tops.append(body)
                    break
        return tops

    def _read_profiles(self, names: Mapping[str, ProfileName]) -> None:
        """Profiles or roll-ups; what is whole is put into the tables, now or at the end."""
        held = 0
        for name, data in self._read(names):
            try:
                if data is None:
                    raise DecodeError(f"it has more than {MOST_BYTES} bytes")
                profile = profile_of(names[name].path, data)
                if profile.seq != names[name].last.number:
                    raise DecodeError(f"it is of the number {profile.seq}")
            except DecodeError as error:
                self._note(name, reason=str(error))
                continue
            self._note(name, place=_place_text(profile), detail=json.dumps(profile.covers))
            if self._can_go_in(profile):
                self._soon.append((name, profile))
            else:
                self._later.append((name, profile))
            held += len(profile.body)
            if held > _COMMIT:
                self._write_soon()
                held = 0
        self._write_soon()
        self._check_gone()

    def _can_go_in(self, profile: ProfileObject) -> bool:
        """Whether its row takes the place of none that must go first or with it."""
        before = self._rows_before.get(profile.folder, {})
        if not profile.writer:
            return not before
        seq = before.get(profile.path)
        return seq is None or seq < profile.seq

    def _write_soon(self) -> None:
        if self._soon:
            with self._database.transaction() as sql:
                for name, profile in self._soon:
                    _write(sql, profile, force=False)
                    self._keep(sql, name, owns=True)
            self._soon.clear()

    # What counts

    def _covered(self, tops: Iterable[str]) -> set[str]:
        """The places of which roll-ups hold the profiles."""
        covered = set[str]()
        for top in tops:
            self._owners.add(top)
            folder = self._sorted.bodies[top].folder
            if not self._known[top].reason:
                for start, writer, _ in self._known[top].covers:
                    covered.add(f"{folder}/{place_name(start, writer)}")
        return covered

    def _winners(self, covered: set[str]) -> dict[str, str]:
        """By place the highest object that is whole, or else the highest."""
        winners: dict[str, str] = {}
        open_ = {
            path: iter(group) for path, group in self._sorted.places.items() if path not in covered
        }
        first = {path: group[0][1] for path, group in self._sorted.places.items()}
        while open_:
            reading: dict[str, ProfileName] = {}
            for path in list(open_):
                for parsed, name in open_[path]:
                    if name not in self._known:
                        reading[name] = parsed
                    elif self._known[name].reason:
                        continue
                    winners[path] = name
                    break
                else:
                    winners[path] = first[path]
                    del open_[path]
                    continue
                if name in self._known:
                    del open_[path]
            self._read_profiles(reading)
            for name, parsed in reading.items():
                if not self._known[name].reason:
                    del open_[parsed.path]
        self._owners.update(winners.values())
        return winners

    # The end

    def _finish(self, winners: Mapping[str, str]) -> None:
        """Let go of the rows of what no longer counts, and put in what waited for that."""
        stale = [
            known
            for name, known in self._before.items()
            if known.owns and (name not in self._owners or name not in self._known)
        ]
        gone = [name for name in self._before if name not in self._known]
        ghosts = [
            (name, path)
            for path, name in winners.items()
            if self._known[name].reason
            and not self._known[name].owns
            and parse_place(path) is not None
        ]
        # What was read and counts no more is forgotten: were it to count again, it is read again.
        idle = [
            name
            for name, known in self._known.items()
            if name not in self._owners
            and not known.reason
            and (name in self._sorted.bodies or known.place)
        ]
        noted = [name for name, known in self._known.items() if known != self._before.get(name)]
        if not (stale or gone or ghosts or idle or noted or self._later):
            return
        with self._database.transaction() as sql:
            ((deletions,),) = sql.execute(
                "SELECT coalesce(max(value), 0) FROM cloud_count WHERE name = 'deletions'"
            ).fetchall()
            if deletions != self._deletions:
                raise Moved
            for known in stale:
                _drop(sql, known)
                if known.name in self._known:
                    self._keep(sql, known.name, owns=False)
            sql.executemany(
                "DELETE FROM cloud_object WHERE name = ?", [(name,) for name in gone + idle]
            )
            for name, profile in self._later:
                if name in self._owners:
                    _write(sql, profile, force=True)
            for name in set(noted) - set(idle):
                self._keep(sql, name, owns=name in self._owners and not self._known[name].reason)
            for name, _ in self._later:
                if name in self._owners:
                    self._keep(sql, name, owns=True)
            for name, path in ghosts:
                self._write_ghost(sql, name, path)
            if gone:
                self._forget_datasets(sql)

    def _keep(self, sql: sqlite3.Connection, name: str, *, owns: bool) -> None:
        owns = owns and bool(self._known[name].place)
        self._known[name] = self._known[name]._replace(owns=int(owns))
        marks = ", ".join("?" * len(Known._fields))
        sql.execute(
            f"INSERT OR REPLACE INTO cloud_object({_COLUMNS}) VALUES({marks})", self._known[name]
        )

    def _write_ghost(self, sql: sqlite3.Connection, name: str, path: str) -> None:
        """A row that says that there is a damaged profile, where its name tells whose it is."""
        place, parsed = parse_place(path), parse_profile(name)
        if place is None or parsed is None:
            return
        dataset, start, segment, writer = place
        row = sql.execute("SELECT id, every FROM dataset WHERE name = ?", (dataset,)).fetchone()
        if row is None:
            return
        number, span = parsed.last.number, row[1] if writer else max(row[1], DAY // MILLISECOND)
        put_damaged_row(sql, (row[0], start, segment, writer), number, span)
        text = text_of_place(dataset, start, segment, writer, number)
        self._known[name] = self._known[name]._replace(place=text, detail="[]")
        self._keep(sql, name, owns=True)

    def _forget_datasets(self, sql: sqlite3.Connection) -> None:
        there = {self._known[name].detail for name in self._sorted.datasets}
        for number, dataset in sql.execute("SELECT id, name FROM dataset").fetchall():
            query = "SELECT 1 FROM profile WHERE dataset = ? LIMIT 1"
            if dataset not in there and not sql.execute(query, (number,)).fetchall():
                sql.execute("DELETE FROM dataset WHERE id = ?", (number,))


def _rows_by_folder(known: Mapping[str, Known]) -> dict[str, dict[str, int]]:
    """By folder and place, the numbers of the objects whose rows are there."""
    rows: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for name, each in known.items():
        if each.owns and (parsed := parse_profile(name)) is not None:
            rows[parsed.folder][parsed.path] = parsed.last.number
    return rows


def _place_text(profile: ProfileObject) -> str:
    place = profile.dataset, profile.start, profile.segment, profile.writer, profile.seq
    return text_of_place(*place)


def _enter(sql: sqlite3.Connection, dataset: str, every: int) -> int:
    row = sql.execute("SELECT id, every FROM dataset WHERE name = ?", (dataset,)).fetchone()
    if row is not None and row[1] == every:
        return int(row[0])
    if row is not None:
        sql.execute(
            "UPDATE dataset SET every = ?, seal = ? WHERE id = ?",
            (every, seal(dataset, every), row[0]),
        )
        return int(row[0])
    cursor = sql.execute(
        "INSERT INTO dataset(name, every, seal) VALUES(?, ?, ?)",
        (dataset, every, seal(dataset, every)),
    )
    return int(cursor.lastrowid or 0)


def _write(sql: sqlite3.Connection, profile: ProfileObject, *, force: bool) -> None:
    row = sql.execute("SELECT id FROM dataset WHERE name = ?", (profile.dataset,)).fetchone()
    # Its own object may be damaged or gone; each profile says how long the buckets are.
    number = row[0] if row is not None else _enter(sql, profile.dataset, profile.every)
    key = number, profile.start, profile.segment, profile.writer
    values = profile.seq, profile.span, profile.images, profile.updated
    put_row(sql, key, profile.dataset, values, profile.body, force=force)
    for start, writer, seq in profile.covers:
        place = number, start, profile.segment, writer
        note_merged(sql, profile.dataset, place, seq)


def _drop(sql: sqlite3.Connection, known: Known) -> None:
    dataset, start, segment, writer, seq = json.loads(known.place)
    where = "dataset = (SELECT id FROM dataset WHERE name = ?) AND start = ? AND segment = ?"
    sql.execute(
        f"DELETE FROM profile WHERE {where} AND writer = ? AND seq = ?",
        (dataset, start, segment, writer, seq),
    )
    sql.executemany(
        f"DELETE FROM merged WHERE {where} AND writer = ? AND seq = ?",
        [(dataset, at, segment, name, number) for at, name, number in known.covers],
    )
