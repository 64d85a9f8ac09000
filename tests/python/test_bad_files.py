"""Whatever is wrong with a file, it is one exception with a stable reason."""

import errno
import io
import itertools
import logging
import os
import pickle
import struct
import threading
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import PIL
import pytest
from conftest import picture
from hypothesis import given, settings
from hypothesis import strategies as st
from lightmeter import ImageError, Reading, log_image
from lightmeter.image.failure import image_error
from lightmeter.image.limits import Limits
from lightmeter.image.measure import measure_image, measure_images
from lightmeter.quiet import quiet
from PIL import Image, ImageFile, UnidentifiedImageError

REASONS = {
    "empty",
    "truncated",
    "corrupt",
    "unsupported",
    "too_large",
    "out_of_range",
    "unreadable",
    "vanished",
}

Image.init()


def encoded(form: str, image: Image.Image | None = None, **options: Any) -> bytes:
    file = io.BytesIO()
    (image or picture()).save(file, form, **options)
    return file.getvalue()


def can_write(form: str) -> bool:
    try:
        encoded(form)
    except (KeyError, OSError):
        return False
    return True


# Before Pillow 13 these decoders make up what is missing, and say nothing.
UNNOTICED = {"DDS", "QOI"} if int(PIL.__version__.partition(".")[0]) < 13 else set()

# Formats that say at their start what they are, and of which a part is known to be one.
SIGNED = {
    name: make
    for name, make in {
        "AVIF": lambda: encoded("AVIF"),
        "BLP": lambda: encoded("BLP", picture().convert("P")),
        "BMP": lambda: encoded("BMP"),
        "DDS": lambda: encoded("DDS"),
        "GIF": lambda: encoded("GIF"),
        "ICO": lambda: encoded("ICO"),
        "JPEG": lambda: encoded("JPEG"),
        "JPEG progressive": lambda: encoded("JPEG", progressive=True),
        "JPEG2000": lambda: encoded("JPEG2000"),
        "JPEG2000 codestream": lambda: encoded("JPEG2000", no_jp2=True),
        "PNG": lambda: encoded("PNG"),
        "PNG palette": lambda: encoded("PNG", picture().convert("P")),
        "QOI": lambda: encoded("QOI"),
        "SGI": lambda: encoded("SGI"),
        "TIFF": lambda: encoded("TIFF"),
        "TIFF LZW": lambda: encoded("TIFF", compression="tiff_lzw"),
        "TIFF deflate": lambda: encoded("TIFF", compression="tiff_deflate"),
        "TIFF JPEG": lambda: encoded("TIFF", compression="jpeg"),
        "TIFF packbits": lambda: encoded("TIFF", compression="packbits"),
        "WEBP": lambda: encoded("WEBP"),
        "WEBP lossless": lambda: encoded("WEBP", lossless=True),
    }.items()
    if name not in UNNOTICED
    and name.split()[0] in Image.SAVE
    and can_write(name.split()[0].replace("BLP", "PNG"))
}
OTHERS = {
    "DIB": lambda: encoded("DIB"),
    "EPS": lambda: encoded("EPS"),
    "IM": lambda: encoded("IM"),
    "MSP": lambda: encoded("MSP", picture().convert("1")),
    "PCX": lambda: encoded("PCX"),
    "PPM": lambda: encoded("PPM"),
    "SPIDER": lambda: encoded("SPIDER", picture().convert("F")),
    "TGA": lambda: encoded("TGA"),
    "TGA RLE": lambda: encoded("TGA", compression="tga_rle"),
    "XBM": lambda: encoded("XBM", picture().convert("1")),
}


def outcome(source: Any, **options: Any) -> str:
    """The reason, or "measured"; any other exception fails the test."""
    try:
        measure_image(source, Reading(**options))
    except ImageError as error:
        failure = error
    else:
        return "measured"
    assert failure.reason in REASONS
    assert failure.detail
    assert len(failure.detail) <= 200
    return failure.reason


def cuts(size: int) -> list[int]:
    return sorted({*range(1, 60), *map(int, np.linspace(60, size * 0.95, 25))})


