"""The report: what it says, how big it is, who can read it, and that nothing gets out of it."""

import base64
import hashlib
import io
import re
import shutil
import tempfile
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import lightmeter as lm
import numpy as np
import pytest
from conftest import encoded, lightmeter, picture
from dashboards import ALLOWED, Page
from hostile import HOSTILE
from lightmeter import DriftReport, Profile, ProfileView, compare, log, log_image, profile_images
from lightmeter.cli.drift import print_findings
from lightmeter.cli.measure import Tally
from lightmeter.drift.describe.sentences import describe
from lightmeter.drift.row import CHANGED
from lightmeter.profile.row import Row
from lightmeter.report import sheet
from lightmeter.report.charts.features import chart_of
from lightmeter.report.charts.html import Html
from lightmeter.report.report import html_page
from lightmeter.report.sheet import contact_sheet
from lightmeter.times import day
from lightmeter.viz import Chart, NotebookProfileVisualizer
from numpy.typing import NDArray
from PIL import Image, ImageFilter


def wide(seed: int, shift: float = 0.0) -> ProfileView:
    """30 features of every kind, every third of which moves by `shift` standard deviations."""
    rng = np.random.default_rng(seed)
    columns: dict[str, Any] = {
        f"n{i:02}": rng.normal(i + shift * (i % 3 == 0), 1, 400) for i in range(22)
    }
    columns |= {f"c{i}": rng.choice(list("abcdefghijkl"), 400).tolist() for i in range(6)}
    columns["days"] = rng.integers(0, 7, 400)
    columns["gaps"] = np.where(rng.random(400) < 0.1 + 0.2 * shift, np.nan, rng.normal(size=400))
    return log(columns=columns).view()


@cache
def drifted() -> DriftReport:
    return compare(target=wide(1, 1.0), reference=wide(2))


def hostile_photo(text: str) -> bytes:
    return encoded("JPEG", picture(8, 8), tags={271: text, 272: text})


@cache
def attacked() -> DriftReport:
    """Hostile text as camera makers, values, feature names and prefixes, on each side only."""
    sides = []
    for texts in (HOSTILE[::2], HOSTILE[1::2]):
        profile, photos = Profile(), (hostile_photo(text) for text in texts for _ in range(8))
        for photo in photos:
            profile._track("<b onclick=alert(1)>", photo)
        for text in texts:
            row = {"category": text, text: "value", f"number {text}": len(text) * 1.5}
            for _ in range(12):
                profile.log(row=row)
        sides.append(profile.view())
    return compare(target=sides[0], reference=sides[1])


def test_the_page_says_what_changed_first() -> None:
    report = drifted()
    page = html_page(report, target_name="july.lmp")
    text = Page(page).text
    assert f"{len(report.drifted)} of " in text
    first = text.index("n15 rose", text.index("Findings"))
    assert first < text.index("All features") < text.index("What changed")
    assert "target: july.lmp" in text
    assert report.summary() in text
    rows = re.findall(r'<th scope="row"><bdi>(?:<a href="#f\d+">)?([^<]+)<', page)
    assert rows == [line.feature for line in report.features]
    linked = re.findall(r'<a href="#f\d+">([^<]+)<', page)
    assert linked == [line.feature for line in report.features if line.verdict in CHANGED]
    assert len(page.encode()) <= 300_000, "of thirty features"


