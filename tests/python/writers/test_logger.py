"""The rolling logger of services."""

import io
import itertools
import logging
import pickle
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import lightmeter as lm
import logger_endings
import numpy as np
import pytest
from conftest import encoded, run_program
from forks import ended_well, forked, wait_for
from lightmeter import ExifPolicy, ProfileView, Store
from lightmeter.errors import StoreError
from lightmeter.store.inbox import Inbox
from lightmeter.writers import LightmeterWriter, rows
from logging_images import NOON, Gate, array
from PIL import Image


def refuse(*arguments: Any, **options: Any) -> bool:
    raise StoreError("the disk is full")


def failures(view: ProfileView) -> dict[str, int]:
    summary = view.get_column("image.Failure").to_summary_dict()
    return {item.value: item.est for item in summary.get("frequent_items/frequent_strings", ())}


def brightness(view: ProfileView) -> Any:
    return view.get_column("image.Brightness.mean").to_summary_dict()


@pytest.mark.parametrize("options", [{}, {"exif": ExifPolicy(allow={"Artist"}, deny={"Make"})}])
def test_it_logs_what_log_image_logs(store: Store, tmp_path: Path, options: Any) -> None:
    picture = Image.effect_noise((40, 30), 60).convert("RGB")
    tags = {0x010F: "Canon", 0x013B: "somebody"}
    files = {kind: encoded(kind, picture, tags=tags) for kind in ("JPEG", "PNG", "TIFF")}
    (tmp_path / "a.jpg").write_bytes(files["JPEG"])

    def images() -> list[Any]:
        return [
            np.asarray(picture),
            np.asarray(picture)[::2, ::-1],
            picture,
            picture.convert("P"),
            *(Image.open(io.BytesIO(data)) for data in files.values()),
            *files.values(),
            bytearray(files["PNG"]),
            io.BytesIO(files["TIFF"]),
            tmp_path / "a.jpg",
        ]

    with lm.logger(store, "cells", **options) as log:
        for image in images():
            assert log.track(image, at=NOON)
        assert log.flush()
        assert (log.tracked, log.dropped) == (len(images()), 0)
    expected = lm.Profile(**options)
    expected.track_many(images())
    expected.set_dataset_timestamp(NOON.replace(minute=0))
    assert store.read("cells") == expected.view()
    assert ("image.Artist" in store.read("cells")) == bool(options)


def test_images_may_change_after_tracking(store: Store) -> None:
    with lm.logger(store, "cells") as log:
        pixels, picture = array(50), Image.new("RGB", (4, 4), (50,) * 3)
        data, meter = bytearray(encoded("PNG", picture)), lm.ImageMeter()
        meter.update(pixels)
        with log._lock:  # nothing is measured yet
            for image in (pixels, picture, data, meter):
                log.track(image)
            pixels[:] = 200
            picture.paste((200, 200, 200), (0, 0, 4, 4))
            data[:] = bytes(len(data))
            meter.update(pixels)
        log.flush()
        assert brightness(store.read("cells"))["distribution/max"] == 50
        assert brightness(store.read("cells"))["distribution/n"] == 4


def test_buckets_follow_the_clock_of_the_images(store: Store) -> None:
    with lm.logger(store, "cells", every="15m") as log:
        for minute in (0, 14, 15, 59):
            log.track(array(), at=NOON.replace(minute=minute))
        log.flush()
        log.track(array(), at=NOON.replace(minute=1))  # its bucket is over and forgotten
        log.track(array())
    assert {bucket.writers for bucket in store.buckets("cells")} == {1}, "a row grows"
    counts = {bucket.start: bucket.images for bucket in store.buckets("cells")}
    today = max(counts)
    assert timedelta() <= datetime.now(UTC) - today < timedelta(minutes=20)
    del counts[today]
    assert counts == {NOON.replace(minute=minute): 1 + 2 * (not minute) for minute in (0, 15, 45)}


def test_nothing_about_an_image_raises(store: Store, tmp_path: Path) -> None:
    class Hostile:
        def __getattr__(self, name: str) -> Any:
            raise ZeroDivisionError

    class Weightless(np.ndarray):
        nbytes = property(lambda _: 1 / 0)
        copy = None

    released = memoryview(b"no more")
    released.release()
    bad = [None, 3, object(), Hostile(), b"", b"no picture", tmp_path / "none", array()[:0]]
    bad += [released, array().view(Weightless), lm.ImageMeter(), Image.new("RGB", (0, 0)), {}, []]
    with lm.logger(store, "cells") as log:
        for image in bad:
            assert log.track(image)
        log.track(array())
        assert log.flush()
    view = store.read("cells")
    assert view.images == 1
    assert sum(failures(view).values()) == len(bad)


