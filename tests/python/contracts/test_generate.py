"""Contracts that profiles of what is good suggest: they pass those, and others of their kind."""

import tomllib
from typing import Any

import lightmeter as lm
import numpy as np
import pytest
from conftest import encoded, picture
from lightmeter import Contract, ProfileView
from lightmeter.contracts.generate import contract_of
from PIL import ImageFilter


def contract(views: list[ProfileView], batch: int | None = None) -> Contract:
    return Contract(tomllib.loads(contract_of(views, batch)))


def rows(rng: np.random.Generator, n: int, shift: float = 0.0) -> ProfileView:
    columns: dict[str, Any] = {
        "normal": rng.normal(shift, 1, n),
        "skewed": rng.lognormal(0, 1, n),
        "rare": rng.random(n) < 0.02,
        "count": rng.poisson(0.3, n),
        'od\u202e"d\n': rng.choice(["a", "b", 'c"'], n),
        "gaps": np.where(rng.random(n) < 0.05, np.nan, rng.normal(0, 1, n)),
        "same": np.ones(n),
    }
    return lm.log(columns=columns).view()


@pytest.mark.parametrize(("n", "batch", "profiles"), [(100, 100, 1), (400, 50, 1), (100, 100, 6)])
def test_it_passes_its_own_profiles_and_95_of_100_others(n: int, batch: int, profiles: int) -> None:
    rng, failed = np.random.default_rng(0), 0
    for _ in range(25):
        views = [rows(rng, n) for _ in range(profiles)]
        made = contract(views, batch)
        assert all(made.judge(view).passed for view in views)
        failed += sum(not made.judge(rows(rng, batch)).passed for _ in range(4))
    assert failed <= 5  # of 100
    assert not made.judge(rows(rng, batch, shift=2)).passed


def test_what_varies_between_profiles_widens_the_limits() -> None:
    rng = np.random.default_rng(0)
    days = [rows(rng, 200, shift) for shift in rng.normal(0, 0.5, 12)]
    assert contract(days).judge(rows(rng, 200, shift=1)).passed
    assert not contract(days[:1]).judge(rows(rng, 200, shift=1)).passed


def failed(views: list[ProfileView], batch: int | None = None, **columns: Any) -> list[str]:
    """What fails of these, by a contract of the profiles, each of which passes it."""
    made = contract(views, batch)
    assert all(made.judge(view).passed for view in views)
    failures = made.judge(lm.log(columns=columns).view()).failures
    return [failure.feature for failure in failures if failure.severity == "error"]


def logged(**columns: Any) -> ProfileView:
    return lm.log(columns=columns).view()


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ([False] * 100, [True] * 100),
        ([False] * 100, [False] * 80 + [True] * 20),
        ([3] * 100, [3] * 80 + [1] * 20),
        ([0.0] * 100, [0.0] * 80 + [7.0] * 20),
        ([1, 0] * 50, [1] * 100),
        ([1] * 100, ["1"] * 20 + [1] * 80),
    ],
)
def test_constants_and_rates_have_limits(good: list[Any], bad: list[Any]) -> None:
    assert failed([logged(x=good)], x=bad) == ["x"]
    assert failed([logged(x=good)] * 3, x=good) == []
    rarely = [*good[1:], bad[-1] if isinstance(bad[-1], type(good[0])) else 1.5]
    assert failed([logged(x=good)], x=rarely) == []


def test_times_and_identifiers_have_no_mean() -> None:
    def day(number: int) -> dict[str, Any]:
        seconds = np.arange(200) * 60 + number * 86400
        times = np.datetime64("2026-01-01", "s") + seconds.astype("m8[s]")
        return {"at": times, "id": np.arange(200) + number * 200}

    days = [logged(**day(number)) for number in range(7)]
    assert failed(days[:1], **day(1)) == []
    assert failed(days, **day(14)) == []


@pytest.mark.parametrize(("share", "batch"), [(0.1, 1000), (0.1, 50), (0.02, 50)])
def test_what_few_rows_have(share: float, batch: int) -> None:
    rng, count = np.random.default_rng(1), 0

    def some(n: int) -> ProfileView:
        profile = lm.Profile()
        profile.log(columns={"x": np.where(rng.random(n) < share, rng.normal(size=n), np.nan)})
        profile.log(columns={"y": rng.normal(size=rng.binomial(n, share))})  # of no row besides
        profile.log(columns={"all": np.ones(n)})
        return profile.view()

    for _ in range(10):
        made = contract([some(1000)], batch)
        count += sum(not made.judge(some(batch)).passed for _ in range(10))
    assert count <= 6  # of 100


@pytest.mark.parametrize(
    "other", [[None] * 50, ["a"] * 90 + [np.inf] * 9, [1e200] * 9, [2**60] * 9, [np.ones(3)] * 9]
)
def test_it_passes_profiles_of_odd_days(other: list[Any]) -> None:
    views = [logged(x=np.arange(50) / 3), lm.log(columns={"x": other}).view()]
    assert failed(views, x=other) == []


def test_names_are_no_patterns() -> None:
    good = logged(**{"temp[C]": [1.0] * 9, "all*": [1.0] * 9})
    assert failed([good], tempC=[1.0] * 9, allow=[1.0] * 9) == ["all[*]", "temp[[]C]"] * 2


def test_of_pictures() -> None:
    pictures = [picture(seed=seed) for seed in range(60)]
    tagged = encoded("PNG", picture(seed=60), tags={0x0131: "a program"})  # Software
    good = lm.log_image([*pictures[:30], tagged]).view()
    text = contract_of([good])
    assert "image.Software" in good
    assert "image.Software" not in text, "the next batch may lack a rare tag"
    made = Contract(tomllib.loads(text))
    assert "failure_rate" in text
    assert ".pixels" not in text.partition("schema")[2]
    for view in (good, lm.log_image(pictures[30:]).view()):
        assert made.judge(view).passed
    for spoilt in (
        [image.filter(ImageFilter.GaussianBlur(1)) for image in pictures[30:]],
        [image.point(lambda sample: sample * 2 // 3) for image in pictures[30:]],
        [*pictures[30:], *[b"no picture"] * 20],
    ):
        assert not made.judge(lm.log_image(spoilt).view()).passed


@pytest.mark.parametrize("scale", [(1e9, 1e-3), (-1e-12, 1e-15), (1e300, 1e299), (0.0, 5e-324)])
def test_of_numbers_of_any_size(scale: tuple[float, float]) -> None:
    middle, spread = scale
    view = lm.log(columns={"x": middle + spread * np.arange(-9.0, 10.0)}).view()
    assert contract([view]).judge(view).passed


def test_of_nothing() -> None:
    for views in ([lm.Profile().view()], [lm.log(row={"a": 1}).view(), lm.Profile().view()]):
        with pytest.raises(ValueError, match="empty profile"):
            contract_of(views)
    few = lm.log(columns={"x": [1.0, 2.0, 3.0, 4.0]}).view()
    with pytest.raises(
        ValueError, match="without enough values in common; expected a feature with"
    ):
        contract_of([few])
