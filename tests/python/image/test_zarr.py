"""Folders of Zarr: the numbers are those of the whole array, whatever wrote it."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import lightmeter as lm
import numcodecs
import numpy as np
import pytest
import zarr
from bad_files import outcome
from hypothesis import given, settings
from hypothesis import strategies as st
from lightmeter import Limits, Reading
from lightmeter.errors import ImageError
from lightmeter.image.measure import measure_image, measure_images
from lightmeter.image.tiles import raster as large_raster
from memory import run_and_weigh
from test_large import of_array, texture

OLD = {
    "none": None, "blosc": numcodecs.Blosc(), "zstd": numcodecs.Zstd(), "gzip": numcodecs.GZip(),
    "zlib": numcodecs.Zlib(),
}  # fmt: skip
NEW = {
    "none": None, "blosc": zarr.codecs.BloscCodec(), "zstd": zarr.codecs.ZstdCodec(),
    "gzip": zarr.codecs.GzipCodec(),
    "checked": [zarr.codecs.ZstdCodec(), zarr.codecs.Crc32cCodec()],
}  # fmt: skip


def written(folder: Path, samples: Any, version: int = 3, **options: Any) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    array = zarr.create_array(
        folder, shape=samples.shape, dtype=samples.dtype, zarr_format=version, **options
    )
    array[...] = samples
    return folder


def ngff(
    folder: Path, levels: list[Any], axes: str, version: int = 3, omero: Any = None, **options: Any
) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    group = zarr.create_group(folder, zarr_format=version)
    for number, level in enumerate(levels):
        array = group.create_array(str(number), shape=level.shape, dtype=level.dtype, **options)
        array[...] = level
    datasets = [{"path": str(number)} for number in range(len(levels))]
    said = {"multiscales": [{"axes": [{"name": axis} for axis in axes], "datasets": datasets}]}
    if omero is not None:
        said["omero"] = {"channels": [{"color": colour} for colour in omero]}
    group.attrs.update({"ome": said} if version == 3 else said)
    return folder


def numbers(path: Path, threads: int = 1, **options: Any) -> dict[str, Any]:
    reading = Reading(**{"metrics": "all"} | options)
    return measure_image(path, reading, threads=threads).meter.measurement()


@settings(max_examples=15)
@given(st.data())
def test_zarr_is_its_array(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    draw, sides = data.draw, st.tuples(st.integers(1, 40), st.integers(1, 40))
    kind = np.dtype(draw(st.sampled_from(["|b1", "|u1", "<u2", ">u2", "<f2", "<f4", ">f8"])))
    colour, version = draw(st.sampled_from([0, 1, 3])), draw(st.sampled_from([2, 3]))
    samples = texture(draw(st.integers(1, 60)), draw(st.integers(1, 60)), 3)
    samples = samples if colour else samples[..., 0]
    scale = 251 if kind == np.uint16 else 1
    values = {"b": samples > 120, "u": samples.astype(np.uint16) * scale, "f": samples / 255}
    samples = values[kind.kind].astype(kind)
    if draw(st.booleans()):  # zarr writes no chunk of zeros
        samples[len(samples) // 2 :] = 0
    chunks = draw(sides)
    shape = (*chunks, colour) if colour else chunks
    codecs = OLD if version == 2 else NEW
    options: dict[str, Any] = {"chunks": shape}
    options["compressors"] = codecs[draw(st.sampled_from(sorted(codecs)))]
    if draw(st.booleans()):
        order = tuple(range(len(shape)))[::-1]
        turned = [zarr.codecs.TransposeCodec(order=order)]
        options |= {"order": "F"} if version == 2 else {"filters": turned}
    if version == 3 and draw(st.booleans()):
        options["shards"] = (*(side * draw(st.integers(1, 3)) for side in chunks), 3)[: len(shape)]
    folder = written(tmp_path_factory.getbasetemp() / "any.zarr", samples, version, **options)
    plain = samples.astype(np.float32 if kind == np.float16 else kind.newbyteorder("="))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(large_raster, "_BLOCK_PIXELS", draw(st.integers(1, 3000)))
        assert numbers(folder, draw(st.integers(1, 4))) == of_array(plain)


@pytest.mark.parametrize("version", [2, 3])
def test_levels_planes_and_bands(tmp_path: Path, version: int) -> None:
    full = texture(2 * 3 * 40, 50, 1).reshape(1, 2, 3, 40, 50)  # t, c, z, y, x
    folder = ngff(
        tmp_path / "a.ome.zarr", [full, full[..., ::2, ::2]], "tczyx", version,
        chunks=(1, 1, 2, 16, 16),
    )  # fmt: skip
    assert numbers(folder) == of_array(full[0, 0, 0])
    assert numbers(folder, pyramid_level=1) == of_array(full[0, 0, 0, ::2, ::2])
    words = "got the level 2; the image has the levels 0 to 1"
    assert outcome(folder, words=words, pyramid_level=2) == "unsupported"
    every = [each.meter.measurement() for each in
             measure_images(folder, Reading(frames="all", metrics="all"))]  # fmt: skip
    assert every == [of_array(plane) for plane in full.reshape(6, 40, 50)]
    few = Reading(frames="all", limits=Limits(frames=5))
    assert outcome(folder, few, "6 frames, more than 5") == "too_large"
    reading = Reading(frames="all", metrics="all", bands=["DAPI", "GFP"])
    for z, measured in enumerate(measure_images(folder, reading, threads=2)):
        for channel, band in enumerate(("DAPI", "GFP")):
            meter = measured.meter.bands[band]  # type: ignore[union-attr]
            assert meter.measurement() == of_array(full[0, channel, z])
    assert (
        outcome(folder, words="got 2 channels; expected 3 bands", bands=list("abc"))
        == "unsupported"
    )
    assert measured.facts is None
    facts = {"Format": "Zarr", "BitDepth": 8, "Channels": 2}
    assert measure_image(folder, Reading()).facts == facts


def test_three_channels_are_colours_only_where_they_are_red_green_and_blue(tmp_path: Path) -> None:
    picture = texture(40, 50)
    planes = picture.transpose(2, 0, 1)
    folder = ngff(tmp_path / "a.zarr", [planes], "cyx", omero=["FF0000", "00ff00", "0000FF"])
    assert numbers(folder) == of_array(picture)
    folder = ngff(tmp_path / "a.zarr", [planes], "cyx", omero=["0000FF", "00FF00", "FF0000"])
    assert numbers(folder) == of_array(picture[..., 0])


def test_folders_of_zarr_are_images(tmp_path: Path) -> None:
    picture = texture(40, 50, 1)
    written(tmp_path / "photos" / "inner" / "a.zarr", picture)
    written(tmp_path / "photos" / "unnamed", picture)
    (tmp_path / "photos" / "broken.zarr").mkdir()
    for source in (tmp_path / "photos", [str(tmp_path / "photos")], f"{tmp_path}/photos/**"):
        rows = list(lm.measure(source))
        names = [Path(str(row["path"])).name for row in rows]
        assert sorted(names) == ["a.zarr", "broken.zarr", "unnamed"]
        assert [row["failure"] for row in rows if "failure" in row] == ["unsupported"]
    view = lm.profile_images(tmp_path / "photos" / "inner" / "a.zarr")
    assert view.images == 1
    assert view["image.ImagePixelWidth"].mean == 50
    assert lm.log_image(tmp_path / "photos" / "unnamed").view().images == 1


def changed(folder: Path, **changes: Any) -> None:
    metadata = json.loads((folder / "zarr.json").read_text())
    (folder / "zarr.json").write_text(json.dumps(metadata | changes))


COMPLEX = {
    "data_type": "complex64",
    "fill_value": [0, 0],
    "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
}


@pytest.mark.parametrize(
    ("changes", "reason", "words"),
    [
        ({"shape": [-1, 50]}, "corrupt", "Error: "),
        ({"shape": [2**60, 50]}, "too_large", "an image of 50x"),
        (COMPLEX, "unsupported", "array of complex64"),
        ({"codecs": [{"name": "rot13"}]}, "unsupported", "the codec 'rot13'"),
        (
            {"chunk_key_encoding": {"name": "v2", "configuration": {"separator": "/../../b/"}}},
            "corrupt",
            "/../../b/",
        ),
        (
            {"chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [2**14, 2**14]}}},
            "too_large",
            "a chunk of",
        ),
    ],
)
def test_metadata_that_lie(tmp_path: Path, changes: Any, reason: str, words: str) -> None:
    folder = written(tmp_path / "a.zarr", texture(40, 50, 1), chunks=(16, 16))
    changed(folder, **changes)
    assert outcome(folder, words=words) == reason


@pytest.mark.parametrize("codec", ["blosc", "zstd", "gzip", "none", "checked"])
def test_a_chunk_that_decodes_to_less_is_damaged(tmp_path: Path, codec: str) -> None:
    folder = written(tmp_path / "a.zarr", texture(40, 50, 1), chunks=(16, 16),
                     compressors=NEW[codec])  # fmt: skip
    whole = (folder / "c/1/1").read_bytes()
    parts = [whole[:size] for size in (0, 1, 5, 20, len(whole) - 1)]
    parts += [bytes([*whole[:7], whole[7] ^ 1, *whole[8:]])] if codec == "checked" else []
    for part in parts:
        (folder / "c/1/1").write_bytes(part)
        assert outcome(folder) in ("corrupt", "truncated")


def test_attributes_that_lead_out_of_the_folder(tmp_path: Path) -> None:
    written(tmp_path / "secret", texture(40, 50, 1))
    folder = ngff(tmp_path / "a.zarr", [texture(40, 50, 1)], "yx")
    for path in ("../secret", str(tmp_path / "secret")):
        scales = [{"axes": ["y", "x"], "datasets": [{"path": path}]}]
        changed(folder, attributes={"ome": {"multiscales": scales}})
        assert outcome(folder, words="Error: ") != "measured"
    for scales in ([], {}, "x", [{}], [{"datasets": [{"path": "0"}], "axes": "xx"}], None):
        changed(folder, attributes={"ome": {"multiscales": scales}})
        assert outcome(folder) != "measured"


def test_a_changed_chunk_is_measured_again(tmp_path: Path) -> None:
    """The time of the folder itself does not tell of it."""
    source, kept = tmp_path / "photos", tmp_path / "kept"
    folder = written(source / "a.zarr", texture(40, 50, 1), chunks=(16, 16), compressors=None)
    before = lm.profile_images(source, resume=kept).to_bytes()
    (folder / "c/1/1").write_bytes(bytes(256))
    after = lm.profile_images(source, resume=kept).to_bytes()
    assert after == lm.profile_images(source).to_bytes() != before
    (folder / "c/1/1").unlink()
    assert lm.profile_images(source, resume=kept).to_bytes() == lm.profile_images(source).to_bytes()


def test_more_planes_than_memory_has_room_for(tmp_path: Path) -> None:
    folder = written(tmp_path / "a.zarr", texture(40, 50, 1)[None], chunks=(1, 16, 16))
    changed(folder, shape=[2**40, 40, 50])
    reading = Reading(frames="all", layout="NHW", limits=Limits(frames=None))
    planes = measure_images(folder, reading)
    assert next(planes).meter.measurement() == numbers(folder, layout="NHW", metrics="default")
    planes.close()


MEASURE = """
import sys, zarr
import lightmeter as lm
for source in (*sys.argv[1:], *map(zarr.open_array, sys.argv[1:])):
    try:
        lm.log_image(source)
    except lm.errors.ImageError as error:
        print(error.reason)
