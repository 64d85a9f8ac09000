"""Damaged and odd tables and manifests: only what is damaged is lost, and it is counted."""

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightmeter as lm
import pyarrow as pa
import pytest
from conftest import run_program
from lightmeter.batch.sources import manifest
from lightmeter.batch.sources.pages import read_numbers
from memory import profile_and_weigh
from shards import changed, encoded, failures, pictures, write_folder, write_parquet
from stores import varint

NAMES = list(pictures())  # six


def test_damaged_tables(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "p.parquet", pictures())
    whole = path.read_bytes()
    assert failures(path) == (6, [])
    reasons = set()
    for place in range(40, len(whole), max(1, len(whole) // 40)):
        path.write_bytes(whole[:place] + b"\xff\xff" + whole[place + 2 :])
        images, failed = failures(path)
        assert images + len(failed) >= 1
        reasons |= {reason for _, reason in failed}
    path.write_bytes(whole[: len(whole) // 2])
    failures(path)
    path.write_bytes(b"no table")
    assert failures(path) == (0, [("", "corrupt")])
    assert reasons <= {"corrupt", "truncated", "unsupported", "empty", "vanished", "too_large"}


def test_a_damaged_row_group_is_lost_alone(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "p.parquet", pictures(), rows=2)
    group = pa.parquet.ParquetFile(path).metadata.row_group(1).column(0)

    def change(data: bytearray) -> None:
        at = group.data_page_offset
        data[at : at + 20] = b"\xff" * 20

    images, failed = failures(changed(path, change))
    assert images == 4
    assert failed == [("", "corrupt")]


def test_cells_without_a_picture(tmp_path: Path) -> None:
    write_folder(tmp_path, pictures(2))
    cells = [
        {"bytes": None, "path": NAMES[0]},  # beside the table
        {"bytes": None, "path": "gone.png"},
        {"bytes": None, "path": None},
        None,
        {"bytes": b"", "path": "empty.png"},
    ]
    path = tmp_path / "p.parquet"
    pa.parquet.write_table(pa.table({"image": cells}), path)
    empty = [("2", "empty"), ("3", "empty"), ("empty.png", "empty")]
    assert failures(path) == (1, [*empty, ("gone.png", "vanished")])


@pytest.mark.parametrize(
    "kind", [pa.large_binary(), pa.binary_view(), pa.dictionary(pa.int8(), pa.binary())]
)
def test_kinds_of_columns(kind: object, tmp_path: Path) -> None:
    try:
        cells = pa.array([*pictures().values(), None], pa.binary()).cast(kind)
    except pa.ArrowNotImplementedError:
        pytest.skip(f"pyarrow {pa.__version__} makes no column of {kind}")
    path = tmp_path / "p.parquet"
    table = pa.table({"image": cells})
    with pa.parquet.ParquetWriter(path, table.schema) as writer:
        for part in (table.slice(0, 2), table.slice(0, 0), table.slice(2)):
            writer.write_table(part)
    assert failures(path) == (6, [("6", "empty")])


def test_pictures_that_a_manifest_does_not_have(tmp_path: Path) -> None:
    write_folder(tmp_path, pictures(2))
    left, right = pictures(2)
    gone = [("2", "empty"), ("gone.png", "vanished")]
    path = tmp_path / "m.jsonl"
    lines = [f'{{"path": "{left}", "x": NaN, "x": 1}}', '{"other": 1}', '{"path": "gone.png"}']
    path.write_text("\n".join([*lines, "", f'{{"path": "{right}"}}']))
    assert failures(path, values=["x"]) == (2, gone)
    path = tmp_path / "m.csv"
    path.write_text(f'\ufefffile,x\r\n{left},1\r\n\r\n,3\r\ngone.png\r\n"{right}"\r\n')
    assert failures(path, values=["x"]) == (2, gone)


@pytest.mark.parametrize(
    "row", ["{{", "[" * 100_000, "[]", f'{{"x": {"9" * 5000}}}', "x" * 70_000, '"a"b,2', '"open']
)
def test_a_damaged_row_ends_a_manifest(
    row: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifest, "_MOST_LINE", 60_000)
    write_folder(tmp_path, pictures(2))
    left, right = pictures(2)
    path = tmp_path / ("m.jsonl" if row[0] in "{[x" else "m.csv")
    lines = [f'{{"path": "{name}"}}' if path.suffix == ".jsonl" else name for name in (left, right)]
    header = [] if path.suffix == ".jsonl" else ["path,x"]
    path.write_text("\n".join([*header, lines[0], row, lines[1]]))
    assert failures(path) == (1, [("", "corrupt")])


# Tables of strangers take no more memory than the limits say, whatever their cells unpack to.


_LARGE = 64_000_000  # bytes of a cell
_MOST = 16 << 20
_MOST_GROWTH = 100  # MB beyond what a table of small pictures takes


# Each file by itself: a list would end with the first that ends the process.
_EACH = """
import pathlib, sys
import lightmeter as lm
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.parquet")):
    try:
        lm.profile_images(path, workers=1)
    except ValueError:  # no column of pictures
        pass
"""


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> float:
    """The peak of memory with a table of small pictures."""
    path = write_parquet(tmp_path_factory.mktemp("usual") / "p.parquet", pictures())
    words, peak = profile_and_weigh(path, bytes_in_memory=_MOST)
    assert words == ["6"]
    return peak


def cell(size: int = _LARGE) -> bytes:
    picture = encoded()
    return picture + bytes(size - len(picture))


def table(cells: list[bytes]) -> Any:
    return pa.table({"image": pa.array(cells, pa.binary())})


def one_cell(path: Path) -> None:
    pa.parquet.write_table(table([cell()]), path, compression="zstd")


def one_cell_for_many_rows(path: Path) -> None:
    """A dictionary holds it once."""
    cells = table([cell(_MOST - 1000)] * 24)
    pa.parquet.write_table(cells, path, compression="zstd", dictionary_pagesize_limit=1 << 30)


def a_footer_that_lies(path: Path) -> None:
    one_cell(path)
    size = pa.parquet.ParquetFile(path).metadata.row_group(0).column(0).total_uncompressed_size
    path.write_bytes(path.read_bytes().replace(varint(2 * size), varint(1 << 21)))


def a_count_of_lengths_inside_a_page(path: Path) -> None:
    """A page of DELTA_LENGTH_BYTE_ARRAY says itself how many lengths pyarrow makes room for."""
    cells = pa.table({"image": pa.array([b"\xff\xd8" + b"A" * 300])})
    options = {"column_encoding": {"image": "DELTA_LENGTH_BYTE_ARRAY"}, "write_statistics": False}
    pa.parquet.write_table(cells, path, compression="none", use_dictionary=False, **options)
    data = bytearray(path.read_bytes())
    start = data.rindex(b"\x80\x01\x04\x01", 0, data.index(b"A" * 300))
    lying = varint(1 << 26) + b"\x01" + varint(1 << 26) + bytes(3)
    data[start : start + len(lying)] = lying
    path.write_bytes(data)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's count of memory is Linux's")
@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (one_cell, ["0", "too_large"]),
        (one_cell_for_many_rows, ["24"]),
        (a_footer_that_lies, ["0", "corrupt"]),
        (a_count_of_lengths_inside_a_page, ["0", "unsupported"]),
    ],
)
def test_no_more_memory_than_the_limit(
    make: Callable[[Path], None], expected: list[str], usual: float, tmp_path: Path
) -> None:
    path = tmp_path / "p.parquet"
    make(path)
    words, peak = profile_and_weigh(path, bytes_in_memory=_MOST)
    assert words == expected
    # Pictures that come with their bytes wait for a worker, in at most 256 MB.
    assert peak < usual + _MOST_GROWTH + (256 if words == ["24"] else 0)


def test_usual_tables_beyond_the_limit_are_measured(tmp_path: Path) -> None:
    """Pictures hardly get smaller by compression: a page of many takes what the file has."""
    noise = [encoded(seed, 60, 50) for seed in range(40)]
    limits = lm.Limits(bytes_in_memory=100_000)
    assert sum(map(len, noise)) > 250_000
    for compression in ("zstd", "none"):
        path = tmp_path / "p.parquet"
        pa.parquet.write_table(table(noise), path, compression=compression)
        assert failures(path, limits=limits) == (40, [])


def test_only_what_is_too_large_is_lost(tmp_path: Path) -> None:
    small = list(pictures().values())
    limits = lm.Limits(bytes_in_memory=100_000)
    parquet = tmp_path / "p.parquet"
    groups = [table(small[:2]), table([cell(1_000_000)] * 3), table(small[2:])]
    with pa.parquet.ParquetWriter(parquet, groups[0].schema) as writer:
        for group in groups:
            writer.write_table(group)
    assert failures(parquet, limits=limits) == (6, [("", "too_large")])
    (failure,) = lm.profile_images(parquet, limits=limits).failures
    assert "expected at most 100000 (Limits.bytes_in_memory); write smaller" in failure.detail


def test_cells_of_tables_in_memory() -> None:
    cells = table([cell(200_000), *pictures().values()])
    view = lm.profile_images(cells, limits=lm.Limits(bytes_in_memory=100_000))
    assert view.images == 6
    assert [failure.reason for failure in view.failures] == ["too_large"]


def test_a_long_value_for_many_rows() -> None:
    """Of one text in a dictionary each row would get a copy."""
    rows = [*pictures().values()] * 4
    labels = pa.DictionaryArray.from_arrays(
        pa.array([0] * 23 + [1], pa.int8()), pa.array(["x" * 8_000_000, "short"])
    )
    view = lm.profile_images(table(rows).append_column("label", labels), values=["label"])
    assert [len(item.value) for item in view["label"].frequent] == [5]
    assert view["label"].missing == 23


def test_damaged_metadata_of_columns_end_no_process(tmp_path: Path) -> None:
    """Of some pyarrow raises an error in C++ that Python's side of it does not catch."""
    pa.parquet.write_table(table(list(pictures().values())), tmp_path / "good.parquet")
    whole = (tmp_path / "good.parquet").read_bytes()
    footer = int.from_bytes(whole[-8:-4], "little")
    for place in range(60):  # which hold what is said of the column
        data = bytearray(whole)
        data[len(whole) - 8 - footer + place] = 0
        (tmp_path / f"{place:03}.parquet").write_bytes(data)
    done = run_program("-c", _EACH, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_number_of_a_field_has_sixteen_bits() -> None:
    """Thrift takes the second for the same field; the last counts."""
    header = bytes([0x25, 2, 0x05, 0x84, 0x80, 0x08, 0x7E, 0])
    assert read_numbers(io.BytesIO(header)) == {(2,): 63}
