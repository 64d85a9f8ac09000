"""Expectations in a file, judged on a profile: what holds, fails, and cannot be told."""

import json
import tomllib
from pathlib import Path
from typing import Any

import lightmeter as lm
import numpy as np
import pytest
from conftest import encoded, picture, run_program
from contracts_of_whylogs import TABLES, constraints
from lightmeter import Contract, ProfileView, testing
from lightmeter.contracts.generate import contract_of
from lightmeter.errors import ConfigError
from PIL import ImageFilter

N = 100
COLUMNS = {
    "x": np.arange(N) / 2,
    "id": np.arange(N),
    "camera": ["left", "right", "left", "right", "up"] * (N // 5),
    "gaps": [None if i < 10 else i % 3 for i in range(N)],
    "many": np.arange(N) % 7,
}


@pytest.fixture(scope="module")
def view() -> ProfileView:
    return lm.log(columns=COLUMNS).view()


@pytest.fixture(scope="module")
def large() -> ProfileView:
    """Of more values than a profile lists."""
    rng = np.random.default_rng(0)
    texts = ["often"] * 9000 + ["second"] * 3000 + [f"rare {i}" for i in range(5000)]
    columns = {"x": rng.normal(0, 1, 17000), "text": texts, "id": np.arange(17000) * 1.5}
    columns["whole"] = np.arange(17000)
    return lm.log(columns=columns).view()


def states(view: ProfileView, feature: str, toml: str) -> list[str]:
    contract = Contract({"expect": [{"feature": feature, **tomllib.loads(toml)}]})
    return [outcome.state for outcome in contract.judge(view).outcomes]


@pytest.mark.parametrize(
    ("feature", "toml", "state"),
    [
        ("x", "mean = { at_least = 24.75 }", "holds"),
        ("x", "mean = { above = 24.75 }", "fails"),
        ("x", "q_05 = { at_least = 2, at_most = 3 }", "holds"),
        ("x", "failure_rate = { at_most = 1 }", "cannot be told"),
        ("camera", 'values = ["left", "right"]\ntop = 2', "holds"),
        ("camera", 'values = ["left"]\ntop = 1', "cannot be told"),  # which are as frequent
        ("camera", 'contains = ["up", "down"]', "fails"),
        ("many", "values = [0, 1, 2, 3, 4, 5, 6.0]", "holds"),
        ("many", "values = [true, false]", "fails"),
        ("gaps", "missing_rate = { below = 0.1 }", "fails"),
        ("gone", "n = { above = 0 }", "fails"),
    ],
)
def test_clauses(view: ProfileView, feature: str, toml: str, state: str) -> None:
    assert set(states(view, feature, toml)) == {state}


@pytest.mark.parametrize(
    ("feature", "toml", "state"),
    [
        ("x", "median = { at_least = -0.1, at_most = 0.1 }", "holds"),
        ("x", "q_90 = { at_least = 1.29 }", "cannot be told"),
        ("text", "distinct = { at_least = 4000, at_most = 6000 }", "holds"),
        ("text", "distinct = { at_most = 5002 }", "cannot be told"),
        ("text", 'contains = ["never"]', "cannot be told"),
        ("text", 'values = ["often", "second"]\ntop = 2', "holds"),
        ("text", "unique = true", "fails"),
        ("id", "unique = true", "cannot be told"),
        ("id", "distinct_rate = { at_least = 0.9 }", "holds"),
        ("whole", "contains = [9000]", "cannot be told"),
    ],
)
def test_what_a_sketch_bounds(large: ProfileView, feature: str, toml: str, state: str) -> None:
    assert set(states(large, feature, toml)) == {state}
    passed = Contract({"expect": [{"feature": feature, **tomllib.loads(toml)}]}).judge(large).passed
    assert passed == (state == "holds")


INF = float("inf")
LONG = "/data/" + "a" * 118  # as a profile holds it, if more follow
WHOLE = [1.0] * 50 + [INF] * 50


@pytest.mark.parametrize(
    ("values", "toml", "state"),
    [
        # Infinite values are values.
        (WHOLE, "q_99 = { at_most = 10 }", "fails"),
        ([-INF, 1.0, 2.0], "min = { at_least = 0 }", "fails"),
        (WHOLE, "mean = { at_most = 10 }", "cannot be told"),
        ([1.0, INF, -INF], "distinct = { at_least = 3, at_most = 3 }", "holds"),
        # Texts are cut, and large integers rounded, before they are counted.
        ([LONG + "/other"], f"values = ['{LONG}']", "fails"),
        ([LONG + "/abcone", LONG + "/abctwo"], f"contains = ['{LONG}']", "fails"),
        ([LONG + "/abcone", LONG + "/abctwo"], "unique = true", "cannot be told"),
        ([LONG + "/abcone", LONG + "/abctwo"], "distinct = { at_most = 1 }", "cannot be told"),
        (2**53 + np.arange(100), "unique = true", "cannot be told"),
        (2**60 + np.arange(5000), "distinct_rate = { at_least = 0.5 }", "cannot be told"),
        # Exact numbers are compared exactly.
        ([5e-10], "max = { at_most = 0 }", "fails"),
        ([10**10 + 9], "sum = { at_most = 10000000000 }", "fails"),
        ([0.1] * 10, "sum = { at_least = 1, at_most = 1 }", "holds"),
        ([1, 1, 1] + [None] * 7, "missing_rate.at_most = 0.7", "holds"),
        # Vectors are not compared.
        (np.ones((5, 3)), "values = ['a']", "cannot be told"),
        # A text is no number.
        (["a"] * 3 + [1.5] * 10, "values = ['a']\ntop = 1", "fails"),
        ([1.5, "1.5", 2, "2"], "values = ['1.5', 2]", "fails"),
        ([1, "1"], "contains = [1, '1']", "holds"),
        ([INF], "values = ['inf']", "fails"),
    ],
)
def test_what_a_profile_holds_of_a_value(values: Any, toml: str, state: str) -> None:
    assert set(states(lm.log(columns={"x": values}).view(), "x", toml)) == {state}


def test_a_message_has_the_digits_that_differ() -> None:
    view = lm.log(columns={"x": [10**12 + 5000]}).view()
    contract = {"expect": [{"feature": "x", "max": {"at_most": 10**12}}]}
    (failure,) = Contract(contract).judge(view).failures
    assert "at most 1000000000000, got 1000000005000" in str(failure)


def test_a_mean_of_hues_is_on_a_circle() -> None:
    red = [np.full((8, 8, 3), (255, 0, shade), np.uint8) for shade in (0, 40)]
    view = lm.log_image(red).view()
    name = "image.Hue.circular_mean"
    assert set(states(view, name, "mean = { at_least = 240, at_most = 10 }")) == {"holds"}
    assert set(states(view, name, "mean = { at_least = 10, at_most = 240 }")) == {"fails"}


@pytest.mark.parametrize(
    ("schema", "features", "failed"),
    [
        ("at_least", ["x", "cam*"], []),
        ("exactly", ["x", "id", "camera", "gaps", "many"], []),
        ("exactly", ["x", "id", "cam*", "gaps"], ["many"]),
        ("exactly", ["*", "lense"], ["lense"]),
    ],
)
def test_schema(view: ProfileView, schema: str, features: list[str], failed: list[str]) -> None:
    result = Contract({"expect": [{"features": features, "schema": schema}]}).judge(view)
    assert [outcome.feature for outcome in result.failures] == failed


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("[[expect]]\nfeature = 'x'\nmaen = { at_least = 1 }", r"expect\[1\].maen: .* mean"),
        ("[[expect]]\nfeature = 'x'\nmean.at_leest = 1", r"expect\[1\].mean.at_leest: .*at_l"),
        ("[[expect]]\nfeature = 'x'\nmean = {}", r"expect\[1\].mean: got an empty table"),
        ("[[expect]]\nfeature = 'x'\nmean = 4", r"expect\[1\].mean is 4; expected a table of at_"),
        ("[[expect]]\nfeature = 'x'", r"no expectation"),
        ("[[expect]]\nfeature = 'x'\ntype = 'intger'", r"type is 'intger'; did you mean integer"),
        ("[[expect]]\nunique = true", "either feature or features"),
        ("[[expect]]\nfeature = 'x'\nschema = 'exactly'", "schema without features"),
        ("[[expect]]\nfeature = 'x'\nvalues = [[1]]", r"values\[1\] is \[1\]"),
        ("[[expect]]\nfeature = 'x'\nvalues = [0x1" + "0" * 9000 + "]", r"values\[1\]: .* 2\^53"),
        ("[[expect]]\nfeature = 'x'\nvalues = ['" + "é" * 63 + "']", "more than 124 bytes"),
        ("[[expect]]\nfeature = 'x'\nvalues = ['a']\ntop = 513", "top is 513"),
        ("[[expect]]\nfeature = 'x'\nmean = { at_least = inf }", "finite"),
        ("[[expect]]\nfeature = 'x'\nn.above = 0x" + "f" * 9000, r"n.above is a value too large"),
        ("[[expect]]\nfeature = 'x'\nn = { at_least = 2, below = 1 }", "the lower one first"),
        ("[[expect]]\nfeature = 'x'\nn = { at_least = 3, below = 3 }", "the lower one first"),
        ("[[expect]]\nfeature = 'a.Hue'\nmean = { above = 3, at_most = 2 }", "the lower one first"),
        ("[[expect]]\nfeature = 'x'\nvalues = []", r"values is \[\]; expected at least 1 item$"),
        ("[[expct]]\nfeature = 'x'", r"expct: unknown key; did you mean expect"),
        ("expect = 3", "expect is 3"),
        ("[[expect]]\nn.above = 1\nfeature = '" + "*a" * 10**6 + "'", "at most 1000 characters"),
        ("x = " + "[" * 5000, "nested|Invalid|recursion"),
        ("x = '\udcff'", "utf-8"),
        ("[[expect]]\nx = 1\n" * 9, "and 4 more mistakes"),
    ],
)
def test_a_mistake_is_told_with_its_path(tmp_path: Path, toml: str, words: str) -> None:
    file = tmp_path / "contract.toml"
    file.write_bytes(toml.encode(errors="surrogateescape"))
    with pytest.raises(ConfigError, match=words) as raised:
        Contract(file)
    assert str(file) in str(raised.value)
    assert len(str(raised.value)) < 3000


