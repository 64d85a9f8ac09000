"""The report: what it says, how big it is, who can read it, and that nothing gets out of it."""

import base64
import hashlib
import re
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import encoded, picture
from dashboards import ALLOWED, Page
from hostile import HOSTILE
from lightmeter import DriftReport, Profile, ProfileView, compare, log, profile_images
from lightmeter.drift.row import CHANGED
from lightmeter.report.report import html_page
from lightmeter.viz import Chart, NotebookProfileVisualizer
from PIL import Image


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
            for _ in range(12):
                profile.log(
                    row={"category": text, text: "value", f"number {text}": len(text) * 1.5}
                )
        sides.append(profile.view())
    return compare(target=sides[0], reference=sides[1])


def drifted_page() -> str:
    return html_page(drifted())


def attacked_page() -> str:
    return html_page(attacked(), target_name=HOSTILE[0], reference_name=HOSTILE[3])


def test_the_page_says_what_changed_first() -> None:
    report = drifted()
    page = html_page(report, target_name="july.lmp")
    text = Page(page).text
    assert f"{len(report.drifted)} of " in text
    first = text.index("Findings")
    assert text.index("n15 rose", first) > first
    assert first < text.index("All features") < text.index("What changed")
    assert "target: july.lmp" in text
    assert report.summary() in text
    rows = re.findall(r'<th scope="row"><bdi>(?:<a href="#f\d+">)?([^<]+)<', page)
    assert rows == [line.feature for line in report.features]
    linked = re.findall(r'<a href="#f\d+">([^<]+)<', page)
    assert linked == [line.feature for line in report.features if line.verdict in CHANGED]
    assert len(page.encode()) <= 300_000, "of thirty features"


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


def cameras_page() -> str:
    return html_page(cameras())


def test_the_grid_is_two_heat_maps_with_a_text_alternative() -> None:
    page = cameras_page()
    first, second = re.findall(r'<figure id="f-grid-\d">.*?</figure>', page, re.S)
    assert "Brightness (mean luma)" in first
    assert "The image darkened most at the top left." in first
    assert "Sharpness" in second
    level = cameras()["image.Grid.r0c0"].level_target
    assert f"target, rows from the top: {level:.1f}, " in first
    assert "change, rows from the top: " in first
    assert page.count('href="#f-grid-0"') == page.count('href="#f-grid-1"') == 16
    assert "<h3><bdi>image.Grid" not in page
    assert cameras()._repr_html_().count("rows from the top") >= 2


def test_many_features_stay_one_readable_page() -> None:
    rng = np.random.default_rng(0)
    columns = {f"f{i}": rng.normal(size=20) for i in range(200)}
    view = log(columns=columns).view()
    other = log(columns={name: values + 9 for name, values in columns.items()}).view()
    page = html_page(compare(target=other, reference=view))
    assert page.count('<th scope="row">') == 200
    assert "No charts of 160 more features that changed" in page
    assert len(page) < 500_000


def test_a_page_of_nothing() -> None:
    nothing = Profile().view()
    page = html_page(compare(target=nothing, reference=nothing))
    assert "Not enough data to compare" in page
    single = log(row={"x": 1}).view()
    assert "only in the target, 1 value" in html_page(compare(target=single, reference=nothing))


@pytest.mark.parametrize("make", [drifted_page, attacked_page, cameras_page])
def test_nothing_can_run_or_load(make: Any) -> None:
    page = Page(make())
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


def visualizer() -> NotebookProfileVisualizer:
    visualization = NotebookProfileVisualizer()
    visualization.set_profiles(
        target_profile_view=drifted().target, reference_profile_view=drifted().reference
    )
    return visualization


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
    visualization = visualizer()
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