@pytest.mark.parametrize("name", SIGNED)
def test_a_part_of_a_file_is_truncated(name: str) -> None:
    whole = SIGNED[name]()
    assert outcome(whole) == "measured"
    for length in cuts(len(whole)):
        assert outcome(whole[:length]) == "truncated", length


@pytest.mark.parametrize("form", ["GIF", "TIFF"])
def test_a_part_of_several_frames_is_truncated(form: str) -> None:
    first, *rest = (Image.effect_noise((30, 30), 20 * n) for n in range(1, 5))
    whole = encoded(form, first, save_all=True, append_images=rest)
    for length in cuts(len(whole)):
        assert frames_outcome(whole[:length]) == "truncated", length


def frames_outcome(source: bytes) -> str:
    try:
        list(measure_images(source, Reading(frames="all")))
    except ImageError as error:
        return error.reason
    return "measured"


class Dribble(io.RawIOBase):
    """A pipe without a buffer: a read returns what there is so far."""

    def __init__(self, data: bytes) -> None:
        self._inner = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._inner.read(min(size, 100) if size >= 0 else 100)


def test_a_stream_is_read_to_its_end() -> None:
    whole = encoded("PNG")
    assert len(whole) > 200
    assert outcome(Dribble(whole)) == "measured"
    assert outcome(Dribble(whole[:150])) == "truncated"
    assert outcome(Dribble(whole), limits=Limits(bytes=len(whole))) == "measured"
    assert outcome(Dribble(whole), limits=Limits(bytes=len(whole) - 1)) == "too_large"
    assert outcome(Dribble(b"")) == "empty"


class Slow(io.BufferedReader):
    """A pipe with a buffer, on which a little comes at a time, for ever."""

    def __init__(self) -> None:
        super().__init__(Endless())

    def seekable(self) -> bool:
        return False


class Endless(io.RawIOBase):
    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        buffer[:100] = bytes(100)
        return 100


def test_a_stream_that_does_not_end_in_time_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count(0.0, 0.05)
    monkeypatch.setattr("lightmeter.image.encoded.monotonic", lambda: next(clock))
    assert outcome(Slow(), limits=Limits(seconds=2)) == "too_large"
    assert next(clock) == pytest.approx(2, abs=0.5)


@pytest.mark.parametrize("buffering", [0, -1])
def test_a_pipe_that_is_silent_is_not_waited_for(buffering: int) -> None:
    read, write = os.pipe()
    with open(write, "wb") as pipe, open(read, "rb", buffering) as stream:
        pipe.write(encoded("PNG")[:100])
        pipe.flush()
        assert outcome(stream, limits=Limits(seconds=0.05)) == "too_large"


@pytest.mark.parametrize("mark", [{254: 1}, {50706: b"\1\4\0\0"}])
def test_the_preview_of_a_raw_file_is_not_its_picture(mark: dict[int, Any]) -> None:
    assert outcome(encoded("TIFF", tiffinfo={254: 0})) == "measured"
    data = encoded("TIFF", tiffinfo=mark)
    assert outcome(data) == outcome(data, bands=["a", "b", "c"]) == "unsupported"


def test_so_is_that_of_a_cr2() -> None:
    data = encoded("TIFF")  # the directory comes first
    moved = data[:4] + len(data).to_bytes(4, "little") + bytes(8) + data[16:] + data[8:]
    assert outcome(moved) == "measured"
    marked = moved[:8] + b"CR\2\0" + moved[12:]
    assert outcome(marked) == outcome(marked, bands=["a", "b", "c"]) == "unsupported"


def test_a_truncated_file_is_the_same_as_its_bytes(tmp_path: Path) -> None:
    """Some decoders read a file by its descriptor."""
    for name, make in SIGNED.items():
        whole = make()
        for part in (0.3, 0.9):
            path = tmp_path / "part"
            path.write_bytes(whole[: int(len(whole) * part)])
            with open(path, "rb") as file:
                assert outcome(path) == outcome(file) == "truncated", name


