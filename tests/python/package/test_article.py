"""The founding article's code with only names changed."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import lightmeter as why
import numpy as np
import pandas as pd
import pytest
from conftest import lightmeter, picture
from lightmeter import ProfileView, log_image
from lightmeter.demo import run_demo, run_timeline
from PIL import Image
from scipy.stats import binom


def test_profile_a_single_image_and_view_it_as_a_dataframe(tmp_path: Path) -> None:
    picture().save(tmp_path / "image.jpg")
    # read in image
    img = Image.open(tmp_path / "image.jpg")
    # profile image
    profile = log_image(img).profile()
    # generate profile view
    profile_view = profile.view()
    # view profile as dataframe
    frame = profile_view.to_pandas().T
    assert frame.columns.name == "column"
    assert frame.loc["counts/n", "image.Hue.mean"] == 1


def test_merge_each_profile_while_looping(folder: Path) -> None:
    training_path = folder / "more"
    # initialize reference_profile
    reference_profile = None
    # loop over each image in training folder
    for filename in os.listdir(training_path):
        file_path = os.path.join(training_path, filename)
        img = Image.open(file_path)
        profile = log_image(img).profile()
        profile_view = profile.view()
        # merge each profile while looping
        if reference_profile is None:
            reference_profile = profile_view
        else:
            reference_profile = reference_profile.merge(profile_view)
    assert reference_profile is not None
    assert reference_profile.get_column("image.Brightness.mean").to_summary_dict()["counts/n"] == 2
    assert reference_profile == log_image(sorted((folder / "more").iterdir())).view()


# The article calls it glare_percent, which is now the name of a feature that is measured anyway.
def my_glare_percent(img: Image.Image) -> Any:
    img_array = np.array(img)
    saturated_pixels = np.sum(img_array >= 245)
    total_pixels = img_array.size
    return 100.0 * saturated_pixels / total_pixels


def test_log_image_along_with_custom_metric(tmp_path: Path) -> None:
    """Without the article's schema, which a column of images does not need."""
    picture(noise=60).save(tmp_path / "image.jpg")
    img = Image.open(tmp_path / "image.jpg")
    # log image along with custom metric
    results = why.log(row={"glare_percent": my_glare_percent(img), "images": img})
    profile = results.profile()
    profile_view = profile.view()
    # extract desired stats for custom metric
    profile_dict = profile_view.get_column("glare_percent").to_summary_dict()
    columns = ["counts/n", "distribution/mean", "distribution/stddev"]
    frame = pd.DataFrame.from_records([profile_dict])[columns].T
    assert frame[0].tolist() == [1, my_glare_percent(img), 0]
    assert my_glare_percent(img) > 0
    assert profile_view.get_column("images.glare_percent").mean == my_glare_percent(img)


# The demo: synthetic smears that drift as the article's did.


def test_the_demo_finds_the_diluted_dye_and_the_blur(tmp_path: Path) -> None:
    steps = []
    folder = tmp_path / "demo"
    report, page = run_demo(folder, progress=lambda done, total: steps.append((done, total)))
    assert steps == [(done, 100) for done in range(1, 101)]
    drifted = [line.feature for line in report.drifted]
    assert {"image.Sharpness", "image.Saturation.stddev"} <= set(drifted)
    assert [each.cause for each in report.causes] == ["faded"]
    assert not {"image.Model", "image.ImagePixelWidth", "image.Colorspace"} & set(drifted)
    assert report.summary().startswith("the images look faded or hazy: ")
    (before, after), text = report["image.Luma.stddev"].levels, page.read_text(encoding="utf-8")
    assert f"reference: contrast {after / before:.2f}, sharpness " in text
    assert ("Saturation fell by " in text, text.count("synthetic smears")) == (True, 2)
    again = ProfileView.read(folder / "batch.lmp")
    assert again == report.target
    assert [item.value for item in again["image.Make"].frequent] == ["lightmeter demo, synthetic"]


def test_the_timeline_alarms_on_the_bad_days(tmp_path: Path) -> None:
    results, page = run_timeline(tmp_path)
    anomalies: dict[int, set[str]] = {day: set() for day in range(1, 15)}
    for result in results:
        assert result.state in ("ok", "anomaly")
        if result.state == "anomaly":
            anomalies[result.bucket.day].add(result.feature)
    for day, cause in ((7, "Saturation.mean"), (9, "Saturation.mean"), (11, "Sharpness")):
        assert f"image.{cause}" in anomalies.pop(day)
    assert page.is_file()
    # The monitor's q of 1 % bounds the rate; more than this has a chance below 1e-4.
    assert sum(map(bool, anomalies.values())) <= binom.isf(1e-4, 11, 0.01)


# docs/ten-minutes.md, from an empty folder to a dashboard: its commands print what it says.


PAGE = Path(__file__).parents[3] / "docs/ten-minutes.md"
STEP = re.compile(
    r"^    lightmeter (?P<command>.*)$|^```(?P<kind>python|toml|text)\n(?P<block>(?s:.*?))^```",
    re.MULTILINE,
)


def said(text: str) -> list[str]:
    """Lines without their numbers and days, which differ from day to day and machine to machine."""
    return [re.sub(r"[\d.e\u2212-]*\d", "N", line).strip() for line in text.splitlines()]


def test_ten_minutes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    runs = []
    for step in STEP.finditer(PAGE.read_text(encoding="utf-8")):
        if step["command"]:
            runs.append(lightmeter(*shlex.split(step["command"])))
        elif step["kind"] == "python":
            Path("draw.py").write_text(step["block"], encoding="utf-8")
            subprocess.run([sys.executable, "draw.py"], check=True)
        elif step["kind"] == "toml":
            with Path("site.toml").open("a", encoding="utf-8") as file:
                file.write(step["block"])
        else:
            printed = said(runs[-1].stdout)
            for line in said(step["block"]):
                shown = line.removesuffix("...")
                assert any(other.startswith(shown) for other in printed), runs[-1].stdout
    assert [run.returncode for run in runs] == [0, 0, 3, 3, 0]
    assert [run.stdout.count(", since ") for run in runs] == [0, 0, 1, 0, 0]  # told once
    assert Path("site/index.html").exists()
