"""The test for slow change: its laws, and what it finds where the truth is known."""

from typing import Any

import numpy as np
import pytest
from lightmeter.drift.trend import (
    FIRST,
    STEP,
    Change,
    Episode,
    Statistic,
    clipped,
    concentration_of,
    direction_of,
    level_of,
    rate_of,
    spread_of,
    threshold,
    watch,
)

LIMIT = threshold(0.8 / 20)


def days(seed: int, buckets: int, features: int, effect: float = 0.1, n: int = 100) -> Any:
    """Means, standard deviations and sizes of days that differ a little."""
    rng = np.random.default_rng(seed)
    means = rng.normal(0, 1 / np.sqrt(n), (buckets, features))
    means += effect * rng.normal(size=(buckets, features))
    stddevs = np.sqrt(rng.chisquare(n - 1, (buckets, features)) / (n - 1))
    return means, stddevs, np.full((buckets, features), float(n))


def limits(features: int) -> Any:
    return np.full(features, LIMIT)


def opened(statistic: Statistic, limit: Any) -> Any:
    """Whether a change is open, by bucket and feature."""
    is_open = np.zeros(statistic.n.shape, bool)
    for feature, episodes in watch(statistic, limit)[1].items():
        for each in episodes:
            is_open[each.opened : each.closed, feature] = True
    return is_open


def last_change(statistic: Statistic, limit: Any, feature: int = 0) -> Change:
    return watch(statistic, limit)[1][feature][-1].change(len(statistic.n) - 1)


@pytest.mark.parametrize("extra", [0, 1, 3])
def test_e_values_are_those_of_weighted_regressions(extra: int) -> None:
    """The Bayes factor by its definition: residual sums of squares with and without the step."""
    rng = np.random.default_rng(extra)
    buckets, features = 60, 3
    sizes = rng.integers(5, 500, (buckets, features)).astype(float)
    columns = rng.normal(size=(buckets, features, 1 + extra))
    columns[..., 0] = 1
    statistic = level_of(rng.normal(size=(buckets, features)), np.ones_like(sizes), sizes)
    series = clipped(statistic._replace(columns=columns))
    factor = rng.uniform(1, 2, features)
    for fit, weights in zip(series.fits, (series.weights, sizes), strict=True):
        for start in range(FIRST, buckets - STEP + 1, STEP):
            for at in (start + STEP - 1, buckets - 1):
                found = fit.log_e(np.array([at]), np.array([start]), factor)[0]
                for feature in range(features):
                    root = np.sqrt(weights[: at + 1, feature])
                    y = series.values[: at + 1, feature] * root
                    known = columns[: at + 1, feature] * root[:, None]
                    step = (np.arange(at + 1) >= start) * root

                    def off(part: Any, known: Any = known) -> Any:
                        return part - known @ np.linalg.lstsq(known, part, rcond=None)[0]

                    x, r = off(step), off(y)
                    s = (x @ x) / factor[feature] / weights[:FIRST, feature].mean()
                    share = (x @ r) ** 2 / ((x @ x) * (r @ r))
                    power = -(at + 1 - 1 - extra) / (2 * factor[feature])
                    expected = -np.log1p(s) / 2 + power * np.log(1 - s / (1 + s) * share)
                    assert found[feature] == pytest.approx(expected, abs=1e-5)


def test_e_values_are_seldom_large_where_nothing_changes() -> None:
    """The largest that a start ever has exceeds x with a chance of 1 / x at most (Ville 1939)."""
    means, stddevs, n = days(1, 70, 10_000)
    series = clipped(level_of(means, stddevs, n))
    for start in range(FIRST, 70 - STEP + 1, STEP):
        at = np.arange(start + STEP - 1, 70)
        log_e = series.fits[0].log_e(at, np.full(len(at), start), np.ones(10_000))
        largest = log_e.max(axis=0)
        for x in (5, 20, 100):
            assert (largest >= np.log(x)).mean() <= 1.1 / x


