"""Where pictures come from: every source of the same pictures gives the same profile."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lightmeter as lm
import numpy as np
import pyarrow as pa
import pytest
from conftest import lightmeter, picture
from lightmeter import ExifPolicy, measure, profile_images
from numpy.typing import NDArray
from shards import (
    Members,
    as_manifest,
    at_address,
    encoded,
    pictures,
    table_of,
    write_folder,
    write_parquet,
    write_tar,
    write_zip,
)
from tensors import Tensor


def remote(make: Callable[[Path, Members], Path]) -> Callable[[Path, Members], str]:
    return lambda path, members: make(path, members).as_uri()


SOURCES: dict[str, tuple[str, Callable[[Path, Members], Any]]] = {
    "folder": ("photos", write_folder),
    "tar": ("p.tar", write_tar),
    "tar.gz": ("p.tar.gz", lambda path, members: write_tar(path, members, "w:gz")),
    "tar.bz2": ("p.TAR.BZ2", lambda path, members: write_tar(path, members, "w:bz2")),
    "tar.xz": ("p.tar.xz", lambda path, members: write_tar(path, members, "w:xz")),
    "zip": ("p.zip", write_zip),
    "zip bzip2": ("p.zip", lambda path, members: write_zip(path, members, zipfile.ZIP_BZIP2)),
    "parquet": ("p.parquet", write_parquet),
    "table": ("", lambda path, members: table_of(members)),
    "manifest": ("m.jsonl", as_manifest),
    "address": ("photos", at_address),
    "remote tgz": ("p.tgz", remote(lambda path, members: write_tar(path, members, "w:gz"))),
    "remote zip": ("p.zip", remote(write_zip)),
    "remote parquet": ("p.parquet", remote(write_parquet)),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_the_same_pictures_give_the_same_profile(kind: str, tmp_path: Path) -> None:
    name, make = SOURCES[kind]
    source = make(tmp_path / name, pictures())
    wanted = profile_images(write_folder(tmp_path / "wanted", pictures()))
    assert wanted.images == 6
    by_folder = profile_images(source, workers=2, segment_by={"f": r"path:([ab])/\d+[.]png$"})
    assert by_folder.whole.to_bytes() == wanted.to_bytes()
    assert {segment: view.images for segment, view in by_folder.items()} == {"f=a": 3, "f=b": 3}
    assert [str(row["path"])[-8:] for row in measure(source)] == list(pictures())
    again = source if name else table_of(pictures())
    assert profile_images([again] if isinstance(again, Path | str) else again) == wanted


def test_many_pictures_give_the_same_bytes_in_any_source(tmp_path: Path) -> None:
    """Beyond 1024 values sketches sample, so their order and the blocks count."""
    members = {
        f"{number:04}.ppm": b"P6 1 1 255\n" + bytes([number % 256, number // 5, 7])
        for number in range(1050)
    }
    wanted = profile_images(write_folder(tmp_path / "photos", members), workers=1)
    for source in (write_tar(tmp_path / "p.tar", members), write_zip(tmp_path / "p.zip", members)):
        assert profile_images(source, workers=3).to_bytes() == wanted.to_bytes()
    kept: dict[str, Any] = {"resume": tmp_path / "kept"}
    for way in ({"executor": "processes"}, kept, kept):
        assert profile_images(tmp_path / "photos", **way).to_bytes() == wanted.to_bytes()


def test_names_of_failures_rows_and_small_pictures(tmp_path: Path) -> None:
    members = {**pictures(2), "c/bad.png": b"no picture"}
    for make in (write_tar, write_parquet):
        source = make(tmp_path / f"p.{make.__name__[6:]}", members)
        view = profile_images(source, exemplars=1)
        assert [failure.path for failure in view.failures] == ["c/bad.png"]
        shown = view.exemplars("image.Brightness.mean").low
        assert shown[0].path in {f"{source}:{name}" for name in pictures(2)}
        assert [row["path"] for row in measure(source)] == [f"{source}:{name}" for name in members]
    (failure,) = profile_images(at_address(tmp_path / "photos", members)).failures
    assert failure.path == "c/bad.png"
    listed = ["", "c/bad.png", "memory://bucket/none.png"]
    write_folder(tmp_path, members)
    (tmp_path / "m.csv").write_text("\n".join(["path,x", *(f"{name},1" for name in listed)]))
    failed = profile_images(tmp_path / "m.csv").failures
    assert [failure.path for failure in failed] == ["1", *listed[1:]]


def test_a_sample_without_dimensions_is_a_failure() -> None:
    batch = np.zeros((2, 9, 9, 3), np.uint8)
    view = profile_images(iter([batch, batch[0, 0, 0, 0], batch]), layout="NHWC")
    assert (view.images, [it.reason for it in view.failures]) == (4, ["unsupported"])


def test_side_files_say_values_and_segments(tmp_path: Path) -> None:
    """In any order within a sample; a damaged one says nothing."""
    members = {
        "0.png": encoded(0), "0.json": json.dumps({"speed": 3, "camera": "n", "x": [1]}).encode(),
        "0.cls": b"7", "1.json": b'\xef\xbb\xbf{"speed": 5.5, "camera": "s"}', "1.png": encoded(1),
        "2.png": encoded(2), "2.json": b"{]",
        "3.mask.png": encoded(3), "3.png": encoded(4), "3.json": b'{"speed": 1e999, "camera": 2}',
    }  # fmt: skip
    for make, name in ((write_tar, "p.tar"), (write_zip, "p.zip")):
        views = profile_images(
            make(tmp_path / name, members),
            values=["speed", "cls", "x"],
            segment_by={"camera": "column:camera"},
            group="column:camera",
            column="png",
        )
        assert {segment: view.images for segment, view in views.items()} == {
            "camera=n": 1, "camera=s": 1, "camera=none": 1, "camera=2": 1
        }  # fmt: skip
        assert views.whole["cls"].missing == 3
        assert (views.whole["speed"].n, views.whole["x"].missing) == (4, 4)
        assert views["camera=s"]["speed"].mean == 5.5


def test_columns_say_values_and_segments(tmp_path: Path) -> None:
    members = {**pictures(), "b/bad.png": b"no picture"}
    write_folder(tmp_path, members)
    (tmp_path / "m.csv").write_text(
        "file,label,weight\n" + "".join(f"{name},{name[0]},{len(name)}.5\n" for name in members)
    )
    table = table_of(members).append_column("weight", [[len(name) + 0.5 for name in members]])
    for source in (
        tmp_path / "m.csv",
        table,
        table.to_pandas(),
        pytest.importorskip("polars").from_arrow(table),
    ):
        views = profile_images(source, values=["weight", "label"], segment_by={"l": "column:label"})
        assert {segment: view.images for segment, view in views.items()} == {"l=a": 3, "l=b": 3}
        assert views.whole["weight"].mean == pytest.approx(np.mean([len(n) + 0.5 for n in members]))
        assert views["l=b"]["label"].n == 4
        assert "weight" not in profile_images(source)


def test_several_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for number in range(3):
        write_tar(Path(f"s-{number:02}.tar"), {f"{number}.png": encoded(number)})
    write_folder(Path("photos"), pictures(2))
    one = [row["path"] for row in measure("s-*.tar")]
    assert one == ["s-00.tar:0.png", "s-01.tar:1.png", "s-02.tar:2.png"]
    two = [row["path"] for row in measure(["s-02.tar", "photos", "s-00.tar", "gone.zip"])]
    assert two == ["gone.zip", "photos/a/00.png", "photos/b/01.png", one[0], one[2]]
    with pytest.raises(FileNotFoundError):
        profile_images("gone.zip")
    assert profile_images("none-*.tar").images == 0
    Path("folder.zip").mkdir()
    assert profile_images("folder.zip").images == 0


def test_a_later_shard_without_pictures_is_a_failure(tmp_path: Path) -> None:
    good = write_parquet(tmp_path / "a.parquet", pictures())
    odd = tmp_path / "b.parquet"
    pa.parquet.write_table(pa.table({"a": [1]}), odd)
    last = write_parquet(tmp_path / "c.parquet", pictures())
    view = profile_images([last, odd, good, last])
    assert view.images == 12
    assert [(failure.path, failure.reason) for failure in view.failures] == [(str(odd), "corrupt")]
    assert profile_images(f"{tmp_path}/[ab].parquet").images == 6
    with pytest.raises(ValueError, match="has 0 columns of images"):
        profile_images([odd, last])
    assert profile_images(f"{tmp_path.as_uri()}/[ab].parquet").images == 6


def test_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_tar(Path("s.tar"), {**pictures(), "bad.png": b"no picture"})
    write_parquet(Path("t.parquet"), pictures())
    result = lightmeter("profile", "s.tar", "-o", "s.lmp")
    assert "6 images measured, 1 file failed" in result.stdout
    assert "  bad.png: unsupported" in result.stdout
    table = ("t.parquet", "--column", "image", "--value", "label", "--all")
    assert lightmeter("profile", *table).stdout.count("label  ")
    lightmeter("measure", "s.tar", "--sort", "sharpness", "--html", "sheet.html")
    sheet = Path("sheet.html").read_text()
    assert (sheet.count("data:image/jpeg"), sheet.count("cannot be shown")) == (6, 0)


@pytest.mark.parametrize("name", ["m.csv", "p.parquet"])
def test_two_columns_of_one_name(name: str, tmp_path: Path) -> None:
    """They are no error where nobody asks for them."""
    (tmp_path / "a.png").write_bytes(encoded())
    (tmp_path / "m.csv").write_text("path,x,x\na.png,1,2\n")
    columns = [pa.array([value]) for value in (encoded(), 1, 2)]
    pa.parquet.write_table(
        pa.Table.from_arrays(columns, ["path", "x", "x"]), tmp_path / "p.parquet"
    )
    assert profile_images(tmp_path / name).images == 1
    with pytest.raises(ValueError, match=f"{name} has 2 columns named 'x'"):
        profile_images(tmp_path / name, values=["x"])


# Iterables of pictures and batches, as loaders of PyTorch give them.


def pixels(seed: int) -> NDArray[Any]:
    return np.asarray(picture(12, 10, seed=seed))


def planes(seed: int) -> NDArray[Any]:
    return np.ascontiguousarray(pixels(seed).transpose(2, 0, 1))


def frames() -> Iterator[NDArray[Any]]:
    """As a camera gives them, whose memory is used again."""
    frame = np.empty((10, 12, 3), np.uint8)
    for seed in range(5):
        frame[:] = pixels(seed)[..., ::-1]
        yield frame


BATCHES = [[0, 1], [2, 3], [4]]


@pytest.mark.parametrize(
    ("source", "options"),
    [
        ([picture(12, 10, seed=seed) for seed in range(5)], {}),
        ((pixels(seed) for seed in range(5)), {}),
        (frames(), {"channels": "BGR"}),
        ((io.BytesIO(encoded(seed)) for seed in range(5)), {}),
        ([np.stack([*map(pixels, seeds)]) for seeds in BATCHES], {}),
        ([(Tensor(planes(seed)), "cat") for seed in range(5)], {"layout": "CHW"}),
        ([[np.stack([*map(planes, s)]), np.array(s)] for s in BATCHES], {"layout": "NCHW"}),
        ([{"left": pixels(seed), "right": None} for seed in range(5)], {"column": "left"}),
        ([planes(s) / np.float32(255) for s in range(5)], {"layout": "CHW", "value_range": (0, 1)}),
    ],
)
def test_iterables(source: Any, options: dict[str, Any]) -> None:
    wanted = lm.log_image([picture(12, 10, seed=seed) for seed in range(5)]).view()
    view = profile_images(source, **options)
    assert view.images == 5
    assert view["image.Brightness.mean"].mean == pytest.approx(
        wanted["image.Brightness.mean"].mean, abs=0.1
    )
    if "value_range" not in options:  # which is measured on 16 bits
        assert view["image.entropy"].to_summary_dict() == wanted["image.entropy"].to_summary_dict()


def test_values_of_samples_and_batches() -> None:
    samples = [(pixels(seed), "cat", 2.5) for seed in range(5)]
    view = profile_images(samples, values=["label", "weight"])
    assert (view["label"].n, view["weight"].mean) == (5, 2.5)
    batches = [(np.stack([*map(pixels, seeds)]), np.array(seeds)) for seeds in BATCHES]
    assert profile_images(batches, values=["number"])["number"].mean == 2
    dicts = [{"image": pixels(seed), "number": seed} for seed in range(5)]
    assert profile_images(dicts, values=["number"])["number"].mean == 2


def test_samples_that_are_none_are_failures_and_errors_end_the_run() -> None:
    view = profile_images([pixels(0), None, ([1], 2), b"no picture"])
    assert view.images == 1
    assert [(failure.path, failure.reason) for failure in view.failures] == [
        ("list:1", "unsupported"), ("list:2", "unsupported"), ("list:3", "unsupported")
    ]  # fmt: skip
    assert [row["path"] for row in measure([pixels(0)])] == ["list:0"]

    def failing() -> Iterator[Any]:
        yield pixels(0)
        raise OSError("the camera is gone")

    with pytest.raises(OSError, match="the camera is gone"):
        profile_images(failing())


# Calls of profile_images that cannot be meant: they are refused, in words that say what to do.


PIXELS = np.zeros((9, 9, 3), np.uint8)
SAMPLE = {"image": PIXELS, "number": 1, "image.Hue.mean": 1.5}
ONE = table_of(pictures(1))
POLICY = ExifPolicy(allow={"GPSLatitude"}, deny={"Software"})
MEANT: list[tuple[Any, dict[str, Any], str]] = [
    (pa.table({"a": [b"x"], "b": [b"y"]}), {}, "has 2 columns of images"),
    (pa.table({"a": ["x"]}), {}, "has 0 columns of images"),
    (ONE, {"column": "gone"}, "expected one of bytes"),
    (ONE, {"values": ["speed"]}, "no value 'speed' in table"),
    ("photos", {"values": ["speed"]}, "no value 'speed' in files; only tables"),
    ("photos", {"group": "column:x"}, "no value 'x' in files"),
    ("m.csv", {}, r"m.csv has 0 columns .* of paths in path, .*; it has a, b"),
    ("m.csv", {"column": "a", "values": ["c"]}, "no value 'c' in .*m.csv; it has a, b"),
    ([(PIXELS, "cat", 2.5)], {"values": ["a", "b", "c"]}, "no value 'c' in the first sample"),
    ([SAMPLE], {"values": ["lable"]}, "no value 'lable' in the first sample"),
    ([SAMPLE], {"column": "left"}, "no value 'left' in the first sample"),
    ([SAMPLE], {"values": ["image.Hue.mean"]}, "which is measured of images"),
    ("nonsense://bucket/a.png", {}, "Protocol not known"),
    (5, {}, "got a int; expected a path"),
    ({"train": 1, "test": 2}, {}, "got a dict; expected a path, a table, such as one split"),
    (b"a.jpg", {}, "got a bytes; expected a path"),
    (PIXELS, {}, "got a ndarray; .* use lightmeter.log_image"),
    (["a.jpg", PIXELS], {}, "expected str, bytes or os.PathLike object, not ndarray"),
    ([], {"workers": "all"}, "workers is 'all'; expected an integer"),
    ("photos", {"worker": 2}, "'worker'; did you mean workers?"),
    ([], {"executor": "gpu"}, "executor is 'gpu'; expected one of threads, processes"),
    ("photos", {"group": 3}, "expected a function"),
]
SEGMENTS: list[tuple[Any, str]] = [
    ({"a": "path:("}, r"expression '\(' is not understood"),
    ({"a": "path:(.)(.)"}, "has 2 groups; expected at most one"),
    ({"a": "exif:GPSLatitude"}, "'GPSLatitude' is unknown, personal or denied"),
    ({"a": "exif:Software"}, "'Software' is unknown, personal or denied"),
    ({"a": "exif:Modell"}, "'Modell' is .*; did you mean Model"),
    ({"a": "folder:x"}, "got 'folder:x' as the source of segments"),
    ({"": "path:x"}, "empty key"),
    ({"a": 3}, "with strings as keys and values"),
    ({}, "expected a function, or a dict such as"),
    (lambda path: 3, "returned 3; expected a string, None"),
]
CALLS = [*MEANT, *(("photos", {"segment_by": by, "exif": POLICY}, says) for by, says in SEGMENTS)]


@pytest.mark.parametrize(("source", "options", "words"), CALLS)
def test_what_cannot_be_meant_is_refused(
    source: Any, options: Any, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_folder(Path("photos"), pictures(1))
    Path("m.csv").write_text("a,b\nphotos/a/00.png,2\n")
    with pytest.raises((TypeError, ValueError), match=words):
        profile_images(source, **options)
    if not options:
        with pytest.raises((TypeError, ValueError), match=words):
            list(measure(source))
