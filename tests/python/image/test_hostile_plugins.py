"""Whatever a plugin of Pillow does to a file, the answer is a measured picture or an ImageError."""

import os
import signal
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lightmeter as lm
import pytest
from lightmeter.errors import ImageError
from lightmeter.image.measure import measure_image
from PIL import Image, ImageFile

MAGIC = b"HOSTILE "
PIXELS = bytes(range(192))  # 8x8 of RGB


class PanicException(BaseException):  # as plugins in Rust raise it
    pass


class OwnException(BaseException):  # of a plugin that knows no Exception
    pass


class TextlessError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


def error(kind: type[BaseException]) -> Callable[[Any], None]:
    def fail(file: Any) -> None:
        raise kind("of a plugin")

    return fail


def truncate(file: Any) -> None:
    file.truncate(3)


def seek_beyond(file: Any) -> None:
    file.seek(1 << 40)


def close(file: Any) -> None:
    file.close()


def detach(file: Any) -> None:
    file.detach()


def close_descriptor(file: Any) -> None:
    os.close(file.fileno())


def nothing(file: Any) -> None:
    pass


ERRORS = [KeyError, MemoryError, RecursionError, AssertionError, PanicException]
ERRORS += [StopIteration, UnicodeError, SyntaxError, Warning, OwnException, TextlessError]
DEEDS = [nothing, close, truncate, seek_beyond, detach, close_descriptor]
ACTS = [*DEEDS, *map(error, ERRORS)]
NAMES = [it.__name__ for it in (*DEEDS, *ERRORS)]
REASONS = ("corrupt", "truncated", "too_large", "unreadable", "unsupported")
PLACES = ("opening", "loading", "counting")


class Plugin(ImageFile.ImageFile):
    """Says what to do, and where, in its file."""

    format = "HOSTILE"

    def _open(self) -> None:
        head = self.fp.read(len(MAGIC) + 2)
        self._act, self._place = ACTS[head[-2]], PLACES[head[-1]]
        self._mode, self._size = "RGB", (8, 8)
        self.tile = [("raw", (0, 0, 8, 8), len(head), ("RGB", 0, 1))]
        if self._place == "opening":
            self._act(self.fp)

    def load(self) -> Any:
        if self._place == "loading" and self.tile:
            self._act(self.fp)
        return super().load()

    @property
    def n_frames(self) -> int:
        if self._place == "counting":
            self._act(self.fp)
        return 1


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    Image.init()
    Image.register_open("HOSTILE", Plugin, lambda start: start.startswith(MAGIC))
    Image.register_extension("HOSTILE", ".ftc")  # a suffix that folders are searched for
    yield
    Image.ID.remove("HOSTILE")
    del Image.OPEN["HOSTILE"]
    Image.EXTENSION[".ftc"] = "FTEX"


def outcome(source: Any, **options: Any) -> str:
    """The reason of the error, or "measured"."""
    try:
        assert lm.log_image(source, **options).view().images == 1
    except ImageError as failure:
        return failure.reason
    return "measured"


def hostile(act: str, place: str) -> bytes:
    return MAGIC + bytes([NAMES.index(act), PLACES.index(place)]) + PIXELS


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("act", NAMES)
def test_a_plugin_that_does_anything(act: str, place: str, tmp_path: Path) -> None:
    path = tmp_path / "p.ftc"
    path.write_bytes(hostile(act, place))
    frames = {"frames": "all"} if place == "counting" else {}
    expected = 0
    for source in (str(path), path.read_bytes()):
        reason = outcome(source, **frames)
        assert reason in ("measured", *REASONS)
        assert (reason == "too_large") == (act == "MemoryError")
        expected = int(reason == "measured")
    if act in ("nothing", "close", "seek_beyond"):
        assert expected == 1
    profile = lm.Profile(**frames)  # type: ignore[arg-type]
    try:
        profile.track(str(path))
    except ImageError:
        assert profile.view().images == 0
    else:
        assert profile.view().images == expected
    for workers in (1, 2):
        view = lm.profile_images(tmp_path, workers=workers, **frames)  # type: ignore[call-overload]
        assert (view.images, len(view.failures)) == (expected, 1 - expected)
    rows = list(lm.measure(tmp_path, **frames))  # type: ignore[call-overload]
    assert len(rows) == 1
    assert ("failure" in rows[0]) == (expected == 0)


@pytest.mark.parametrize("act", [it for it in NAMES if it not in ("detach", "close_descriptor")])
def test_an_opened_image_of_a_plugin(act: str, tmp_path: Path) -> None:
    path = tmp_path / "p.ftc"
    path.write_bytes(hostile(act, "loading"))
    for _ in range(2):
        with Image.open(path) as image:
            for _ in range(2):
                assert outcome(image) in ("measured", *REASONS)


def test_a_valid_picture_whose_plugin_closes_the_file(tmp_path: Path) -> None:
    """FTEX, of which Pillow keeps the pixels in place of the file."""
    head = b"FTEX" + struct.pack("<7i", 8, 8, 8, 1, 1, 1, 32)
    path = tmp_path / "p.ftu"
    path.write_bytes(head + struct.pack("<i", len(PIXELS)) + PIXELS)
    view = lm.profile_images(tmp_path)
    assert view.images == 1
    assert view["image.FileSize"].mean == path.stat().st_size
    assert view["image.Brightness.mean"].mean == measure_image(
        Image.frombytes("RGB", (8, 8), PIXELS)
    ).meter.measurement()["Brightness.mean"]  # fmt: skip
    with Image.open(path) as image:
        assert list(lm.log_image(image).view()) == list(view)


def test_a_user_ends_the_run(tmp_path: Path) -> None:
    """By Ctrl-C, or by a handler of a signal that exits."""

    def leave(number: int, frame: object) -> None:
        raise SystemExit(3)

    def ask(file: Any) -> None:
        os.kill(os.getpid(), number)

    ACTS.append(ask)
    NAMES.append("ask")
    try:
        for number, expected in ((signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)):
            handler = signal.default_int_handler if number == signal.SIGINT else leave
            before = signal.signal(number, handler)
            try:
                with pytest.raises(expected):
                    lm.log_image(hostile("ask", "loading"))
            finally:
                signal.signal(number, before)
    finally:
        ACTS.pop()
        NAMES.pop()


def test_an_image_that_somebody_loaded_after_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "p.png"
    Image.effect_noise((64, 64), 50).save(path)
    path.write_bytes(path.read_bytes()[:-400])
    with Image.open(path) as image:
        for _ in range(2):
            with pytest.raises(ImageError):
                lm.log_image(image)
        monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
        image.load()
        assert lm.log_image(image).view().images == 1
