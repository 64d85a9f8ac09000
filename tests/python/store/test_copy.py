"""Moving a store into another, a file or a database."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from conftest import lightmeter
from lightmeter import Store
from lightmeter.store import copying
from lightmeter.store.copying import copy_store
from lightmeter.store.tables import Notice
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


def test_to_another_and_back(drift: Path, target: str, tmp_path: Path) -> None:
    with Store(drift) as first, Store(target) as there, Store(tmp_path / "back.db") as back:
        for source, other in ((first, there), (there, back)):
            assert copy_store(source, other) == (21, 5, [])
            assert timeless(other) == timeless(first)
            assert other.verify() == []
        # What a day holds that was rolled up can still not be put again.
        for store in (there, back):
            hour = datetime(2022, 9, 7, 1, tzinfo=UTC)
            assert not store.put("hours", view(1), at=hour, writer="a", seq=1)


@pytest.mark.parametrize("damage", ["body = x'00'", "segment = '%%%%'", "segment = 'b=1&a=2'"])
def test_what_the_target_has_stays_and_what_is_damaged_is_left(
    target: str, tmp_path: Path, damage: str
) -> None:
    with Store(tmp_path / "a.db") as first, Store(target) as second:
        for store, images in ((first, 1), (second, 2)):
            store.put("cells", view(images), at=NOON, writer="a")
        for writer in ("good", "damaged"):
            first.put("others", view(3), at=NOON, writer=writer)
        change(first, f"UPDATE profile SET {damage} WHERE writer = 'damaged'")
        told = [Notice(name, "b", "anomaly", NOON, "c", True) for name in ("cells", "others")]
        first.state.remember("a", [], told)
        for count in (1, 0):
            copied = copy_store(first, second)
            assert (copied.profiles, copied.state) == (count, count)
            assert "skipped the dataset 'cells'" in copied.left[0]
            assert sum("of 'damaged': it is damaged" in each for each in copied.left) == count
        assert second.read("cells").images == 2
        assert [row.writer for row in second.stored("others")] == ["good"]
        assert second.state.notices("a") == told[1:]


def test_a_damaged_state_is_told_as_such(drift: Path, target: str) -> None:
    with Store(drift) as first, Store(target) as second:
        change(first, "UPDATE notice SET kind = 'worry'")
        copied = copy_store(first, second)
        assert (copied.profiles, copied.state, len(copied.left)) == (21, 0, 1)
        assert "results and alerts: the store" in copied.left[0]


def test_a_copy_that_is_cut_off_leaves_nothing(drift: Path, target: str, monkeypatch: Any) -> None:
    def killed(*_: object) -> int:
        raise KeyboardInterrupt

    with Store(drift) as first, Store(target) as second:
        with monkeypatch.context() as patch:
            patch.setattr(copying, "insert", killed)
            with pytest.raises(KeyboardInterrupt):
                copy_store(first, second)
        assert second.datasets() == {}
        assert copy_store(first, second).left == []


def test_on_the_command_line(drift: Path, tmp_path: Path) -> None:
    address = tmp_path / "copy.db"
    result = lightmeter("store", "copy", drift, address)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "copied: 21 profiles, 5 rows of results and alerts\n"
    result = lightmeter("store", "copy", drift, address)
    assert result.returncode == 1
    assert "skipped the dataset 'cells', because the target already has it" in result.stderr
    assert lightmeter("store", "verify", address).returncode == 0
    assert lightmeter("store", "copy", tmp_path / "none.db", address).returncode == 1
