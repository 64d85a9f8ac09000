"""Reading the profiles of whylogs; tests/golden/whylogs/README.md says what they are."""

import json
import math
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import lightmeter as lm
import numpy as np
import pytest
from conftest import lightmeter
from lightmeter import ProfileView, Store
from lightmeter.interop.whylogs import read_segments
from PIL import Image

FOLDER = Path(__file__).parents[2] / "golden" / "whylogs"
LEFT_OUT = {"DateTime", "Orientation", "XResolution"}
EXPECTED: dict[str, dict[str, dict[str, Any]]] = {
    file: {name: said for name, said in columns.items() if name.split(".")[-1] not in LEFT_OUT}
    for file, columns in json.loads((FOLDER / "expected.json").read_text(encoding="utf-8")).items()
}
DAY = datetime(2022, 9, 7, 12, tzinfo=UTC)
TAGS = {"Artist", "Make"}
QUANTILES = [0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1]

# Compared below: whylogs counts booleans apart, and NaN as null and as NaN.
OWN_KEYS = ("counts/nan", "types/", "ints/")
FEATURES = [(file, name) for file, columns in EXPECTED.items() for name in columns]
REGULAR = [(file, name) for file, name in FEATURES if file != "rows.bin"]


@cache
def read(name: str) -> ProfileView:
    return lm.read_whylogs(FOLDER / name)


@pytest.mark.parametrize("file", EXPECTED)
def test_every_column_is_carried_over(file: str) -> None:
    view = read(file)
    assert list(view) == sorted(EXPECTED[file], key=str.encode)
    assert view.dataset_timestamp == DAY
    assert view == ProfileView.from_bytes(view.to_bytes())
    assert view == lm.read_whylogs((FOLDER / file).read_bytes())


@pytest.mark.parametrize(("file", "name"), FEATURES)
def test_numbers_are_those_of_whylogs(file: str, name: str) -> None:
    column, theirs = read(file)[name], EXPECTED[file][name]
    ours = column.to_summary_dict()
    is_tag = name.rpartition(".")[2] in TAGS
    odd = file == "rows.bin"  # has infinities, and strings without frequent ones
    for key in theirs.keys() & ours.keys():
        if key.startswith(("cardinality/", "distribution/q_", "distribution/median", *OWN_KEYS)):
            continue
        if is_tag and key in ("counts/n", "counts/null"):
            continue
        if odd and (key.startswith("distribution/") or (name, key) == ("x", "counts/null")):
            continue
        assert ours[key] == pytest.approx(theirs[key], rel=1e-9, abs=1e-12), key
    values = theirs["counts/n"] - theirs["counts/null"] - (odd and name == "x")
    assert column.n - column.missing == values
    if not (is_tag or odd):
        assert ours["types/integral"] == theirs["types/integral"] + theirs["types/boolean"]
        assert column.types.bool == theirs["types/boolean"]
        assert ours["types/string"] == theirs["types/string"]
        assert ours["types/fractional"] == theirs["types/fractional"]
    if "ints/min" in ours and theirs.get("ints/min", math.inf) < theirs.get("ints/max", -math.inf):
        assert (ours["ints/min"], ours["ints/max"]) == (theirs["ints/min"], theirs["ints/max"])


@pytest.mark.parametrize(("file", "name"), REGULAR)
def test_distinct_counts_are_those_of_whylogs(file: str, name: str) -> None:
    ours, theirs = read(file)[name].to_summary_dict(), EXPECTED[file][name]
    lower, estimate, upper = (
        (ours[f"cardinality/{key}"], theirs[f"cardinality/{key}"])
        for key in ("lower_1", "est", "upper_1")
    )
    # All values are known; or HyperLogLogs were merged, of which whylogs' estimate has a table.
    rel = 2e-2 if file == "merged.bin" else 6e-5 if lower[0] == upper[0] else 1e-9
    assert lower[0] <= estimate[0] <= upper[0]
    assert estimate[0] == pytest.approx(estimate[1], rel=rel)
    for mine, other in (lower, upper):  # whylogs has the standard error of its size in a table
        assert mine == pytest.approx(other, rel=max(rel, 2e-4))