def test_an_episode_ends_and_what_is_said_of_a_day_follows_from_the_days_up_to_it() -> None:
    means, stddevs, n = days(2, 300, 5)
    means[120:150, 0] += 1.0
    means[220:, 0] += 0.5
    level = level_of(means, stddevs, n)
    is_open = opened(level, limits(5))
    log_m, episodes = watch(level, limits(5))
    begun, over, again = np.flatnonzero(np.diff(is_open[:, 0].astype(int))) + 1
    assert 124 <= begun <= 130
    assert 155 <= over <= 165
    assert 221 <= again <= 234
    assert not is_open[:, 1:].any()
    for known in (100, 140, 200, 299):
        exceeded = (log_m[:known] >= LIMIT).any(axis=0)
        later, changes = watch(level, limits(5), known, exceeded)
        np.testing.assert_array_equal(later[known:], log_m[known:])
        assert [each[:2] for each in changes[0]] == [each[:2] for each in episodes[0]]
    for until in (100, 140, 200, 260):
        part = level_of(means[:until], stddevs[:until], n[:until])
        np.testing.assert_array_equal(watch(part, limits(5))[0], log_m[:until])
        np.testing.assert_array_equal(opened(part, limits(5)), is_open[:until])
        if is_open[until - 1, 0]:
            (before,) = (e for e in episodes[0] if e.opened < until <= e.closed)
            assert last_change(part, limits(5)) == before.change(until - 1)


@pytest.mark.parametrize(
    ("step", "creep", "latest"),
    [(0.3, 0.0, 14), (0.5, 0.0, 9), (4.0, 0.0, 9), (0.0, 0.01, 40), (0.0, 0.02, 25)],
)
def test_slow_and_lasting_change_is_found(step: float, creep: float, latest: int) -> None:
    for seed in range(5):
        means, stddevs, n = days(10 + seed, 160, 20)
        after = np.arange(160) - 91
        means[:, 0] += step * (after >= 0) + creep * np.maximum(after + 1, 0)
        level = level_of(means, stddevs, n)
        is_open = opened(level, limits(20))[:, 0]
        first = int(np.argmax(is_open))
        assert 91 < first <= 91 + latest
        assert is_open[first:].all()
        change = last_change(level, limits(20))
        assert change.first <= 91 <= change.last
        assert change.now - change.before == pytest.approx(step or creep * 69, abs=0.12)
        assert change.shape in ("", "creep" if creep else "step")


def test_a_changed_spread_is_found() -> None:
    _, stddevs, n = days(6, 160, 20)
    stddevs[91:, 3] *= 1.2
    spread, limit = spread_of(stddevs, n), np.full(20, threshold(0.2 / 20))
    assert 91 < int(np.argmax(opened(spread, limit)[:, 3])) < 120
    change = last_change(spread, limit, 3)
    assert change.now - change.before == pytest.approx(np.log(1.2), abs=0.05)


