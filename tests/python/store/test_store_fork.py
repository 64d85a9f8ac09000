"""Threads and forks: nothing that was acknowledged may be lost, on whichever side of one."""

import contextlib
import os
import tempfile
import threading
import time
from datetime import date
from pathlib import Path
from types import ModuleType

import busy_forks
import first_opening
import gc_kills
import pytest
import upload_kills
import writer_kills
from forks import ended_well, forked
from lightmeter import Store
from lightmeter.errors import StoreError
from stores import view

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")

DAY = date(2022, 9, 7)


def open_files(path: Path) -> list[str]:
    """The files of a store that this process has open."""
    targets = []
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # that of the folder itself
            targets.append(os.readlink(f"/proc/self/fd/{number}"))
    return [target for target in targets if target.startswith(str(path))]


@pytest.mark.parametrize(
    "attack", [writer_kills, gc_kills, busy_forks, first_opening, upload_kills]
)
def test_nothing_is_lost_or_doubled_whoever_opens_forks_and_is_killed(
    attack: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIGHTMETER_SPOOL", "set by an attack")
    row = attack.run(3 if attack in (writer_kills, gc_kills, busy_forks) else 12)  # else more
    assert row.acknowledged
    assert row.lost == 0, row.note


def test_no_handle_of_the_file_crosses_a_fork(store: Store) -> None:
    store.put("cells", view(1), at=DAY, writer="parent")

    def work() -> None:
        assert open_files(store.path) == []
        store.put("cells", view(2), at=DAY, writer="child")
        assert open_files(store.path)

    def refused() -> None:
        with pytest.raises(StoreError, match="connection was lost"):
            store.read("cells")

    with store.snapshot():
        assert open_files(store.path)
        assert ended_well(forked(refused))
        refused()
        store.put("cells", view(1), at=DAY, writer="parent")
    with store.snapshot():
        store.datasets()  # the moment
        reader = threading.Thread(target=lambda: store.put("cells", view(4), at=DAY, writer="b"))
        reader.start()  # a snapshot keeps no other thread waiting
        reader.join()
        store.put("cells", view(8), at=DAY, writer="c")  # what a thread puts itself is not in it
        assert store.read("cells").images == 1
    assert store.read("cells").images == 13
    assert ended_well(forked(work))
    assert store.read("cells").images == 15


def test_a_fork_does_not_wait_for_a_snapshot(sql_store: Store) -> None:
    """One that lasts until the child has ended; of PostgreSQL it is not even lost."""
    sql_store.put("cells", view(1), at=DAY, writer="parent")
    begun, end = threading.Event(), threading.Event()
    found: list[object] = []

    def read() -> None:
        with sql_store.snapshot():
            sql_store.datasets()  # the moment
            begun.set()
            end.wait()
            try:
                found.append(sql_store.read("cells").images)
            except StoreError as error:
                found.append("by a fork" in str(error))

    thread = threading.Thread(target=read)
    thread.start()
    begun.wait()
    work = lambda: sql_store.put("cells", view(2), at=DAY, writer="child")  # noqa: E731
    assert ended_well(forked(work))
    end.set()
    thread.join()
    assert found == [sql_store.path is not None or 1]
    assert sql_store.read("cells").images == 3


def test_a_fork_does_not_wait_while_another_process_has_the_lock(store: Store) -> None:
    store.put("cells", view(1), at=DAY, writer="parent")
    reading, writing = os.pipe()

    def hold() -> None:
        with store._database.transaction():
            os.write(writing, b"x")
            time.sleep(3)

    holding = forked(hold)
    os.read(reading, 1)
    work = lambda: store.put("cells", view(2), at=DAY, writer="thread")  # noqa: E731
    thread = threading.Thread(target=work)
    thread.start()
    began = time.monotonic()
    assert ended_well(forked(lambda: None))
    assert time.monotonic() - began < 2
    thread.join()
    assert ended_well(holding)
    assert store.path is None or store.read("cells").images == 3


def test_a_transaction_in_which_a_thread_forks_is_lost(sql_store: Store) -> None:
    sql_store.put("cells", view(1), at=DAY, writer="parent")
    work = lambda: sql_store.put("cells", view(2), at=DAY, writer="child")  # noqa: E731
    lost = pytest.raises(StoreError, match="by a fork")
    with lost, sql_store._database.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM profile")
        assert ended_well(forked(work))
    assert sql_store.read("cells").images == 3
    assert sql_store.put("cells", view(2), at=DAY, writer="parent")
    assert sql_store.verify() == []


@pytest.mark.filterwarnings("ignore:.* deleted while still open:ResourceWarning")  # by psycopg
def test_profiles_that_are_read_across_a_fork_are_lost_in_one_sentence(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(50):  # more than are fetched at once
        store.put("cells", view(1), at=DAY, writer=f"w{number}")
    rows = store.load("cells")
    next(rows)
    assert ended_well(forked(lambda: None))
    with pytest.raises(StoreError, match=r"connection was lost, .* by a fork"):
        list(rows)
    assert not caplog.records


def test_a_child_forked_inside_a_turn_waits_and_then_has_one(store: Store) -> None:
    reading, writing = os.pipe()

    def work() -> None:
        os.close(writing)
        os.read(reading, 1)  # ends as the parent closes it
        with store.turn():
            assert open_files(Path(f"{store.path}-turn"))

    with store.turn(), store.turn():
        pid = forked(work)
        os.close(writing)
    assert ended_well(pid)
    os.close(reading)


def test_a_store_can_be_read_where_it_cannot_be_written() -> None:
    """Such as a backup on a disk that is mounted to be read only."""
    with tempfile.TemporaryDirectory() as folder:  # that of the test is for its user only
        path = Path(folder) / "drift.db"
        with Store(path) as store:
            store.put("cells", view(3), at=DAY, writer="a")
        os.chmod(path, 0o444)
        os.chmod(folder, 0o555)

        def work() -> None:
            if os.geteuid() == 0:
                os.seteuid(65534)
            with Store(path, create=False) as store:
                assert store.read("cells").images == 3

        try:
            assert ended_well(forked(work))
        finally:
            os.chmod(folder, 0o755)
