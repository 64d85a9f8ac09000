"""From pictures to a server: the article's upload, loggers, folders and the command line."""

import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import lightmeter as lm
import pytest
from conftest import lightmeter, picture
from forks import ended_well, forked
from lightmeter import Store, log_image, profile_images
from lightmeter.errors import StoreError
from lightmeter.store import remote
from lightmeter.writers import LightmeterWriter
from PIL import Image
from stores import view
from weather import DAY, Weather, counts, free_port, put_away, running, waiting


def test_the_upload_of_the_article(
    store: Store, tmp_path: Path, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = store.state.keys.add(["write"], datasets=["cells"])
    picture().save(tmp_path / "file.png")
    with running(store) as port:
        # set environment vars to route uploaded profile
        monkeypatch.setenv("LIGHTMETER_STORE", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("LIGHTMETER_KEY", key)
        monkeypatch.setenv("LIGHTMETER_DATASET", "cells")
        # read in image and profile
        file_path = tmp_path / "file.png"
        img = Image.open(file_path)
        profile = log_image(img).profile()
        # optionally set profile timestamp
        profile.set_dataset_timestamp(datetime(2022, 9, 7, 12, tzinfo=UTC))
        profile_view = profile.view()
        # write profile
        writer = LightmeterWriter()
        words = f"cells 2022-09-07 12:00 saved to http://127.0.0.1:{port}"
        assert writer.write(profile_view) == (True, words)
        writer.close()
    assert store.read("cells", DAY).images == 1
    assert (repr(writer._rows._target)).count(key) == 0


@pytest.mark.parametrize("every", [None, "1h"])
def test_what_is_written_adds_up(store: Store, every: str | None) -> None:
    writer = LightmeterWriter(store, dataset="cells", segment="camera=a", every=every)

    def write() -> None:
        assert writer.write(log_image(picture()))[0]

    for hour in (1, 1, 9):
        profile = log_image([picture(), picture()]).profile()
        profile.set_dataset_timestamp(datetime(2022, 9, 7, hour, tzinfo=UTC))
        assert writer.write(profile)[0]
    write()
    assert store.read("cells", segment="camera=a").images == 7
    rows = store.stored("cells", segment="camera=a")
    assert [row.images for row in rows] == ([6, 1] if every is None else [4, 2, 1])
    assert ended_well(forked(write))
    assert store.read("cells", segment="camera=a").images == 8
    store.define("days", "1d")
    kept, words = LightmeterWriter(store, dataset="days", every="1h").write(profile)
    assert not kept
    assert "has buckets of 1d, not of 1h" in words
    with pytest.raises(ValueError, match="there is no dataset; give it, or set LIGHTMETER_DATASET"):
        LightmeterWriter(store)


def test_what_a_server_keeps_nothing_of_is_not_written(way: Weather) -> None:
    head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 25\r\n\r\n"
    way.faults = [head + '{"kept": false, "seq": 9}'] * 9
    with Store(way.url) as far:
        never = LightmeterWriter(far, dataset="cells", every="1d")
        assert "refuses seq" in never.write(log_image(picture()))[1]


def test_pictures_and_paths_stay_at_home(
    store: Store, way: Weather, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "secret"
    folder.mkdir()
    picture().save(folder / "face.png")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff broken")
    whole = profile_images(folder, exemplars=2, metrics="camera")
    assert whole.failures
    with Store(way.url) as far:
        far.put("cells", whole, at=DAY, writer="closed")
        lm.log_folder(far, folder, "folder", exemplars=2)
        monkeypatch.setenv("LIGHTMETER_SEND_EXEMPLARS", "1")
        far.put("cells", whole, at=DAY, writer="open")
    seen = {row.writer: content for row, content in store.load("cells")}
    closed = seen["closed"]
    assert closed.exemplars("image.Brightness.mean") == ([], [], [])
    assert all(word not in closed.to_bytes() for word in (b"face", b"broken", b"\xff\xd8\xff"))
    assert closed["image.Failure"].to_summary_dict() == whole["image.Failure"].to_summary_dict()
    assert b"face.png" in seen["open"].to_bytes()
    (folder_row,) = store.stored("folder")
    assert str(tmp_path) not in folder_row.writer
    assert folder_row.writer.startswith("folder secret ")


def test_a_logger_loses_nothing_while_the_server_is_away(
    store: Store, spool: Path, folder: Path
) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(StoreError):
        lm.logger(url, "cells")
    with lm.logger(url, "cells", every="1h") as log:
        for hour in (1, 2, 1):
            log.track(picture(), at=datetime(2022, 9, 7, hour, tzinfo=UTC))
        assert log.flush()
        assert len(waiting(spool)) == 2
        log.track(picture(), at=datetime(2022, 9, 7, 1, tzinfo=UTC))  # whose row is out of reach
        log.track(picture())
    assert log.close()
    with running(store, at=int(url.rpartition(":")[2])), lm.logger(url, "cells") as log:
        log.track(picture())
    assert not waiting(spool)
    assert store.read("cells").images == 6
    assert [bucket.images for bucket in store.buckets("cells")][:2] == [3, 1]
    with lm.logger(url, "cells") as log:  # the length of buckets is known
        log.track(picture(), at=datetime(2022, 9, 8, 1, tzinfo=UTC))
    lm.log_folder(url, folder, "cells", at=DAY)
    with pytest.raises(StoreError, match="is unavailable"):
        lm.logger(url, "others")
    with running(store, at=int(url.rpartition(":")[2])), Store(url) as far:
        assert far.send()[:3] == (2, 0, 0)


def test_a_folder_is_logged_while_the_server_is_away(
    store: Store, way: Weather, folder: Path, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.MonkeyPatch.context() as brief:
        brief.setattr(remote, "_READING", 0.1)
        brief.setattr(remote, "_PATIENCE", 0.1)
        lm.log_folder(url, folder, "cells", at=DAY, every="1h")
        (folder / "0.jpg").unlink()
        lm.log_folder(url, folder, "cells", at=DAY, every="1h")  # in place of the first
        lm.log_folder(url, folder / "more", "cells", date_from="mtime", every="1h")
        for options in ({}, {"every": "1h", "segment_by": {"camera": "path:(.)"}}):
            with pytest.raises(StoreError, match="is unavailable"):
                lm.log_folder(url, folder, "cells", **options)
    with running(store, at=int(url.rpartition(":")[2])), Store(url) as far:
        assert far.send()[:3] == (2, 0, 0)
        assert store.read("cells").images == 9
        lm.log_folder(url, folder / "more", "days", at=DAY)  # by which the length is known
        assert far.spool.length("days") == "1d"
        # With the server there again the same folder replaces what it logged without.
        (folder / "1.jpg").unlink()
        lm.log_folder(far, folder, "cells", at=DAY)
    assert store.read("cells").images == 8


def test_a_key_that_is_taken_back_loses_nothing(store: Store, way: Weather, spool: Path) -> None:
    key = store.state.keys.add(["write"])
    other = store.state.keys.add(["write", "read"])
    refused = pytest.raises(StoreError, match="refuses the key")
    with Store(way.url, key="x") as far, refused:
        far.put("cells", view(1), at=DAY, writer="a")
    assert not waiting(spool)
    with Store(way.url, key=key) as far:
        far.put("cells", view(1), at=DAY, writer="a")
        store.state.keys.remove(key[:10])
        for n in (2, 3):
            assert far.put("cells", view(n), at=DAY, writer="a", every="1d")
        assert len(waiting(spool)) == 1
    with Store(way.url, key=other) as far:
        assert far.send().sent == 1
    assert counts(store) == {"a": 3}
    assert not waiting(spool)


LOGGER = """
import sys, time
import lightmeter as lm
import numpy as np
from lightmeter.errors import StoreError
from lightmeter.store import remote
from lightmeter.writers import endings
endings._SIGNAL_SECONDS = 2.0
once, remote._TRY = remote._TRY, 0.1
log = lm.logger(sys.argv[1], "cells", every="1h", handle_signals=True)
log._rows.quiet = 0.1
remote._TRY = once
for _ in range(20):
    log.track(np.zeros((8, 8, 3), np.uint8))
time.sleep(0.5)
print("put", flush=True)
time.sleep(60)
"""


def test_a_signal_while_the_server_is_silent(spool: Path) -> None:
    """The thread of the logger waits for an answer then, for longer than the signal leaves."""
    with Weather(0).blowing() as silent:
        silent.faults = ["silent"] * 99
        command = [sys.executable, "-c", LOGGER, silent.url]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert process.stdout.readline() == b"put\n" or process.communicate()
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=20)
        assert process.returncode == -signal.SIGTERM
        assert b"is closed" not in said
    assert len(waiting(spool)) == 1


def test_the_command_line(store: Store, way: Weather, folder: Path, monkeypatch: Any) -> None:
    key = store.state.keys.add(["read", "write"])
    command = "log", folder, "--dataset", "cells", "--store", way.url, "--date", "2022-09-07"
    monkeypatch.setenv("LIGHTMETER_KEY", key)
    done = lightmeter(*command)
    assert (done.returncode, done.stderr) == (0, "")
    assert store.read("cells").images == 8
    put_away(way.url, "a", images=3)
    store.define("others", "1d")
    put_away(way.url, "b", dataset="others", every="1h")
    done = lightmeter("store", "send", way.url)
    assert "sent: 1, refused: 1, left: 0" in done.stdout
    assert done.returncode == 1
    assert counts(store)["a"] == 3
