import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lightmeter as lm
import numpy as np
import pytest
from conftest import lightmeter
from lightmeter.monitor.recommended import write_monitors
from lightmeter.writers import stream
from PIL import Image, ImageFilter
from videos import write_video, yard

START = datetime(2026, 5, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def images_of(logged: Any) -> dict[datetime, int]:
    return {at: view.images for at, view in logged.profiles.items()}


@pytest.mark.parametrize("date_from", ["exif", "path:%Y-%m-%dT%H-%M-%S"])
def test_a_video_is_logged_into_the_buckets_of_its_frames(date_from: str, tmp_path: Path) -> None:
    path = tmp_path / "2026-05-01T10-59-50.mp4"
    write_video(path, yard(40), rate=5, begins="2026-05-01T10:59:55Z")  # 8 s
    start = START + 10 * HOUR
    before = 5 if date_from == "exif" else 8
    for resume in (None, tmp_path / "kept", tmp_path / "kept"):
        logged = lm.log_folder(
            tmp_path / "s.db", path, "gate", date_from=date_from, every="1h", resume=resume
        )
        parts = {start: before, start + HOUR: 8 - before}
        assert images_of(logged) == {at: count for at, count in parts.items() if count}
    reading = lm.Reading(every="5s")  # of which no frame is in the last tenths of a second
    for every in ("2s", "6s"):
        how: Any = {"date_from": date_from, "every": every, "reading": reading}
        logged = lm.log_folder(tmp_path / f"{every}.db", path, "gate", **how)
        assert sum(images_of(logged).values()) == 2
        assert not any(view.failures for view in logged.profiles.values())
    path.write_bytes(b"\0\0\0\x18ftypmp42" + bytes(99))
    logged = lm.log_folder(tmp_path / "t.db", path, "gate", date_from=date_from)
    assert logged.undated or logged.profiles[START]["image.Failure"].n == 1


def blurred(frame: Any, radius: float) -> Any:
    return np.asarray(Image.fromarray(frame).filter(ImageFilter.GaussianBlur(radius)))


FAULTS: dict[str, Callable[[Any, Any], Any]] = {
    "frozen": lambda frame, before: before,
    "black": lambda frame, before: np.zeros_like(frame),
    "covered": lambda frame, before: blurred(frame // 8, 9) + np.uint8(10),
    "out of focus": lambda frame, before: blurred(frame, 2),
    "moved": lambda frame, before: np.roll(frame, (8, 12), (0, 1)),
}


def test_faults_of_a_camera_are_found_by_name(tmp_path: Path) -> None:
    """Drawn ones: the monitors are those that `monitor init` writes of five good hours."""
    path, store = tmp_path / "gate.mp4", lm.Store(tmp_path / "s.db")
    names = [""] * 7 + list(FAULTS)
    for hour, name in enumerate(names):
        frames = list(yard(150, seed=hour))
        for at in range(30, 150) if name else ():
            frames[at] = FAULTS[name](frames[at], frames[at - 1])
        write_video(path, frames, codec="mpeg4", b="400000")
        at = START + hour * HOUR
        lm.log_folder(store, path, "gate", at=at, every="1h", writer=f"hour {hour}")
        if hour == 4:
            write_monitors(store, "gate", tmp_path / "m.toml")
    found: dict[int, set[str]] = {hour: set() for hour in range(len(names))}
    results = lm.watch(store, tmp_path / "m.toml", now=START + 99 * HOUR).results
    for result in results:
        if result.state == "anomaly" and result.monitor == "gate: contract":
            found[(result.bucket - START) // HOUR].add(result.words.partition(": ")[0])
    assert all(not found[hour] for hour in range(7)), found
    for hour, name in list(enumerate(names))[7:]:
        # Black pictures have no contrast, and neither these nor covered ones have sharp edges.
        also = {"black": {"covered", "out of focus"}, "covered": {"out of focus"}}.get(name, set())
        assert found[hour] - also == {name}, found
    store.close()


@contextmanager
def camera(times: int) -> Iterator[str]:
    """A transport stream on a port, which breaks after each ten seconds of it."""
    file = BytesIO()
    write_video(file, yard(50), kind="mpegts", codec="mpeg2video", rate=5)

    def serve() -> None:
        for _ in range(times):
            connection, _ = server.accept()
            with connection:
                connection.sendall(file.getvalue())

    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"tcp://user:word@127.0.0.1:{server.getsockname()[1]}"
        thread.join(9)


def test_a_stream_is_opened_again_and_what_is_missed_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(stream, "_PAUSE", 0.3)
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            raise KeyboardInterrupt
        time.sleep(seconds)

    clock = SimpleNamespace(sleep=pause, monotonic=time.monotonic)
    monkeypatch.setattr(stream, "time", clock)
    how: Any = {"store": tmp_path / "s.db", "dataset": "gate", "every": "1h"}
    with camera(2) as address, pytest.raises(KeyboardInterrupt):
        stream.log_stream(address, reading=lm.Reading(every="100ms"), **how)
    assert "word" not in caplog.text
    assert "was interrupted and is reopened in 0.3 seconds" in caplog.text
    with lm.Store(tmp_path / "s.db") as store:
        view = store.read("gate")
        assert view.images > 90
        assert view["image.Shift"].max == 0.0
        ((reason, count, *_),) = view["image.Failure"].frequent
        assert (reason, count >= 2) == ("dropped", True)


def test_a_stream_takes_no_options_of_files(tmp_path: Path) -> None:
    for option in (("--group", "path:a"), ("--ignore", tmp_path), ("--read", "ome_tiff")):
        done = lightmeter("log", "rtsp://a/1", "--dataset", "a", "--inbox", tmp_path, *option)
        assert "an option that a stream does not have" in done.stderr
