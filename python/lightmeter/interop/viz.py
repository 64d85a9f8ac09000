"""Charts and reports in a notebook, with the names of whylogs."""

from collections.abc import Callable
from pathlib import Path

from lightmeter.files import AnyPath, write_atomically
from lightmeter.profile import ProfileView
from lightmeter.report.charts.chart import Chart
from lightmeter.report.charts.features import category_bars, number_histograms
from lightmeter.report.charts.html import document, tag
from lightmeter.report.report import DriftReport, compare

__all__ = ["Chart", "NotebookProfileVisualizer"]


class NotebookProfileVisualizer:
    """A visualizer of a target profile beside a reference.

    Threads may share it after `set_profiles`, and a fork is safe.

    Examples
    --------
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
        """Set the profiles to show; without a reference, charts show the target alone."""
        self._target, self._reference = target_profile_view, reference_profile_view

    def summary_drift_report(self) -> DriftReport:
        """Return the report of `lightmeter.compare`, which a notebook shows.

        `write` writes it as a page.

        Raises
        ------
        ValueError
            A profile is not set.
        """
        if self._target is None or self._reference is None:
            raise ValueError(
                "a drift report needs set_profiles(target_profile_view=, reference_profile_view=)"
            )
        return compare(target=self._target, reference=self._reference)

    def double_histogram(self, feature_name: str) -> Chart:
        """Return overlaid histograms of a numeric feature, in shares of each side.

        Raises
        ------
        ValueError
            The feature has no numbers, or no profile is set.
        KeyError
            Neither profile has the feature.
        """
        return self._chart(number_histograms, feature_name, "numbers; see distribution_chart")

    def distribution_chart(self, feature_name: str) -> Chart:
        """Return the shares of the most frequent strings or integers of a feature.

        Raises
        ------
        ValueError
            The feature has no strings or integers, or no profile is set.
        KeyError
            Neither profile has the feature.
        """
        return self._chart(category_bars, feature_name, "categories; see double_histogram")

    def write(
        self,
        rendered_html: Chart | DriftReport,
        preferred_path: AnyPath | None = None,
        html_file_name: str | None = None,
    ) -> Path:
        """Write a chart or report as an HTML page, and return its path.

        Parameters
        ----------
        rendered_html
            The chart or report that another method returned.
        preferred_path
            An existing folder; None takes the current folder.
        html_file_name
            The name of the file, with or without ``.html``; None takes ``lightmeter``.

        Raises
        ------
        OSError
            The file cannot be written.
        """
        name = (html_file_name or "lightmeter").removesuffix(".html")
        path = Path(preferred_path or ".") / f"{name}.html"
        if isinstance(rendered_html, DriftReport):
            rendered_html.write_html(path)
        else:
            shown = tag("main", rendered_html.image_tag())
            write_atomically(path, document("lightmeter", shown).encode())
        return path

    def _chart(self, draw: Callable[..., Chart | None], name: str, needed: str) -> Chart:
        if self._target is None:
            raise ValueError("no profile to show: call set_profiles(target_profile_view=...) first")
        views = self._target, self._reference
        columns = [view.get(name) if view else None for view in views]
        if not any(columns):
            self._target.get_column(name)  # raises, naming similar features
        chart = draw(name, *columns)
        if chart is None:
            raise ValueError(f"feature {name!r} has no {needed}")
        return chart