@pytest.mark.parametrize("key", ["feature", "name", "values"])
def test_half_a_character(key: str) -> None:
    """A TOML file has none, but a dict may."""
    table = {"feature": "x", "values": ["a"], key: "\ud800" if key != "values" else ["\ud800"]}
    with pytest.raises(ConfigError, match=f"{key}.*(surrogates not allowed|unicode)"):
        Contract({"expect": [table]})


def test_only_few_missing_names_are_guessed() -> None:
    """Each takes a fifth of a second in so wide a table."""
    view = lm.log(row={f"feature_{i}_of_a_wide_table": 1.0 for i in range(300)}).view()
    tables = [{"feature": f"feature_{i}_of_a_wide_tabel", "n": {"above": 0}} for i in range(9)]
    failures = Contract({"expect": tables}).judge(view).failures
    assert ["did you mean" in failure.got for failure in failures] == [True] * 3 + [False] * 6


def test_a_missing_feature_is_one_failure_that_names_its_set() -> None:
    table = {"feature": "image.Vignetting", "n": {"above": 0}}
    (failure,) = Contract({"expect": [table, table]}).judge(lm.log_image(picture())).failures
    assert failure.got == 'none; measure with metrics="camera" (option --metrics)'


def test_a_name_is_a_pattern_only_where_no_feature_has_it() -> None:
    view = lm.log(row={"temp[C]": 1.0, "tempC": 2.0}).view()
    assert states(view, "temp[C]", "mean = { at_most = 1 }") == ["holds"]
    assert states(view, "temp[[]C]", "mean = { at_most = 1 }") == ["holds"]
    assert states(view, "temp?", "mean = { at_most = 1 }") == ["fails"]


