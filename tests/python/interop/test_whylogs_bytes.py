"""What is no profile of whylogs, or a damaged one, and profiles that lack a part."""

import io
import struct
import zipfile
from pathlib import Path

import lightmeter as lm
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lightmeter import ProfileView
from lightmeter.errors import DecodeError
from lightmeter.interop.whylogs import read_segments
from stores import varint

FOLDER = Path(__file__).parents[2] / "golden" / "whylogs"
SMALL = [FOLDER / name for name in ("two.bin", "rows.bin", "pictures.bin", "segments.zip")]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "got 0 bytes that do not start with WHY1"),
        (b"\x0a\x10\x12\x03abc", "older form"),
        (b"WHY1", "end within a number"),
        (b"WHY1" + b"\xff" * 11, "more than 64 bits"),
        (b"WHY1\x00\x02\x20\x09", "cut off: got 8 bytes, expected 17"),
        (b"WHY1\x00\x02\x1b\x1c", "kind 3"),
        (b"WHY1\x06\x22\x00\x22\x00\x08\x01\x00", "2 segments"),
        (b"WHY1\x04\x22\x02\x0a\x00\x00", "a segment with the key ''"),
        (b"WHY1\x00\x0d\x0a\x0b\x28\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "end|follow|timestamp"),
    ],
)
def test_what_is_no_profile(data: bytes, message: str) -> None:
    with pytest.raises(DecodeError, match=message):
        lm.read_whylogs(data)


def archive(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in files.items():
            opened.writestr(name, data)
    return buffer.getvalue()


def test_archives() -> None:
    single = (FOLDER / "one.bin").read_bytes()
    assert lm.read_whylogs(archive({"a.bin": single, "b/": b"", "b/c.bin": single}))["few"].n == 2
    with pytest.raises(DecodeError, match="WHY1"):
        lm.read_whylogs(archive({"a.bin": single, "notes.txt": b"no profile"}))
    with pytest.raises(DecodeError, match="without any file"):
        lm.read_whylogs(archive({"b/": b""}))
    with pytest.raises(DecodeError, match="more than 100000 bytes"):
        read_segments(archive({"a.bin": single, "bomb": bytes(10_000_000)}), most=100_000)


def test_sources(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="got a int; expected the path or the bytes"):
        lm.read_whylogs(3)  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError):
        lm.read_whylogs(tmp_path / "none.bin")
    (tmp_path / "a.bin").write_bytes(b"WHY1")
    with pytest.raises(DecodeError, match=r"a\.bin: the bytes end"):
        lm.read_whylogs(str(tmp_path / "a.bin"))


def message(*fields: tuple[int, int | float | bytes]) -> bytes:
    parts = []
    for number, value in fields:
        if isinstance(value, bytes):
            parts.append(varint(number << 3 | 2) + varint(len(value)) + value)
        elif isinstance(value, float):
            parts.append(varint(number << 3 | 1) + struct.pack("<d", value))
        else:
            parts.append(varint(number << 3) + varint(value))
    return b"".join(parts)


def file_of(components: dict[str, bytes], offsets: tuple[int, ...] = (0,)) -> bytes:
    """A file of one column ``x``, or of one at each offset, with these components."""
    paths = [message((1, at), (2, path.encode())) for at, path in enumerate(components)]
    parts = [message((1, at), (2, part)) for at, part in enumerate(components.values())]
    chunk = message(*((1, part) for part in parts))
    head = message((1, 2), (3, len(chunk)))
    chunks = varint(len(head)) + head + chunk
    names = [b"x" * (place + 1) for place in range(len(offsets))]
    columns = [message((1, name), (2, message((1, at)))) for name, at in zip(names, offsets)]  # noqa: B905
    places = [*((2, column) for column in columns), (4, len(chunks))]
    header = message(*places, *((5, path) for path in paths))
    return b"WHY1" + b"\0" + varint(len(header)) + header + chunks


def kll(*values: float) -> bytes:
    """A sketch of several values that is exact."""
    head = struct.pack("<BBBBHBBQHB5x", 6, 1, 15, 0, 256, 8, 0, len(values), 256, 1)
    body = struct.pack(
        f"<I{2 + len(values)}d", 256 - len(values), min(values), max(values), *values
    )
    return message((6, message((1, head + body))))