def test_ways_to_tell_causes_apart(capsys: pytest.CaptureFixture[str]) -> None:
    scenes = [np.asarray(picture(seed=seed)) for seed in range(40)]
    dark = [Image.fromarray((x * 0.8).astype(np.uint8)) for x in scenes]
    soft, softer = ([x.filter(ImageFilter.GaussianBlur(r)) for x in dark] for r in (0.3, 1))
    for target, reference, words in (
        (scenes, dark, "background 1.25. See “Stain, focus"),
        (dark, scenes, "sharpness 0.64, background 0.80. Lost focus is not apparent. See"),
        (dark, scenes, "lightmeter check TARGET_FOLDER"),
        (soft, scenes, "Lost focus cannot be ruled out. See"),
        (softer, scenes, "Lost focus is likely. See"),
    ):
        assert words in html_page(compare(target=log_image(target), reference=log_image(reference)))
    raw = [x.mean(2).astype(np.uint8) for x in scenes]
    soft = [x // 2 + 64 for x in raw]
    for n, command in ((40, "measure TARGET_FOLDER --sort Sharpness"), (14, "check TARGET_FOLDER")):
        report = compare(target=log_image(raw[:n] + soft[n:]), reference=log_image(soft))
        assert command in html_page(report)
        print_findings(report)
        assert ("lightmeter check TARGET_FOLDER" in capsys.readouterr().out) == (n == 14)


@cache
def cameras() -> DriftReport:
    """30 pictures a side; of the target the upper left is dark, and the camera is frozen in 6."""
    sides = []
    for side in range(2):
        with tempfile.TemporaryDirectory() as folder:
            for index in range(30):
                seed = 99 if side and index < 6 else index
                rng = np.random.default_rng([side, seed])
                pixels = rng.integers(90, 110, (64, 64, 3), np.uint8)
                if side:
                    pixels[:16, :16] //= 4
                Image.fromarray(pixels).save(f"{folder}/{index:02}.png")
            sides.append(profile_images(folder, metrics="camera", exemplars=16))
    return compare(target=sides[1], reference=sides[0])


def test_the_grid_is_two_heat_maps_with_a_text_alternative() -> None:
    page = html_page(cameras())
    first, second = re.findall(r'<figure id="f-grid-\d">.*?</figure>', page, re.S)
    assert "Mean luma" in first
    assert "; 1 other part of the images changed" in page
    assert "Sharpness" in second
    assert f"from the top: {cameras()['image.Grid.r0c0'].level_target:.1f}, " in first
    assert re.search(r"change, rows from the top: \N{MINUS SIGN}\d+\*, ", first)
    assert page.count('href="#f-grid-0"') == page.count('href="#f-grid-1"') == 16
    assert "<h3><bdi>image.Grid" not in page
    assert "Target: 1 set of images with equal pixels (6 of 30 images)" in page
    assert "Target and reference" not in page
    again = html_page(compare(target=cameras().target, reference=cameras().target))
    assert "Target and reference: 25 sets of images with equal pixels (60 of 60 images)" in again
    assert cameras()._repr_html_().count("rows from the top") >= 2


def test_an_image_of_both_sides_is_named_on_both(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("old/0", "old/1", "new/2"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (16, 16, 3), np.uint8)).save(tmp_path / f"{name}.png")
    for name, copy in {"old/1": "new/copy", "old/0": "new/first", "new/first": "old/twin"}.items():
        shutil.copy(tmp_path / f"{name}.png", tmp_path / f"{copy}.png")
    old, new = (profile_images(tmp_path / side, metrics="camera") for side in ("old", "new"))
    page = html_page(compare(target=new, reference=old))
    assert len(re.findall("2 images with.*?: <bdi .*?>copy.png<.* and <bdi .*?>1.png<", page)) == 1
    assert re.search("3 images with.*, among them <bdi .*?first.png<.* and .*(0|twin).png<", page)


def test_many_features_stay_one_readable_page() -> None:
    rng = np.random.default_rng(0)
    columns = {f"f{i}": rng.normal(size=20) for i in range(200)}
    view = log(columns=columns).view()
    other = log(columns={name: values + 9 for name, values in columns.items()}).view()
    page = html_page(compare(target=other, reference=view))
    assert page.count('<th scope="row">') == 200
    assert "and 160 more changed features" in page
    assert len(page) < 500_000


def test_a_page_of_nothing() -> None:
    nothing = Profile().view()
    assert "No feature could be tested" in html_page(compare(target=nothing, reference=nothing))
    junk = log_image([b"junk"]).view()
    assert "an image (unsupported)" in html_page(compare(target=junk, reference=nothing))
    single = log(row={"x": 1}).view()
    assert "only in the target, 1 value" in html_page(compare(target=single, reference=nothing))


@pytest.mark.parametrize("make", [drifted, attacked, cameras])
def test_nothing_can_run_or_load(make: Any) -> None:
    page = Page(html_page(make(), target_name=HOSTILE[0], reference_name=HOSTILE[3]))
    page.check_inert({"action", "xlink:href"}, ALLOWED | {"img"})
    assert len(page.ids) == len(set(page.ids))
    assert all(char.isprintable() or char == "\n" for char in "".join(page.words))


def test_the_policy_allows_this_style_and_nothing_else() -> None:
    page = html_page(drifted())
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.S)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:"
    assert f'content="{policy}; base-uri' in page
    assert not re.search(r"url\(|@import", style)


