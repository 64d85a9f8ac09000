"""The result of comparing two profiles: a line for each feature, with its verdict."""

from collections.abc import Iterable, Iterator

from lightmeter.drift.distance import distance
from lightmeter.drift.feature import RATES, FeatureDrift
from lightmeter.drift.verdict import CHANGED, Thresholds
from lightmeter.drift.words import summary
from lightmeter.profile import ProfileView

__all__ = ["Comparison"]

_WORST_FIRST = ["drift", "inconclusive", "possible", "none", "not enough data", None]
_STOPS = {"drift": {"drift"}, "possible": {"drift", "inconclusive", "possible"}}


class Comparison:
    """What `compare_views` returns.

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
        features: Iterable[FeatureDrift],
        thresholds: Thresholds,
    ) -> None:
        """Made by `compare_views`."""
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
        return [line for line in self.features if line.verdict == "drift"]

    def fails(self, on: str) -> bool:
        """Whether a pipeline that stops on `on` must stop here.

        Args:
            on: ``"drift"`` for that verdict only; ``"possible"`` also for ``possible`` and for
                ``inconclusive``, where samples leave open whether it is drift.

        Raises:
            ValueError: `on` is another word.
        """
        if on not in _STOPS:
            raise ValueError(f"on is {on!r}; expected 'drift' or 'possible'")
        return any(line.verdict in _STOPS[on] for line in self.features)

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
        return summary(self.features)

    def __repr__(self) -> str:
        """The summary."""
        return f"<{type(self).__name__}: {self.summary()}>"


def _severity(line: FeatureDrift) -> tuple[int, float, float, str]:
    """By verdict, then by effect: by D where there is one, as sizes of two units do not compare.

    It is at most 1, which many features reach that change for one reason. Of those that
    changed, between effects that are equal to a tenth the distance decides, which has no bound.
    """
    rank, effect = _WORST_FIRST.index(line.verdict), line.ks or line.effect or 0.0
    if line.verdict not in CHANGED:
        return rank, -effect, 0.0, line.feature
    return rank, -round(effect, 1), -distance(line), line.feature