@pytest.mark.filterwarnings("ignore:IM image format:DeprecationWarning")
@pytest.mark.parametrize("name", OTHERS)
def test_a_part_of_an_unsigned_file_has_some_reason(name: str) -> None:
    whole = OTHERS[name]()
    for length in cuts(len(whole)):
        assert outcome(whole[:length]) in {"truncated", "corrupt", "unsupported"}, length


@pytest.mark.filterwarnings("ignore:IM image format:DeprecationWarning")
@pytest.mark.parametrize("name", [*SIGNED, *OTHERS])
def test_a_damaged_file_has_some_reason(name: str) -> None:
    whole = (SIGNED | OTHERS)[name]()
    limits = Limits(pixels=1_000_000)
    rng = np.random.default_rng(5)
    for trial in range(80):
        damaged = bytearray(whole if trial % 3 else whole[: rng.integers(1, len(whole))])
        reach = min(64, len(damaged)) if trial % 2 else len(damaged)
        for at in rng.integers(0, reach, 1 + trial % 5):
            damaged[at] ^= 1 << int(rng.integers(8))
        outcome(bytes(damaged), limits=limits)


@pytest.mark.parametrize("name", ["PNG", "GIF", "JPEG", "TIFF", "WEBP", "ICO", "JPEG2000", "AVIF"])
def test_a_known_start_with_a_damaged_header_is_not_called_unsupported(name: str) -> None:
    if name not in SIGNED:
        pytest.skip(f"this Pillow does not write {name}")
    whole = SIGNED[name]()
    start = 6 if name in {"GIF", "JPEG", "TIFF", "ICO"} else 12
    assert outcome(whole[:start] + b"\xa5" * (len(whole) - start)) in {"corrupt", "truncated"}


@given(st.binary(max_size=400))
@settings(deadline=None, max_examples=150)
def test_any_bytes(data: bytes) -> None:
    outcome(data, limits=Limits(pixels=1_000_000))


@given(
    st.sampled_from(["PNG", "GIF", "JPEG", "TIFF", "WEBP", "BMP"]),
    st.binary(max_size=300),
    st.data(),
)
@settings(deadline=None, max_examples=150)
def test_any_bytes_inside_a_file(name: str, junk: bytes, data: st.DataObject) -> None:
    whole = SIGNED[name]()
    at = data.draw(st.integers(0, len(whole)))
    outcome(whole[:at] + junk + whole[at + len(junk) :], limits=Limits(pixels=1_000_000))


@given(st.text(alphabet=st.characters(codec="ascii"), min_size=40, max_size=200))
@settings(deadline=None, max_examples=100)
def test_text_is_unsupported(text: str) -> None:
    assert outcome(b"The " + text.encode()) == "unsupported"


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + check

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def test_a_header_of_four_gigapixels_is_too_large() -> None:
    assert outcome(png_header(65536, 65536)) == "too_large"
    assert outcome(png_header(2**31 - 1, 2**31 - 1)) == "too_large"
    assert outcome(png_header(0, 5)) != "measured"


@pytest.mark.parametrize("name", [b"zTXt", b"iCCP"])
def test_a_text_beyond_pillows_limit_is_too_large(name: bytes) -> None:
    body = name + b"name\0\0" + zlib.compress(bytes(2 << 20))
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    whole = encoded("PNG")
    assert outcome(whole[:33] + chunk + whole[33:]) == "too_large"