# --- in a notebook ----------------------------------------------------------------------------

# What JupyterLab's sanitizer keeps of the output of a notebook nobody trusts (sanitizer.ts).
KEPT = {
    tag: set[str]() for tag in ["ul", "li", "b", "p", "table", "caption", "thead", "tbody", "tr"]
}
KEPT |= {tag: {"style"} for tag in ("div", "h3", "th", "td")}
KEPT |= {"span": {"class", "style"}, "img": {"src", "alt", "width", "height"}}


@pytest.mark.parametrize("report", [drifted, attacked, cameras])
def test_a_notebook_shows_it_without_being_trusted(report: Any) -> None:
    shown = report()._repr_html_()
    for tag, attributes in Page(shown).tags:
        assert tag in KEPT
        assert attributes.keys() <= KEPT[tag] | {"aria-hidden", "class"}
        if tag == "img":
            assert str(attributes["src"]).startswith("data:image/svg+xml;base64,")
            assert attributes["alt"]
    assert len(shown) < 300_000


def test_the_articles_calls(tmp_path: Path) -> None:
    visualization = NotebookProfileVisualizer()
    visualization.set_profiles(
        target_profile_view=drifted().target, reference_profile_view=drifted().reference
    )
    report = visualization.summary_drift_report()
    assert report.features == drifted().features
    chart = visualization.double_histogram(feature_name="n00")
    assert isinstance(chart, Chart)
    assert "reference, 400 values" in chart.svg()
    for feature in ("c0", "days"):
        assert isinstance(visualization.distribution_chart(feature_name=feature), Chart)
    for shown, name in ((report, "drift"), (chart, "chart.html")):
        path = visualization.write(shown, tmp_path, html_file_name=name)
        assert path == tmp_path / f"{name.removesuffix('.html')}.html"
        assert path.read_text().startswith("<!DOCTYPE html>")
    assert path.read_text().count("Content-Security-Policy") == 1


def test_what_a_visualizer_cannot_show() -> None:
    visualization = NotebookProfileVisualizer()
    with pytest.raises(ValueError, match="call set_profiles"):
        visualization.double_histogram("x")
    visualization.set_profiles(drifted().target)
    with pytest.raises(ValueError, match="reference_profile_view"):
        visualization.summary_drift_report()
    with pytest.raises(KeyError, match="did you mean n"):
        visualization.double_histogram("n0")
    with pytest.raises(ValueError, match="'c0' has no numbers; see distribution_chart"):
        visualization.double_histogram("c0")
    with pytest.raises(ValueError, match="'n00' has no categories; see double_histogram"):
        visualization.distribution_chart("n00")
    assert isinstance(visualization.double_histogram("n00"), Chart)


def test_write_html_is_whole_or_not(tmp_path: Path) -> None:
    drifted().write_html(tmp_path / "r.html")
    assert (tmp_path / "r.html").read_text(encoding="utf-8") == html_page(drifted())
    with pytest.raises(FileNotFoundError):
        drifted().write_html(tmp_path / "none" / "r.html")


# Exif dates: days in profiles, dates in whatever is shown.


def photos(first: date) -> ProfileView:
    """One a day, taken at ten o'clock."""
    days = [first + timedelta(days=later) for later in range(20)]
    tags = [{306: f"{taken:%Y:%m:%d} 10:00:00"} for taken in days]
    return log_image([encoded("JPEG", picture(8, 8), tags=each) for each in tags]).view()


@pytest.mark.parametrize(
    ("days", "shown"),
    [
        (0, "1970-01-01"),
        (19_730.9, "2024-01-08"),
        (-719_162, "0001-01-01"),
        (-719_163, "\N{MINUS SIGN}719,163"),
        (2_932_897, "2,932,897"),
        (float("nan"), "\N{EN DASH}"),
    ],
)
def test_days_are_dates_where_the_calendar_has_them(days: float, shown: str) -> None:
    assert day(days) == shown


def test_a_change_is_a_shift_in_time() -> None:
    old, new = photos(date(2022, 1, 1)), photos(date(2024, 1, 1))
    report = compare(target=new, reference=old)
    assert report["image.DateTime"].verdict is None
    words = describe(report["image.DateTime"], report.thresholds)
    assert words == "DateTime went from 2022-01-10 to 2024-01-10"
    back = compare(target=old, reference=new)
    words = describe(back["image.DateTime"], back.thresholds)
    assert words == "DateTime went from 2024-01-10 to 2022-01-10"
    assert "2022-01-10 → 2024-01-10 (means)" in html_page(report)
    chart = chart_of(report["image.DateTime"], report)
    assert "target, 20 values: highest bar 2023-12-09 to 2024-01-28" in chart.description
    assert "19,7" not in chart.svg()