def test_results(view: ProfileView, tmp_path: Path) -> None:
    first = {"name": "<b>", "feature": "x", "mean": {"at_least": 30}, "severity": "warning"}
    second = {"feature": "x", "n": {"at_least": 1}}
    result = Contract({"expect": [first, second]}).judge(view)
    assert result.passed
    assert repr(result) == "contract passed: 1 of 2 expectations failed"
    (failure,) = result.failures
    assert str(failure) == "warning: <b>: x: expected mean at least 30, got 24.75"
    assert json.loads(result.to_json())["outcomes"][0]["state"] == "fails"
    assert list(result.to_pandas().state) == ["fails", "holds"]
    result.write_html(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;" in page
    assert "<script" not in page
    assert Contract.json_schema()["properties"]["expect"]
    assert testing.assert_contract(view, {"expect": [first, second]}).passed
    with pytest.raises(AssertionError, match="x: expected n at most 1, got 100"):
        testing.assert_contract(view, Contract({"expect": [{**second, "n": {"at_most": 1}}]}))


def test_the_worst_pictures_are_shown() -> None:
    profile = lm.Profile(exemplars=2)
    profile.track_many([picture(seed=seed, noise=noise) for seed, noise in enumerate([1, 4, 9])])
    limits = {"mean": {"at_most": 0.1}, "n": {"at_most": 2.9}}  # one image has less noise than 2.9
    result = Contract({"expect": [{"feature": "image.Noise", **limits}]}).judge(profile)
    high = profile.view().exemplars("image.Noise").high
    assert [list(failure.exemplars) for failure in result.failures] == [high, high]
    assert result.to_html().count("data:image/jpeg") == 2 * len(high) > 0


def test_every_constraint_of_whylogs_has_a_line() -> None:
    names = [call.partition("(")[0] for call, _, _ in constraints()]
    assert len(names) == len(set(names)) == 26


def negative(row: dict[str, Any]) -> bool:
    return row["x"] is not None and row["x"] < 0


def positive(row: dict[str, Any]) -> bool:
    return row["x"] is not None and row["x"] > 0


@pytest.mark.parametrize(("call", "feature", "keys"), constraints(), ids=lambda text: text[:30])
def test_constraints_of_whylogs(call: str, feature: str, keys: str) -> None:
    """They pass the one table and fail the other, as whylogs' own do: see tests/integration."""
    for name, passes in (("good", True), ("bad", False)):
        columns = dict(TABLES[name])
        if name == "good":
            with pytest.raises(TypeError, match="holds dict"):
                lm.log(columns=columns)
            columns["thing"] = [None] * len(columns["x"])  # as profiles of whylogs are read
        view = lm.log(columns=columns, functions=[negative, positive]).view()
        table = {"feature": feature, **tomllib.loads(keys)}
        assert Contract({"expect": [table]}).judge(view).passed == passes, (call, name)


def test_without_hypothesis_and_without_pydantic() -> None:
    code = "import sys; sys.modules[{!r}] = None; import lightmeter as lm; lm.testing.{}"
    contract = "assert_contract(lm.log(row={'a': 1}), {'expect': [{'feature': 'a', 'n.x': 1}]})"
    for missing, call, words in (
        ("hypothesis", contract, "ConfigError"),
        ("pydantic", contract, "pip install 'lightmeter[store]'"),
        ("pydantic", "Any; lm.log(row={'a': 1})", ""),
    ):
        done = run_program("-c", code.format(missing, call))
        assert words in done.stderr
        assert (done.returncode == 0) == (not words)


# Contracts that profiles of what is good suggest: they pass those, and others of their kind.


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
    good = logged(**{"temp[C]": [1.0] * 99, "all*": [1.0] * 99})
    assert failed([good], tempC=[1.0] * 99, allow=[1.0] * 99) == ["all[*]", "temp[[]C]"]


def test_of_pictures() -> None:
    pictures = [picture(seed=seed) for seed in range(60)]
    tagged = encoded("PNG", picture(seed=60), tags={0x0131: "a program"})  # Software
    good = lm.log_image([*pictures[:30], tagged]).view()
    text = contract_of([good])
    assert "image.Software" in good
    assert "image.Software" not in text, "the next batch may lack a rare tag"
    made = Contract(tomllib.loads(text))
    assert "failure_rate" in text
    measured = lm.log(table=lm.measure(pictures[30:]), roles="image").view()
    for view in (good, lm.log_image(pictures[30:]).view(), measured):
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
    with pytest.raises(ValueError, match="without enough values in common; expected a feature"):
        contract_of([logged(a=["text"] * 99), logged(b=["text"] * 99)])


def test_of_few() -> None:
    bursts = [lm.log_image([picture(seed=6 * n + i) for i in range(6)]).view() for n in range(8)]
    for views, least in ((bursts[:1], 20), (bursts, 8), ([logged(x=[1.0, 2.0, 3.0, 4.0])], 14)):
        with pytest.raises(
            ValueError, match=f"too few for limits on numbers; expected {least} or more"
        ):
            contract_of(views)
    assert "median = " in contract_of(bursts, 8)
