"""log(row=, columns=, table=): numbers, strings, missing values and images, without a schema."""

import datetime as dt
import math
import sys
import time
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet
import pytest
from conftest import picture
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from lightmeter import Profile, ProfileView, log
from lightmeter.errors import ImageError
from lightmeter.profile.view import TypeCounts
from tensors import Tensor, Unviewable


def one_by_one(name: str, values: list[Any]) -> ProfileView:
    profile = Profile()
    for value in values:
        profile.log(row={name: value})
    return profile.view()


def test_rows_of_any_order_are_one_table() -> None:
    rows = [{"a": float(i), "b": i, "ü": str(i % 3), "gone": math.nan} for i in range(40)]
    table = {name: [row[name] for row in rows] for name in rows[0]}
    profile = Profile()
    for i, row in enumerate(rows):
        profile.log(row=dict(sorted(row.items(), reverse=i % 3 == 0)))
        profile.view()  # a copy must not share what the rows remember
    assert profile.view() == log(columns=table).view()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float32(0.5), 0.5),
        (np.uint64(2**63 + 2048), float(2**63 + 2048)),
        (2**70, float(2**70)),
        (np.array(7), 7),
        (Decimal("0.125"), 0.125),
        (Fraction(1, 4), 0.25),
        (True, 1),
        (dt.date(1970, 1, 2), 86400),
        (dt.datetime(1970, 1, 1, 2, tzinfo=dt.timezone(dt.timedelta(hours=1))), 3600),
        (dt.timedelta(minutes=1), 60),
        (np.datetime64("1970-01-01T00:01"), 60),
        (np.datetime64("1970-02"), 31 * 86_400),
        (np.timedelta64(1500, "ns"), 1.5e-6),
    ],
)
def test_what_is_a_number(value: Any, expected: float) -> None:
    assert log(row={"x": value}).view()["x"].max == expected
    for column in ([value], np.array([value])):
        assert log(columns={"x": column}).view()["x"].max == expected


@pytest.mark.parametrize(
    "value",
    [
        None,
        np.float32("nan"),
        np.timedelta64("NaT", "s"),
        Decimal("NaN"),
        np.ma.masked,
        np.ma.array(5, mask=True),
    ],
)
def test_what_is_missing(value: Any) -> None:
    for view in (log(row={"x": value}).view(), log(columns={"x": [value]}).view()):
        assert (view["x"].n, view["x"].missing, view["x"].types.missing) == (1, 1, 1)


NO_VALUES = [b"bytes", Path("a.jpg"), [1, 2], {"a": 1}, 1j, np.arange(3), object(), np.bytes_(b"x")]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        *(({"good": 1, "bad": value}, r"'bad' holds .*expected a number") for value in NO_VALUES),
        ({"a": 1.0, 3: 2.0}, "got 3 as a name; expected a string"),
        ({"a": 1.0, "\ud800": 2.0}, "all Unicode"),
        ({"x": 1.0, "": None}, "expected a text, not empty"),
    ],
)
def test_a_row_with_something_wrong_adds_nothing(row: Any, words: str) -> None:
    profile = Profile()
    columns = {name: [value] for name, value in row.items()}
    for arguments in ({"row": row}, {"columns": columns}):
        with pytest.raises((TypeError, ValueError), match=words):
            profile.log(**arguments)
    assert profile.view() == Profile().view()


def test_tensors_are_images_or_numbers() -> None:
    pixels = np.array(picture())
    assert log(row={"a": Tensor(pixels)}).view() == log(row={"a": pixels}).view()
    assert log(columns={"a": [Tensor(pixels)]}).view() == log(row={"a": pixels}).view()
    assert log(row={"a": Tensor(np.array(3.5))}).view() == log(row={"a": 3.5}).view()
    with pytest.raises(TypeError, match="'a' holds ndarray"):
        log(row={"a": Tensor(np.arange(3))})
    assert len(log(columns={"a": [Unviewable(pixels)]}).view().failures) == 1