def test_times_of_a_table_stay_numbers() -> None:
    """They are in seconds, whatever the column is called, and so are other numbers."""
    sides = []
    for n in (900, 0):
        days = np.arange(n, n + 30)
        times = days * np.timedelta64(1, "D") + np.datetime64("2022-01-01")
        sides.append(log(columns={"x.DateTime": times, "order.DateTime": days + 16_000.0}))
    report = compare(target=sides[0], reference=sides[1])
    assert report.summary() == "order.DateTime rose by 5.6 %, x.DateTime rose by 4.7 %"
    page = html_page(report)
    assert "1.6e09 → 1.7e09" in page
    assert "16,014 → 16,914" in page


def test_the_command_line_shows_dates(tmp_path: Path) -> None:
    for year in (2022, 2024):
        photos(date(year, 1, 1)).write(tmp_path / f"{year}.lmp")
    shown = lightmeter("show", tmp_path / "2022.lmp").stdout
    (row,) = (line.split() for line in shown.splitlines() if line.startswith("image.DateTime "))
    assert row[:3] == ["image.DateTime", "20", "0"]
    assert " ".join(row[3:]) == "2022-01-01 to 2022-01-20, median 2022-01-11"


# The contact sheet: which pictures it shows, what it says of them, and who can read it.


def sheet_of(folder: Path, by: str = "image.entropy", most: int = 4, **options: Any) -> Html:
    reading = lm.Reading(**options)
    tally = Tally(by, most, highest=False)
    list(tally.of(lm.measure(folder, reading=reading)))
    rows = [row for _, row in tally.best]
    counts = {"images": tally.images, "failed": tally.reasons.total()}
    return contact_sheet(rows, by, highest=False, reading=reading, **counts)


def pictures(page: str) -> list[Image.Image]:
    thumbnails = re.findall(r'src="data:image/jpeg;base64,([^"]*)"', page)
    return [Image.open(io.BytesIO(base64.b64decode(data))) for data in thumbnails]


def test_it_shows_the_worst_and_opens_no_other(folder: Path, monkeypatch: Any) -> None:
    Image.new("L", (900, 600), 40).save(folder / "flat.png")
    Image.fromarray(np.full((9, 4), 3000, np.uint16)).save(folder / "deep.tif")
    spy = Mock(wraps=sheet.measure_images)
    monkeypatch.setattr(sheet, "measure_images", spy)
    page = sheet_of(folder, most=2)
    assert [Path(call.args[0]).name for call in spy.call_args_list] == ["deep.tif", "flat.png"]
    deep, flat = pictures(page)
    assert (deep.size, flat.size) == ((4, 9), (320, 213))
    assert np.asarray(flat).mean() == pytest.approx(40, abs=2)
    assert np.asarray(deep).mean() == pytest.approx(3000 / 257, abs=2)
    assert "The 2 images with the lowest entropy, of 10 measured" in page
    assert "failed" in page
    assert "could not be measured" not in page


def test_a_picture_that_changed_since_is_left_out(folder: Path) -> None:
    row: Row = {"path": str(folder / "gone.png"), "image.entropy": 1.5}
    page = contact_sheet([row], "image.entropy", highest=True, images=1, reading=lm.Reading())
    assert "This image cannot be shown." in page
    assert "The 1 image with the highest entropy" in page


def test_it_shows_the_frame_that_was_measured(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), (shade, 0, 0)) for shade in (200, 40, 120)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    page = sheet_of(tmp_path, "image.Brightness.mean", frames="all")
    reds = [np.asarray(shown)[..., 0].mean() for shown in pictures(page)]
    assert reds == pytest.approx([40, 120, 200], abs=4)
    assert "a.gif</bdi> (frame 1)" in page


def test_functions_of_ones_own_are_not_called_again(folder: Path) -> None:
    calls = []

    def mine(image: NDArray[np.uint8]) -> float:
        calls.append(image)
        return float(image.mean())

    assert len(pictures(sheet_of(folder, "image.mine", most=8, metrics=mine))) == len(calls) == 8
