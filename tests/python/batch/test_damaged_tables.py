"""Damaged and odd tables and manifests: only what is damaged is lost, and it is counted."""

from pathlib import Path

import pytest
from lightmeter import profile_images
from lightmeter.batch.sources import manifest

pa = pytest.importorskip("pyarrow")

from shards import (  # noqa: E402
    changed,
    failures,
    pictures,
    write_folder,
    write_parquet,
)

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
    assert failures(path) == (1, [(str(tmp_path / "gone.png"), "vanished"), *empty])
    assert profile_images(path).failures[-1].path == "gone.png"


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


def test_damaged_manifests(tmp_path: Path) -> None:
    """A damaged row is lost alone."""
    write_folder(tmp_path, pictures(2))
    path = tmp_path / "m.jsonl"
    first, second = (f'{{"path": "{name}", "x": NaN, "x": 1}}' for name in pictures(2))
    odd = [
        '{"other": 1}',
        '{"path": "gone.png"}',
        "{{",
        "[" * 100_000,
        "[]",
        f'{{"x": {"9" * 5000}}}',
    ]
    path.write_text("\n".join([first, *odd, "", second]))
    images, failed = failures(path, values=["x"])
    gone = str(tmp_path / "gone.png")
    assert images == 2
    assert failed == [
        ("2", "empty"),
        (gone, "vanished"),
        *((f"{n}", "corrupt") for n in range(4, 8)),
    ]
    path = tmp_path / "m.csv"
    left, right = pictures(2)
    path.write_text(f'\ufefffile,x\r\n{left},1\r\n"a"b,2\r\n\r\n,3\r\n"{right}"\r\n"open,4\r\n')
    assert failures(path, values=["x"]) == (2, [("2", "corrupt"), ("3", "empty"), ("5", "corrupt")])
    path.write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="first row: no path in path, file"):
        profile_images(path)


def test_lines_that_are_too_long_are_passed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifest, "_MOST_LINE", 100)
    write_folder(tmp_path, pictures(2))
    left, right = pictures(2)
    (tmp_path / "m.jsonl").write_text(
        f'{{"path": "{left}"}}\n{{"path": "{"x" * 1000}"}}\n{{"path": "{right}"}}'
    )
    (tmp_path / "m.csv").write_text(f"path\n{left}\n{'x' * 1000}\n{right}\n")
    for name in ("m.jsonl", "m.csv"):
        assert failures(tmp_path / name) == (2, [("2", "corrupt")])


def test_blank_lines_without_end_end_a_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifest, "_MOST_BLANK", 100)
    write_folder(tmp_path, pictures(1))
    (name,) = pictures(1)
    for suffix, row in (("csv", f"path\n{name}"), ("jsonl", f'{{"path": "{name}"}}')):
        path = tmp_path / f"m.{suffix}"
        path.write_text(row + "\n" * 200 + row)
        assert failures(path) == (1, [("", "corrupt")])
