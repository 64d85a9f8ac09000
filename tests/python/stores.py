"""Stores to test with, and changing them behind their back."""

import contextlib
import json
import random
import sqlite3
import warnings
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
from lightmeter import Profile, ProfileView, Store
from lightmeter.errors import StoreError
from lightmeter.monitor.results import Result, load_results
from lightmeter.store.profiles import crc_of
from lightmeter.store.tables import (
    Accepted,
    BucketRows,
    Notice,
    Place,
    Source,
    StoredProfile,
    has,
    profile,
)
from sqlalchemy import select, update

DATASETS = ("cells", "hours")


def view(images: int, shade: int = 100, **tags: str) -> ProfileView:
    profile = Profile(tags=tags)
    for _ in range(images):
        profile.track(np.full((2, 2), shade, np.uint8))
    return profile.view()


def put_days(store: Store, days: int, writers: str = "a") -> None:
    """As many images on a day of September as its number, by each writer."""
    for day in range(1, days + 1):
        for writer in writers:
            store.put("cells", view(day), at=date(2022, 9, day), writer=writer)


def sql(path: Path, *statements: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def change(store: Store, *statements: str) -> None:
    """Change a store behind its back, on any engine."""
    with store._database.transaction() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def reseal(store: Store) -> None:
    """Make what was changed in rows of profiles look as if it had been written so."""
    for *values, body in store._database.rows(select(profile), lambda *row: row):
        row = StoredProfile(*values)
        crc = crc_of(row) if body is not None else -1 - crc_of(row)
        with store._database.transaction() as connection:
            connection.execute(update(profile).where(has(profile, *row[:4])).values(crc=crc))


def save_results(store: Store, results: list[Result], source: str = "") -> None:
    """Keep results as those of monitors on drift, in place of all that is kept of their source."""
    buckets: dict[Place, list[Result]] = {}
    for result in results:
        buckets.setdefault(result.place, []).append(result)
    pairs = dict.fromkeys((place.monitor, place.dataset) for place in buckets)
    sources = [
        Source(*pair, source, rank, b"", json.dumps({"type": "drift", "name": name, "dataset": of}))
        for rank, pair in enumerate(pairs)
        for name, of in [pair]
    ]
    before = [each for each in store.state.sources() if each.path == source]
    stale = [
        Place(each.monitor, each.dataset, *key)
        for each in before
        for key in store.state.judged(each.monitor, each.dataset)
    ]
    store.state.begin(sources, stale, sources=[source])
    store.state.add(BucketRows(place, 0, those) for place, those in buckets.items())


def fill(path: Path) -> None:
    """A store with something of everything, closed."""
    with Store(path) as store:
        for number in range(1, 6):
            profile = view(number)
            store.put("cells", profile, at=date(2022, 9, number), writer="a")
            store.put(
                "cells", profile, at=date(2022, 9, number), writer="a", segment={"camera": "b"}
            )
            for writer in "ab":
                for day in (7, 20):
                    hour = datetime(2022, 9, day, number, tzinfo=UTC)
                    store.put("hours", profile, at=hour, writer=writer, every="1h")
        for number in (1, 2):
            hour = datetime(2022, 8, 1, number, tzinfo=UTC)
            store.put("hours", view(number), at=hour, writer="a", every="1h")
        store.gc(now=datetime(2022, 9, 12, tzinfo=UTC), roll_up_after="1d", keep="30d")
        at = datetime(2022, 9, 20, tzinfo=UTC)
        place = {"monitor": "m", "dataset": "cells", "bucket": at}
        save_results(store, [Result("x", "anomaly", 0.5, None, 1.0, "words", **place)])
        store.state.remember("a", [], [Notice("cells", "", "anomaly", at, "m", True)])
        store.state.accept(Accepted("cells", "*", "m", at, "note", at))


def corrupted(data: bytes, rng: random.Random) -> bytes:
    """With some bits flipped, bytes changed, a stretch or page zeroed, moved, or the end cut."""
    changed = bytearray(data)
    way = rng.randrange(6)
    at = rng.randrange(len(data))
    if way == 0:
        changed[at] ^= 1 << rng.randrange(8)
    elif way == 1:
        for _ in range(rng.randrange(1, 50)):
            changed[rng.randrange(len(data))] = rng.randrange(256)
    elif way == 2:
        page = at // 4096 * 4096
        changed[page : page + 4096] = bytes(4096)
    elif way == 3:
        del changed[at:]
    elif way == 4:  # within the first pages, where the schema and the structure are
        for _ in range(rng.randrange(1, 10)):
            changed[rng.randrange(min(len(data), 3 * 4096))] = rng.randrange(256)
    else:
        end, other = min(at + 200, len(data)), rng.randrange(len(data) - 200)
        changed[at:end] = data[other : other + end - at]
    return bytes(changed)


def answers(store: Store) -> dict[str, Any]:
    """All that a store says; a StoreError is an answer, too. Nothing else may be raised."""
    asked: dict[str, Callable[[], Any]] = {
        "datasets": store.datasets,
        "summary": store.summary,
        "results": lambda: load_results(store),
        "turning points": lambda: load_results(store, turning=True),
        "told": lambda: store.state.notices("a"),
        "accepted": store.state.accepted,
    }
    for name in DATASETS:
        asked |= {
            f"{name} segments": lambda name=name: store.segments(name),
            f"{name} buckets": lambda name=name: store.buckets(name),
            f"{name} stored": lambda name=name: store.stored(name),
            f"{name} rolled up": lambda name=name: store.rolled_up(name, writer="a"),
            f"{name} read": lambda name=name: store.read(name).to_bytes(),
            f"{name} profiles": lambda name=name: len(list(store.load(name))),
            f"{name} of b": lambda name=name: store.read(name, segment={"camera": "b"}).to_bytes(),
        }
    said = {}
    for name, ask in asked.items():
        try:
            with warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("always")
                said[name] = ask() if not told else None
        except StoreError as error:
            said[name] = f"StoreError: {error}"
    return said


def timeless(store: Store) -> dict[str, Any]:
    """All that a store says, but when it was told."""
    told = answers(store)
    for name in told:
        if name == "summary" or "buckets" in name or "stored" in name:
            told[name] = [row._replace(updated=0) for row in told[name]]
    return told


def survives(path: Path, truth: dict[str, Any]) -> str:
    """Do everything with a corrupted store: "refused", "reported", "harmless" or "unnoticed".

    The last is a wrong answer where `verify` says that nothing is damaged.
    """
    try:
        with Store(path, create=False) as store:
            said = answers(store)
            damage = [str(each) for each in store.verify()]
            for change in (
                lambda: store.put("cells", view(1), at=date(2022, 9, 1), writer="a"),
                lambda: store.put("hours", view(1), at=date(2022, 9, 7), writer="a", seq=9),
                lambda: store.gc(now=datetime(2023, 1, 1, tzinfo=UTC), keep="112d"),
            ):
                try:
                    change()
                except StoreError:
                    damage.append("it refuses changes")
    except StoreError:
        return "refused"
    if damage:
        return "reported"
    return "harmless" if said == truth else "unnoticed"


def varint(number: int) -> bytes:
    """As in profiles of lightmeter and of whylogs."""
    number %= 2**64
    low = bytearray()
    while number > 0x7F:
        low.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*low, number))