"""


def test_a_bomb_takes_no_more_than_a_chunk(tmp_path: Path) -> None:
    """In a folder, and in an array that somebody opened."""
    zeros, bombs = np.zeros(300_000_000, np.uint8), []
    for version, codecs in ((2, OLD), (3, NEW)):
        for name in codecs.keys() - {"none", "checked"}:
            folder = tmp_path / f"{name}{version}.zarr"
            written(folder, texture(9, 9, 1), version, chunks=(9, 9), compressors=codecs[name])
            bomb = numcodecs.get_codec({"id": name}).encode(zeros)
            (folder / ("0.0" if version == 2 else "c/0/0")).write_bytes(bomb)
            bombs.append(str(folder))
    words, megabytes = run_and_weigh(MEASURE, *bombs)
    assert words == ["corrupt"] * 2 * len(bombs)
    assert megabytes < 180  # a bomb alone is 300


def test_zstandard_that_does_not_tell_its_size(tmp_path: Path) -> None:
    """numcodecs would decode such frames to any size."""
    samples = np.full((16, 16), 9, np.uint8)
    folder = written(tmp_path / "a.zarr", samples, chunks=(16, 16), compressors=NEW["zstd"])
    head = b"\x28\xb5\x2f\xfd\0\x58"  # no size; a window of 2 MB; then blocks of one byte again
    (folder / "c/0/0").write_bytes(head + (256 << 3 | 3).to_bytes(3, "little") + b"\7")
    assert outcome(folder, words="does not tell its size") != "measured"


def chunked(kind: str, folder: Path, samples: Any) -> Any:
    if kind == "zarr":
        return zarr.open_array(written(folder / "a.zarr", samples, chunks=(16,) * samples.ndim))
    if kind == "xarray":
        return pytest.importorskip("xarray").DataArray(samples)
    file = pytest.importorskip("h5py").File(folder / "a.h5", "w")
    return file.create_dataset("a", data=samples, chunks=kind == "h5py" or None)


@pytest.mark.parametrize("kind", ["zarr", "h5py", "contiguous h5py", "xarray"])
@pytest.mark.parametrize("dtype", ["uint8", ">u2", "float32"])
def test_arrays_that_are_read_in_pieces(tmp_path: Path, kind: str, dtype: str) -> None:
    """Measured as the same array in memory is, by the same options."""
    whole = texture(120, 50, 3, {">u2": "uint16"}.get(dtype, dtype)).astype(dtype)
    array, native = chunked(kind, tmp_path, whole), whole.astype(np.dtype(dtype).newbyteorder("="))
    colours = ({}, {"channels": "BGR"}, {"bands": ["a", "b", "c"]}, {"ignore": (1, 2, 9, 9)})
    for options in (*colours, {"layout": "NHW"}):
        reading: Any = {"metrics": "all"} | options
        assert lm.log_image(array, **reading).view() == lm.log_image(native, **reading).view()
    with pytest.raises(ImageError, match="expected HxW or HxWxC"):
        lm.log_image(array, layout="HW")
    with pytest.raises(ImageError, match="got the level 1"):
        lm.log_image(array, pyramid_level=1)
    assert lm.profile_images([array]) == lm.profile_images([native])


def test_without_zarr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = written(tmp_path / "a.zarr", texture(9, 9, 1))
    monkeypatch.setitem(sys.modules, "lightmeter.image.tiles.bounded_zarr", None)
    assert outcome(folder, words="pip install 'lightmeter[zarr]'") == "unsupported"
