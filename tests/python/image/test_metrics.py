"""Functions of one's own are called with every picture, and can stop nothing."""

import json
import logging
import math
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightmeter as lm
import numpy as np
import pytest
from conftest import encoded, lightmeter, picture
from lightmeter import ImageMeter, Reading, _core
from lightmeter.image.exif import KNOWN
from PIL import Image


def glare(image: Any) -> float:
    return float(100 * (image >= 245).mean())


def level(image: Any) -> float:
    return float(image.mean())


def named(name: str, function: Callable[[Any], Any] = level) -> Callable[[Any], Any]:
    def metric(image: Any) -> Any:
        return function(image)

    metric.__name__ = name
    return metric


def returning(result: Any) -> Callable[[Any], Any]:
    return named("own", lambda image: result)


class Leaving(dict[str, int]):
    def items(self) -> Any:
        sys.exit(3)


@pytest.mark.parametrize(
    ("result", "n", "missing", "mean"),
    [
        (2, 1, 0, 2),
        (np.float32(0.5), 1, 0, 0.5),
        (np.array(3), 1, 0, 3),
        (None, 1, 1, None),
        (math.nan, 1, 1, None),
    ],
)
def test_numbers(result: Any, n: int, missing: int, mean: float | None) -> None:
    view = lm.log_image(picture(), metrics=returning(result)).view()
    column = view["image.own"]
    assert (column.n, column.missing, column.mean) == (n, missing, mean)
    assert (column.meaning.role, column.meaning.origin) == ("plain", "image")
    assert view["image.own.Error"].failure_rate == 0


def test_the_items_of_a_dict_are_features() -> None:
    own = returning({"area": 3, "kind": "day", "mean": None})
    view = lm.log_image([picture(), picture()], metrics=own).view()
    assert [name for name in view if ".own" in name] == [
        f"image.own.{key}" for key in ("Error", "area", "kind", "mean")
    ]
    assert (view["image.own.area"].n, view["image.own.mean"].missing) == (2, 2)
    assert view["image.own.kind"].kind == "category"


