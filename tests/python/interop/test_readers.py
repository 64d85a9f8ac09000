"""Readers: the hook at every door, and DICOM, GeoTIFF, OME-TIFF and microscopes by it."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightmeter as lm
import numpy as np
import pydicom
import pytest
import tifffile
from conftest import lightmeter as command
from lightmeter.image.tiles import tiff
from lightmeter.interop import readers
from numpy.typing import NDArray
from reader_files import write_dicom, write_geotiff, write_ome
from shards import write_folder, write_zip

RNG = np.random.default_rng(0)
SIDE = 24


def doubled(image: Any) -> Any:
    """A format of somebody: bytes of gray samples."""
    data = image if isinstance(image, bytes) else Path(image).read_bytes()
    if data[0] == 0:
        raise LookupError("no such camera")
    pixels = np.frombuffer(data, np.uint8).reshape(SIDE, SIDE)
    return pixels, {"gain": data[0] / 2, "name": "x" * 500, "y" * 500: 1}, pixels < 100


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    noise = RNG.integers(1, 256, (40, SIDE * SIDE - 1), np.uint8)
    files = {f"{n % 2}{n:02}.png": bytes([n]) + noise[n].tobytes() for n in range(40)}
    return write_folder(tmp_path / "raw", files)


def numbers(view: lm.ProfileView) -> dict[str, Any]:
    ours = ("image.Brightness", "image.entropy", "image.DAPI", "image.B0", "image.B8", "image.B ")
    return {
        name: column.to_summary_dict()
        for name, column in view.items()
        if name.startswith(ours) and not name.endswith(".pixels")
    }


def check(file: Path, read: Any, array: Any, how: Any = None, **wanted: Any) -> lm.ProfileView:
    """What a reader gives of a file has the numbers of an array."""
    view = lm.profile_images(file, read=read, **(how or {}))
    assert numbers(view) == numbers(lm.log_image(array, **wanted).view())
    return view


def test_a_reader_has_processes_failures_segments_and_resume(raw: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {"read": doubled, "segment_by": {"half": "path:^(.)"}, "workers": 2}
    views = lm.profile_images(raw, **options)
    assert {name: view.images for name, view in views.items()} == {"half=0": 19, "half=1": 20}
    (failure,) = views.whole.failures
    assert (failure.path, failure.detail) == ("000.png", "LookupError: no such camera")
    assert views.whole["image.doubled.gain"].max == 39 / 2
    assert len(views.whole["image.doubled.name"].frequent[0].value) == 128
    assert views.whole["image.doubled." + "y" * 128].n == 39
    assert views == lm.profile_images(raw, executor="processes", **options)
    resumed = [lm.profile_images(raw, resume=tmp_path / "kept", **options) for _ in range(2)]
    assert resumed == [views, views]
    kept = len(list((tmp_path / "kept").iterdir()))
    doubled.version = 2  # type: ignore[attr-defined]
    lm.profile_images(raw, resume=tmp_path / "kept", **options)
    assert len(list((tmp_path / "kept").iterdir())) == 2 * kept
    (text,) = views.whole.readings["image"]
    assert text == '{"read":"doubled"}'


def test_pixels_that_a_reader_masks_do_not_count_and_limits_hold(raw: Path) -> None:
    file = raw / "139.png"
    pixels, _, mask = doubled(file)
    check(file, doubled, pixels, ignore=mask)
    (row,) = lm.measure(file, read=doubled)
    assert (row["path"], row["image.doubled.gain"]) == (str(file), 19.5)
    limits = lm.Limits(pixels=SIDE * SIDE - 1)
    (failure,) = lm.profile_images(file, read=doubled, limits=limits).failures
    assert (failure.reason, failure.detail) == ("too_large", "24x24 pixels, more than 575")


def test_a_fact_that_is_no_value_is_left_out_alone(raw: Path) -> None:
    wrong: dict[str, Any] = {}

    def some(image: Any) -> Any:
        return np.zeros((4, 4), np.uint8), {**wrong, "gain": 2.5}

    for given, error in (
        ({"odd": object()}, "TypeError"),
        ({"": 1}, "ValueError"),
        ({"\udc80": 1, "Error": 1}, "ValueError"),
    ):
        wrong = given
        view = lm.profile_images(raw / "139.png", read=some)
        assert (view["image.some.gain"].mean, "image.some.odd" in view) == (2.5, False)
        assert view["image.some.Error"].frequent[0].value == error


def test_as_many_facts_as_the_bound_are_kept(raw: Path) -> None:
    def many(image: Any) -> Any:
        return np.zeros((4, 4), np.uint8), {f"fact{number}": number for number in range(64)}

    assert lm.profile_images(raw / "139.png", read=many)["image.many.fact63"].mean == 63


def test_a_reader_on_the_command_line(raw: Path, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    body = "return np.fromfile(path, 'u1').reshape(24, 24)"
    Path("house.py").write_text(f"import numpy as np\ndef squares(path): {body}\n")
    assert "40 images" in command("profile", raw, "--read", "house:squares").stdout
    result = command("log", raw, "--read", "house:squares", "--dataset", "d", "--store", "s.db")
    assert "40 images measured" in result.stdout
    assert command("profile", raw, "--read", "nobody").returncode == 2


def frames(image: Any) -> Iterator[readers.Read]:
    for shade in range(3):
        samples = np.full((4, 5, 2), 1000 * shade + 100, np.uint16)
        yield readers.Read(samples, bands=("DAPI", "GFP"), value_range=(0, 4095), group="plate")


def test_a_reader_yields_frames_with_bands_a_range_and_a_group(raw: Path) -> None:
    file = raw / "000.png"
    view = lm.profile_images(file, read=frames, frames="all")
    assert (view.images, view.groups) == (3, 1)
    assert view["image.DAPI.mean"].max == pytest.approx(2100 / 4095 * 255, abs=0.01)
    assert lm.profile_images([file, file], read=frames).groups == 1
    own = lm.profile_images(file, read=frames, value_range=(0, 8190), bands=["a", "b"])
    assert own["image.a.mean"].mean == pytest.approx(100 / 8190 * 255, abs=0.01)


def test_the_group_of_a_reader_may_be_a_number(raw: Path) -> None:
    def numbered(image: Any) -> readers.Read:
        group: Any = {"000": 7, "101": np.int64(7), "002": "7"}.get(Path(image).stem, "\ud800")
        return readers.Read(np.zeros((4, 5)), group=group)

    files = [raw / f"{name}.png" for name in ("000", "101", "002", "103")]
    assert lm.profile_images(files, read=numbered).groups == 2


@pytest.mark.parametrize(
    ("given", "reason", "detail"),
    [
        ({"a": 1}, "unsupported", "read= gave a dict; expected an array"),
        (None, "unsupported", "read= gave a NoneType"),
        ((np.zeros((4, 4), np.uint8), {}, np.zeros((3, 3))), "unsupported", "a mask of 3x3"),
        (np.zeros((4, 4), np.complex64), "unsupported", "an array of complex64"),
        ((np.zeros((4, 4)), "gain"), "unsupported", "read= gave a str as facts; expected a dict"),
        ((np.zeros((4, 4)), dict.fromkeys(map(str, range(65)))), "too_large", "more than 64 facts"),
        ((), "unsupported", "read= gave a tuple; expected an array or an image"),
        (iter(()), "empty", "read= returned no image"),
        (readers.Read(np.zeros((4, 4)), value_range=(5, 5)), "unsupported", "black < white"),
        (readers.Read(np.zeros((4, 4)), group=[7]), "unsupported", "a list as group"),  # type: ignore[arg-type]
    ],
)
def test_what_is_no_picture_is_a_failure(raw: Path, given: Any, reason: str, detail: str) -> None:
    def wrong(image: Any) -> Any:
        return given

    (failure,) = lm.profile_images(raw / "000.png", read=wrong).failures
    assert (failure.reason, detail in failure.detail) == (reason, True)


def test_readers_that_are_none_or_lack_a_package(monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in ("dicom", lambda path: path):
        with pytest.raises((TypeError, ValueError), match="read has"):
            lm.Reading(read=wrong)  # type: ignore[arg-type]
    assert ", ".join(readers.__all__[1:]) in " ".join((lm.Reading.__doc__ or "").split())
    for reader, package, extra in (
        (readers.dicom, "pydicom", "dicom"),
        (readers.geotiff, "rasterio", "geotiff"),
        (readers.microscope, "bioio", "microscopes"),
        (readers.ome_tiff, "imagecodecs", "large"),
    ):
        monkeypatch.setitem(sys.modules, package, None)
        words = rf"needs {package}: pip install 'lightmeter\[{extra}"
        with pytest.raises(ImportError, match=words):
            lm.Reading(read=reader)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (bytes(128) + b"DICM", "dicom"),
        (b"ZISRAWFILE", "microscope"),
        (b"\xda\xce\xbe\x0a", "microscope"),
        (b"<VRTDataset rasterXSize='5'>", "gdal"),
    ],
)
def test_a_failure_without_a_reader_names_it(data: bytes, name: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(data + bytes(99))
    (tmp_path / "b.png").write_bytes(data + bytes(99))
    failures = lm.profile_images(tmp_path).failures
    assert [failure.path for failure in failures] == ["a", "b.png"]
    assert all(f"(--read {name}): see docs/readers.md" in it.detail for it in failures)


RGB = {
    "SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0,
    "BitsStored": 8, "HighBit": 7,
}  # fmt: skip


def twelve_bits() -> NDArray[Any]:
    return RNG.integers(0, 4096, (SIDE, SIDE)).astype(np.uint16)


def test_dicom_has_the_numbers_of_the_arrays_of_pydicom(tmp_path: Path) -> None:
    samples = twelve_bits()
    rescaled = samples * 2.0 - 1024
    scale = {"RescaleSlope": "2", "RescaleIntercept": "-1024"}
    signed = (samples.astype(np.int16) - 2048).astype(np.int16)
    colours = RNG.integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)
    palette: dict[str, Any] = {**RGB, "SamplesPerPixel": 1}
    palette["PhotometricInterpretation"] = "PALETTE COLOR"
    for colour in ("Red", "Green", "Blue"):
        palette[f"{colour}PaletteColorLookupTableDescriptor"] = [256, 0, 8]
        palette[f"{colour}PaletteColorLookupTableData"] = bytes(range(255, -1, -1))
    table = (2048 - np.abs(np.arange(-2048, 2048))).astype(np.uint16)  # largest in the middle
    lut = pydicom.Dataset()
    lut.add_new("LUTDescriptor", "US", [4096, 0, 16])
    lut.add_new("LUTData", "OW", table.tobytes())
    cases: list[tuple[Any, dict[str, Any], Any, Any]] = [
        (samples, {"ModalityLUTSequence": [lut]}, table[samples], (0, 65535)),
        (samples, scale, rescaled, (-1024, 7166)),
        (samples, {}, samples, (0, 4095)),
        (signed, {"PixelRepresentation": 1}, signed, (-2048, 2047)),
        (samples, {"PhotometricInterpretation": "MONOCHROME1"}, 4095 - samples, (0, 4095)),
        (colours, RGB, colours, None),
        (colours[..., 0], palette, np.stack([255 - colours[..., 0]] * 3, axis=-1), None),
    ]
    for stored, tags, array, value_range in cases:
        file = write_dicom(tmp_path / "a.dcm", stored, **tags)
        check(file, readers.dicom, array, value_range=value_range)
    first = int(samples[0, 0])
    for padding, ignored in (
        ({"PixelPaddingValue": first}, samples == first),
        ({"PixelPaddingValue": 3000, "PixelPaddingRangeLimit": 2000},
         (samples >= 2000) & (samples <= 3000)),
    ):  # fmt: skip
        padded = write_dicom(tmp_path / "p.dcm", samples, **padding)
        check(padded, readers.dicom, samples, ignore=ignored, value_range=(0, 4095))
    scanned = write_dicom(tmp_path / "c.dcm", samples, **scale)
    units = rescaled.clip(-1000, 2000).astype(np.float32)
    check(scanned, readers.ct, units, value_range=(-1000, 2000))


def test_dicom_says_nothing_of_people_and_groups_by_series(tmp_path: Path) -> None:
    for number in range(6):  # files without a suffix, as archives of hospitals have them
        series = f"1.2.66{number % 2}"
        tags = {"KVP": "120", "PixelSpacing": [0.5, 0.5], "SeriesInstanceUID": series}
        write_dicom(tmp_path / f"IM{number}", twelve_bits(), **tags)
    view = lm.profile_images(tmp_path, read=readers.dicom)
    assert (view.images, view.groups, view["image.dicom.KVP"].mean) == (6, 2, 120)
    assert view["image.dicom.PixelSpacing"].mean == 0.5
    texts = [view.to_bytes(), repr(list(lm.measure(tmp_path, read=readers.dicom))).encode()]
    hidden = (b"SECRET", b"Doe", b"Roe", b"Poe", b"1.2.66", b"1.2.777", b"19700101")
    assert not [word for word in hidden for text in texts if word in text]


def test_hostile_dicom(tmp_path: Path) -> None:
    write_dicom(tmp_path / "a.dcm", twelve_bits(), Rows=65535, Columns=65535)
    deflated = write_dicom(tmp_path / "b.dcm", twelve_bits())
    data = deflated.read_bytes().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99")
    deflated.write_bytes(data)
    cut = write_dicom(tmp_path / "c.dcm", twelve_bits())
    cut.write_bytes(cut.read_bytes()[:-100])
    view = lm.profile_images(tmp_path, read=readers.dicom)
    reasons = {str(it.path): it.reason for it in view.failures}
    assert (reasons["a.dcm"], reasons["b.dcm"]) == ("too_large", "unsupported")
    assert "c.dcm" in reasons
    file = write_dicom(tmp_path / "m.dcm", twelve_bits(), Modality="MR")
    (failure,) = lm.profile_images(file, read=readers.ct).failures
    assert failure.detail == "the modality is 'MR'; expected CT"


def test_geotiff_has_the_numbers_of_the_arrays_of_rasterio(tmp_path: Path) -> None:
    samples = RNG.integers(1, 10_000, (3, SIDE, SIDE)).astype(np.uint16)
    samples[:, :5] = 0
    names = ("B02", "B03", "B8A.nir")
    path = write_geotiff(tmp_path / "a.tif", samples, names, nodata=0)
    how = {"value_range": (0, 10_000)}
    wanted: Any = {"bands": ("B02", "B03", "B8A_nir"), "ignore": samples[0] == 0, **how}
    view = check(path, readers.geotiff, np.moveaxis(samples, 0, -1), how, **wanted)
    assert view["image.geotiff.CRS"].frequent[0].value == "EPSG:32633"
    archive = write_zip(tmp_path / "a.zip", {"a.tif": path.read_bytes()})
    check(archive, readers.geotiff, np.moveaxis(samples, 0, -1), how, **wanted)
    samples[0, 9:12] = 0  # there other bands have data
    path = write_geotiff(tmp_path / "b.tif", samples, names, nodata=0)
    check(path, readers.geotiff, np.moveaxis(samples, 0, -1), how, **{**wanted, "ignore": 0})
    height = RNG.random((1, SIDE, SIDE)).astype(np.float32)
    height[0, 3:7] = np.nan
    path = write_geotiff(tmp_path / "h.tif", height, nodata=None)
    check(path, readers.geotiff, height[0], ignore=np.isnan(height[0]))
    colours = RNG.integers(0, 256, (3, SIDE, SIDE)).astype(np.uint8)
    path = write_geotiff(tmp_path / "c.tif", colours, photometric="RGB")
    view = check(path, readers.geotiff, np.moveaxis(colours, 0, -1))
    assert view["image.ignored_percent"].max == 0


def test_names_of_bands_are_each_once_and_none_that_is_taken(tmp_path: Path) -> None:
    samples = RNG.integers(1, 200, (6, SIDE, SIDE)).astype(np.uint8)
    names = ("Sharpness", "B", "B 4", "B", "geotiff", "Red")
    file = write_geotiff(tmp_path / "a.tif", samples, names)
    view = lm.profile_images(file, read=readers.geotiff)
    for name in ("Sharpness 1", "B", "B 4", "B 4 4", "geotiff 5", "Red"):
        assert view[f"image.{name}.mean"].n == 1
    for how in ({"bands": ["geotiff", "b"]}, {"metrics": [geotiff]}):
        with pytest.raises(ValueError, match="name geotiff of bands or functions twice"):
            lm.Reading(read=readers.geotiff, **how)


def geotiff(image: Any) -> float:
    """A function of a name that a reader has."""
    return 1.0


def test_a_vrt_is_read_only_where_it_is_asked_for(tmp_path: Path) -> None:
    path = write_geotiff(tmp_path / "a.tif", np.full((1, SIDE, SIDE), 9, np.uint8))
    virtual = tmp_path / "a.vrt"
    virtual.write_text(
        f"<VRTDataset rasterXSize='{SIDE}' rasterYSize='{SIDE}'><VRTRasterBand dataType='Byte' "
        f"band='1'><SimpleSource><SourceFilename>{path}</SourceFilename><SourceBand>1</SourceBand>"
        "</SimpleSource></VRTRasterBand></VRTDataset>"
    )
    (failure,) = lm.profile_images(virtual, read=readers.geotiff).failures
    assert "use read=gdal for trusted files" in failure.detail
    assert lm.profile_images(virtual, read=readers.gdal)["image.Brightness.mean"].mean == 9
    for reader in (readers.geotiff, readers.gdal):
        (failure,) = lm.profile_images(["/vsicurl/http://127.0.0.1:9/a.tif"], read=reader).failures
        assert failure.reason == "vanished"


def test_channels_of_ome_tiff_are_bands(tmp_path: Path, caplog: Any) -> None:
    samples = RNG.integers(0, 65536, (2, SIDE, SIDE)).astype(np.uint16)
    file = write_ome(tmp_path / "a.ome.tif", samples, "CYX")
    check(file, readers.ome_tiff, np.moveaxis(samples, 0, -1), bands=["DAPI", "B _2_"])
    assert "ome_tiff" not in caplog.text
    tiff._warn_once.cache_clear()
    assert [lm.profile_images(file).images for _ in range(2)] == [1, 1]
    assert caplog.text.count("for its channels: --read ome_tiff") == 1
    tifffile.imwrite(tmp_path / "b.ome.tif", samples, metadata={"axes": "CYX"}, ome=True)
    view = lm.profile_images(tmp_path / "b.ome.tif", read=readers.ome_tiff)
    assert (view["image.C1.mean"].n, view["image.C2.mean"].n) == (1, 1)


@pytest.mark.filterwarnings("ignore:As of version 0.4.0")  # of ome-types
def test_planes_of_microscopes_are_frames(tmp_path: Path) -> None:
    pytest.importorskip("bioio")
    pytest.importorskip("bioio_ome_tiff")
    samples = RNG.integers(0, 65536, (3, 2, SIDE, SIDE)).astype(np.uint16)
    path = write_ome(tmp_path / "a.ome.tif", samples, "ZCYX")
    arrays = [np.moveaxis(plane, 0, -1) for plane in samples]
    bands = ["DAPI", "B _2_"]
    view = check(path, readers.microscope, arrays, {"frames": "all"}, bands=bands)
    assert view.images == 3
    assert view["image.microscope.PixelSize"].mean == 0.5
    assert lm.profile_images(path, read=readers.microscope).images == 1
    (tmp_path / "a.czi").write_bytes(b"no image")
    (failure,) = lm.profile_images(tmp_path / "a.czi", read=readers.microscope).failures
    assert (failure.reason, "bioio-czi, " in failure.detail) == ("unsupported", True)
