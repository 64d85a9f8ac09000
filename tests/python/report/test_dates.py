"""Exif dates: days in profiles, dates in whatever is shown."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from conftest import encoded, lightmeter, picture
from lightmeter import ProfileView, compare, log, log_image
from lightmeter.drift.describe.sentences import describe
from lightmeter.report.charts.features import feature_chart
from lightmeter.report.report import html_page
from lightmeter.times import day

DAYS = 20
FIRST = np.datetime64("2022-01-01")


def photos(first: date) -> ProfileView:
    """One a day, taken at ten o'clock."""
    days = [first + timedelta(days=later) for later in range(DAYS)]
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
    page = html_page(report)
    assert "2022-01-10 → 2024-01-10" in page
    chart = feature_chart("image.DateTime", new, old)
    assert "target, 20 values: most between 2023-12-09 and 2024-01-28" in chart.description
    assert "19,7" not in chart.svg()


def test_times_of_a_table_stay_numbers() -> None:
    """They are in seconds, whatever the column is called, and so are other numbers."""
    sides = []
    for n in (900, 0):
        days = np.arange(n, n + 30)
        times = days * np.timedelta64(1, "D") + FIRST
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
