"""Charts and reports in a notebook, by the names that whylogs gave them."""

import os
from pathlib import Path

from lightmeter.files import write_atomically
from lightmeter.profile import ColumnView, ProfileView
from lightmeter.report.charts.chart import Chart
from lightmeter.report.charts.document import document
from lightmeter.report.charts.features import category_bars, number_histograms
from lightmeter.report.charts.html import tag
from lightmeter.report.report import DriftReport, compare

__all__ = ["Chart", "NotebookProfileVisualizer"]


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
        if self._target is None or self._reference is None:
            raise ValueError(
                "a drift report needs set_profiles(target_profile_view=, reference_profile_view=)"
            )
        return compare(target=self._target, reference=self._reference)

    def double_histogram(self, feature_name: str) -> Chart:
        """Overlaid histograms of a feature of numbers on shared bins, as shares of each side.

        Raises:
            ValueError: the feature has no numbers, or no profile is set.
            KeyError: neither profile has the feature.
        """
        chart = number_histograms(feature_name, *self._columns(feature_name))
        if chart is None:
            raise ValueError(f"feature {feature_name!r} has no numbers; see distribution_chart")
        return chart

    def distribution_chart(self, feature_name: str) -> Chart:
        """The shares of the most frequent strings or integers of a feature.

        Raises:
            ValueError: the feature has none, or no profile is set.
            KeyError: neither profile has the feature.
        """
        chart = category_bars(feature_name, *self._columns(feature_name))
        if chart is None:
            raise ValueError(f"feature {feature_name!r} has no categories; see double_histogram")
        return chart

    def write(
        self,
        rendered_html: Chart | DriftReport,
        preferred_path: str | os.PathLike[str] | None = None,
        html_file_name: str | None = None,
    ) -> Path:
        """Write what another method returned as an HTML page, and return its path.

        Args:
            rendered_html: the chart or report.
            preferred_path: an existing folder; None is the current one.
            html_file_name: with or without ``.html``; None is ``lightmeter``.
        """
        name = (html_file_name or "lightmeter").removesuffix(".html")
        path = Path(preferred_path or ".") / f"{name}.html"
        if isinstance(rendered_html, DriftReport):
            rendered_html.write_html(path)
        else:
            shown = tag("main", rendered_html.image_tag())
            write_atomically(path, document("lightmeter", shown).encode())
        return path

    def _columns(self, name: str) -> list[ColumnView | None]:
        if self._target is None:
            raise ValueError("no profile to show: call set_profiles(target_profile_view=...) first")
        views = [self._target, self._reference]
        if not any(view is not None and name in view for view in views):
            self._target.get_column(name)  # raises, naming similar features
        return [view.get_column(name) if view and name in view else None for view in views]