SITE = {"site": ["a"]}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "exactly one"),
        ({"row": {}, "columns": {}}, "exactly one"),
        ({"row": [{"a": 1}]}, "row is a list; expected a dict"),
        ({"columns": {"a": [1, 2], "b": [1]}}, "different lengths"),
        ({"columns": {"a": np.zeros((2, 2), int)}}, "one dimension"),
        ({"columns": {"a": "text"}}, "expected its values"),
        ({"columns": {"a": 5}}, "expected its values"),
        ({"table": [1, 2]}, "expected a DataFrame"),
        ({"table": {"a": [1, 2]}}, "a dict of columns goes to columns="),
        ({"table": [{"image.entropy": 1}]}, r"rows of lm\.measure go with roles='image'"),
        ({"columns": SITE, "group": "slide"}, "column 'slide'; did you mean site"),
        ({"row": {"a": 1}, "group": "slide"}, "expected one of"),
        ({"columns": {"a": [1, 2], "k": [1]}, "group": "k"}, "different lengths"),
        ({"columns": {"a": [1], "k": [b"x"]}, "group": "k"}, "bytes"),
        ({"columns": SITE, "segment_by": "sight"}, "column 'sight'; did you mean site"),
        ({"columns": SITE, "segment_by": {}}, "for a table, the name of a column"),
        ({"columns": SITE, "segment_by": {"": "site"}}, "empty key"),
        ({"columns": SITE, "segment_by": lambda row: 5}, "returned 5"),
        ({"row": {"a": 1}, "segment_by": "site"}, "with row="),
        ({"columns": {"a": [1]}, "tags": "model=v7"}, "tag"),
        ({"columns": {}, "roles": "image"}, "expected 'image', for table="),
        ({"table": [], "roles": "camera"}, "expected 'image', for table="),
        ({"table": [], "roles": "image", "functions": [one_by_one]}, "without functions"),
    ],
)
def test_calls_that_cannot_be_meant(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=words):
        log(**arguments)


def test_a_broken_image_fails_its_row_and_is_counted_in_a_column() -> None:
    profile = Profile()
    before = profile.view()
    with pytest.raises(ImageError):
        profile.log(row={"x": 1, "photo": np.zeros((0, 4, 3), np.uint8)})
    assert profile.view() == before
    view = log(columns={"photo": [picture(), np.full((2, 2), 7, np.float32), None]}).view()
    assert [failure.reason for failure in view.failures] == ["out_of_range"]
    assert (view["photo.Hue.mean"].n, view["photo"].missing) == (1, 1)


@settings(max_examples=40, derandomize=True)
@given(
    st.lists(
        st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.floats(), st.text(), st.dates()),
        min_size=1,
    )
)
def test_a_column_is_its_rows(values: list[Any]) -> None:
    assert log(columns={"x": values}).view() == one_by_one("x", values)
    masked = np.ma.array([3] * len(values), mask=[value is None for value in values])
    assert log(columns={"x": masked}).view() == one_by_one("x", list(masked))


@settings(max_examples=40, derandomize=True)
@given(
    st.sampled_from(
        ["f2", "f4", "f8", "i1", "u2", "i8", "u8", "?", "M8[s]", "m8[ms]", "U3"]
    ).flatmap(lambda dtype: arrays(dtype, st.integers(1, 30)))
)
def test_an_array_is_its_rows(values: Any) -> None:
    view = log(columns={"x": values}).view()
    assert view == one_by_one("x", list(values))
    assert log(columns={"x": np.repeat(values, 2)[::2]}).view() == view


def test_a_table_of_every_pandas_dtype() -> None:
    days = [dt.datetime(1970, 1, day) for day in (2, 3)]
    tokyo = dt.timezone(dt.timedelta(hours=9))
    values: dict[str, tuple[Any, list[Any]]] = {
        "float": ("float64", [1.0, None, 3.0]),
        "nullable int": ("Int64", [1, None, 3]),
        "nullable float": ("Float64", [0.5, None, 1.5]),
        "nullable bool": ("boolean", [True, None, False]),
        "string": ("string", ["a", None, "b"]),
        "object": (object, ["a", 1, None]),
        "category": ("category", ["3", None, "4"]),
        "time": ("datetime64[ns]", [days[0], None, days[1]]),
        "zoned": (None, [days[0].replace(tzinfo=tokyo), None, days[1].replace(tzinfo=tokyo)]),
        "span": ("timedelta64[ns]", [dt.timedelta(seconds=1), None, dt.timedelta(seconds=3)]),
        "photo": (object, [picture(seed=1), None, picture(seed=2)]),
        "8": ("Sparse[float]", [0.0, None, 2.0]),
    }
    frame = pd.DataFrame(
        {name: pd.Series(cells, dtype=kind) for name, (kind, cells) in values.items()}
    )
    frame["category"] = pd.Categorical([3, None, 4], categories=[3, 4, 5])
    expected = log(columns={name: cells for name, (_, cells) in values.items()}).view()
    assert log(table=frame.rename(columns={"8": 8})).view() == expected
    assert log(columns={"float": frame["float"]}).view() == log(table=frame[["float"]]).view()
    with pytest.raises(TypeError, match="'when' holds Period"):
        log(table=pd.DataFrame({"when": pd.period_range("2020", periods=2, freq="Y")}))
    with pytest.raises(ValueError, match="several columns are named x"):
        log(table=pd.DataFrame([[1, 2]], columns=["x", "x"]))


