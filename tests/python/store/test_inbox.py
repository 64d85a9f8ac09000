"""Inboxes in memory and in folders, and pulling from them."""

import contextlib
import sys
import warnings
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import lightmeter as lm
import numpy as np
import obstore
import pytest
from conftest import lightmeter
from forks import ended_well, forked
from lightmeter import Profile, ProfileView, Store
from lightmeter.errors import StoreError
from lightmeter.store.inbox import MOST_BYTES, Inbox, Pulled, parse_name, pull
from PIL import Image
from stores import view

DAY = date(2022, 9, 7)
LATER = Profile()
LATER.set_dataset_timestamp(datetime(2022, 9, 8, tzinfo=UTC))
NAME = "cells/2022-09-07T000000.000Z_86400000ms/-/a/1.lmp"
HOSTILE = ["é/*?[", "..", ".", "../%2F", "a#1", "%", "-", " ", "x y", "~", "ab" * 60, "\u202e<b>"]


@pytest.fixture(params=["memory", "file"])
def inbox(request: pytest.FixtureRequest, tmp_path: Path) -> Inbox:
    return Inbox("memory:///" if request.param == "memory" else f"file://{tmp_path}/in box")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "drift.db")


def put(inbox: Inbox, profile: ProfileView, seq: int = 1, **place: Any) -> str:
    dataset = place.pop("dataset", "cells")
    return inbox.put(dataset, profile, **{"at": DAY, "writer": "a", "seq": seq, **place})


def write(inbox: Inbox, name: str, data: bytes) -> None:
    obstore.put(inbox._objects, name, data)