def test_a_spread_of_small_buckets_that_grow_is_no_change() -> None:
    """Images come in bursts, so the spread within a small bucket is too small."""
    rng = np.random.default_rng(7)
    stddevs, sizes = np.ones((200, 10)), np.full((200, 10), 20.0)
    sizes[100:] = 500
    for at in range(200):
        bursts = np.repeat(rng.normal(size=(int(sizes[at, 0]) // 10, 10)), 10, axis=0)
        stddevs[at] = (0.7 * bursts + 0.7 * rng.normal(size=bursts.shape)).std(axis=0, ddof=1)
    assert not opened(spread_of(stddevs, sizes), np.full(10, threshold(0.02))).any()


def test_nothing_is_found_where_nothing_changes() -> None:
    """A promise of one false alarm a year for all features: here are six quiet years."""
    alarms = 0
    for seed in range(6):
        rng = np.random.default_rng([8, seed])
        means, stddevs, n = days(seed, 365, 20, effect=0.0)
        weather = 0.3 * rng.normal(size=(365, 20))
        for at in range(1, 365):
            weather[at] = 0.3 * weather[at - 1] + 0.954 * weather[at]
        is_open = opened(level_of(means + weather, stddevs, n), limits(20))
        alarms += int((is_open[1:] & ~is_open[:-1]).sum())
    assert alarms <= 6


def test_rates_and_hues() -> None:
    never = rate_of(np.zeros((40, 1)), np.full((40, 1), 10.0))
    half = 0.5 / (10 * FIRST + 1)  # a hit
    assert never.unit.item() == pytest.approx(np.sqrt(half * (1 - half)))

    rng = np.random.default_rng(9)
    n = np.full((200, 4), 500.0)
    rate = np.full((200, 4), 0.01)
    rate[100:, 1] = 0.03
    rates, limit = rate_of(rng.binomial(500, rate).astype(float), n), np.full(4, threshold(0.25))
    is_open = opened(rates, limit)
    assert 100 < int(np.argmax(is_open[:, 1])) < 115
    assert not is_open[:, [0, 2, 3]].any()
    change = last_change(rates, limit, 1)
    assert (change.before, change.now) == pytest.approx((0.01, 0.03), abs=0.002)

    n[::2] = 50  # which is no change of what never happens, nor of what seldom does
    n[150:] = 50
    hits = rng.binomial(n.astype(int), [0.0, 0.001, 0.01, 0.5]).astype(float)
    assert not opened(rate_of(hits, n), np.full(4, threshold(0.25))).any()

    angles = rng.normal(3.1, 0.1, (200, 2))  # about where the circle is cut
    angles[100:, 0] += 0.2
    cosines, sines = 0.9 * np.cos(angles), 0.9 * np.sin(angles)
    n = np.full((200, 2), 500.0)
    turned, lengths = direction_of(cosines, sines, n), concentration_of(cosines, sines, n)
    limit = np.full(2, threshold(0.25))
    assert opened(turned, limit)[-1].tolist() == [True, False]
    change = last_change(turned, limit)
    assert change.now > change.before
    assert not opened(lengths, limit)[:, 1].any()


def test_seasons_are_taken_out() -> None:
    means, stddevs, n = days(11, 900, 4)
    at = np.arange(900)
    means += 0.8 * np.sin(2 * np.pi * at / 365.25)[:, None]
    means[700:, 0] += 0.5
    turns = 2 * np.pi * at[:, None, None] / 365.25
    level = level_of(means, stddevs, n).beside(np.concatenate([np.cos(turns), np.sin(turns)], 2))
    is_open = opened(level, limits(4))
    assert 700 < int(np.argmax(is_open[:, 0])) < 740
    assert not is_open[:, 1:].any()


@pytest.mark.parametrize("buckets", [1, 2, 27, 28, 34, 35])
def test_short_series_and_empty_buckets(buckets: int) -> None:
    means, stddevs, n = days(13, 35, 3)
    n[::3, 1] = 0
    n[:, 2] = 0
    part = level_of(means[:buckets], stddevs[:buckets], n[:buckets])
    log_m, episodes = watch(part, limits(3))
    assert log_m.shape == (buckets, 3)
    assert not np.isnan(log_m).any()
    assert not episodes


def test_one_wild_day_is_no_trend() -> None:
    means, stddevs, n = days(14, 160, 20)
    means[100] += 3.0
    assert not opened(level_of(means, stddevs, n), limits(20)).any()


def test_changes_of_a_third_of_the_features_hide_no_other() -> None:
    means, stddevs, n = days(32, 220, 36)
    means[91:, 1:11] += 2.0
    means[181:, 0] += 0.5
    assert 181 < int(np.argmax(opened(level_of(means, stddevs, n), limits(36))[:, 0])) <= 195


def test_shapes_are_said_once_they_are_clear() -> None:
    weights, rng = np.full(120, 50.0), np.random.default_rng(15)
    noise = rng.normal(0, 0.14, 120)
    after = np.arange(120) - 70
    step, creep = (
        Episode(0, 120, noise + change, weights, 1.0).change(119)
        for change in (0.5 * (after >= 0), 0.03 * np.maximum(after + 1, 0))
    )
    assert (step.shape, creep.shape) == ("step", "creep")
    assert step.first <= 70 <= step.last <= step.first + 4


def test_what_never_varied_is_judged_too() -> None:
    n = np.full((120, 3), 100.0)
    hits = np.zeros((120, 3))
    hits[70:, 0] = 30
    is_open = opened(rate_of(hits, n), limits(3))
    assert 70 < int(np.argmax(is_open[:, 0])) < 80
    assert not is_open[:, 1:].any()
    levels = np.full((120, 3), 7.0)
    levels[70:, 1] = 8.0
    is_open = opened(level_of(levels, np.zeros((120, 3)), n), limits(3))
    assert 70 < int(np.argmax(is_open[:, 1])) < 80
    assert not is_open[:, [0, 2]].any()
    assert not opened(spread_of(np.zeros((120, 3)), n), limits(3)).any()
