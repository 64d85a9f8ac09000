"""The result of a comparison."""

import dataclasses
import math
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lightmeter.drift.feature import RATES, FeatureDrift
from lightmeter.drift.verdict import Thresholds
from lightmeter.profile import ProfileView

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DriftReport"]

_SEVERITY = ["drift", "inconclusive", "possible", "none", "not enough data", None]
_FLOATS = ["ks", "p_value", "q_value", "hellinger", "hellinger_debiased"]
_FLOATS += ["wasserstein", "psi", "js", "shift"]
_COLUMNS = ["kind", "n_target", "n_reference", *_FLOATS, "verdict", "reason"]


class DriftReport:
    """What `lightmeter.compare` found.

    Attributes:
        target: the profile that was judged.
        reference: the profile it was compared with.
        features: every feature of either side, the most severe first.
        thresholds: what the verdicts were reached by.
    """

    def __init__(
        self,
        target: ProfileView,
        reference: ProfileView,
        features: list[FeatureDrift],
        thresholds: Thresholds,
    ) -> None:
        """Made by `lightmeter.compare`."""
        self.target = target
        self.reference = reference
        self.features = sorted(features, key=_severity)
        # Rates come after plain columns here, so that theirs is the line of a name that both bear.
        lines = sorted(self.features, key=lambda line: line.kind in RATES)
        self._by_name = {line.feature: line for line in lines}
        self.thresholds = thresholds

    @property
    def drifted(self) -> list[FeatureDrift]:
        """The features whose verdict is ``drift``."""
        return [feature for feature in self.features if feature.verdict == "drift"]

    def fails(self, on: str) -> bool:
        """Whether a pipeline that stops on `on` must stop here.

        Args:
            on: ``"drift"`` for that verdict only; ``"possible"`` also for ``possible`` and for
                ``inconclusive``, where samples leave open whether it is drift.

        Raises:
            ValueError: `on` is another word.
        """
        stops = {"drift": {"drift"}, "possible": {"drift", "inconclusive", "possible"}}
        if on not in stops:
            raise ValueError(f"on is {on!r}; expected 'drift' or 'possible'")
        return any(line.verdict in stops[on] for line in self.features)

    def __getitem__(self, feature: str) -> FeatureDrift:
        """The line of a feature, such as ``image.entropy`` or ``image.Make:missing``.

        A name with such an ending is always the rate's. Where a column itself bears that name, its
        line is only in `features`.

        Raises:
            KeyError: there is no such line.
        """
        line = self._by_name.get(feature)
        if line is None:
            raise KeyError(f"no feature {feature!r} among the {len(self.features)} compared")
        return line

    def __contains__(self, feature: object) -> bool:
        """Whether there is a line of that name, which ``report[feature]`` gives."""
        return isinstance(feature, str) and feature in self._by_name

    def __iter__(self) -> Iterator[str]:
        """The names of the features, the most severe first."""
        return (line.feature for line in self.features)

    def __len__(self) -> int:
        """How many features were compared."""
        return len(self.features)

    def summary(self) -> str:
        """One sentence that names the causes: "saturation fell by 38 %, brightness rose by 9 %"."""
        from lightmeter.drift.words import summary

        return summary(self.features)

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON: ``summary``, ``thresholds`` and ``features``."""
        return {
            "summary": self.summary(),
            "thresholds": dataclasses.asdict(self.thresholds),
            "features": [_plain(line) for line in self.features],
        }

    def to_pandas(self) -> "pd.DataFrame":
        """One row per feature, the most severe first; the index is named ``feature``.

        Raises:
            ImportError: pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError("to_pandas needs pandas: pip install 'lightmeter[pandas]'") from error
        names = [line.feature for line in self.features]
        index = pd.Index(names, name="feature", dtype=object)
        rows = [[getattr(line, column) for column in _COLUMNS] for line in self.features]
        frame = pd.DataFrame(rows, index=index, columns=_COLUMNS)
        return frame.astype(dict.fromkeys(_FLOATS, float))

    def write_html(
        self,
        path: str | os.PathLike[str],
        *,
        target_name: str = "target",
        reference_name: str = "reference",
    ) -> None:
        """Write the report as one page that needs no network and no script.

        Args:
            path: the file.
            target_name: what the page calls the target, such as where it is from.
            reference_name: what it calls the reference.
        """
        from lightmeter.viz.page import write_page

        write_page(self, path, target_name=target_name, reference_name=reference_name)

    def _repr_html_(self) -> str:
        from lightmeter.viz.notebook import notebook_html

        return notebook_html(self)

    def __repr__(self) -> str:
        """The summary."""
        return f"<DriftReport: {self.summary()}>"


def _severity(line: FeatureDrift) -> tuple[int, float, str]:
    return _SEVERITY.index(line.verdict), -(line.effect or 0.0), line.feature


def _plain(line: FeatureDrift) -> dict[str, Any]:
    values = {field.name: getattr(line, field.name) for field in dataclasses.fields(line)}
    for side in ("new_values", "vanished_values"):
        values[side] = [item._asdict() for item in values[side]]
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in values.items()
    }