def frequent(**counts: int) -> bytes:
    head = struct.pack("<BBBBBBxxIIQQ", 4, 1, 10, 6, 3, 0, len(counts), 0, sum(counts.values()), 0)
    head += struct.pack(f"<{len(counts)}Q", *counts.values())
    items = b"".join(struct.pack("<I", len(value)) + value.encode() for value in counts)
    return message((4, message((1, head + items))))


def count(number: int) -> bytes:
    return message((2, number))


WHOLE = {
    "counts/n": count(6),
    "types/integral": count(2),
    "types/string": count(3),
    "distribution/kll": kll(1.0, 4.0),
    "distribution/mean": message((3, 2.5)),
    "distribution/m2": message((3, 4.5)),
    "frequent_items/frequent_strings": frequent(cat=2, dog=1, **{"1": 1, "4": 1}),
}


def test_parts_of_pictures() -> None:
    """What each is follows from the metric ``image``, not from names; addresses are left out."""
    whole = {f"image/ImagePixelWidth:{path}": part for path, part in WHOLE.items()}
    others = {f"image/{tag}:counts/n": count(3) for tag in ("ExifIFD", "ISO", "Copyright")}
    view = lm.read_whylogs(file_of({**whole, **others, "udf/long:counts/n": count(2)}))
    assert list(view) == ["x.Copyright", "x.ISO", "x.ImagePixelWidth", "x.long"]
    origins = [view[name].meaning.origin for name in view]
    assert origins == ["personal exif", "exif", "image", "value"]
    assert view.images == 6
    assert [view[name].missing for name in view] == [6, 6, 1, 2]
    twice = {"image/a:counts/n": count(1), "udf/a:counts/n": count(1)}
    with pytest.raises(DecodeError, match=r"two columns have a part 'x\.a'"):
        lm.read_whylogs(file_of(twice))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"counts/n": count(4)}, "column 'x': 5 values of 4 observations"),
        ({"counts/n": count(2**56 + 1)}, "expected a count up to"),
        ({"counts/n": message((2, b"1"))}, "has bytes"),
        ({"counts/n": message(*[(9, 0)] * 200_001)}, "more than 200000 fields"),
        ({"distribution/kll": count(1)}, "ends early"),
        ({"types/string": count(1)}, "3 frequent strings of 1"),
        ({"frequent_items/frequent_strings": frequent(a=2**56)}, "counts of|column"),
        ({"cardinality/hll": message((5, message((1, b"\2\1\7"))))}, "3 bytes"),
    ],
)
def test_parts_that_do_not_fit(change: dict[str, bytes], words: str) -> None:
    with pytest.raises(DecodeError, match=words):
        lm.read_whylogs(file_of({**WHOLE, **change}))


def test_chunks_that_lie_over_each_other_are_refused() -> None:
    """Else a small file could be read for ever."""
    with pytest.raises(DecodeError, match="not in the file, or overlap"):
        lm.read_whylogs(file_of(WHOLE, (0, 0)))
    with pytest.raises(DecodeError, match="end within a number"):
        lm.read_whylogs(file_of(WHOLE, (2**63,)))


@pytest.mark.parametrize("path", SMALL, ids=lambda path: path.name)
@settings(max_examples=100)
@given(st.data())
def test_damaged_files_are_errors_or_profiles(path: Path, data: st.DataObject) -> None:
    damaged = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(damaged) - 1))
        damaged[at : at + data.draw(st.integers(0, 8))] = data.draw(
            st.binary(max_size=8) | st.sampled_from([b"\xff" * 8, b"\0" * 8, b"\xf0\x7f" * 4])
        )
        if not damaged:
            break
    try:
        view = lm.read_whylogs(bytes(damaged))
    except DecodeError:
        return
    assert ProfileView.from_bytes(view.to_bytes()).to_bytes() == view.to_bytes()
    for column in view.get_columns().values():
        column.to_summary_dict()


@pytest.mark.parametrize("path", SMALL, ids=lambda path: path.name)
def test_files_that_are_cut_off_are_errors(path: Path) -> None:
    data = path.read_bytes()
    for size in range(0, len(data), 1 + len(data) // 300):
        with pytest.raises(DecodeError):
            lm.read_whylogs(data[:size])