def test_a_full_queue_drops_and_counts(store: Store) -> None:
    with lm.logger(store, "cells", queue_bytes=4 << 10) as log:
        with log._lock:  # the thread can take one image and then waits
            accepted = [log.track(array(), at=NOON) for _ in range(50)]
        assert log.flush()
        assert log.track(array(side=100), at=NOON)  # larger than the queue, which is empty
    assert 4 <= sum(accepted) <= 5
    assert log.dropped == 50 - sum(accepted)
    view = store.read("cells")
    assert view.images == sum(accepted) + 1
    assert failures(view) == {"dropped": log.dropped}


def test_it_stores_when_nothing_comes(store: Store) -> None:
    with lm.logger(store, "cells", checkpoint="1h") as log:
        log.track(array(), at=NOON)
        wait_for(lambda: store.buckets("cells"))
        assert store.read("cells").images == 1


def test_closing_gives_up_in_time_and_counts(store: Store, monkeypatch: Any, caplog: Any) -> None:
    gate = Gate(monkeypatch)
    log = lm.logger(store, "cells")
    for image in (array(), "slow", array(), "none.jpg"):
        log.track(image, at=NOON)
    assert gate.entered.wait(60)
    worker = log._thread
    asked = threading.Thread(target=log.flush)
    asked.start()
    with caplog.at_level(logging.WARNING):
        assert not log.close(timeout=0.3)
    asked.join()
    assert "closed with losses: 3 images were dropped or refused" in caplog.text
    gate.opened.set()
    worker.join()
    assert (log.tracked, log.dropped, log.flush(), log.close()) == (4, 3, False, False)
    assert store.read("cells").images == 1
    assert failures(store.read("cells")) == {"dropped": 3}


@pytest.mark.parametrize("mended", [True, False])
def test_closing_tries_to_store(store: Store, monkeypatch: Any, caplog: Any, mended: bool) -> None:
    log = lm.logger(store, "cells")
    put = Store.put
    monkeypatch.setattr(Store, "put", refuse)
    for _ in range(3):
        log.track(array(), at=NOON)
    with caplog.at_level(logging.WARNING):
        if mended:
            threading.Timer(0.2, setattr, [Store, "put", put]).start()
        assert log.close(timeout=30 if mended else 0.3) == mended
    lost = "0 images were dropped or refused, and 3 images and failures are not stored"
    assert (lost in caplog.text) != mended
    assert "cells is not stored yet: the disk is full" in caplog.text
    assert sum(bucket.images for bucket in store.buckets("cells")) == 3 * mended