def test_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    (tmp_path / "dangling.jpg").symlink_to("none.jpg")
    (tmp_path / "text.jpg").write_text("no picture, though its name says so")
    (tmp_path / "empty.png").touch()
    os.mkfifo(tmp_path / "pipe.png")
    for name, reason, words in [
        ("folder.jpg", "unreadable", "a folder"),
        ("loop.jpg", "unreadable", "symbolic links"),
        ("dangling.jpg", "vanished", "No such file"),
        ("none.jpg", "vanished", "No such file"),
        ("text.jpg/inside.jpg", "vanished", "Not a directory"),
        ("text.jpg", "unsupported", "no format"),
        ("empty.png", "empty", "no bytes"),
        ("pipe.png", "unreadable", "not a regular file"),
        ("x" * 300, "unreadable", "name too long"),
        ("nul\0.jpg", "unreadable", "null"),
    ]:
        with pytest.raises(ImageError, match=words) as caught:
            measure_image(tmp_path / name)
        assert caught.value.reason == reason
        assert caught.value.path == tmp_path / name
        assert repr(str(tmp_path / name)) in str(caught.value)
        assert str(tmp_path) not in caught.value.detail

    def denied(*_: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", denied)
    assert outcome(tmp_path / "text.jpg") == "unreadable"


def test_devices_are_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "open", lambda *_: pytest.fail("opened"))
    assert outcome("/dev/zero") == "unreadable"


def test_a_file_that_turns_into_a_pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encoded("PNG"))
    regular = os.stat(path)
    path.unlink()
    os.mkfifo(path)
    monkeypatch.setattr(os, "stat", lambda _: regular)
    assert outcome(path) == "unreadable"


class Fails(io.BytesIO):
    """A file whose reads fail after a while, as on a disk or a network that goes away."""

    def __init__(self, data: bytes, error: Exception) -> None:
        super().__init__(data)
        self.error = error

    def readinto(self, buffer: Any) -> int:
        if self.tell() > 0:
            raise self.error
        return super().readinto(memoryview(buffer)[:100])


@pytest.mark.parametrize(
    "error", [OSError(errno.EIO, "Input/output error"), TypeError("x"), SyntaxError("y")]
)
@pytest.mark.parametrize("name", ["PNG", "TIFF", "WEBP"])
def test_a_read_that_fails_is_not_damage(name: str, error: Exception) -> None:
    assert outcome(Fails(SIGNED[name](), error)) == "unreadable"


def test_streams_without_seek_are_read_to_their_end() -> None:
    data = encoded("PNG")
    read, write = os.pipe()
    writer = threading.Thread(target=lambda: (os.write(write, data), os.close(write)))
    writer.start()
    with open(read, "rb") as stream:
        assert measure_image(stream).meter.measurement() == measure_image(data).meter.measurement()
    writer.join()
    assert outcome(io.BytesIO()) == outcome(b"") == "empty"


