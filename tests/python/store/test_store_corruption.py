"""Stores whose bytes are not those that were written, at random and on purpose."""

import contextlib
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lightmeter import Store, watch
from lightmeter.errors import StoreError
from stores import DATASETS, answers, fill, sql

sys.path.append(str(Path(__file__).parents[2] / "stress"))
import corruption

NOW = datetime(2022, 9, 25, tzinfo=UTC)

# Of each kind of value that a store holds of a profile, and where it holds it; of what monitors and
# alerts keep, values that nobody can have written.
FLIPS = [
    "profile SET start = start + 86400000",
    "profile SET span = span + 1",
    "profile SET segment = 'camera=c'",
    "profile SET writer = writer || 'x'",
    "profile SET seq = seq + 1",
    "profile SET images = images + 1",
    "profile SET body = x'00'",
    "profile SET tags = '&model=v7&'",
    "profile SET dataset = 77",
    "profile SET segment = 'b=1&a=2'",
    "profile SET start = 9000000000000000000",
    "profile SET images = 'many'",
    "dataset SET every = every * 2",
    "dataset SET every = 0",
    "dataset SET name = name || 'x'",
    "held SET seq = seq + 1",
    "watched SET path = x'00'",
    "judged SET states = 'anomaly,fine'",
    "judged SET version = 'text'",
    "result SET state = 'fine'",
    "result SET value = 'much'",
    "told SET kind = 'worry'",
]

MONITORS = """
[[monitor]]
name = "interval {0}"
dataset = "{0}"
type = "interval"
baseline = {{ trailing = 1 }}
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "whole.db"
    fill(path)
    return path


def test_random_damage_is_reported_and_raises_nothing_else() -> None:
    ends = corruption.ends(80)
    assert ends.keys() == {"refused", "reported", "harmless"}
    assert min(ends.values()) > 8


@pytest.mark.parametrize("change", FLIPS)
def test_verify_covers_every_value(whole: Path, tmp_path: Path, change: str) -> None:
    path, monitors = tmp_path / "drift.db", tmp_path / "monitors.toml"
    shutil.copy(whole, path)
    monitors.write_text("".join(map(MONITORS.format, DATASETS)))
    table = change.split()[0]
    if table in ("profile", "dataset", "held"):  # held by a roll-up
        which = {"profile": "WHERE body IS NOT NULL", "held": "WHERE body IS NULL"}.get(table, "")
        rows = f"FROM {table} {which}"
        change = f"{change} WHERE rowid = (SELECT max(rowid) {rows})".replace("held", "profile")
    sql(path, f"UPDATE {change}")
    with Store(path) as store:
        assert store.verify()
        answers(store)
        for work in (lambda: watch(store, monitors, now=NOW), lambda: store.gc(keep="1d")):
            with contextlib.suppress(StoreError):
                work()
