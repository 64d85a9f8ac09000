"""Moving a store into another, a file or a database."""

import contextlib
import sqlite3
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from conftest import lightmeter
from lightmeter import Store
from lightmeter.dashboard import write_dashboard
from lightmeter.errors import StoreError
from lightmeter.store import keeping
from lightmeter.store.copying import copy_store
from lightmeter.store.records import Told
from stores import change, fill, timeless, view

NOON = datetime(2022, 9, 7, 12, tzinfo=UTC)


@pytest.fixture
def drift(tmp_path: Path) -> Path:
    fill(tmp_path / "drift.db")
    return tmp_path / "drift.db"


@pytest.fixture(params=["file", "postgresql"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a store that is not there yet."""
    is_file = request.param == "file"
    return str(tmp_path / "target.db") if is_file else request.getfixturevalue("database")


def rows(path: Path, query: str) -> list[tuple[int, ...]]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def test_to_another_and_back(drift: Path, target: str, tmp_path: Path) -> None:
    with Store(drift) as first, Store(target) as there, Store(tmp_path / "back.db") as back:
        for source, other in ((first, there), (there, back)):
            copied = copy_store(source, other)
            profiles = sum(
                len(source.stored(name, segment=segment))
                for name in source.datasets()
                for segment in source.segments(name)
            )
            assert copied.left == []
            assert (copied.profiles, copied.there, copied.compared) == (profiles, 0, profiles)
            assert copied.state == 7
            assert timeless(other) == timeless(first)
            assert other.verify() == []
            again = copy_store(source, other)
            assert again == copied._replace(profiles=0, there=profiles)
        # What a day holds that was rolled up can still not be put again.
        for store in (there, back):
            hour = datetime(2022, 9, 7, 1, tzinfo=UTC)
            assert not store.put("hours", view(1), at=hour, writer="a", seq=1)


def test_dashboards_are_the_same(drift: Path, target: str, tmp_path: Path) -> None:
    pages = []
    with Store(drift) as first, Store(target) as second:
        copy_store(first, second)
        for name, store in (("a", first), ("b", second)):
            write_dashboard(store, tmp_path / name)
            files = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
            pages.append([(path.name, path.read_bytes()) for path in files])
    assert pages[0] == pages[1]
    assert len(pages[0]) > 3


def test_what_is_newer_stays(target: str, tmp_path: Path) -> None:
    with Store(tmp_path / "a.db") as first, Store(target) as second:
        for store, images, seq in ((first, 1, 3), (second, 2, 5)):
            store.put("cells", view(images), at=NOON, writer="newer", seq=seq)
        for store, images in ((first, 1), (second, 2)):
            store.put("cells", view(images), at=NOON, writer="other", seq=7)
        for store, images, seq in ((first, 9, 2), (second, 1, 1)):
            store.put("cells", view(images), at=NOON, writer="older", seq=seq)
        first.put("cells", view(1), at=NOON, writer="damaged")
        change(first, "UPDATE profile SET body = x'00' WHERE writer = 'damaged'")
        told = [Told("a", "b", "anomaly", NOON, "c", True)]
        first.state.remember("a", [], told)
        second.state.remember("b", [], told)
        copied = copy_store(first, second)
        assert (copied.profiles, copied.compared, copied.state) == (1, 1, 0)
        for words in ("'newer': the target has another one, of seq 5", "'other': the target has"):
            assert sum(words in each for each in copied.left) == 1
        assert sum("'damaged': it is damaged in the source" in each for each in copied.left) == 1
        assert sum("rows of its table told" in each for each in copied.left) == 1
        assert len(copied.left) == 4
        counts = {row.writer: row.images for row in second.stored("cells")}
        assert counts == {"newer": 2, "other": 2, "older": 9}
        assert (second.state.told("a"), len(second.state.told("b"))) == ([], 1)


@pytest.mark.parametrize("rolled", ["source", "target", "both"])
@pytest.mark.parametrize("back", [False, True])
def test_what_was_added_and_rolled_up_counts_once(
    rolled: str, back: bool, target: str, tmp_path: Path
) -> None:
    addresses = [target, str(tmp_path / "a.db")]
    with Store(addresses[not back]) as source, Store(addresses[back]) as other:
        for count in (1, 2):
            source.add("cells", view(count), at=NOON)
        copy_store(source, other)
        source.add("cells", view(4), at=NOON)
        for store in (source, other):
            if rolled == "both" or store is (source if rolled == "source" else other):
                store.gc(now=datetime(2022, 9, 12, tzinfo=UTC), roll_up_after="1d")
        copied = copy_store(source, other)
        there = other.read("cells").images
        assert there == (3 if rolled == "both" else 7)
        assert (there == 7) or "the target has another one" in copied.left[0]


def test_one_dataset_that_does_not_fit_keeps_back_no_other(tmp_path: Path) -> None:
    with Store(tmp_path / "a.db") as first, Store(tmp_path / "b.db") as second:
        for dataset in ("a", "b"):
            first.put(dataset, view(1), at=NOON, writer="a", every="1h")
        second.define("a", "1d")
        copied = copy_store(first, second)
        assert (copied.profiles, copied.compared) == (1, 1)
        assert len(copied.left) == 1
        assert "'a' has buckets of 1d, not of 1h" in copied.left[0]


def test_a_damaged_state_is_told_as_such(drift: Path, target: str) -> None:
    (page,) = {
        root for (root,) in rows(drift, "SELECT rootpage FROM sqlite_schema WHERE name = 'result'")
    }
    ((size,),) = rows(drift, "PRAGMA page_size")
    with open(drift, "r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"?" * 500)
    with Store(drift) as first, Store(target) as second:
        copied = copy_store(first, second)
        assert copied.compared == copied.profiles == 21
        assert copied.state is None
        assert len(copied.left) == 1
        assert "malformed" in copied.left[0]


def test_it_goes_on_where_it_was_cut_off(
    drift: Path, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put, left = keeping.put_row, [0]

    def killed(*arguments: Any) -> bool:
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt
        return put(*arguments)

    monkeypatch.setattr(keeping, "put_row", killed)
    with Store(drift) as first, Store(target) as second:
        for left[0] in (3, 9, 0):
            with contextlib.suppress(KeyboardInterrupt):
                copied = copy_store(first, second)
        assert copied.left == []
        assert copied.there == 2 + 8
        assert timeless(second) == timeless(first)
        assert second.verify() == []


def test_a_server_is_copied_where_its_store_is(tmp_path: Path, spool: Path) -> None:
    with (
        Store(tmp_path / "a.db") as first,
        Store("http://127.0.0.1:9") as far,
        pytest.raises(StoreError, match="copy where its store is"),
    ):
        copy_store(first, far)


def test_on_the_command_line(drift: Path, tmp_path: Path) -> None:
    address = tmp_path / "copy.db"
    result = lightmeter("store", "copy", drift, address)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("profiles copied: 2")
    assert "the same in both, by SHA-256: 2" in result.stdout
    with Store(address) as store:
        store.put("cells", view(3), at=date(2022, 9, 1), writer="a")
    result = lightmeter("store", "copy", drift, address)
    assert result.returncode == 1
    assert "the target has another one, of seq 2 where the source has 1" in result.stderr
    assert lightmeter("store", "verify", address).returncode == 0
    assert lightmeter("store", "copy", tmp_path / "none.db", address).returncode == 1