@pytest.mark.parametrize(
    ("own", "kind"),
    [
        (named("own", lambda image: 1 // 0), "ZeroDivisionError"),
        (named("own", lambda image: image.fill(0)), "ValueError"),
        (named("own", lambda image: sys.exit(3)), "SystemExit"),
        (returning(3j), "TypeError"),
        (returning(Leaving()), "SystemExit"),
        (returning(np.zeros((2, 2))), "TypeError"),
        (returning({1: 1}), "TypeError"),
        (returning({"\ud800": 1}), "ValueError"),
        (returning({"Error": 1}), "ValueError"),
    ],
)
def test_errors_are_counted_by_type(own: Callable[[Any], Any], kind: str) -> None:
    image = picture()
    profile = lm.Profile(metrics=[own, glare])
    profile.track_many([image, image, b"no picture"])
    view = profile.view()
    assert [(item.value, item.est) for item in view["image.own.Error"].frequent] == [(kind, 2)]
    assert view["image.own.Error"].failure_rate == 1
    assert [name for name in view if name.startswith("image.own")] == ["image.own.Error"]
    assert (view.images, view["image.glare"].n, view["image.Failure"].n) == (2, 2, 3)
    assert image == picture()


def test_the_traceback_of_an_error_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "lightmeter")
    lm.log_image(picture(), metrics=[named("own", lambda image: 1 // 0), named("a", list)])
    assert caplog.messages == ["the metric own failed", "the metric image.a failed"]
    assert "1 // 0" in caplog.text
    assert "expected a number" in caplog.text


def test_what_is_no_error_passes() -> None:
    def own(image: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lm.log_image(picture(), metrics=own)


def test_metrics_are_a_set_and_functions() -> None:
    assert Reading(metrics=glare).metrics == Reading(metrics=[glare]).metrics == ("default", glare)
    assert Reading(metrics=[glare, "camera"]).functions == (glare,)
    assert Reading(metrics=[glare, "camera"]).metric_set == "camera"


def test_no_name_of_a_built_in_feature_is_free() -> None:
    names = {name.partition(".")[0] for name, *_ in _core.image_numbers()} | KNOWN
    for form in ("JPEG", "PNG", "TIFF", "GIF", "WEBP"):
        view = lm.log_image([encoded(form), b"no picture"]).view()
        names |= {name.split(".")[1] for name in view}
    for name in names:
        if name.isidentifier():
            with pytest.raises(ValueError, match="built-in"):
                Reading(metrics=named(name))


RGB = np.asarray(picture())


@pytest.mark.parametrize(
    ("image", "options", "expected"),
    [
        (RGB, {}, RGB),
        (RGB[..., ::-1], {"channels": "BGR"}, RGB),
        (RGB.transpose(2, 0, 1), {"layout": "CHW"}, RGB),
        (RGB[..., 0], {}, RGB[..., 0]),
        (RGB[..., 0] > 99, {}, np.where(RGB[..., 0] > 99, 255, 0)),
        (RGB.astype(np.uint16) * 257, {}, RGB),
        (RGB / 255, {}, RGB),
        (RGB / 255 * 6 + 4, {"value_range": (4, 10)}, RGB),
        (Image.fromarray(RGB), {}, RGB),
        (Image.fromarray(RGB).convert("LA"), {}, np.asarray(Image.fromarray(RGB).convert("L"))),
        (Image.fromarray(RGB[..., 0]).convert("P"), {}, np.dstack([RGB[..., 0]] * 3)),
        (Image.fromarray(RGB[..., 0].astype(np.uint16) * 257), {}, RGB[..., 0]),
        (Image.fromarray(RGB[..., 0] / np.float32(255)), {}, RGB[..., 0]),
    ],
)
def test_functions_get_what_was_measured_in_8_bits(
    image: Any, options: dict[str, Any], expected: Any
) -> None:
    taken: list[Any] = []
    view = lm.log_image(image, metrics=named("own", taken.append), **options).view()
    assert view["image.own"].missing == 1
    (samples,) = taken
    assert samples.dtype == np.uint8
    assert samples.flags.c_contiguous
    assert not samples.flags.writeable
    np.testing.assert_array_equal(samples, expected)


def test_a_meter_has_no_pixels_any_more() -> None:
    meter = ImageMeter()
    meter.update(RGB)
    view = lm.log_image(meter, metrics=level).view()
    assert (view["image.level"].n, view["image.level"].missing) == (1, 1)


def test_profiles_can_be_pickled() -> None:
    profile = pickle.loads(pickle.dumps(lm.Profile(metrics=glare)))
    profile.track(RGB)
    assert profile.view()["image.glare"].n == 1


def test_the_command_line(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shop.py").write_text(
        "print('hello')\ndef light(image): return image.mean()\nx = 3\ndef bad(i): 1/0"
    )
    monkeypatch.chdir(tmp_path)
    own = ["--metric", "shop:light", "--metric", "shop:bad"]
    result = lightmeter("measure", folder, *own)  # what a module prints is in no row
    assert all("image.light" in json.loads(line) for line in result.stdout.splitlines())
    assert result.stderr == "hello\n"
    (tmp_path / "script.py").write_text("raise SystemExit(0)")
    result = lightmeter("measure", folder, "--metric", "script:main")
    assert (result.returncode, result.stdout) == (2, "")
    assert "script cannot be imported: SystemExit: 0" in result.stderr


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        ("shop", "expected one such as shop:warm_percent"),
        ("json:__doc__", "has no function __doc__"),
        (
            "lightmeter.interop.readers:omet",
            "it has ct, dicom, gdal, geotiff, microscope, ome_tiff",
        ),
    ],
)
def test_a_wrong_metric_is_wrong_usage(metric: str, message: str, folder: Path) -> None:
    result = lightmeter("profile", folder, "--metric", metric)
    assert result.returncode == 2
    assert message in " ".join(result.stderr.replace("│", " ").split())
