"""Two sides whose pictures were read differently."""

from typing import Any

import lightmeter as lm
import numpy as np
import pytest
from lightmeter import _core
from lightmeter.drift.compare import Unlike
from lightmeter.report.report import html_page
from numpy.typing import NDArray

RANDOM = np.random.default_rng(5)
SHADES = np.array([1.0, 0.7, 0.4])


def frames(count: int, *, deep: bool = False) -> list[NDArray[Any]]:
    """Reddish pictures, and as samples of 12 bits in 16."""
    noise = RANDOM.integers(0, 200, (count, 24, 32, 3)) + RANDOM.integers(0, 55, (count, 1, 1, 1))
    return list((noise * SHADES * (16 if deep else 1)).astype(np.uint16 if deep else np.uint8))


def profile(images: list[NDArray[Any]], **options: Any) -> lm.ProfileView:
    tracked = lm.Profile(sample=256, **options)
    tracked.track_many(images)
    return tracked.view()


GOOD = frames(80)
BGR = profile([frame[..., ::-1] for frame in GOOD], channels="BGR")
DEEP = profile(frames(80, deep=True), value_range=(0, 4095))


@pytest.mark.parametrize("metrics", ["all", "whylogs"])
def test_what_depends_on_the_order_of_colours_is_not_compared(metrics: Any) -> None:
    """That is every number that changes where red and blue are exchanged, and no other."""
    frame = frames(1)[0]
    rgb, bgr = (
        lm.log_image(frame, metrics=metrics, channels=each).view() for each in ("RGB", "BGR")
    )
    unlike = Unlike(rgb.readings, bgr.readings)
    for name in rgb:
        numbers = [view[name].to_summary_dict() for view in (rgb, bgr)]
        if rgb[name].kind != "hash":
            assert not unlike.reason(name) or name != "image.Colorspace"
            assert bool(unlike.reason(name)) or numbers[0] == numbers[1], name


def test_a_reference_of_another_order_is_said_first_and_not_judged() -> None:
    report = lm.compare(target=profile(GOOD), reference=BGR)
    first = "The images were read differently: channels BGR in the reference, RGB in the target."
    assert report.summary().startswith(first)
    assert report.read_differently.startswith(first)
    assert report.to_dict()["read_differently"] == report.read_differently
    for page, heading in ((report._repr_html_(), "<h3"), (html_page(report), 'class="headline"')):
        assert 0 < page.index("read differently") < page.index(heading)
    assert not report.drifted
    assert report["image.Hue.circular_mean"].verdict is None
    assert "channels BGR" in report["image.Red.mean"].reason
    assert report["image.Brightness.mean"].verdict == "none"
    assert "image:numbers" not in report


def test_a_value_range_decides_all_numbers_of_pixels() -> None:
    report = lm.compare(target=profile(frames(80, deep=True)), reference=DEEP)
    assert "value_range [0.0, 4095.0] in the reference, by default" in report.read_differently
    judged = [line.feature for line in report.features if line.verdict is not None]
    assert judged
    assert all("Pixel" in name or name.endswith(("space", "ure")) for name in judged)


def test_what_only_differs_in_part_or_by_nature_is_compared() -> None:
    both = BGR.merge(profile(frames(80)))
    assert len(both.readings["image"]) == 2
    for target, reference, said in (
        (BGR, BGR, ""),
        (both, both, ""),
        (both, BGR, "channels BGR in the reference, BGR and RGB in the target"),
        (profile(frames(9), ignore=(0, 0, 5, 5)), profile(frames(9)), "ignore nothing in the"),
        (profile(frames(9)), DEEP, "samples integer in the reference, 8 bits in the target"),
        (profile([frame[..., 0] for frame in frames(9)]), BGR, ""),
        (lm.log(row={"a": 1}).view(), BGR, ""),
    ):
        assert said in (told := lm.compare(target=target, reference=reference).read_differently)
        assert bool(said) == bool(told)


@pytest.mark.parametrize("text", ["junk", "[1]", '{"channels":5,"value_range":"x","ignore":"/"}'])
def test_readings_of_strangers_are_inert(text: str) -> None:
    core = _core.Profile.decode(BGR.to_bytes())
    core.count_image("image", 500, text)
    view = lm.ProfileView.from_bytes(lm.ProfileView(core).to_bytes())
    report = lm.compare(target=profile(frames(9)), reference=view)
    assert len(report.summary()) < 500
    assert len(lm.check_image(frames(1)[0], view).read_differently) < 500


def test_an_image_is_read_as_its_reference() -> None:
    frame = frames(1)[0][..., ::-1]
    assert lm.check_image(frame, BGR).verdict == "ordinary"
    assert not lm.check_image(frame, BGR).read_differently
    assert lm.check_image(frames(1, deep=True)[0], DEEP).verdict == "ordinary"
    check = lm.check_image(frame, BGR, channels="RGB")
    assert check.verdict == "ordinary"  # by what does not depend on it
    assert repr(check).startswith("<ImageCheck: The images were read differently: channels BGR")
    check = lm.check_image(frames(1, deep=True)[0], DEEP, reading=lm.Reading())
    assert "value_range" in check.read_differently
    assert not any("mean" in finding.feature for finding in check.findings)
