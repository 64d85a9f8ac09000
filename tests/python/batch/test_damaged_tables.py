"""Damaged and odd tables and manifests: only what is damaged is lost, and it is counted."""

from pathlib import Path

import pyarrow as pa
import pytest
from lightmeter.batch.sources import manifest
from shards import changed, failures, pictures, write_folder, write_parquet

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
