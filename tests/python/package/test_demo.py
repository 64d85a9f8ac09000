"""The demo: synthetic smears that drift as the article's did."""

from pathlib import Path

from lightmeter import ProfileView
from lightmeter.demo import run_demo, run_timeline
from scipy.stats import binom


def test_the_demo_finds_the_diluted_dye_and_the_blur(tmp_path: Path) -> None:
    steps = []
    demo = run_demo(tmp_path / "demo", progress=lambda done, total: steps.append((done, total)))
    assert steps == [(done, 100) for done in range(1, 101)]
    drifted = [line.feature for line in demo.report.drifted]
    assert {"image.Sharpness", "image.Saturation.stddev"} <= set(drifted)
    assert [each.cause for each in demo.report.causes] == ["faded"]
    assert not {"image.Model", "image.ImagePixelWidth", "image.Colorspace"} & set(drifted)
    assert demo.report.summary().startswith("the images look faded: ")
    assert "Saturation fell by " in demo.page.read_text(encoding="utf-8")
    assert demo.page.read_text(encoding="utf-8").count("synthetic smears") == 2
    again = ProfileView.read(demo.target.with_suffix(".lmp"))
    assert again == demo.report.target
    assert [item.value for item in again["image.Make"].frequent] == ["lightmeter demo, synthetic"]


def test_the_timeline_alarms_on_the_bad_days(tmp_path: Path) -> None:
    timeline = run_timeline(tmp_path, seed=0, images=14)
    anomalies: dict[int, set[str]] = {day: set() for day in range(1, 15)}
    for result in timeline.results:
        assert result.state in ("ok", "anomaly")
        if result.state == "anomaly":
            anomalies[result.bucket.day].add(result.feature)
    for day, cause in ((7, "Saturation.mean"), (9, "Saturation.mean"), (11, "Sharpness")):
        assert f"image.{cause}" in anomalies.pop(day)
    assert timeline.page.is_file()
    # The monitor's q of 1 % bounds the rate; more than this has a chance below 1e-4.
    assert sum(map(bool, anomalies.values())) <= binom.isf(1e-4, 11, 0.01)
