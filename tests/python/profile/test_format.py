"""The file of a profile: a reader of docs/format.md alone finds in it what the library says."""

import math
import re
from functools import cache
from pathlib import Path
from typing import Any

import lmp
import numpy as np
import pytest
from lightmeter import Profile, ProfileView
from lightmeter.errors import DecodeError
from lightmeter.sketch import QuantileSketch

FOLDER = Path(__file__).parents[2] / "golden/v1"
GOLDEN = {path.stem: path for path in sorted(FOLDER.glob("*.lmp"))}
PAGE = (Path(__file__).parents[3] / "docs/format.md").read_text(encoding="utf-8")
NOTHING: dict[str, Any] = {"n": 0, "all": 0, "values": {}, "items": {}, "pictures": {}, "ends": {}}


@cache
def found_in(name: str) -> dict[str, Any]:
    return lmp.read(GOLDEN[name].read_bytes())


def test_the_reader_has_the_tables_of_the_page() -> None:
    table = PAGE.partition("| section |")[2]
    assert re.findall(r"^\| `([a-z]+)` \|", table, re.MULTILINE) == list(lmp.BODIES)
    for title, names in (("role", lmp.ROLES), ("origin", lmp.ORIGINS)):
        rows = PAGE.partition(f"| {title} |")[2].partition("\n\n")[0]
        assert tuple(re.findall(r"^\| \d+ \| ([a-z ]+) \|", rows, re.MULTILINE)) == names


def test_golden_files_have_every_section_role_and_origin() -> None:
    found = [found_in(name) for name in GOLDEN]
    columns = [column for each in found for column in each.get("columns", {}).values()]
    assert set().union(*found) == set(lmp.BODIES)
    assert {column["role"] for column in columns} == set(lmp.ROLES)
    assert {column["origin"] for column in columns} == set(lmp.ORIGINS)


@pytest.mark.parametrize("name", GOLDEN)
def test_a_reader_of_the_page_finds_what_there_is(name: str) -> None:
    found, view = found_in(name), ProfileView.read(GOLDEN[name])
    core, images = view._core, found.get("images", {})
    assert found.get("timestamp") == core.dataset_timestamp
    assert list(found.get("columns", ())) == list(view)
    assert found.get("failures", []) == core.failures()
    assert found.get("decoders", []) == core.decoders()
    assert found.get("tags", []) == core.tags()
    assert found.get("readings", {}) == view.readings
    assert sum(count for count, _ in images.values()) == view.images
    policies = {policy for _, each in images.values() for policy in each}
    assert {(tuple(allow), tuple(deny)) for allow, deny in core.exif_policies()} == policies
    tables = found.get("rows", {"tables": {}})["tables"]
    held = {tuple(names): table.tolist() for names, table in core.sampled_rows()}
    assert {names: list(rows.values()) for names, rows in tables.items()} == held
    for feature in view:
        of_column(view, feature, found)
        kept = found.get("exemplars", NOTHING)
        ends = [
            [(*kept["pictures"][key], value) for value, key in end]
            for end in kept["ends"].get(feature, ([], []))
        ]
        assert list(core.exemplars_of(feature)[:2]) == ends
    for prefix, joint in found.get("joints", {}).items():
        names, covariance, others = core.joint(prefix)
        (known,) = joint["of"].values()
        assert joint == {"others": others, "of": {tuple(names): known}}
        assert covariance.n == known["n"]


