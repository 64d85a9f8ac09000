"""Rules: what is an anomaly, given a bucket and what it is compared with."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import NamedTuple

from lightmeter.drift import FeatureDrift, Thresholds, compare_views
from lightmeter.drift.feature import RATES, column_of
from lightmeter.drift.threshold import drift_thresholds
from lightmeter.drift.words import finding
from lightmeter.monitor.scalars import (
    HUE_STEPS,
    SCALARS,
    Share,
    arc,
    hue_interval,
    is_hue,
    nearest_turn,
    prediction_interval,
    scalar_of,
    share_of,
)
from lightmeter.monitor.shares import share_interval
from lightmeter.monitor.shelf import Contents, Past
from lightmeter.profile import ColumnView

__all__ = ["Change", "Drift", "Finding", "Interval", "Limits", "NewValues", "Rule", "Schema"]

OK, ANOMALY, NOT_ENOUGH, ERROR = "ok", "anomaly", "not enough data", "error"
_DISTANCES = ("hellinger", "hellinger_debiased", "psi", "js", "ks", "wasserstein", "effect")
_SHOWN = 5


class Finding(NamedTuple):
    """What a rule says of one feature: the value, what it should lie within, and the state."""

    feature: str
    state: str
    value: float | None = None
    lower: float | None = None
    upper: float | None = None
    words: str = ""


@dataclass(frozen=True, kw_only=True)
class Rule(ABC):
    """What every rule has.

    Attributes:
        features: patterns of feature names, as ``image.*``; none stands for all.
    """

    features: tuple[str, ...] = ()
    needs_baseline = True

    @abstractmethod
    def judge(self, target: Contents, baseline: Past) -> list[Finding]:
        """The findings on a bucket; `baseline` are the buckets that it is compared with."""

    def false_alarms(self) -> float | None:
        """How many a bucket raises by chance where nothing changed, at most; None: not known.

        That depends on the data wherever a rule does not: noise crosses any fixed limit if it is
        large enough, and what is rare is in one bucket and not in another.
        """
        return None

    def _takes(self, feature: str) -> bool:
        if not feature:  # which stands for the bucket itself
            return False
        names = {feature, column_of(feature)}
        return not self.features or any(
            fnmatchcase(name, pattern) for name in names for pattern in self.features
        )

    def _columns(self, contents: Contents) -> dict[str, ColumnView]:
        return {name: column for name, column in contents.columns.items() if self._takes(name)}


@dataclass(frozen=True, kw_only=True)
class Drift(Rule):
    """The distribution of a feature differs from the baseline's.

    Attributes:
        metric: ``"p"`` for the verdict of `lightmeter.compare`, or a distance of `FeatureDrift`,
            such as ``"hellinger"``.
        q: for ``"p"``: the chance that a bucket without drift raises any alarm.
        effect: for ``"p"``: the least effect that is worth one.
        above: for a distance: what it must exceed.
    """

    metric: str = "p"
    q: float = 0.01
    effect: float = 0.1
    above: float | None = None

    def __post_init__(self) -> None:
        """Refuse what can only be a mistake."""
        if self.metric != "p" and self.metric not in _DISTANCES:
            raise ValueError(f"metric is {self.metric!r}; expected 'p' or one of {_DISTANCES}")
        if (self.above is None) != (self.metric == "p"):
            raise ValueError("`above` goes with a distance as the metric, and must be given then")
        if self.above is not None and not math.isfinite(self.above):
            raise ValueError(f"above is {self.above}; expected a finite number")
        if not 0 < self.q <= 0.15 or not 0 <= self.effect <= 1:
            raise ValueError(
                f"got q {self.q} and effect {self.effect}; expected 0 < q <= 0.15 "
                "and 0 <= effect <= 1"
            )

    def judge(self, target: Contents, baseline: Past) -> list[Finding]:
        """One finding per feature that has the metric.

        With ``"p"`` the upper limit is the least effect that would have been an anomaly in this
        bucket, see `drift_thresholds`. Hue, categories and rates have none, as it is not known.
        Of a rate and a column of the same name, as ``a:missing``, the worse is found.
        """
        comparison = compare_views(
            target=target.view,
            reference=baseline.merged.view,
            thresholds=Thresholds(drift=self.q, effect=self.effect),
        )
        limits = drift_thresholds(comparison) if self.metric == "p" else {}
        found = []
        for line in sorted(
            comparison.features, key=lambda line: (line.feature, line.kind in RATES)
        ):
            if not self._takes(line.feature):
                continue
            if self.metric != "p":
                value = getattr(line, self.metric)
                assert self.above is not None
                if value is not None:
                    state = ANOMALY if value > self.above else OK
                    found.append(
                        Finding(line.feature, state, value, None, self.above, _cause(line))
                    )
            elif line.verdict == NOT_ENOUGH:
                found.append(Finding(line.feature, NOT_ENOUGH, words=line.reason))
            elif line.verdict is not None:
                state = ANOMALY if line.verdict == "drift" else OK
                limit = limits.get(line.feature) if line.kind == "number" else None
                found.append(Finding(line.feature, state, line.effect, None, limit, _cause(line)))
        return _distinct(found)

    def false_alarms(self) -> float | None:
        """`q` bounds the chance of any; of a plain distance it depends on the images per bucket."""
        return self.q if self.metric == "p" else None


@dataclass(frozen=True, kw_only=True)
class _OfScalar(Rule):
    """A rule on a number of each feature: see `SCALARS`."""

    scalar: str = "mean"

    def __post_init__(self) -> None:
        """Refuse an unknown scalar."""
        if self.scalar not in SCALARS:
            raise ValueError(f"scalar is {self.scalar!r}; expected one of {', '.join(SCALARS)}")


@dataclass(frozen=True, kw_only=True)
class Limits(_OfScalar):
    """A number lies outside of fixed limits.

    The mean of a hue lies on a circle: `lower` to `upper` is an arc, which passes 0 where `upper`
    is less. Of any other feature that is an error, told when it is judged.
    """

    lower: float | None = None
    upper: float | None = None
    needs_baseline = False

    def __post_init__(self) -> None:
        """Refuse what can only be a mistake."""
        super().__post_init__()
        if self.lower is None and self.upper is None:
            raise ValueError("expected `lower`, `upper` or both")
        given = [each for each in (self.lower, self.upper) if each is not None]
        if not all(map(math.isfinite, given)):
            raise ValueError(f"got {given}; expected finite numbers")
        if given != sorted(given) and self.scalar != "mean":
            raise ValueError(f"got {self._reversed}")

    def judge(self, target: Contents, baseline: Past) -> list[Finding]:
        """One finding per feature that has the number."""
        found = []
        for name, column in self._columns(target).items():
            value = scalar_of(column, self.scalar)
            if value is None:
                continue
            lower, upper = self.lower, self.upper
            if lower is not None and upper is not None:
                if is_hue(column, self.scalar):
                    lower, upper = arc(lower, upper + HUE_STEPS * (upper < lower))
                    value = nearest_turn(value, (lower + upper) / 2)
                elif lower > upper:
                    words = f"no hue, but {self._reversed}"
                    found.append(Finding(name, ERROR, value, words=words))
                    continue
            found.append(_within(name, value, lower, upper))
        return found

    @property
    def _reversed(self) -> str:
        return (
            f"lower {self.lower} and upper {self.upper}; expected lower up to upper, "
            "except for the mean of hues"
        )


@dataclass(frozen=True, kw_only=True)
class Interval(_OfScalar):
    """A number lies outside of the prediction interval of the baseline's buckets.

    That of Student's t, and for shares (missing_rate, failure_rate) one of counts as well: see
    `share_interval`.

    The mean of a hue lies on a circle: see `hue_interval`. Value and limits are then told with as
    many turns as bring them together, so that 253 may be -2.

    Attributes:
        alpha: the chance of that, for each feature, where nothing changed: at most for shares, and
            as far as the numbers of the buckets are normal for others, as means nearly are.
    """

    alpha: float = 0.001

    def __post_init__(self) -> None:
        """Refuse what can only be a mistake."""
        super().__post_init__()
        if not 0 < self.alpha < 1:
            raise ValueError(f"alpha is {self.alpha}; expected between 0 and 1")

    def judge(self, target: Contents, baseline: Past) -> list[Finding]:
        """One finding per feature that has the number."""
        columns = self._columns(target)
        values: dict[str, list[float]] = {name: [] for name in columns}
        shares: dict[str, list[Share]] = {name: [] for name in columns}
        for before in baseline:
            for name, column in self._columns(before).items():
                if name not in columns:
                    continue
                if (number := scalar_of(column, self.scalar)) is not None:
                    values[name].append(number)
                if (share := share_of(column, self.scalar)) is not None:
                    shares[name].append(share)
        found = []
        for name, column in columns.items():
            value, series = scalar_of(column, self.scalar), values[name]
            if value is None:
                continue
            if len(series) < 3:
                found.append(Finding(name, NOT_ENOUGH, value, words="fewer than 3 buckets"))
            elif (share := share_of(column, self.scalar)) is not None:
                found.append(
                    _within(name, value, *share_interval(shares[name], share.n, self.alpha))
                )
            elif not is_hue(column, self.scalar):
                found.append(_within(name, value, *prediction_interval(series, self.alpha)))
            elif (limits := hue_interval(series, self.alpha)) is None:
                found.append(Finding(name, NOT_ENOUGH, value, words="no direction of the hues"))
            else:
                found.append(_within(name, nearest_turn(value, sum(limits) / 2), *limits))
        return found

    def false_alarms(self) -> float | None:
        """`alpha` for each feature named; with patterns their number is not known here.

        Nor is it for numbers that may be far from normal, such as the largest value.
        """
        if self.scalar not in ("mean", "missing_rate", "failure_rate"):
            return None
        if not self.features or any(char in name for name in self.features for char in "*?["):
            return None
        return self.alpha * len(self.features)


@dataclass(frozen=True, kw_only=True)
class Change(_OfScalar):
    """A number differs from the baseline's by more than a share of it, or an amount.

    The mean of a hue differs by the shorter way around the circle, and as it has no zero to take a
    share from, `relative` is one of half the circle, the most it can differ by.
    """

    relative: float | None = None
    absolute: float | None = None

    def __post_init__(self) -> None:
        """Refuse what can only be a mistake."""
        super().__post_init__()
        given = [each for each in (self.relative, self.absolute) if each is not None]
        if len(given) != 1 or not 0 < given[0] < math.inf:
            raise ValueError("expected one of `relative` and `absolute`, above 0 and finite")

    def judge(self, target: Contents, baseline: Past) -> list[Finding]:
        """One finding per feature that has the number on both sides."""
        past = self._columns(baseline.merged)
        found = []
        for name, column in self._columns(target).items():
            value = scalar_of(column, self.scalar)
            before = scalar_of(past[name], self.scalar) if name in past else None
            if value is None or before is None:
                continue
            if self.scalar == "n":  # of one bucket
                before /= baseline.count
            circular = is_hue(column, self.scalar)
            whole = HUE_STEPS / 2 if circular else abs(before)
            room = self.absolute if self.relative is None else self.relative * whole
            assert room is not None
            lower, upper = before - room, before + room
            if circular:
                lower, upper = arc(lower, upper)
                value = nearest_turn(value, (lower + upper) / 2)
            found.append(_within(name, value, lower, upper))
        return found


@dataclass(frozen=True, kw_only=True)
class NewValues(Rule):
    """A category that the baseline has not, or that is not among those allowed.

    Profiles list as many values as they have room for, the most frequent ones. Where those of a
    bucket of the baseline did not all fit, a value that is not listed may well have been there, and
    there is not enough data to call it new.
    """

    allowed: tuple[str, ...] = ()

    @property
    def needs_baseline(self) -> bool:  # type: ignore[override]
        """Unless the allowed values are named."""
        return not self.allowed

    def judge(self, target: Contents, baseline: Past) -> list[Finding]:
        """One finding per feature of strings."""
        columns = self._columns(target)
        known = {name: set(self.allowed) for name in columns}
        all_listed = dict.fromkeys(columns, True)
        for before in () if self.allowed else baseline:
            for name, column in self._columns(before).items():
                if name in columns:
                    known[name].update(item.value for item in column.frequent)
                    all_listed[name] &= column.lists_all
        found = []
        for name, column in columns.items():
            if column.kind not in ("category", "failure"):
                continue
            new = [item.value for item in column.frequent if item.value not in known[name]]
            detail = ", ".join(map(repr, new[:_SHOWN])) + (", ..." if len(new) > _SHOWN else "")
            if new and not all_listed[name]:
                words = "the baseline has more values than its profiles list"
                found.append(Finding(name, NOT_ENOUGH, words=words))
            else:
                found.append(Finding(name, ANOMALY if new else OK, len(new), None, 0, detail))
        return found


@dataclass(frozen=True, kw_only=True)
class Schema(Rule):
    """A feature that the baseline has not, or the other way round."""

    def judge(self, target: Contents, baseline: Past) -> list[Finding]:
        """One finding per feature that came or went, or one on all of them if there are any."""
        now = set(self._columns(target))
        before = set(self._columns(baseline.merged))
        found = [Finding(name, ANOMALY, words="new") for name in sorted(now - before)]
        found += [Finding(name, ANOMALY, words="gone") for name in sorted(before - now)]
        return sorted(found) or [Finding("", OK)] * bool(now)


def _distinct(found: list[Finding]) -> list[Finding]:
    """One finding per feature, by name: the worst, and of those as bad the first."""
    worst: dict[str, Finding] = {}
    for one in sorted(found, key=lambda one: (ANOMALY, OK, NOT_ENOUGH).index(one.state)):
        worst.setdefault(one.feature, one)
    return sorted(worst.values(), key=lambda one: one.feature)


def _cause(line: FeatureDrift) -> str:
    """How the feature changed, and how surely."""
    return "; ".join(filter(None, (finding(line), line.reason)))


def _within(name: str, value: float, lower: float | None, upper: float | None) -> Finding:
    """Rounding of a constant is no change."""
    room = 1e-9 * max(1.0, abs(value))
    low = lower is not None and value < lower - room
    high = upper is not None and value > upper + room
    return Finding(name, ANOMALY if low or high else OK, value, lower, upper)
