"""Writers of an object store that are killed, or come at once."""

import contextlib
import itertools
from datetime import UTC, datetime

import pytest
from clouds import LATER, LINE, NOON, images, in_memory, objects_of, on_another_machine
from faulty import Asked, Killed
from lightmeter import Store
from lightmeter.errors import StoreError
from lightmeter.store.cloud import lease
from lightmeter.store.records import Snoozed
from stores import view

pytest.importorskip("fsspec")
pytestmark = pytest.mark.usefixtures("cache")


STRIDE = 2


def _live(store: Store, kept: dict[tuple[str, int], int]) -> None:
    """Put, roll up, delete and remember; `kept` has of each writer and hour what is kept."""
    for hour, count, writer in ((1, 1, "a"), (2, 1, "a"), (1, 2, "b"), (1, 2, "a")):
        kept[writer, -hour] = count  # begun
        at = datetime(2022, 9, 7, hour, tzinfo=UTC)
        store.put("cells", view(count), at=at, writer=writer, every="1h")
        kept[writer, hour] = count
    store.state.snooze(Snoozed(LINE, LATER, "one"))
    kept["snooze", 1] = 1
    store.gc(now=LATER, roll_up_after="1h")
    kept["c", -3] = 5
    store.put("cells", view(5), at=datetime(2022, 9, 7, 3, tzinfo=UTC), writer="c")
    kept["c", 3] = 5
    store.gc(now=LATER, roll_up_after="1h")
    kept["gone", -1] = 1
    store.profiles.delete("cells")
    kept["gone", 1] = 1


@pytest.mark.parametrize("done_first", [False, True], ids=["before", "after"])
def test_a_writer_may_be_cut_off_anywhere(asked: Asked, done_first: bool) -> None:
    ended = False
    # What is there after one change is there before the next: only what was told differs.
    for end in itertools.count(1, 4 if done_first else 1):
        address = in_memory()
        Store(address).close()
        asked.changes, asked.end, asked.done_first = 0, end, done_first
        kept: dict[tuple[str, int], int] = {}
        store = Store(address)
        try:
            _live(store, kept)
            ended = True
        except Killed:
            pass
        asked.end = float("inf")
        store.close()
        _check(address, kept, end)
        if ended:
            break
    assert end > 25


def _check(address: str, kept: dict[tuple[str, int], int], end: int) -> None:
    """Nothing acknowledged is lost or counted twice, now and after others went on."""
    low = sum(count for (_, hour), count in kept.items() if hour > 0)
    low -= kept.get(("snooze", 1), 0) + kept.get(("gone", 1), 0)
    last: dict[tuple[str, int], int] = {}
    for (writer, hour), count in kept.items():
        if writer not in ("snooze", "gone"):
            last[writer, abs(hour)] = max(count, last.get((writer, abs(hour)), 0))
    high = sum(last.values())
    with on_another_machine(address, end + 10) if end % 2 else Store(address) as store:
        if ("gone", 1) in kept:
            low = high = 0
        elif ("gone", -1) in kept:
            low = 0
        there = "cells" in store.datasets()
        before = images(store) if there else 0
        assert low <= before <= high, (end, kept)
        assert before in (low, high) or ("gone", -1) in kept
        assert (store.state.snoozed(NOON) != []) >= (("snooze", 1) in kept)
        assert store.verify() == []
        store._session.lease._machine = lambda: "other"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(lease, "EXPIRY", 0.0)
            patch.setattr(lease, "_PAUSE", 0.0)
            store.gc(now=LATER, roll_up_after="1h")
        if there:
            assert images(store) == before
        assert store.verify() == []
        names = [name for name in objects_of(store).list() if "/profile/" in name]
        assert len(names) <= 2, names


def test_a_roll_up_never_counts_without_what_was_acknowledged(asked: Asked) -> None:
    """A writer puts while somebody merges: between any two things that the other does."""
    at = datetime(2022, 9, 7, 1, tzinfo=UTC)
    for step in range(1, 40):
        address = in_memory()
        asked.before = None
        with Store(address) as store, on_another_machine(address) as other:
            for writer in "ab":
                store.put("cells", view(1), at=at, writer=writer, every="1h")
            told = asked.act_before(step, lambda: other.put("cells", view(3), at=at, writer="a"))
            store.gc(now=LATER, roll_up_after="1h")
            asked.before = None
            if not told:
                break
            expected = 4 if told[0] else 2
            assert images(store) == images(other) == expected, step
            store.gc(now=LATER, roll_up_after="1h")
            assert images(store) == images(other) == expected
            assert store.verify() == []
    assert 10 < step < 39


def test_two_roll_up_at_once_and_lose_nothing(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where one stood still for so long that the other took its turn."""
    monkeypatch.setattr(lease, "EXPIRY", 0.0)
    monkeypatch.setattr(lease, "_PAUSE", 0.0)
    for step in range(1, 60, STRIDE):
        address = in_memory()
        asked.before = None
        with Store(address) as store, on_another_machine(address) as other:
            for hour in (1, 2):
                at = datetime(2022, 9, 7, hour, tzinfo=UTC)
                store.put("cells", view(hour), at=at, writer="a", every="1h")
            store.gc(now=LATER, roll_up_after="1h")
            store.put("cells", view(4), at=at, writer="b")
            told = asked.act_before(
                step, lambda: other.gc(now=LATER, roll_up_after="1h") is not None
            )
            with contextlib.suppress(StoreError):
                store.gc(now=LATER, roll_up_after="1h")
            asked.before = None
            for reader in (store, other):
                assert images(reader) == 7, step
                assert reader.verify() == []
            if not told:
                break
    assert step > 12


def test_two_put_at_once_and_both_are_told_the_truth(asked: Asked) -> None:
    for exclusive, step in itertools.product((True, False), range(1, 9)):
        address = in_memory()
        asked.exclusive, asked.before = exclusive, None
        with Store(address) as store, on_another_machine(address) as other:
            store.define("cells", "1d")
            told = asked.act_before(
                step,
                lambda: other.put("cells", view(2), at=NOON, writer="a", seq=4),
            )
            told.append(store.put("cells", view(1), at=NOON, writer="a", seq=4))
            asked.before = None
            assert sum(told) == 1 or (len(told) == 1 and told[0])
            (row,) = store.stored("cells")
            assert row.images == (2 if len(told) == 2 and told[0] else 1)
            assert store.verify() == []


def test_a_late_put_is_not_kept_beside_what_was_replaced(asked: Asked) -> None:
    address = in_memory()
    with Store(address) as store, on_another_machine(address) as other:
        store.define("cells", "1d")

        def replace() -> bool:
            for seq in (4, 5):
                other.put("cells", view(seq), at=NOON, writer="a", seq=seq)
            return True

        for step in range(1, 9):
            told = asked.act_before(step, replace)
            kept = store.put("cells", view(9), at=NOON, writer="a", seq=4)
            asked.before = None
            assert not told or not kept or step > 4, step
            assert [row.seq for row in other.stored("cells")] == [5 if told else 4]
            store.profiles.delete("cells")