def test_a_file_open_for_text_is_no_image(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    with open(tmp_path / "a.txt") as file, pytest.raises(TypeError, match="binary file"):
        measure_image(file)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("bad"), "corrupt"),
        (SyntaxError("bad"), "corrupt"),
        (TypeError("bad"), "corrupt"),
        (RuntimeError("bad"), "corrupt"),
        (RecursionError("deep"), "corrupt"),
        (OverflowError("big"), "corrupt"),
        (zlib.error("Error -3 while decompressing data"), "corrupt"),
        (zlib.error("Error -5 while decompressing data: incomplete or truncated"), "truncated"),
        (NotImplementedError("no"), "unsupported"),
        (OSError("decoder jpeg2k not available"), "unsupported"),
        (UnidentifiedImageError("cannot identify"), "unsupported"),
        (EOFError(), "truncated"),
        (struct.error("unpack requires a buffer of 4 bytes"), "truncated"),
        (OSError("image file is truncated (3 bytes not processed)"), "truncated"),
        (MemoryError(), "too_large"),
        (Image.DecompressionBombError("big"), "too_large"),
        (FileNotFoundError(errno.ENOENT, "gone"), "vanished"),
        (PermissionError(errno.EACCES, "denied"), "unreadable"),
        (OSError(errno.EIO, "broken"), "unreadable"),
        (OSError(errno.EINVAL, "seek to a negative place"), "corrupt"),
        (ImageError("empty", "nothing"), "empty"),
    ],
)
def test_everything_pillow_raises_has_a_reason(
    error: Exception, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert image_error(error).reason == reason

    def load(_: object) -> None:
        raise error

    data = encoded("BMP")
    monkeypatch.setattr(ImageFile.ImageFile, "load", load)
    assert outcome(data) == reason


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_interrupts_pass(interrupt: type[BaseException], monkeypatch: pytest.MonkeyPatch) -> None:
    def load(_: object) -> None:
        raise interrupt

    monkeypatch.setattr(ImageFile.ImageFile, "load", load)
    with pytest.raises(interrupt):
        log_image([encoded("BMP")])


def test_a_failed_load_is_not_tried_again() -> None:
    """A second load of this image gives black pixels without an error."""
    data = bytearray(encoded("TIFF", compression="tiff_deflate"))
    data[2000:2020] = bytes(20)
    image = Image.open(io.BytesIO(data))
    with pytest.raises(OSError, match="decoder error"):
        image.load()
    image.load()
    assert image.getextrema() == ((0, 0),) * 3

    image = Image.open(io.BytesIO(data))
    assert [outcome(image) for _ in range(3)] == ["corrupt"] * 3
    view = log_image([image, picture(), image]).view()
    assert view.images == 1


def test_pillows_switch_for_truncated_images_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = encoded("JPEG", picture(200, 200))
    part = whole[: len(whole) * 2 // 3]
    assert outcome(part) == "truncated"
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    assert outcome(part) == "measured"


def warning_tiff() -> bytes:
    """Pillow warns that the data of a tag lies beyond the end, and goes on."""
    data = bytearray(encoded("TIFF", dpi=(72, 72)))
    directory = int.from_bytes(data[4:8], "little")
    entries = int.from_bytes(data[directory : directory + 2], "little")
    for entry in range(directory + 2, directory + 2 + 12 * entries, 12):
        if int.from_bytes(data[entry : entry + 2], "little") == 282:
            data[entry + 8 : entry + 12] = b"\xff\xff\xff\x7f"
    return bytes(data)


def test_what_pillow_warns_of_is_neither_printed_nor_an_error() -> None:
    data = warning_tiff()
    with pytest.warns(UserWarning, match="Truncated File Read"):
        Image.open(io.BytesIO(data)).load()
    for action in ("error", "always"):
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter(action)  # type: ignore[arg-type]
            assert outcome(data) == outcome(Image.open(io.BytesIO(encoded("PNG")))) == "measured"
        assert seen == []


def test_a_tag_of_too_many_values_is_not_printed_of() -> None:
    data = encoded("TIFF", tiffinfo={254: 0})
    entry = struct.pack("<HHIHH", 254, 4, 1, 0, 0)
    assert entry in data
    data = data.replace(entry, struct.pack("<HHIHH", 254, 3, 2, 0, 0))  # two shorts
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("error")
        assert outcome(data) == "measured"
    assert seen == []


def test_filters_do_not_grow() -> None:
    with warnings.catch_warnings():
        sizes = []
        for _ in range(9):
            warnings.simplefilter("error")
            with quiet():
                warnings.warn("not heard", stacklevel=1)
            sizes.append(len(warnings.filters))
        assert sizes == sizes[:1] * 9


def test_what_pillow_logs_is_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    logger = logging.getLogger("PIL.Some")
    root = logging.getLogger()
    handlers, root.handlers = root.handlers, []
    try:
        logger.error("damage")
    finally:
        root.handlers = handlers
    assert capsys.readouterr().err == ""


def test_only_the_thread_that_decodes_is_quiet() -> None:
    inside, done = threading.Event(), threading.Event()

    def decode() -> None:
        with quiet():
            inside.set()
            done.wait(10)

    thread = threading.Thread(target=decode)
    thread.start()
    assert inside.wait(10)
    with pytest.warns(UserWarning, match="still heard"):
        warnings.warn("still heard", stacklevel=1)
    with quiet():
        warnings.warn("not heard", stacklevel=1)
    with pytest.warns(UserWarning, match="heard again"):
        warnings.warn("heard again", stacklevel=1)
    done.set()
    thread.join()


def test_errors_pickle() -> None:
    error = ImageError("empty", "nothing there", "a.png")
    again = pickle.loads(pickle.dumps(error))
    assert (again.reason, again.detail, again.path) == ("empty", "nothing there", "a.png")
    assert str(again) == "'a.png': nothing there"


@pytest.mark.parametrize("field", ["pixels", "bytes", "bytes_in_memory", "seconds"])
def test_limits_are_above_zero_or_none(field: str) -> None:
    for value in (0, -1, float("nan")):
        with pytest.raises(ValueError, match=f"limit of {field} is"):
            Limits(**{field: value})
    assert getattr(Limits(**{field: None}), field) is None


def test_the_limit_of_pixels_is_checked_before_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    image = picture(40, 30)
    assert outcome(encoded("PNG", image), limits=Limits(pixels=1200)) == "measured"
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("decoded"))
    assert outcome(encoded("PNG", image), limits=Limits(pixels=1199)) == "too_large"
    assert outcome(image, limits=Limits(pixels=1199)) == "too_large"


def test_the_limit_of_pixels_cannot_raise_pillows(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded("PNG", picture(40, 30))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 599)
    assert outcome(data, limits=Limits(pixels=10_000)) == outcome(data) == "too_large"
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 600)  # Pillow refuses twice as many
    assert outcome(data) == "measured"


