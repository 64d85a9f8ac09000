"""Stores in object stores: on plain files, and on fsspec's objects in memory."""

import contextlib
import errno
import itertools
import json
import os
import pickle
import shutil
import sqlite3
import threading
import warnings
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import lightmeter as lm
import pytest
from clouds import LATER, LINE, NOON, images, in_memory, objects_of, on_another_machine
from faulty import Asked, Killed
from lightmeter import Store
from lightmeter.dashboard import write_dashboard
from lightmeter.errors import StoreError
from lightmeter.store.cloud import chain, lease
from lightmeter.store.cloud.layout import encoded, folder_of, parse_profile, place_name, plain
from lightmeter.store.cloud.profiles import CloudProfiles
from lightmeter.store.cloud.sealed import seal_object
from lightmeter.store.cloud.state import CloudKeys, CloudState
from lightmeter.store.keys import Keys
from lightmeter.store.profiles import Profiles
from lightmeter.store.records import Snoozed
from lightmeter.store.state import State
from stores import answers, fill, timeless, view

pytest.importorskip("fsspec")
pytestmark = pytest.mark.usefixtures("cache")


@pytest.fixture(params=["file", "memory"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "file":
        return f"file://{tmp_path}/bucket"
    return in_memory()


def test_it_answers_as_a_file_does(address: str, tmp_path: Path) -> None:
    fill(tmp_path / "drift.db")
    fill(address)  # type: ignore[arg-type]
    with Store(tmp_path / "drift.db") as file, Store(address) as store:
        assert timeless(store) == timeless(file)
        assert store.verify() == []
        with on_another_machine(address) as other:
            assert answers(other) == answers(store)
        store.backup(tmp_path / "copy.db")
    with Store(tmp_path / "copy.db", create=False) as copy:
        assert copy.verify() == []
        with pickle.loads(pickle.dumps(store)) as again:
            assert answers(copy) == answers(again)


def test_every_method_reads_what_is_in_the_objects() -> None:
    for kind, own, others in (
        (Profiles, CloudProfiles, {"add", "put", "verify"}),
        (State, CloudState, set()),
        (Keys, CloudKeys, set()),
    ):
        public = {name for name in vars(kind) if not name.startswith("_")}
        assert public - others <= vars(own).keys()


NAMES = ["cells", "", ".", "..", "a/b", "../../up", "~", "~rolled", ".hidden", "é", "a\0b", "%2F"]


@pytest.mark.parametrize(
    "name", [*NAMES, "*?[", "long" * 100, "a=b&c=d", "\n", "x" * 120, "x" * 121]
)
def test_any_name_is_one_part_of_a_path(name: str) -> None:
    part = encoded(name)
    assert set(part) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=%~")
    assert 0 < len(part) <= 120
    assert not part.startswith((".", "~rolled"))
    assert plain(part) in (name, None)
    path = f"{folder_of(name, 0, name)}/{place_name(0, name)}/7"
    parsed = parse_profile(path)
    assert parsed is not None
    assert parsed.path == path.rpartition("/")[0]


def test_hostile_names_are_kept_apart(address: str) -> None:
    names = ["a/b", "a%2Fb", "../x", "é" * 90, "é" * 91, "~", "*"]
    with Store(address) as store:
        for number, (dataset, writer) in enumerate(itertools.product(names, names), 1):
            store.put(dataset, view(1), at=NOON, writer=writer, seq=number)
        assert sorted(store.datasets()) == sorted(names)
        for name in names:
            assert sorted(row.writer for row in store.stored(name)) == sorted(names)


def test_a_higher_number_replaces_and_a_late_one_does_not(address: str) -> None:
    with Store(address) as store, on_another_machine(address) as other:
        assert store.put("cells", view(1), at=NOON, writer="a")
        assert other.put("cells", view(2), at=NOON, writer="a")
        assert not store.put("cells", view(9), at=NOON, writer="a", seq=1)
        assert not other.put("cells", view(9), at=NOON, writer="a", seq=2)
        assert store.put("cells", view(3), at=NOON, writer="a", seq=7)
        (row,) = other.stored("cells")
        assert (row.seq, row.images) == (7, 3)
        # What a higher number replaced is gone.
        assert sum("/profile/" in name for name in objects_of(store).list()) == 1
        with pytest.raises(StoreError, match="buckets of 1d, not of 1h"):
            other.put("cells", view(1), at=NOON, writer="b", every="1h")


def test_a_run_reads_only_what_changed(asked: Asked, tmp_path: Path) -> None:
    address = in_memory()
    config = tmp_path / "monitors.toml"
    config.write_text(
        '[[monitor]]\nname = "dark"\ndataset = "cells"\ntype = "limits"\n'
        'features = ["image.Brightness.mean"]\nlower = 20\n'
    )
    with Store(address) as store:
        for day in range(1, 31):
            store.put("cells", view(3), at=date(2022, 9, day), writer="a")
    with on_another_machine(address) as store:
        asked.reset()
        assert lm.watch(store, config, now=LATER + timedelta(days=20)).exit_code == 0
        profiles = [path for path in asked.read if "/profile/" in path]
        assert len(profiles) == len(set(profiles)) == 30
        asked.reset()
        lm.watch(store, config, now=LATER + timedelta(days=20))
        assert not [path for path in asked.read if "/profile/" in path or "/state/" in path]
        assert asked.counts["find"] <= 4
        assert asked.counts["create"] == 1  # the turn
        store.put("cells", view(1, 0), at=date(2022, 9, 30), writer="a")
        asked.reset()
        assert lm.watch(store, config, now=LATER + timedelta(days=20)).exit_code == 3
        assert len([path for path in asked.read if "/profile/" in path]) == 1
        write_dashboard(store, tmp_path / "site")
        assert len([path for path in asked.read if "/profile/" in path]) == 1


# The state, and turns


def test_changes_of_the_state_are_made_one_after_another(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain, "_LONGEST", 5)
    address = in_memory()
    with Store(address) as store, on_another_machine(address) as other:
        for number in range(13):  # also across the objects that hold it as a whole
            half = (store, other)[number % 2]
            half.state.snooze(Snoozed(LINE._replace(feature=str(number)), LATER, "note"))
        assert len(store.state.snoozed(NOON)) == len(other.state.snoozed(NOON)) == 13
        names = list(objects_of(store).list("v1/state"))
        assert len(names) <= 12
        with on_another_machine(address, 3) as third:
            asked.reset()
            assert len(third.state.snoozed(NOON)) == 13
            assert asked.counts["read"] <= 6
        # One that reads between another's reading and writing.
        told = []

        def between(name: str, _what: Any) -> None:
            if name == "create" and not told:
                told.append(1)
                other.state.snooze(Snoozed(LINE._replace(feature="other"), LATER, ""))

        asked.before = between
        store.state.snooze(Snoozed(LINE._replace(feature="own"), LATER, ""))
        asked.before = None
        assert len(store.state.snoozed(NOON)) == len(other.state.snoozed(NOON)) == 15
        assert store.verify() == []


def test_a_turn_waits_for_the_other_and_not_for_a_dead_one(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "_PAUSE", 0.01)
    address = in_memory()
    with Store(address) as store, on_another_machine(address) as other:
        order: list[str] = []

        def wait() -> None:
            with other.turn():
                order.append("other")

        with store.turn(), store.turn():
            thread = threading.Thread(target=wait)
            thread.start()
            thread.join(0.2)
            order.append("first")
        thread.join(60)
        assert order == ["first", "other"]
        with contextlib.suppress(Killed), store.turn():
            asked.end = asked.changes
            store.state.snooze(Snoozed(LINE, LATER, ""))
        asked.end = float("inf")
        with Store(address) as same, same.turn():  # this machine knows that nobody is inside
            monkeypatch.setattr(lease, "_PATIENCE", 0.05)
            with pytest.raises(StoreError, match="another run has had the turn"), other.turn():
                pass
            monkeypatch.setattr(lease, "_PATIENCE", 600.0)
            monkeypatch.setattr(lease, "EXPIRY", 0.05)
            with other.turn(), pytest.raises(StoreError, match="another took its turn"):
                same.state.snooze(Snoozed(LINE, LATER, ""))  # it stood still for too long
        assert other.state.snoozed(NOON) == []


# Damage


def test_damaged_and_foreign_objects_are_named(address: str) -> None:
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(Store(address))
        for day in (7, 8, 9, 10):
            store.put("cells", view(1), at=date(2022, 9, day), writer="a")
        store.state.snooze(Snoozed(LINE, LATER, "kept"))
        objects = objects_of(store)
        names = sorted(name for name in objects.list() if "/profile/" in name)
        whole = objects.read(names[0])
        objects.replace(names[0], whole[:-1] + b"?")
        objects.replace(names[1], whole[:50])
        objects.replace(names[2], whole)  # of another place
        profile = "/".join(names[3].split("/")[:-1])
        objects.replace(f"{profile}/{2**61}", b"")
        objects.replace("v1/profile/cells/x", b"?" * 1000)
        objects.replace("v1/notes.txt", b"?")
        objects.replace("v1/state/entry/2", seal_object({"kind": "entry"}, b"x" * 1000))
        damage = list(map(str, store.verify()))
        for words in ("cells 2022-09-07", "09-08", "cells 2022-09-09", "09-10", "cells/x'"):
            assert sum(words in each for each in damage) == 1, (words, damage)
        assert sum("notes.txt" in each or "state/entry/2" in each for each in damage) == 2
        assert len(damage) == 7
        for reader in (store, stack.enter_context(on_another_machine(address))):
            with warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("always")
                assert reader.read("cells", date(2022, 9, 10), date(2022, 9, 11)).images == 1
                if reader is not store:
                    assert reader.read("cells").images == 1
                    assert len(told) == 3
        # Writers go on, whatever is in their way.
        assert store.put("cells", view(2), at=date(2022, 9, 8), writer="a", seq=1)
        assert store.put("cells", view(2), at=date(2022, 9, 7), writer="a")
        store.state.snooze(Snoozed(LINE, LATER, "more"))
        assert [each.note for each in store.state.snoozed(NOON)] == ["more"]


@pytest.mark.parametrize(
    "header",
    [
        {"seq": 2**70},
        {"segment": "a=b"},
        {"segment": ["a"]},
        {"images": -1},
        {"start": 10**18},
        {"covers": [[1, 2, 3]]},
        {"covers": [None]},
        {"updated": "now"},
        {"dataset": "\ud800"},
        {"every": 0},
        {"writer": ""},
        {"span": True},
    ],
    ids=json.dumps,
)
def test_what_an_object_says_of_itself_is_checked(header: dict[str, Any]) -> None:
    with Store(in_memory()) as store:
        store.put("cells", view(1), at=NOON, writer="a")
        store.put("cells", view(1), at=NOON, writer="b")
        objects = objects_of(store)
        name = next(name for name in objects.list() if name.endswith("/a/1"))
        from lightmeter.store.cloud.sealed import unseal

        said, body = unseal(objects.read(name))
        objects.replace(name, seal_object(said | header, body))
        with on_another_machine(store.address) as other, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert other.read("cells").images == 1
            assert len(other.verify()) == 1


def test_a_state_that_unpacks_to_more_than_fits_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import zlib

    from lightmeter.store.cloud import packing

    monkeypatch.setattr(packing, "MOST_BYTES", 1000)
    with Store(in_memory()) as store:
        store.state.snooze(Snoozed(LINE, LATER, "kept"))
        bomb = zlib.compress(b"[" * 10_000)
        for body in (bomb, zlib.compress(b"[" * 900), b"", zlib.compress(b'{"told": 3}')):
            number = len(objects_of(store).list("v1/state")) + 1
            header = {"kind": "entry", "number": number}
            objects_of(store).replace(f"v1/state/entry/{number}", seal_object(header, body))
        assert [each.note for each in store.state.snoozed(NOON)] == ["kept"]
        assert len(store.verify()) == 4


def test_too_large_an_object_is_not_read(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    from lightmeter.store.cloud import checking, index, objects

    with Store(in_memory()) as store:
        store.put("cells", view(1), at=NOON, writer="a")
        name = next(name for name in objects_of(store).list() if name.endswith("/a/1"))
        objects_of(store).replace(f"{name}0", bytes(10_000))
        for module in (checking, index, objects):
            monkeypatch.setattr(module, "MOST_BYTES", 9_999)
        asked.reset()
        assert store.read("cells").images == 1
        assert not [path for path in asked.read if path.endswith("/a/10")]
        assert len(store.verify()) == 1


# The cache


def test_the_cache_can_go_at_any_time(cache: Path) -> None:
    address = in_memory()
    with Store(address) as store, Store(address) as same:
        store.put("cells", view(1), at=NOON, writer="a")
        assert images(store) == images(same) == 1
        (file,) = cache.rglob("index-*.db")
        with contextlib.closing(sqlite3.connect(file)) as sql, sql:
            sql.execute("UPDATE profile SET body = x'00'")
        assert store.read("cells").images == 1  # out of its object
        assert store.verify() == []
        file.write_bytes(b"SQLite format 3\0" + b"damaged" * 1000)
        store.put("cells", view(2), at=NOON, writer="b")
        assert images(store) == images(same) == 3
        shutil.rmtree(cache)
        assert images(store) == 3
        store.state.snooze(Snoozed(LINE, LATER, "kept"))
        with store.turn():
            assert images(same) == 3
        assert len(same.state.snoozed(NOON)) == 1


def test_a_listing_that_others_overtake_takes_nothing_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    address = in_memory()
    with Store(address) as slow, Store(address) as quick:
        slow.put("cells", view(1), at=NOON, writer="a")
        slow.state.snooze(Snoozed(LINE, LATER, ""))
        assert images(slow) == len(slow.state.snoozed(NOON)) == 1
        listing = objects_of(slow).list

        def overtaken(folder: str = "v1") -> Any:
            listed = listing(folder)
            monkeypatch.setattr(objects_of(slow), "list", listing)
            quick.put("cells", view(2), at=NOON, writer="a")
            quick.put("cells", view(4), at=NOON, writer="b")
            quick.state.snooze(Snoozed(LINE._replace(feature="x"), LATER, ""))
            assert images(quick) == 6
            return listed

        monkeypatch.setattr(objects_of(slow), "list", overtaken)
        slow._session.refresh()
        index = quick._session.database
        assert index.all("SELECT sum(images), (SELECT count(*) FROM snooze) FROM profile") == [
            (6, 2)
        ]


def test_the_address_of_a_folder_is_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Store("file://a folder/") as store:
        store.put("cells", view(1), at=NOON, writer="a")
        assert store.address == f"file://{tmp_path}/a folder"
    with Store(store.address, create=False) as same:
        assert images(same) == 1


def test_a_folder_that_cannot_be_listed_is_not_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store(f"file://{tmp_path}/store") as store:
        store.put("cells", view(1), at=NOON, writer="a")
        real = os.scandir

        def refuse(path: Any) -> Any:
            if str(path).endswith("/a"):
                raise OSError(errno.EIO, "broken", path)
            return real(path)

        monkeypatch.setattr(os, "scandir", refuse)
        with pytest.raises(StoreError, match="listing failed: OSError"):
            store.read("cells")


# Addresses


def test_what_cannot_be_a_store_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "hunter2hunter2"
    monkeypatch.setenv("SOME_SECRET_KEY", secret)
    for bad, words in (
        (f"ftp://me:{secret}@host/x", "credentials"),
        (f"s3://bucket/x?token={secret}", "credentials"),
        ("simplecache::s3://bucket/x", "another address"),
        ("nonsense://bucket/x", "knows no addresses with nonsense"),
        (f"file://{tmp_path}/none", "there is no store at"),
    ):
        with pytest.raises(StoreError, match=words) as caught:
            Store(bad, create=False)
        assert secret not in str(caught.value)
    with pytest.raises(ValueError, match="keys are for servers"):
        Store(in_memory(), key="k")

    def refuse(*_: Any, **__: Any) -> Iterator[None]:
        raise PermissionError(f"denied to {secret}")

    with Store(in_memory()) as store:
        monkeypatch.setattr(store._session.objects.service._system, "pipe_file", refuse)  # type: ignore[attr-defined]
        with pytest.raises(StoreError, match=r"PermissionError: denied to \*\*\*") as caught:
            store.put("cells", view(1), at=NOON, writer="a")
        assert caught.value.__cause__ is None
    with pytest.raises(StoreError, match="is closed"):
        store.datasets()
