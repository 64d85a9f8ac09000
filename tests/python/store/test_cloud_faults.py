"""Stores in object stores amid failing services, objects of others, and names that come again."""

import contextlib
import os
import platform
import random
import shutil
import sqlite3
import warnings
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from faulty import Asked, Killed
from lightmeter import Store
from lightmeter.errors import StoreError
from lightmeter.store.cloud import chain, lease
from lightmeter.store.cloud.sealed import seal_object, unseal
from lightmeter.store.records import Snoozed
from stores import view
from test_cloud import LATER, LINE, NOON, images, in_memory, objects_of, on_another_machine

pytest.importorskip("fsspec")
HIGHEST = 2**62


@pytest.fixture(autouse=True)
def _quick(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "_PAUSE", 0.01)


@pytest.fixture(params=["file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    address = f"file://{tmp_path}/bucket" if request.param == "file" else in_memory()
    with Store(address) as opened:
        yield opened


def shade(store: Store) -> float:
    mean = store.read("cells")["image.Brightness.mean"].mean
    assert mean is not None
    return mean


def snooze(store: Store, name: str) -> None:
    store.state.snooze(Snoozed(LINE._replace(feature=name), LATER, name))


def snoozed(store: Store) -> list[str]:
    return sorted(
        (each.note for each in store.state.snoozed(NOON)), key=lambda note: (len(note), note)
    )


# Names that come again


def test_what_is_put_under_the_name_of_what_was_deleted_is_read(store: Store) -> None:
    with on_another_machine(store.address) as other:
        store.put("cells", view(1, 100), at=NOON, writer="a")
        assert shade(other) == 100
        store.profiles.delete("cells")
        store.put("cells", view(1, 101), at=NOON, writer="a")
        assert shade(store) == shade(other) == 101


def test_a_store_that_is_put_back_is_read_anew(store: Store) -> None:
    snooze(store, "1")
    before = {name: objects_of(store).read(name) for name in objects_of(store).list()}
    snooze(store, "2")
    snooze(store, "3")
    with on_another_machine(store.address) as other:
        assert snoozed(other) == ["1", "2", "3"]
        objects_of(store).remove(set(objects_of(store).list()) - set(before))
        with on_another_machine(store.address, 3) as third:
            for name in "456":
                snooze(third, name)
            for reader in (store, other, third):
                assert snoozed(reader) == ["1", "4", "5", "6"]


def test_an_entry_that_was_tidied_away_counts_no_more(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its writer stood still meanwhile; a reader comes before he takes it back."""
    monkeypatch.setattr(chain, "_LONGEST", 2)
    for late in range(2, 5):
        with Store(in_memory()) as store, on_another_machine(store.address) as slow:
            for number in range(1, late):
                snooze(store, str(number))
            assert snoozed(slow) == snoozed(store)
            with on_another_machine(store.address, 3) as reader:
                assert snoozed(reader) == snoozed(store)

                def others(name: str, _what: Any) -> None:
                    if name == "create":
                        asked.before = None
                        for number in range(late, 10):  # noqa: B023
                            snooze(store, str(number))
                        asked.before = remove

                def remove(name: str, _what: Any) -> None:
                    if name == "remove":
                        asked.before = None
                        assert "slow" not in snoozed(reader)

                asked.before = others
                snooze(slow, "slow")
                asked.before = None
                expected = [*map(str, range(1, 10)), "slow"]
                for each in (store, slow, reader):
                    assert snoozed(each) == expected


def test_two_roll_up_while_somebody_puts(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second takes away what says what the first one holds."""
    monkeypatch.setattr(lease, "EXPIRY", 0.0)
    for first in range(1, 4):
        for second in range(first + 1, 10):
            with Store(in_memory()) as store, on_another_machine(store.address) as other:
                store.put("cells", view(1), at=NOON, writer="a", every="1h")
                store.put("cells", view(1), at=NOON, writer="b")
                left = 0

                def before(_name: str, _what: Any) -> None:
                    nonlocal left
                    left += 1
                    if left in (first, second):  # noqa: B023
                        if left == second:  # noqa: B023
                            asked.before = None
                            other.add("cells", view(1), at=NOON)
                        else:
                            asked.before = None
                        other.gc(now=LATER, roll_up_after="1h")
                        if left != second:  # noqa: B023
                            asked.before = before

                asked.before = before
                try:
                    kept = store.put("cells", view(5), at=NOON, writer="a")
                except StoreError:
                    kept = False
                done, asked.before = left >= second, None
                assert images(other) == 2 + 4 * kept + done, (first, second)


# Services that fail


def test_an_answer_that_was_cut_off_is_no_damage(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for writer in "ab":
        store.put("cells", view(1), at=NOON, writer=writer, every="1h")
    store.gc(now=LATER, roll_up_after="1h")
    store.put("cells", view(1), at=NOON, writer="c", seq=3)
    snooze(store, "kept")
    service: Any = type(objects_of(store).service)
    read_many = service.read_many
    for length in (0, 3, 50):
        with (
            on_another_machine(store.address, length + 10) as other,
            pytest.MonkeyPatch.context() as patch,
        ):

            def cut(service: Any, paths: list[str]) -> list[Any]:
                patch.setattr(type(service), "read_many", read_many)
                return [content[:length] for content in read_many(service, paths)]  # noqa: B023

            for ask in (
                lambda: images(other) == 3,
                lambda: snoozed(other) == ["kept"],
                lambda: not other.put("cells", view(9), at=NOON, writer="a", seq=1),
                lambda: not other.put("cells", view(9), at=NOON, writer="c", seq=2),
            ):
                patch.setattr(service, "read_many", cut)
                assert ask()
            assert images(other) == 3
            assert other.verify() == []


def test_a_reader_is_not_stopped_by_a_busy_writer(asked: Asked) -> None:
    rng = random.Random(1)
    with Store(in_memory()) as store:
        for number in range(20):
            store.put("cells", view(1), at=NOON, writer=str(number))

        def replace(name: str, what: str) -> None:
            if name == "read" and "/profile/" in what:
                asked.before = None
                store.put("cells", view(1), at=NOON, writer=str(rng.randrange(20)))
                asked.before = replace

        with on_another_machine(store.address) as other:
            asked.before = replace
            assert images(other) == 20


def test_any_operation_may_fail_or_only_seem_to(asked: Asked) -> None:
    """What is acknowledged is kept, and what is not, is at most once."""
    for fails in range(1, 60, 9):
        for seems in (False, True):
            with Store(in_memory()) as store, on_another_machine(store.address) as other:
                left, kept, tried = fails, 0, 0

                def fail(_name: str, _what: Any) -> None:
                    nonlocal left
                    left -= 1
                    if left % 7 == 0:
                        raise TimeoutError("no answer")

                asked.before, asked.after = (None, fail) if seems else (fail, None)
                for number in range(1, 5):
                    tried += number
                    with contextlib.suppress(StoreError):
                        store.add("cells", view(number), at=NOON, every="1h")
                        kept += number
                    with contextlib.suppress(StoreError):
                        other.gc(now=LATER, roll_up_after="1h")
                asked.before = asked.after = None
                there = images(other) if "cells" in other.datasets() else 0
                assert kept <= there <= tried, (fails, seems)
                assert other.verify() == []


def test_a_store_may_be_cut_off_while_it_begins(asked: Asked) -> None:
    for end in range(1, 5):
        for done_first in (False, True):
            asked.changes, asked.end, asked.done_first = 0, end, done_first
            address = in_memory()
            with contextlib.suppress(Killed):
                Store(address).close()
            asked.end = float("inf")
            with Store(address) as store:
                store.put("cells", view(1), at=NOON, writer="a")
                assert store.verify() == []
                store.gc(now=LATER)
                assert len(objects_of(store).list("v1/turn")) == 1


# Objects of others


def test_names_that_are_no_text_are_foreign(tmp_path: Path) -> None:
    with Store(f"file://{tmp_path}/bucket") as store:
        store.put("cells", view(1), at=NOON, writer="a")
        place = next(name for name in objects_of(store).list() if name.endswith("/a/1"))
        parts = place.split("/")
        names = [b"v1/dataset/\xff", b"v1/\xff", b"v1/turn/\xff", b"v1/state/entry/\xff"]
        for at in (2, 4, 6):
            names.append(
                "/".join([*parts[:at], "\udcff", *parts[at + 1 :]]).encode(
                    "utf-8", "surrogateescape"
                )
            )
        for name in names:
            path = os.fsencode(tmp_path / "bucket") + b"/" + name
            os.makedirs(os.path.dirname(path), exist_ok=True)
            Path(os.fsdecode(path)).write_bytes(b"?")
        with on_another_machine(store.address) as other:
            assert images(store) == images(other) == 1
        snooze(store, "kept")
        store.gc(now=LATER)
        assert len(store.verify()) == len(names)


def test_numbers_that_leave_no_higher_one(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "EXPIRY", 0.0)
    store.put("cells", view(1), at=NOON, writer="a")
    store.put("cells", view(1), at=NOON, writer="b")
    folder = next(name for name in objects_of(store).list() if name.endswith("/a/1"))
    folder = "/".join(folder.split("/")[:5])
    snooze(store, "1")
    for name in ("v1/turn", "v1/state/entry", "v1/state/whole", f"{folder}/~rolled"):
        objects_of(store).replace(f"{name}/{HIGHEST}", b"")
    with on_another_machine(store.address) as other:
        for half, name in ((store, "2"), (other, "3")):
            with half.turn():
                snooze(half, name)
        assert snoozed(store) == snoozed(other) == ["1", "2", "3"]
        with pytest.raises(StoreError, match="leaves no higher number for a roll-up"):
            store.gc(now=LATER, roll_up_after="1d")
        assert images(store) == images(other) == 2
        objects_of(store).remove([f"{folder}/~rolled/{HIGHEST}"])
        assert store.gc(now=LATER, roll_up_after="1d").merged == 2
        assert images(store) == images(other) == 2


def test_a_damaged_roll_up_is_told(store: Store) -> None:
    for writer in "ab":
        store.put("cells", view(1), at=NOON, writer=writer)
    store.put("cells", view(1), at=NOON + timedelta(days=1), writer="a")
    store.gc(now=LATER, roll_up_after="12d")
    (body,) = (name for name in objects_of(store).list() if name.endswith(".body"))
    whole = objects_of(store).read(body)
    objects_of(store).replace(body, whole[:-1] + b"?")
    with on_another_machine(store.address) as other:
        for reader in (store, other):
            with warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("always")
                assert reader.read("cells").images == 1
            assert len(told) == 1
            assert reader.gc(now=LATER, roll_up_after="12d").damaged == 1
        objects_of(store).replace(body, whole)
        assert other.read("cells").images == 3
        objects_of(store).replace(body, b"")
        assert store.profiles.delete("cells") == 2
        assert store.verify() == other.verify() == []


def test_a_day_whose_object_is_gone_is_told(store: Store) -> None:
    for writer in "ab":
        store.put("cells", view(1), at=NOON, writer=writer)
    store.gc(now=LATER, roll_up_after="1d")
    (row,) = store.stored("cells")
    day, covers = store.read("cells"), store.profiles.covered(row)
    (body,) = (name for name in objects_of(store).list() if name.endswith(".body"))
    objects_of(store).remove([body])
    assert [
        f"{body!r}, which holds a day, is not there" in str(each) for each in store.verify()
    ] == [True]
    assert store.profiles.put_rolled_up(row, day, covers)
    assert store.verify() == []
    assert images(store) == 2


def test_counts_of_others_do_not_overflow(store: Store) -> None:
    store.put("cells", view(1), at=NOON, writer="a")
    name = next(name for name in objects_of(store).list() if name.endswith("/a/1"))
    header, body = unseal(objects_of(store).read(name))
    for writer, count in ("b", 2**61), ("c", 2**61), ("d", 2**61), ("e", 2**61), ("f", 7):
        data = seal_object(header | {"writer": writer, "images": count}, body)
        objects_of(store).replace(f"{name[:-4]}/{writer}/1", data)
    assert images(store) == 8
    assert len(store.verify()) == 5


def test_an_object_that_cannot_be_read_is_named(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store(in_memory()) as store:
        for writer in "ab":
            store.put("cells", view(1), at=NOON, writer=writer)
        system = type(objects_of(store).service._service._system)
        cat_file = system.cat_file

        def refuse(system: Any, path: str) -> Any:
            if path.endswith("/b/1"):
                raise PermissionError("denied")
            return cat_file(system, path)

        monkeypatch.setattr(system, "cat_file", refuse)
        with pytest.raises(StoreError, match=r"reading v1/profile/cells/.*/b/1 failed: Permission"):
            store.read("cells")


def test_nothing_is_put_behind_a_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to("bucket")
    with Store(f"file://{tmp_path}/bucket") as store, Store(f"file://{tmp_path}/link") as same:
        store.put("cells", view(1), at=NOON, writer="a")
        (tmp_path / "bucket" / "v1/profile/moved").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(StoreError, match="a folder of the store is a link"):
            store.put("moved", view(1), at=NOON, writer="a")
        assert same.put("cells", view(1), at=NOON, writer="b")
        assert images(store) == 2


def test_a_roll_up_is_listed_after_what_it_stands_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder is read file by file: what goes while it is read must show up later."""
    with Store(f"file://{tmp_path}/bucket") as store, on_another_machine(store.address) as other:
        for writer in "ab":
            store.put("cells", view(1), at=NOON, writer=writer)
        (tmp_path / "bucket" / "v1/profile/cells/2022-09-07/~/~rolled").mkdir()
        scandir, parts = os.scandir, list[str]()

        def last_first(path: Any) -> Any:
            if os.path.basename(os.path.dirname(path)) == "~":
                parts.append(path)
            if len(parts) == 2:
                monkeypatch.setattr(os, "scandir", scandir)
                assert other.gc(now=LATER, roll_up_after="1d").merged == 2
            return _Reversed(scandir(path))

        monkeypatch.setattr(os, "scandir", last_first)
        assert images(store) == 2
        assert len(parts) == 2


class _Reversed:
    def __init__(self, entries: Any) -> None:
        with entries:
            self._entries = iter(sorted(entries, key=lambda entry: entry.name, reverse=True))

    def __enter__(self) -> "_Reversed":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __iter__(self) -> Iterator[Any]:
        return self._entries

    def __next__(self) -> Any:
        return next(self._entries)


# The cache


def test_a_copy_of_a_cache_is_another_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "_PATIENCE", 0.05)
    with Store(in_memory()) as store:
        shutil.copytree(tmp_path / "cache", tmp_path / "cache-2")
        with store.turn():
            monkeypatch.setattr(platform, "node", lambda: "another")
            with (
                on_another_machine(store.address) as other,
                pytest.raises(StoreError, match="another run has had the turn"),
                other.turn(),
            ):
                pass


def test_a_damaged_index_damages_no_body(tmp_path: Path) -> None:
    with Store(in_memory()) as store:
        store.put("cells", view(1), at=NOON, writer="a")
        assert images(store) == 1
        (file,) = (tmp_path / "cache").rglob("index-*.db")
        with contextlib.closing(sqlite3.connect(file)) as sql, sql:
            sql.execute("UPDATE profile SET body = x'00'")
        (row,) = store.stored("cells")
        read = store.profiles.body("cells", row.start, writer="a")
        assert read is not None
        assert len(read[1]) > 100