def test_the_limit_of_bytes(tmp_path: Path) -> None:
    data = encoded("PNG")
    path = tmp_path / "a.png"
    path.write_bytes(data)
    read, write = os.pipe()
    os.write(write, data)
    os.close(write)
    with open(path, "rb") as file, open(read, "rb") as stream:
        for source in (data, path, file):
            assert outcome(source, limits=Limits(bytes=len(data))) == "measured"
        for source in (data, path, file, stream):
            assert outcome(source, limits=Limits(bytes=len(data) - 1)) == "too_large"


def test_the_limit_of_bytes_that_a_decoder_takes_whole(tmp_path: Path) -> None:
    for name in ("WEBP", "PNG"):
        data = encoded(name)
        assert outcome(data, limits=Limits(bytes_in_memory=len(data))) == "measured"
        limits = Limits(bytes_in_memory=len(data) - 1)
        assert outcome(data, limits=limits) == ("measured" if name == "PNG" else "too_large")
    with open(tmp_path / "a.avif", "wb") as file:
        file.write(b"\0\0\0\x14ftypavif\0\0\0\0mif1")
        file.truncate(2**30)
    with pytest.raises(ImageError, match="1073741824 bytes of AVIF, which is read whole") as failed:
        measure_image(tmp_path / "a.avif")
    assert failed.value.reason == "too_large"


@pytest.mark.parametrize("name", ["PNG", "JPEG", "TIFF"])
def test_the_limit_of_seconds_is_checked_at_every_read(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = encoded(name.split()[0], picture(300, 300, noise=60))
    reads = 0

    def clock() -> float:
        nonlocal reads
        reads += 1
        return float(reads)

    monkeypatch.setattr("lightmeter.image.encoded.monotonic", clock)
    assert outcome(io.BytesIO(data), limits=Limits(seconds=1000)) == "measured"
    assert reads > 2
    with pytest.raises(ImageError, match="not read within 1 seconds") as caught:
        measure_image(io.BytesIO(data), Reading(limits=Limits(seconds=1)))
    assert caught.value.reason == "too_large"


@pytest.mark.parametrize("name", ["AVIF", "PNG"])
def test_a_damaged_file_is_opened_at_most_twice(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name not in SIGNED:
        pytest.skip(f"this Pillow does not write {name}")
    factory, accept = Image.OPEN[name]
    opened = []
    again = lambda *given: (opened.append(given), factory(*given))[1]  # noqa: E731
    monkeypatch.setitem(Image.OPEN, name, (again, accept))
    assert outcome(SIGNED[name]()[:24] + bytes(5000)) in {"corrupt", "truncated"}
    assert len(opened) == 2


def test_postscript_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(self: Image.Image, *_: object, **__: object) -> None:
        pytest.fail("the program in the file was started")

    monkeypatch.setattr("PIL.EpsImagePlugin.EpsImageFile.load", load)
    with pytest.raises(ImageError, match="PostScript") as failed:
        log_image(encoded("EPS"))
    assert failed.value.reason == "unsupported"