def of_column(view: ProfileView, name: str, found: dict[str, Any]) -> None:
    column, has = view[name], found["columns"][name]
    assert (has["role"], has["origin"]) == view._core.meaning(name)
    prefix, _, tag = name.rpartition(".")
    images, policies = found.get("images", {}).get(prefix, (0, {}))
    numbers, strings = has.get("quantiles", NOTHING), has.get("strings", NOTHING)
    there, missing = numbers["all"] + strings["n"], has["missing"]
    if has["role"] == "failure":
        missing += images
    elif "exif" in has["origin"]:
        is_own = has["origin"] == "exif"
        tracks = {
            policy: tag not in policy[1] and (is_own or tag in policy[0]) for policy in policies
        }
        read = sum(count for policy, count in policies.items() if tracks[policy])
        missing += max(0, read - there)
    held, others = view._core.vectors(name)
    vectors = found.get("vectors", {}).get(name, {"others": 0, "of": {}})
    assert (others, list(held)) == (vectors["others"], list(vectors["of"]))
    for length, covariance in vectors["of"].items():
        assert (covariance["k"], covariance["n"]) == (min(length, 32), held[length].n)
        there += covariance["n"]
    assert (column.missing, column.n) == (missing, missing + there + others)
    integers, bools, dates = (has.get(name, 0) for name in ("integers", "bools", "dates"))
    types = integers - bools, numbers["all"] - integers - dates, strings["n"], bools, dates
    assert column.meaning.is_date or column.types[:5] == types
    weights = numbers.get("weights") or numbers["values"]
    assert sum(weights.values()) == numbers["n"] == column.numbers.n
    rising = [value for value in sorted(weights) for _ in range(weights[value])]
    for q in (0, 0.1, 0.5, 0.9, 1) if rising else ():
        ends = {0: numbers.get("least", rising[0]), 1: numbers.get("greatest", rising[-1])}
        value = ends.get(q, rising[min(int(q * len(rising)), len(rising) - 1)])
        assert column.numbers.quantiles(q) == value
    if "moments" in has:
        n, mean, squares = has["moments"]
        assert (mean, math.sqrt(squares / (n - 1))) == (column.mean, column.stddev)
    if column.kind == "hash":
        paths = dict(zip(strings["items"], has["paths"], strict=True))
        assert all(paths[item.hash] == item.path for item in view.repeats(name).hashes)
    elif "weights" in numbers or "quantiles" not in has:
        items = has.get("frequent integers", NOTHING)["items"] | strings["items"]
        listed = {item.value: [item.upper, item.upper - item.lower] for item in column.frequent}
        assert {str(item): bounds for item, bounds in items.items()} == listed


def test_sketches_alone_are_those_of_the_page() -> None:
    for path in (FOLDER / "sketches").iterdir():
        found = lmp.whole(lmp.quantiles, path.read_bytes())
        sketch = QuantileSketch.from_bytes(path.read_bytes())
        counts = sketch.n, sketch.nan, sketch.pos_inf
        assert (found["n"], found["nan"], found["pos_inf"]) == counts
        weights = dict(zip(*map(np.ndarray.tolist, sketch.weights()), strict=True))
        assert found.get("values", weights) == weights
        if not sketch.is_exact:
            bound = found["fixed"] + math.sqrt(2 * found["variance"] * math.log(2 / 0.01))
            assert 0 < bound / found["n"] <= sketch.error()


def with_sections(*each: bytes, head: bytes = b"LMP\n\1\1") -> bytes:
    parts = head + bytes([len(each)]), *each
    return b"".join(part + lmp.crc32c(part).to_bytes(4, "little") for part in parts)


def test_newer_formats() -> None:
    """What a newer version wrote for readers of this one is read; all else is refused by name."""
    newer = with_sections(head=b"LMP\n\2\1")
    assert ProfileView.from_bytes(newer) == Profile().view()
    assert lmp.read(newer) == {}
    unknown = {
        with_sections(head=b"LMP\n\2\2"): "needs a reader of format version 2, this one reads 1; ",
        with_sections(b"\1x\0"): "section 'x': this version of lightmeter does not know it; ",
        with_sections(b"\7columns\6\1\1a\2\xb0\0"): "role 11, of which this reader knows 0 to 10; ",
    }
    for data, words in unknown.items():
        with pytest.raises(DecodeError, match=f"{words}update lightmeter"):
            ProfileView.from_bytes(data)
        with pytest.raises(AssertionError):
            lmp.read(data)
