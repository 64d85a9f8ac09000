"""Pages as a browser shows them: the dashboard, the report and the contact sheet."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import opened
from conftest import picture
from dashboards import attacked, cells
from hostile import HOSTILE
from lightmeter.monitor.sitemap import bucket_page, dataset_page, feature_page
from lightmeter.profile.segments import segment_text
from lightmeter.report.report import html_page
from lightmeter.store import Store
from PIL import Image
from test_report import attacked_page, cameras_page, drifted, drifted_page, sheet_of

pytest_plugins = ["chromium"]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "drift.db") as opened_store:
        yield opened_store


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (390, "light")])
@pytest.mark.parametrize("make", [cells, attacked])
def test_a_dashboard(
    chromium: Any, store: Store, tmp_path: Path, make: Any, width: int, scheme: str
) -> None:
    """A page of each kind."""
    shown = make(store)
    shown.build(tmp_path / "site")
    point = next(result for result in shown.results if result.state == "anomaly")
    for page in (
        "index.html",
        dataset_page(point.dataset),
        dataset_page(point.dataset, next(p.segment for p in shown.results if p.segment)),
        feature_page(point.dataset, segment_text(point.segment), point.feature),
        bucket_page(point.dataset, segment_text(point.segment), point.bucket),
    ):
        with opened(chromium, tmp_path / "site" / page, width, scheme):
            pass


@pytest.mark.parametrize(
    ("make", "width", "scheme"),
    [
        (drifted_page, 1280, "light"),
        (drifted_page, 390, "dark"),
        (attacked_page, 1280, "dark"),
        (attacked_page, 390, "light"),
        (cameras_page, 400, "dark"),
    ],
)
def test_a_report(chromium: Any, tmp_path: Path, make: Any, width: int, scheme: str) -> None:
    path = tmp_path / "report.html"
    path.write_text(make(), encoding="utf-8")
    with opened(chromium, path, width, scheme) as page:
        colour = page.evaluate("getComputedStyle(document.querySelector('.s-target')).stroke")
        assert colour == ("rgb(213, 94, 0)" if scheme == "light" else "rgb(240, 160, 75)")


def test_the_table_is_reached_and_left_by_keyboard(chromium: Any, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(html_page(drifted()), encoding="utf-8")
    page = chromium.new_page()
    page.goto(path.as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('role')") == "region"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**#f0")
    page.close()


@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (400, "dark")])
def test_a_contact_sheet(chromium: Any, tmp_path: Path, width: int, scheme: str) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(8):
        picture(seed=seed).save(folder / f"{seed}.png")
    for number, text in enumerate(HOSTILE):  # names and Exif attack the page
        exif = Image.Exif()
        exif[271] = text
        name = f"{number}{text}".replace("/", "").replace("\0", "")
        picture(90 + number, seed=number).save(folder / f"{name[:80]}.jpg", exif=exif)
        (folder / f"{name[:80]}.png").write_text("no picture")
    file = tmp_path / "sheet.html"
    file.write_text(sheet_of(folder, most=50), encoding="utf-8")
    with opened(chromium, file, width, scheme) as page:
        images = page.locator("img")
        assert images.count() == len(HOSTILE) + 8 == page.locator("figure").count()
        assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
        assert page.locator("script").count() == 0