def through(library: str, columns: dict[str, list[Any]]) -> Any:
    """The columns as a table of a library, or as one that only speaks a protocol."""
    table = pa.table(columns)
    match library:
        case "pandas":
            return pd.DataFrame(columns)
        case "polars":
            return pl.DataFrame(columns)
        case "__arrow_c_stream__":
            stream = table.__arrow_c_stream__
            return type("Table", (), {library: lambda _, *rest, **more: stream(*rest, **more)})()
        case "RecordBatch":
            return table.to_batches()[0]
    return table


LIBRARIES = ["pandas", "polars", "pyarrow", "RecordBatch", "__arrow_c_stream__"]


@pytest.mark.parametrize("library", LIBRARIES[1:])
def test_a_table_of_every_dtype(library: str) -> None:
    day, zone = dt.date(1970, 1, 2), dt.timezone(dt.timedelta(hours=9))
    columns = {
        "int": [1, None, 3],
        "large": [2**63 - 1, None, 1],
        "bool": [True, None, False],
        "text": ["a", "b", None],
        "nan": [math.nan, None, 1.0],
        "day": [day, None, day],
        "time": [dt.datetime(1970, 1, 2), None, None],
        "zoned": [dt.datetime(1970, 1, 2, tzinfo=zone), None, None],
        "span": [dt.timedelta(seconds=2), None, None],
        "decimal": [Decimal("1.5"), None, None],
        "nothing": [None, None, None],
    }
    table = through(library, columns)
    assert log(table=table).view() == log(columns=columns).view()
    if library in ("polars", "pyarrow"):
        series = {name: table[name] for name in columns}
        assert log(columns=series).view() == log(table=table).view()


@pytest.mark.parametrize("library", [*LIBRARIES[:3], "numpy", "row"])
def test_times_without_a_zone_are_local_and_dates_are_not(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [dt.datetime(2024, 3, 31, hour, 30) for hour in (1, 2, 3)]  # at 2 clocks go to 3
    clock += [dt.datetime(2024, 10, 27, 2, 30), dt.datetime(1950, 7, 1), dt.datetime(2024, 7, 1)]
    zoned = [moment.replace(tzinfo=dt.UTC) for moment in clock]
    columns: dict[str, list[Any]] = {
        "clock": clock,
        "zoned": zoned,
        "day": [dt.date(2024, 7, 1)] * 6,
    }
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    if library == "row":
        view = ProfileView.merge_many(one_by_one(name, columns[name]) for name in columns)
    elif library == "numpy":
        view = log(columns={**columns, "clock": np.array(clock, "M8[ms]")}).view()
    else:
        view = log(table=through(library, columns)).view()
    seconds = [moment.timestamp() for moment in clock]
    monkeypatch.undo()
    time.tzset()
    assert view["clock"].mean == pytest.approx(np.mean(seconds), abs=1e-6)
    assert (view["clock"].min, view["clock"].max) == (min(seconds), max(seconds))
    assert view["day"].mean == dt.datetime(2024, 7, 1, tzinfo=dt.UTC).timestamp()
    assert view["zoned"].max == zoned[3].timestamp()


def test_categories_of_any_library_are_texts() -> None:
    texts = ["a", None, "b", "a"]
    expected = log(columns={"x": texts}).view()
    assert log(columns={"x": pl.Series(texts, dtype=pl.Categorical)}).view() == expected
    for array in (pa.array(texts), pa.chunked_array([texts[:2], [], texts[2:]], pa.string())):
        assert log(columns={"x": array.dictionary_encode()}).view() == expected


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_what_no_column_may_hold_is_named(library: str) -> None:
    with pytest.raises(TypeError, match="column 'x' holds bytes"):
        log(table=through(library, {"x": [b"binary"]}))
    stream = through("pyarrow", {"x": [1]})["x"]
    with pytest.raises(TypeError, match="Arrow cannot read as a table"):
        log(table=stream)


def test_a_stream_without_pyarrow_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    table = through("__arrow_c_stream__", {"x": [1]})
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match="pip install 'lightmeter"):
        log(table=table)
    assert log(table=through("polars", {"x": [1]})).view()["x"].n == 1