def pulled(inbox: Inbox, store: Store, *, delete: bool = False, **counts: int) -> None:
    """Pull, and compare the counts that are not 0."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = pull(inbox, store, delete=delete)
    assert result == Pulled(**dict.fromkeys(Pulled._fields, 0) | counts)
    assert len(caught) == result.refused + result.damaged


def test_it_gives_what_a_put_gives(inbox: Inbox, store: Store, tmp_path: Path) -> None:
    with Store(tmp_path / "other.db") as other:
        for number, segment in enumerate((None, "camera=a%26b&x=", ""), 1):
            every = "1h" if number < 3 else "1w"
            for writer in HOSTILE[:2]:
                at = datetime(2022, 9, 7, number, 30, tzinfo=UTC)
                place: Any = {"at": at, "every": every, "segment": segment, "writer": writer}
                put(inbox, view(number), number, dataset=every, **place)
                other.put(every, view(number), **place, seq=number)
        pulled(inbox, store, new=6)
        pulled(inbox, store, known=6)
        assert store.datasets() == other.datasets()
        for dataset in other.datasets():
            for segment in other.segments(dataset):
                rows = [each.stored(dataset, segment=segment) for each in (store, other)]
                first, second = ([row._replace(updated=0, crc=0) for row in its] for its in rows)
                assert first == second
                assert store.read(dataset, segment=segment) == other.read(dataset, segment=segment)


@pytest.mark.parametrize("name", HOSTILE)
def test_names_survive(inbox: Inbox, store: Store, name: str) -> None:
    at = datetime(1, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    place: dict[str, Any] = {"at": at, "every": timedelta(milliseconds=7), "seq": -(2**62)}
    key = put(inbox, view(1), dataset=name, writer=name, segment={name: name, "x": ""}, **place)
    assert list(inbox.list()) == [key]
    assert key.isascii()
    pulled(inbox, store, new=1, delete=True)
    (row,) = store.stored(name, segment={name: name, "x": ""})
    assert (row.writer, row.seq) == (name, -(2**62))
    assert row.bucket <= at < row.bucket + timedelta(milliseconds=row.span)
    assert inbox.list() == {}


def test_only_the_last_of_a_writer_is_read(inbox: Inbox, store: Store, monkeypatch: Any) -> None:
    for seq in (1, 2, 10, 9):
        put(inbox, view(seq), seq)
    put(inbox, view(5), 5, writer="b")
    read: list[str] = []
    original = inbox.read
    monkeypatch.setattr(inbox, "read", lambda name: read.append(name) or original(name))
    pulled(inbox, store, new=2, superseded=3)
    assert len(read) == 2
    pulled(inbox, store, known=2, superseded=3)
    assert len(read) == 2
    assert store.read("cells").images == 15


def test_exactly_what_was_listed_and_is_stored_is_deleted(
    inbox: Inbox, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(inbox, view(1), 1)
    put(inbox, view(2), 2)
    original = store.put

    def put_and_more(*arguments: Any, **keywords: Any) -> bool:
        put(inbox, view(3), 3)
        put(inbox, view(1), 1, writer="b")
        return original(*arguments, **keywords)

    monkeypatch.setattr(store, "put", put_and_more)
    pulled(inbox, store, new=1, superseded=1, delete=True)
    monkeypatch.undo()
    assert [parse_name(name)[4:] for name in sorted(inbox.list())] == [("a", 3), ("b", 1)]  # type: ignore[index]
    pulled(inbox, store, new=2, delete=True)
    assert store.read("cells").images == 4
    pulled(inbox, store, delete=True)


def damaged(inbox: Inbox) -> list[str]:
    """Put objects that are none of an inbox, or damaged."""
    good = inbox.read(put(inbox, view(1)))
    names = {
        NAME.replace("/1.", "/2."): good[:-1],
        NAME.replace("/1.", "/3."): b"",
        NAME.replace("/1.", "/4."): LATER.view().to_bytes(),
        NAME.replace("/1.", "/5."): good[:50] + b"\xff" + good[51:],
        NAME.replace("07T", "08T"): good,  # of another bucket
        "README.txt": b"hello",
        NAME.replace("1.lmp", "01.lmp"): good,
        NAME.replace("1.lmp", f"{2**63}.lmp"): good,
        NAME.replace("000.000Z", "001.000Z"): good,  # no start of a bucket
        NAME.replace("86400000ms", "0ms"): good,
        NAME.replace("86400000ms", f"{10**15}ms"): good,
        NAME.replace("cells", "%63ells"): good,
        NAME.replace("cells", "a%00b"): good,  # which PostgreSQL does not keep
        NAME.replace("cells", "%ED%A0%80"): good,
        NAME.replace("/-/", "/b=1&a=1/"): good,
        NAME.replace("/a/", "/a/b/"): good,
    }
    for name, data in names.items():
        write(inbox, name, data)
    return [*names]


def test_what_is_foreign_or_damaged_is_named_and_left(
    inbox: Inbox, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = damaged(inbox)
    monkeypatch.setattr("lightmeter.store.inbox._MOST_NAMED", len(names) - 1)
    for _ in range(2):
        with pytest.warns(UserWarning, match="stays in") as caught:
            pull(inbox, store, delete=True)
        texts = [str(warning.message) for warning in caught]
        assert sum(any(repr(name) in text for text in texts) for name in names) == len(names) - 1
        assert len(texts) == len(names) - 1
        assert sorted(inbox.list()) == sorted(names)
    assert store.datasets() == {"cells": timedelta(days=1)}
    assert store.read("cells").images == 1  # what came before the damaged ones


def test_what_was_rolled_up_or_has_other_buckets_is_refused(inbox: Inbox, store: Store) -> None:
    put(inbox, view(1), 1)
    pulled(inbox, store, new=1)
    put(inbox, view(1), 1, at=date(2022, 9, 20), every="1h", writer="b")
    pulled(inbox, store, known=1, refused=1)
    put(inbox, view(1), 1, writer="c")
    pulled(inbox, store, new=1, known=1, refused=1)
    store.gc(now=datetime(2022, 9, 30, tzinfo=UTC))
    put(inbox, view(2), 2)
    put(inbox, view(3), 3)
    pulled(inbox, store, known=2, refused=3, delete=True)
    assert len(inbox.list()) == 3
    assert store.read("cells").images == 2


def test_limits(inbox: Inbox, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lightmeter.store.inbox.MOST_BYTES", 100)
    with pytest.raises(StoreError, match="expected at most 100"):
        put(inbox, view(1))
    assert inbox.list() == {}
    monkeypatch.undo()
    put(inbox, view(1))
    monkeypatch.setattr("lightmeter.store.inbox.MOST_FEATURES", 3)
    with pytest.raises(ValueError, match=r"features .*; expected at most 3 and 1000"):
        put(inbox, view(1))
    pulled(inbox, store, damaged=1, delete=True)
    write(inbox, NAME, b"x" * (MOST_BYTES + 1))
    monkeypatch.setattr(inbox, "read", None)
    with pytest.warns(UserWarning, match=f"it has {MOST_BYTES + 1} bytes"):
        pull(inbox, store)


def test_wrong_arguments(inbox: Inbox) -> None:
    for place in ({"writer": "a\0"}, {"seq": None}, {"every": timedelta(0)}, {"segment": "camera"}):
        with pytest.raises((TypeError, ValueError)):
            put(inbox, view(1), **place)
    with pytest.raises(ValueError, match="got a profile of 2022-09-08"):
        put(inbox, LATER.view())
    assert inbox.list() == {}


@pytest.mark.parametrize("where", ["inbox", "store"])
def test_lost_answers_double_nothing(
    inbox: Inbox, store: Store, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = iter([True] * 3)
    target: Any = obstore if where == "inbox" else store
    answered = target.put

    def losing(*arguments: Any, **keywords: Any) -> Any:
        result = answered(*arguments, **keywords)
        if next(lost, False):
            raise StoreError("the answer was lost")
        return result

    monkeypatch.setattr(target, "put", losing)
    puts = [partial(put, inbox, view(seq), seq) for seq in (1, 2)]
    for work in (*puts, partial(pull, inbox, store, delete=True)):
        for _ in range(4):
            with contextlib.suppress(StoreError):
                work()
                break
    assert store.read("cells").images == 2
    assert inbox.list() == {}


@pytest.mark.parametrize("exemplars", [False, True])
def test_pictures_and_paths_stay_at_home(tmp_path: Path, exemplars: bool) -> None:
    folder = tmp_path / "secret-folder"
    folder.mkdir()
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(folder / "secret-name.png")
    (folder / "secret-failure.png").write_bytes(b"no picture")
    profile = lm.profile_images(folder, exemplars=2, metrics="all")
    inbox = Inbox(f"file://{tmp_path}/box", exemplars=exemplars)
    lm.log_folder(None, folder, "folder", inbox=inbox, exemplars=2, at=DAY)
    put(inbox, profile)
    bodies = [Path(tmp_path, "box", name).read_bytes() for name in inbox.list()]
    assert len(bodies) == 2
    for body in bodies:
        assert (b"secret" in body) == exemplars
        assert bool(ProfileView.from_bytes(body).failures) == exemplars
    assert not any("secret-name" in name or str(tmp_path) in name for name in inbox.list())


def test_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for address in ("drift.db", "http://h/x", "s3://user:pass@b/x", "gs://b/x?key=pass", "ftp://x"):
        with pytest.raises(StoreError, match="not the address of an inbox") as caught:
            Inbox(address)
        assert "pass@" not in str(caught.value)
    with pytest.raises(StoreError, match="opening failed"):
        Inbox(f"file://{tmp_path}/none", create=False)
    assert not (tmp_path / "none").exists()
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI")
    inbox = Inbox("memory:///")
    text = r"listing failed: a \*\*\* b \*\*\* c$"
    with pytest.raises(StoreError, match=text), inbox._using("listing"):
        raise OSError("a wJalrXUtnFEMI b ?sig=abc c\n\nDebug source: much")


def test_a_child_of_a_process_that_has_used_an_inbox_is_told(tmp_path: Path) -> None:
    inbox = Inbox(f"file://{tmp_path}/box")
    put(inbox, view(1))

    def work() -> None:
        with pytest.raises(StoreError, match="forked after its parent used an inbox"):
            put(inbox, view(2), writer="child")

    assert ended_well(forked(work))
    assert len(inbox.list()) == 1


def test_commands(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    box, file = (tmp_path / "box").as_uri(), tmp_path / "drift.db"
    for _ in range(2):
        assert lightmeter("log", folder, "--dataset", "cells", "--inbox", box).returncode == 0
    (tmp_path / "box/README").write_text("hello")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        done = lightmeter("store", "pull", box, file, "--delete")
    assert done.returncode == 0
    assert "warning: 'README' stays in" in done.stderr
    assert done.stdout == "new: 1, known: 0, superseded: 1, refused: 0, damaged: 1\n"
    assert [path.name for path in (tmp_path / "box").iterdir()] == ["README"]
    with Store(file) as store:
        assert store.read("cells").images > 0
    other = tmp_path / "other.db"
    assert lightmeter("store", "pull", f"{box}es", other).returncode == 1
    monkeypatch.setitem(sys.modules, "obstore", None)
    result = lightmeter("store", "pull", box, other)
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert "pip install 'lightmeter[inbox]'" in result.stderr
    assert not other.exists()
