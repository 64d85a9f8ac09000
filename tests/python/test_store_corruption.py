"""Stores whose bytes are not those that were written, at random and on purpose."""

import random
import sqlite3
from collections import Counter
from pathlib import Path

import pytest
from lightmeter import Store
from stores import answers, corrupted, fill, survives

pytestmark = pytest.mark.usefixtures("no_waiting_for_the_disk")

# Of each kind of value that a store holds of a profile, and where it holds it.
FLIPS = [
    "profile SET start = start + 86400000",
    "profile SET span = span + 1",
    "profile SET segment = 'camera=c'",
    "profile SET writer = writer || 'x'",
    "profile SET seq = seq + 1",
    "profile SET images = images + 1",
    "profile SET updated = updated + 1",
    "profile SET body = x'00'",
    "profile SET dataset = 77",
    "profile SET writer = 5.5",
    "profile SET images = 'many'",
    "profile SET seal = x'00'",
    "dataset SET every = every * 2",
    "dataset SET every = 'day'",
    "dataset SET name = name || 'x'",
    "merged SET seq = seq + 1",
    "merged SET start = start + 1",
]


def test_random_damage_is_reported_and_raises_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "whole.db"
    fill(path)
    with Store(path) as store:
        truth = answers(store)
        assert store.verify() == []
    data = path.read_bytes()
    ends: Counter[str] = Counter()
    for seed in range(300):
        copy = tmp_path / f"{seed}.db"
        copy.write_bytes(corrupted(data, random.Random(seed)))
        ends[survives(copy, truth)] += 1
    assert ends["unnoticed"] == 0
    assert min(ends[end] for end in ("refused", "reported", "harmless")) > 30


@pytest.mark.parametrize("change", FLIPS)
def test_verify_covers_every_value(tmp_path: Path, change: str) -> None:
    path = tmp_path / "drift.db"
    fill(path)
    connection = sqlite3.connect(path)
    table = change.split()[0]
    with connection:
        limit = f"WHERE rowid = (SELECT max(rowid) FROM {table})"
        if table == "merged":  # which has no row numbers
            limit = "WHERE start = (SELECT max(start) FROM merged)"
        connection.execute(f"UPDATE {change} {limit}")
    connection.close()
    with Store(path) as store:
        assert store.verify()
        answers(store)