def test_columns_of_arrow_that_python_or_pandas_would_change(tmp_path: Path) -> None:
    """Vectors that are read-only there; times beyond the years of Python; nanoseconds."""
    vectors = pa.table({"x": [[1.0, 2.0], None, [3.0, 4.0]]})
    pa.parquet.write_table(vectors, tmp_path / "x.parquet")
    table = pd.read_parquet(tmp_path / "x.parquet", dtype_backend="pyarrow")
    assert log(table=table).view().to_bytes() == log(table=vectors).view().to_bytes()
    for kind, cell in (("timestamp[s]", 10**12), ("date32", 10**7), ("duration[s]", 10**15)):
        column = log(table=pa.table({"x": pa.array([cell, 1], kind)})).view()["x"]
        assert (column.n, column.missing) == (2, 0)
    moments = [log(columns={"x": np.array([at], "datetime64[ns]")}).view() for at in (0, 3)]
    assert moments[0]["x"].mean != moments[1]["x"].mean


def test_a_column_without_values_is_a_feature_and_a_number_may_be_of_any_size() -> None:
    table = pd.DataFrame({"text": ["x"], "number": [1]}).iloc[:0]
    assert list(log(table=table).view()) == ["number", "text"]
    assert list(log(columns={"x": []}).view()) == ["x"]
    view = log(row={"x": 10**400, "y": -Fraction(10**400), "z": Decimal("sNaN")}).view()
    assert [(view[name].n, view[name].missing) for name in "xyz"] == [(1, 0), (1, 0), (1, 1)]


def test_the_greatest_integer_is_what_it_is() -> None:
    ends = log(columns={"a": [2**63 - 1, -(2**63)]}).view()
    said = ends["a"].to_summary_dict()
    assert (said["ints/min"], said["ints/max"]) == (-(2**63), 2**63 - 1)
    assert {item.value for item in ends["a"].frequent} == {str(-(2**63)), str(2**63 - 1)}


UTC_DAY = dt.datetime(2022, 9, 7, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("values", "types"),
    [
        ([True, None, np.bool_(False)], {"bool": 2, "missing": 1}),
        (np.array([True, False]), {"bool": 2}),
        ([UTC_DAY, dt.date(2022, 9, 7), np.datetime64("2022-09-07")], {"date": 3}),
        (np.array(["2022-09-07", "NaT"], "M8[D]"), {"date": 1, "missing": 1}),
        ([1, 2.5, "x", True, UTC_DAY], dict.fromkeys(TypeCounts._fields[:5], 1)),
        ([dt.timedelta(1), Decimal(1)], {"number": 2}),
    ],
)
def test_types_are_counted(values: Any, types: dict[str, int]) -> None:
    expected = TypeCounts(**{**dict.fromkeys(TypeCounts._fields, 0), **types})
    whole = log(columns={"a": values}).view()
    assert whole["a"].types == one_by_one("a", list(values))["a"].types == expected
    twice = ProfileView.from_bytes(whole.merge(whole).to_bytes())
    assert twice["a"].types == tuple(2 * count for count in expected)
    grouped = log(columns={"a": values, "b": ["x"] * len(values)}, group="b").view()
    assert grouped["a"].types == expected


def cheap(row: dict[str, Any]) -> bool:
    return row["price"] < 1.5


def margin(price: Any, cost: Any) -> Any:
    return price - cost


def both(row: dict[str, Any]) -> dict[str, Any]:
    return {"twice": 2 * row["cost"], "inverse": 1 / (row["cost"] - 1)}


def short(price: Any) -> Any:
    return {"part": price[:1]}


@pytest.mark.parametrize("options", [{}, {"group": "shop"}, {"segment_by": "shop"}])
def test_functions_of_rows_and_columns(options: dict[str, Any]) -> None:
    prices, costs = np.array([1.0, 2.0, np.nan]), np.array([1, 3, 2])
    columns = {"price": prices, "cost": costs, "shop": list("aab")}
    functions = [cheap, margin, both, short]
    result = log(columns=columns, functions=functions, **options)
    view = getattr(result, "whole", None) or result.view()
    assert (view["cheap"].types.bool, view["cheap"].mean) == (3, 1 / 3)
    assert (view["margin"].n, view["margin"].missing, view["margin"].mean) == (3, 1, -0.5)
    assert (view["both.twice"].n, view["both.twice"].mean) == (2, 5)
    assert view["both.Error"].failure_rate == 1 / 3
    assert view["both.Error"].frequent == [("ZeroDivisionError", 1, 1, 1)]
    assert view["short.Error"].frequent == [("ValueError", 3, 3, 3)]
    assert "short.part" not in view
    profile = Profile()
    for cells in zip(prices.tolist(), costs.tolist(), "aab", strict=True):
        profile.log(row=dict(zip(columns, cells, strict=True)), functions=functions[:3])
    assert profile.view() == log(columns=columns, functions=functions[:3]).view()


@pytest.mark.parametrize("functions", ["x", [3], [lambda row: 1], [cheap, cheap], [cheap]])
def test_functions_that_cannot_be_features(functions: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="function"):
        log(columns={"cheap": [1]}, functions=functions)