def test_a_bucket_that_gc_deleted_takes_no_late_image(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    old = lm.log_image(array()).view()
    store.put("cells", old, at=NOON, writer="a", every="1h")
    store.gc(now=NOON + timedelta(days=9), keep="1d")
    log = lm.logger(store, "cells")
    for at in (NOON, NOON + timedelta(days=8)):
        log.track(array(), at=at)
    assert not log.flush()
    assert [bucket.images for bucket in store.buckets("cells")] == [1]
    assert log.flush()
    assert not log.close()
    assert "cells loses images: the bucket of 2022-09-07 12:00 has been rolled up or" in caplog.text


def test_late_images_count_once_whatever_their_row_becomes(store: Store, monkeypatch: Any) -> None:
    """It is forgotten, or rolled up: beside that of another writer, which makes a day of both.

    Some tries fail although they arrive.
    """
    real, calls = Store.put, itertools.count()

    def put(*arguments: Any, **options: Any) -> bool:
        kept = real(*arguments, **options)
        if next(calls) % 5 == 0:
            raise StoreError("no answer")
        return kept

    monkeypatch.setattr(Store, "put", put)
    monkeypatch.setattr(rows, "_MOST", 3)
    hours = [NOON - timedelta(hours=hour) for hour in range(5)]
    with lm.logger(store, "cells") as log, lm.logger(store, "cells") as other:
        for step in range(12):
            for hour in hours[: 5 if step % 3 else 2]:
                log.track(array(), at=hour)
            assert any(log.flush() for _ in range(3))
            if step in (4, 5, 8):
                other.track(array(), at=NOON)
                assert any(other.flush() for _ in range(3))
                store.gc(roll_up_after="1d")
    assert store.read("cells").images == 8 * 5 + 4 * 2 + 3


@pytest.mark.parametrize("arrives", [True, False])
@pytest.mark.parametrize("first", [True, False])
def test_a_put_that_lost_its_answer_and_was_rolled_up_counts_once(
    sql_store: Store, monkeypatch: pytest.MonkeyPatch, first: bool, arrives: bool
) -> None:
    real = Store.put

    def put_and_fail(*arguments: Any, **options: Any) -> bool:
        if arrives:
            assert real(*arguments, **options)
        raise StoreError("no answer")

    view = lm.log_image(array()).view()
    writer = LightmeterWriter(sql_store, dataset="cells", every="1h")
    with lm.logger(sql_store, "cells", every="1h") as log:
        if not first:
            log.track(array(), at=NOON)
            assert log.flush()
        with monkeypatch.context() as broken:
            broken.setattr(Store, "put", put_and_fail)
            log.track(array(), at=NOON)
            assert not log.flush()
            assert not writer.write(view)[0]
        sql_store.put("cells", view, at=NOON - timedelta(hours=1), writer="late")
        sql_store.gc(now=NOON + timedelta(days=9), roll_up_after="1d")
        log.track(array(), at=NOON)
        assert log.flush()
        assert writer.write(view)[0]
    day = timedelta(days=1)
    assert sql_store.read("cells", NOON - day, NOON + day).images == 4 - first
    assert sum(line.images for line in sql_store.summary()) == 5 - first


def test_an_inbox_takes_an_object_at_the_end_of_a_bucket() -> None:
    class Box(Inbox):
        objects: ClassVar[list[tuple[int, dict[str, Any]]]] = []

        def put(self, dataset: str, view: Any, **place: Any) -> str:
            self.objects.append((view.images, {"dataset": dataset, **place}))
            return "the name of the object"

    box = Box("memory:///")
    with lm.logger(inbox=box, dataset="cells", every="2s", segment="a=b") as log:
        log.track(array())
        wait_for(lambda: box.objects)
        assert datetime.now(UTC) >= box.objects[0][1]["at"] + timedelta(seconds=2)
        for _ in range(2):  # of a bucket that is over
            log.track(array(), at=NOON)
    assert [images for images, _ in box.objects] == [1, 2]
    place = {"dataset": "cells", "at": NOON, "every": timedelta(seconds=2), "segment": "a=b"}
    assert box.objects[1][1] == place | {"writer": f"{log._rows._name}/2", "seq": 1}
    assert LightmeterWriter(inbox=box, dataset="cells").write(lm.log_image(array()))[0]


def test_a_closed_logger_drops(store: Store) -> None:
    log = lm.logger(store, "cells")
    log.track(array(), at=NOON)
    log.close()
    log.close()
    assert not log.track(array(), at=NOON)
    assert log.flush()
    assert (log.tracked, log.dropped) == (1, 1)
    assert store.read("cells").images == 1
    assert store.read("cells", segment={}).images == 1  # the store was not its own to close
    assert store.datasets() == {"cells": timedelta(hours=1)}


def test_wrong_arguments_are_found_at_the_start(store: Store) -> None:
    store.define("days", "1d")
    with pytest.raises(StoreError, match="buckets of 1d"):
        lm.logger(store, "days", every="1h")
    for options, words in (
        ({"every": "1 hour"}, "'1 hour'"),
        ({"channels": "CMY"}, "RGB"),
        ({"queue_bytes": -1}, "as queue_bytes"),
        ({"ignore": "column:mask"}, "a column of masks"),
        ({"ignore": ["alpha", "column:mask"]}, "a column of masks"),
    ):
        with pytest.raises(ValueError, match=words):
            lm.logger(store, "cells", **options)  # type: ignore[arg-type]
    with lm.logger(store, "cells") as log:
        with pytest.raises(TypeError, match="'2022-09-01' as a time"):
            log.track(array(), at="2022-09-01")  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="9999"):
            log.track(array(), at=datetime(9999, 12, 31, 23, 30, tzinfo=UTC))
    with ThreadPoolExecutor(1) as threads, pytest.raises(ValueError, match="main thread"):
        threads.submit(lm.logger, store, "cells", handle_signals=True).result()


