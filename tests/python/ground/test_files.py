"""A file is written whole or not at all; what a library prints while it is quiet is kept away."""

import io
import json
import logging
import os
import threading
import warnings
from pathlib import Path
from typing import Any

import pytest
from bad_files import encoded, outcome
from hypothesis import given
from hypothesis import strategies as st
from lightmeter import ProfileView
from lightmeter.files import write_atomically
from lightmeter.nesting import depth, parse_json
from lightmeter.quiet import quiet
from PIL import Image, ImageFile


def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.lmp"
    write_atomically(path, b"old")

    def fail(*_: object) -> None:
        raise OSError("disk full")

    for call in ("fsync", "replace"):
        with monkeypatch.context() as patched:
            patched.setattr(os, call, fail)
            with pytest.raises(OSError, match="disk full"):
                write_atomically(path, b"new")
        assert path.read_bytes() == b"old"
        assert os.listdir(tmp_path) == ["a.lmp"]


def test_permissions_are_those_of_open_or_of_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "b").touch()
    (tmp_path / "secret").touch(0o600)
    for name in ("a", "secret"):
        write_atomically(tmp_path / name, b"new")
    modes = [(tmp_path / name).stat().st_mode & 0o777 for name in ("a", "b", "secret")]
    assert modes == [modes[1], modes[1], 0o600]


def test_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "file")
    for data in (b"one", b"two"):
        write_atomically(tmp_path / "link", data)
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "file").read_bytes() == data


def test_pipes_are_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    write_atomically(pipe, b"data")
    reader.join()
    assert got == [b"data"]
    assert pipe.is_fifo()


@pytest.mark.parametrize("path", ["/dev/zero", "pipe", "folder", "large.lmp"])
def test_only_regular_files_of_some_size_are_read_as_profiles(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    os.mkdir("folder")
    with open("large.lmp", "xb") as file:
        file.truncate(2**31)  # takes no room on the disk
    with pytest.raises(OSError, match=r"not a regular file|directory|more than"):
        ProfileView.read(path)


def test_what_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"No such folder.*missing'"):
        write_atomically(tmp_path / "missing" / "a", b"")
    with pytest.raises(IsADirectoryError):
        write_atomically(tmp_path, b"")


# JSON from outside, which may be nested deeply.


TEXTS = st.text(alphabet='[]{}"\\ a\u2200\u5c22\ud800')
VALUES = st.recursive(
    st.one_of(TEXTS, st.integers(), st.booleans(), st.none()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
)


def levels(value: Any) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(levels, value), default=0) if isinstance(value, list) else 0


@given(VALUES, st.booleans(), st.sampled_from([None, 2]))
def test_it_is_as_deep_as_its_values(value: Any, escaped: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=escaped, indent=indent)
    deep = levels(value)
    assert depth(text) == deep
    assert parse_json(text, deep) == value
    assert parse_json(text.encode("utf-16", "surrogatepass"), deep) == value
    if deep:
        with pytest.raises(ValueError, match=f"more than {deep - 1} levels"):
            parse_json(text, deep - 1)


@given(TEXTS)
def test_any_other_text(text: str) -> None:
    """It is refused by the bound or by the parser, and never read otherwise."""
    try:
        value = json.loads(text)
    except ValueError:
        with pytest.raises(ValueError, match=r".*"):
            parse_json(text, 1)
    else:
        assert depth(text) == levels(value)


def test_the_bound() -> None:
    assert levels(parse_json("[" * 100 + "]" * 100)) == 100
    for text in ("[" * 101 + "]" * 101, "[" * 60_000, '{"a":' * 60_000):  # which no parser sees
        with pytest.raises(ValueError, match="more than 100 levels"):
            parse_json(text)
    many = [{"text": "[" * 1000}] * 1000
    assert parse_json(json.dumps(many)) == many


def test_a_text_that_never_ends_its_strings() -> None:
    """Each would be read to the end from every quote."""
    for text in ('"' + '\\"' * 500_000, '"\\', '["' + "[" * 500_000):
        assert depth(text) <= 1


# What Pillow warns of and logs while it decodes is not heard, and only that.


def test_warnings_of_pillow_are_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    data, load = encoded("BMP"), ImageFile.ImageFile.load

    def warning(image: ImageFile.ImageFile) -> object:
        warnings.warn("some damage", stacklevel=1)
        return load(image)

    monkeypatch.setattr(ImageFile.ImageFile, "load", warning)
    with pytest.warns(UserWarning, match="some damage"):
        Image.open(io.BytesIO(data)).load()
    for action in ("error", "always"):
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter(action)  # type: ignore[arg-type]
            assert outcome(data) == outcome(Image.open(io.BytesIO(encoded("PNG")))) == "measured"
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
