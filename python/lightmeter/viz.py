"""Charts and reports in a notebook, by the names that whylogs gave them."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lightmeter.files import write_atomically
from lightmeter.profile import ColumnView, FrequentItem, ProfileView
from lightmeter.report.charts.chart import Chart
from lightmeter.report.charts.document import page
from lightmeter.report.charts.features import category_bars, category_differences, number_histograms
from lightmeter.report.charts.html import Html, joined, tag
from lightmeter.report.compare import compare
from lightmeter.report.notebook import CELL
from lightmeter.report.report import DriftReport
from lightmeter.text import number, shorten

__all__ = ["Chart", "NotebookProfileVisualizer"]

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


class Shown:
    """HTML that a notebook displays."""

    def __init__(self, html: Html) -> None:
        """Made by `NotebookProfileVisualizer`."""
        self.data = html

    def _repr_html_(self) -> Html:
        return self.data


class NotebookProfileVisualizer:
    """Shows a target profile beside a reference.

    >>> visualization = NotebookProfileVisualizer()
    >>> visualization.set_profiles(target_profile_view=target, reference_profile_view=reference)
    >>> visualization.summary_drift_report()
    """

    def __init__(self) -> None:
        """Start without profiles."""
        self._target: ProfileView | None = None
        self._reference: ProfileView | None = None

    def set_profiles(
        self,
        target_profile_view: ProfileView,
        reference_profile_view: ProfileView | None = None,
    ) -> None:
        """Choose what to show; without a reference the target stands alone."""
        self._target, self._reference = target_profile_view, reference_profile_view

    def summary_drift_report(self) -> DriftReport:
        """`lightmeter.compare` of the two; shown in a notebook, and `write` makes a page of it.

        Raises:
            ValueError: a profile is not set.
        """
        if self._reference is None:
            raise ValueError(
                "a drift report needs set_profiles(target_profile_view=, reference_profile_view=)"
            )
        return compare(target=self._views()[0], reference=self._reference)

    def double_histogram(self, feature_name: str | Sequence[str]) -> Chart | Shown:
        """Overlaid histograms of a feature of numbers on shared bins, as shares of each side.

        Raises:
            ValueError: the feature has no numbers, or no profile is set.
            KeyError: neither profile has the feature.
        """
        return self._charts(feature_name, number_histograms, "numbers", "distribution_chart")

    def distribution_chart(self, feature_name: str | Sequence[str]) -> Chart | Shown:
        """The shares of the most frequent strings or integers of a feature.

        Raises:
            ValueError: the feature has none, or no profile is set.
            KeyError: neither profile has the feature.
        """
        return self._charts(feature_name, category_bars, "categories", "double_histogram")

    def difference_distribution_chart(self, feature_name: str | Sequence[str]) -> Chart | Shown:
        """How the share of each frequent string or integer changed.

        Raises:
            ValueError: the feature has none, or no profile is set.
            KeyError: neither profile has the feature.
        """
        return self._charts(feature_name, category_differences, "categories", "double_histogram")

    def feature_statistics(self, feature_name: str, profile: str = "reference") -> Shown:
        """A table of everything known of a feature on one side.

        Args:
            feature_name: such as ``image.Hue.mean``.
            profile: ``"reference"`` or ``"target"``.

        Raises:
            ValueError: `profile` is another word, or that side is not set.
            KeyError: that side does not have the feature.
        """
        sides = {"target": self._target, "reference": self._reference}
        view = sides.get(profile)
        if view is None:
            raise ValueError(f"profile is {profile!r}; expected a side given to set_profiles")
        summary = view.get_column(feature_name).to_summary_dict()
        rows = (
            tag("tr", tag("th", key, style=CELL), tag("td", _shown(value), style=CELL))
            for key, value in summary.items()
        )
        return Shown(tag("table", tag("caption", f"{feature_name}, {profile}"), rows))

    def write(
        self,
        rendered_html: Chart | Shown | DriftReport,
        preferred_path: str | os.PathLike[str] | None = None,
        html_file_name: str | None = None,
    ) -> Path:
        """Write what another method returned as an HTML page, and return its path.

        Args:
            rendered_html: the chart, table or report.
            preferred_path: an existing folder; None is the current one.
            html_file_name: with or without ``.html``; None is ``lightmeter``.
        """
        name = (html_file_name or "lightmeter").removesuffix(".html")
        path = Path(preferred_path or ".") / f"{name}.html"
        if isinstance(rendered_html, DriftReport):
            rendered_html.write_html(path)
        else:
            shown = tag("main", rendered_html._repr_html_())
            write_atomically(path, page(_POLICY, tag("title", "lightmeter"), shown).encode())
        return path

    def _views(self) -> tuple[ProfileView, ProfileView | None]:
        if self._target is None:
            raise ValueError("no profile to show: call set_profiles(target_profile_view=...) first")
        return self._target, self._reference

    def _charts(
        self,
        names: str | Sequence[str],
        draw: Callable[[str, ColumnView | None, ColumnView | None], Chart | None],
        wanted: str,
        other: str,
    ) -> Chart | Shown:
        if not isinstance(names, str):
            charts = [self._charts(name, draw, wanted, other) for name in names]
            return Shown(joined(chart._repr_html_() for chart in charts))
        columns = [_column(view, names) for view in self._views()]
        if columns == [None, None]:
            self._views()[0].get_column(names)  # raises, naming similar features
        chart = draw(names, *columns)
        if chart is None:
            raise ValueError(f"feature {names!r} has no {wanted}; see {other}")
        return chart


def _column(view: ProfileView | None, name: str) -> ColumnView | None:
    return view.get_column(name) if view is not None and name in view else None


def _shown(value: Any) -> str:
    if isinstance(value, list):
        items = [item for item in value if isinstance(item, FrequentItem)][:10]
        return ", ".join(f"{shorten(item.value, 40)} ({item.est})" for item in items)
    return number(value) if isinstance(value, float) else str(value)