@pytest.mark.parametrize(("file", "name"), REGULAR)
def test_quantiles_are_at_the_ranks_of_whylogs(file: str, name: str) -> None:
    theirs = EXPECTED[file][name]
    numbers = read(file)[name].numbers
    if "quantiles" not in theirs or numbers.n == 0:
        return
    values, weights = numbers.weights()
    upto = np.cumsum(weights)
    for q, value in zip(QUANTILES, theirs["quantiles"], strict=True):
        place = int(np.flatnonzero(values == value)[0]) if value in values else None
        if place is None:  # an extremum that the sample lost
            assert value == {0: numbers.min, 1: numbers.max}[q]
            continue
        # whylogs takes the first item that so many others come before, lightmeter the last one.
        before = 0 if place == 0 else upto[place - 1]
        step = 0 if place == 0 else weights[place - 1]
        assert before - step <= math.floor(q * numbers.n) <= upto[place]
    if not numbers.is_exact:
        assert numbers.error(0.01) >= theirs["rank_error"]


@pytest.mark.parametrize(("file", "name"), FEATURES)
def test_frequent_strings_are_those_of_whylogs(file: str, name: str) -> None:
    theirs = EXPECTED[file][name].get("frequent", [])
    column = read(file)[name]
    ours = {item.value: item for item in column.frequent}
    if column.kind == "number" and column.to_summary_dict()["types/fractional"]:
        return  # whylogs lists fractions too
    words = {"True": "1", "False": "0"} if column.kind == "number" else {}
    for value, est, upper, lower in theirs:
        item = ours.get(words.get(value, value))
        if item is not None:
            assert (item.est, item.upper, item.lower) == (est, upper, lower)
        else:  # of hundreds that are equally frequent
            assert len(ours) == 512
            assert min(each.est for each in ours.values()) >= est


def drawn() -> list[Image.Image]:
    """As they were drawn for whylogs."""
    y, x = np.mgrid[0:24, 0:32]
    samples = (
        np.stack([x * 7 + s * 31, y * 9 + x * s, (x * y + s * 57) % 251], axis=-1) % 256
        for s in range(6)
    )
    return [Image.fromarray(each.astype(np.uint8)) for each in samples]


def test_pictures_are_those_that_lightmeter_measures() -> None:
    theirs, ours = read("pictures.bin"), lm.log_image(drawn(), metrics="whylogs").view()
    assert theirs.images == ours.images == 6
    for name in ours:
        if name != "image.Failure":
            assert theirs[name].meaning == ours[name].meaning
        if name not in ("image.Failure", "image.Colorspace"):
            assert theirs[name].mean == pytest.approx(ours[name].mean, rel=1e-9)
    report = lm.compare(target=theirs, reference=ours)
    assert {drift.feature: drift.ks for drift in report.features}["image.entropy"] == 0
    merged = theirs.merge(ours)
    assert merged.images == 12
    assert merged["image.entropy"].n == 12
    assert merged["image.entropy"].distinct == 6


def test_what_is_uploaded_counts_once() -> None:
    """It holds ``image`` and a column for each of its parts."""
    assert read("uploaded.bin") == read("pictures.bin")


def test_segments() -> None:
    parts = read_segments(FOLDER / "segments.zip")
    assert [part.segment for part in parts] == [{"camera": "north"}, {"camera": "south"}]
    assert parts[0].view == read("north.bin")
    whole = read("segments.zip")
    assert whole == parts[0].view.merge(parts[1].view)
    assert whole["x"].n == 12


def test_the_command_line(tmp_path: Path) -> None:
    names = ("one.bin", "two.bin", "segments.zip")
    files = [FOLDER / name for name in names]
    out = tmp_path / "out.lmp"
    said = lightmeter("import", "whylogs", *files, "-o", out)
    assert said.returncode == 0, said.stderr
    assert ProfileView.read(out) == ProfileView.merge_many(map(read, names))
    store = tmp_path / "drift.db"
    command = ("import", "whylogs", *files, FOLDER / "north.bin", "--store", store)
    for _ in range(2):  # again, and of an archive and a file: nothing counts twice
        said = lightmeter(*command, "--dataset", "cells")
        assert said.returncode == 0, said.stderr
    assert "cells camera=north 2022-09-07 12:00  0 images, 2 features\n" in said.stdout
    with Store(store) as opened:
        at = datetime(2022, 9, 7, tzinfo=UTC)
        (bucket,) = opened.buckets("cells")
        assert opened.read("cells", at)["few"].n == 3
        assert opened.read("cells", at, segment={"camera": "north"})["x"].n == 8
        assert bucket.writers == 2
    assert lightmeter(*command).returncode == 2
    assert lightmeter("import", "whylogs", FOLDER / "expected.json", "-o", out).returncode == 1
