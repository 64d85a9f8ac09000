"""Contracts that profiles of what is good suggest: they pass those, and others of their kind."""

import tomllib
from typing import Any

import numpy as np
import pytest
from conftest import picture
from PIL import ImageFilter

pytest.importorskip("pydantic")

import lightmeter as lm
from lightmeter import Contract, ProfileView
from lightmeter.contracts.generate import contract_of


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


def test_of_pictures() -> None:
    pictures = [picture(seed=seed) for seed in range(60)]
    good = lm.log_image([*pictures[:30]]).view()
    text = contract_of([good])
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
        with pytest.raises(ValueError, match="holds nothing"):
            contract_of(views)