# A logger among threads and processes, and how it ends.


def test_measuring_imports_nothing_that_a_fork_could_cut_in_half(tmp_path: Path) -> None:
    code = """
import io, sys
import numpy as np
from PIL import Image
import lightmeter as lm
files = [io.BytesIO() for _ in range(4)]
for file, kind in zip(files, ("JPEG", "PNG", "TIFF", "WEBP")):
    Image.new("RGB", (4, 4)).save(file, kind)
log = lm.logger(sys.argv[1], "cells")
before = set(sys.modules)
for image in [np.zeros((4, 4, 3), np.uint8), *(file.getvalue() for file in files), b"none"]:
    log.track(image)
assert log.flush()
assert set(sys.modules) == before, set(sys.modules) - before
"""
    result = run_program("-c", code, tmp_path / "drift.db")
    assert (result.returncode, result.stderr) == (0, "")


def test_a_fork_does_not_wait_for_a_picture(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(monkeypatch)

    def work() -> None:
        log.track(array(), at=NOON)
        assert log.flush(60)

    with lm.logger(store, "cells") as log:
        log.track("slow", at=NOON)
        assert gate.entered.wait(60)
        rescue = threading.Timer(30, gate.opened.set)
        rescue.start()
        pid = forked(work)
        assert not gate.opened.is_set()
        assert ended_well(pid)
        rescue.cancel()
        gate.opened.set()
    assert store.read("cells").images == 2


@pytest.mark.parametrize(
    "way",
    [
        "return",
        "SIGTERM, handle_signals",
        "atexit tracks",
        "SIGKILL, after flush",
        "SIGKILL under load, a checkpoint later",
        "a forked child, close and os._exit",
        "Process by forkserver, a finalizer tracks",
        "Pool by fork, terminate, handle_signals",
    ],
)
def test_what_is_promised_survives_the_end_of_the_process(way: str) -> None:
    ending = logger_endings.ended(way)
    assert ending.tracked >= ending.promised >= 20
    assert ending.kept >= ending.promised


TOO_LATE = """
import sys
import numpy as np, lightmeter as lm
class Last:
    log, image = lm.logger(sys.argv[1], "cells"), np.full((4, 4, 3), 9, np.uint8)
    def __del__(self):
        self.log.track(self.image)
last = Last()
"""


def test_what_the_interpreter_tracks_at_its_very_end_is_refused(tmp_path: Path) -> None:
    result = run_program("-c", TOO_LATE, tmp_path / "drift.db")
    assert (result.returncode, result.stderr) == (0, "")


FORKED = """
import os, signal, sys
import lightmeter as lm
log = lm.logger(sys.argv[1], "cells", handle_signals=True)
# Runs in a child before the hooks of lightmeter, where Python clears what it has heard.
os.register_at_fork(before=lambda: parent.append(os.getpid()))
parent = []
real = signal.pthread_sigmask
def masked(how, numbers):
    if parent and os.getpid() != parent[0] and how == signal.SIG_SETMASK:
        os.kill(os.getpid(), signal.SIGTERM)
        assert signal.SIGTERM in signal.sigpending()  # blocked, so it is not lost
    return real(how, numbers)
signal.pthread_sigmask = masked
child = os.fork()
if child == 0:
    while True:
        signal.pause()
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_child_that_is_asked_to_end_as_it_begins_ends(tmp_path: Path) -> None:
    result = run_program("-W", "ignore", "-c", FORKED, tmp_path / "drift.db")
    assert (result.stdout, result.stderr) == (f"{-signal.SIGTERM}\n", "")


def test_handlers_of_others_stay(store: Store) -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    hang_up = signal.getsignal(signal.SIGHUP)
    try:
        with lm.logger(store, "cells", handle_signals=True) as log:
            signal.raise_signal(signal.SIGTERM)
            assert heard == [signal.SIGTERM]
            assert log.track(array(), at=NOON)
    finally:
        signal.signal(signal.SIGTERM, before)
        signal.signal(signal.SIGHUP, hang_up)


def test_a_logger_is_not_copied(tmp_path: Path) -> None:
    copied = pytest.raises(TypeError, match="create one in each process")
    with lm.logger(tmp_path / "a.db", "cells") as log, copied:
        pickle.dumps(log)
