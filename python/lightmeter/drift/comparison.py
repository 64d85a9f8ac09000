"""The result of comparing two profiles: a line for each feature, with its verdict."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from lightmeter.drift.describe.findings import Finding, causes, findings, summary
from lightmeter.drift.families import holm_p_values
from lightmeter.drift.groups import assumed
from lightmeter.drift.readings import Unlike, decoded_unlike
from lightmeter.drift.row import RATES, FeatureDrift
from lightmeter.drift.verdict import CHANGED, Thresholds, by_severity
from lightmeter.profile import ProfileView
from lightmeter.text import near

# A cause leads the headline, so it needs more: where nothing changed, at most one comparison in a
# hundred names any.
_CAUSE = 1 / 5  # of the largest q-value of a ``drift``
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
        self.features = by_severity(features, thresholds)
        # Rates come after plain columns here, so that theirs is the line of a name that both bear.
        lines = sorted(self.features, key=lambda line: line.kind in RATES)
        self._by_name = {line.feature: line for line in lines}
        self.thresholds = thresholds

    @property
    def read_differently(self) -> str:
        """How pictures of the two sides were read differently; empty if they were not."""
        return self._unlike.sentence

    @cached_property
    def _unlike(self) -> Unlike:
        return Unlike(self.target.readings, self.reference.readings)

    @property
    def notes(self) -> list[str]:
        """What the data cannot check and verdicts rest on, in sentences for small print."""
        notes = assumed(self.features), decoded_unlike(self.target, self.reference)
        return [note for note in notes if note]

    @property
    def drifted(self) -> list[FeatureDrift]:
        """The features whose verdict is ``drift``."""
        return [line for line in self.features if line.verdict == "drift"]

    @property
    def named(self) -> list[FeatureDrift]:
        """Those of `drifted` that a headline may name.

        Holm's procedure: the chance that any of these did not change is at most `thresholds.drift`.
        `drifted` may hold more, since of these a small share may not have changed.
        """
        tested = [line for line in self.features if line.q_value is not None]
        p_values = [line.p_high or 0.0 for line in tested]
        adjusted = holm_p_values(p_values, [line.family for line in tested])
        sure = (
            line for line, p in zip(tested, adjusted, strict=True) if p <= self.thresholds.drift
        )
        return [line for line in sure if line.verdict == "drift"]

    @cached_property
    def causes(self) -> list[Finding]:
        """What happened to the pictures, where the signs of several numbers fit it.

        Such as out of focus, darker or covered: see docs/drift.md. Empty without numbers of images.
        """
        return causes(self.features, self.named, _CAUSE * self.thresholds.drift)

    @cached_property
    def findings(self) -> list[Finding]:
        """What changed, in words: files that fail, causes, then all else by severity."""
        return self._told([line for line in self.features if line.verdict in CHANGED])

    def _told(self, lines: Sequence[FeatureDrift]) -> list[Finding]:
        said = {id(line) for cause in self.causes for line in cause.lines}
        told = [*self.causes, *findings([line for line in lines if id(line) not in said])]
        return sorted(told, key=lambda each: each.lines[0].kind != "failure")

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
            hint = near(feature, self._by_name, "see .features")
            raise KeyError(
                f"no feature {feature!r} among the {len(self.features)} compared; {hint}"
            )
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
        """One sentence that names the causes: "saturation fell by 38 %, brightness rose by 9 %".

        Before it come `read_differently` and a space, if that is not empty.
        """
        return f"{self.read_differently} {self.said}".lstrip()

    @cached_property
    def said(self) -> str:
        """The same without `read_differently`."""
        return summary(self.features, self._told(self.named))

    def __repr__(self) -> str:
        """The summary."""
        return f"<{type(self).__name__}: {self.summary()}>"
