"""The file of a profile: a reader of docs/format.md alone finds in it what the library says."""

import math
import re
import struct
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


def test_golden_files_have_every_form_of_the_page() -> None:
    seen: set[object] = set()

    def look(value: Any) -> None:
        if isinstance(value, dict):
            seen.update(name for name, part in value.items() if part)
            seen.update((name, part > 0) for name, part in value.items() if name == "floor")
            value = [*value.values()]
        elif isinstance(value, str):
            seen.add(value)
        for part in value if isinstance(value, list | tuple) else ():
            look(part)

    for name in GOLDEN:
        look(found_in(name))
        for column in found_in(name).get("columns", {}).values():
            times = column.get("quantiles", NOTHING).get("values", {}).values()
            seen.update("times" for count in times if count > 1)
    forms = {"times", "values", "weights", "nan", "pos_inf", "neg_inf", "hashes", "registers"}
    forms |= {"bounds", "means", "rows", "halvings", "xy", "cells", "missing", "infinite", "paths"}
    forms |= {"bools", "dates", "frequent integers", "strings", ("floor", True), ("floor", False)}
    wanted = {*lmp.BODIES, *lmp.ROLES, *lmp.ORIGINS, *forms}
    assert seen >= wanted, wanted - seen


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
    assert {(tuple(a), tuple(d)) for _, a, d, _ in core.exif_policies()} == policies
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
        of_groups(view, feature, found)
    for prefix, joint in found.get("joints", {}).items():
        ((names, covariance),) = joint["of"].items()
        kept_names, held_covariance, others = core.joint(prefix)
        assert (list(names), joint["others"]) == (kept_names, others)
        of_covariance(covariance, held_covariance)


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
        assert covariance["k"] == min(length, 32)
        of_covariance(covariance, held[length])
        there += covariance["n"]
    assert (column.missing, column.n) == (missing, missing + there + others)
    integers, bools, dates = (has.get(name, 0) for name in ("integers", "bools", "dates"))
    types = integers - bools, numbers["all"] - integers - dates, strings["n"], bools, dates
    assert column.meaning.role == "date" or column.types[:5] == types
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
        items = {
            str(item): bounds
            for item, bounds in has.get("frequent integers", NOTHING)["items"].items()
        }
        listed = {item.value: [item.upper, item.upper - item.lower] for item in column.frequent}
        assert {**items, **strings["items"]} == listed


def of_covariance(found: dict[str, Any], held: Any) -> None:
    if "rows" in found:
        rows = np.array(found["rows"]).reshape(found["n"], found["k"])
        means = rows.mean(axis=0)
        products = ((rows - means).T @ (rows - means))[np.triu_indices(found["k"])]
    else:
        means, products = np.add(found["means"], found["rests"]), np.array(found["products"])
    scale = np.abs([*means, *products]).max() * 1e-12
    assert held.n == found["n"]
    assert held.means.tolist() == pytest.approx(means.tolist(), rel=1e-12, abs=scale)
    triangle = held.comoments[np.triu_indices(found["k"])].tolist()
    assert triangle == pytest.approx(products.tolist(), rel=1e-9, abs=scale)


def of_groups(view: ProfileView, name: str, found: dict[str, Any]) -> None:
    groups = found.get("groups", {"values": {}, "halvings": 0})
    table, last = view._core.grouped(name, *view._core.meaning(name)), 4096 >> groups["halvings"]
    for bucket, values in groups["values"].get(name, {}).items():
        at = min(bucket, last)
        assert (table["n"][at], table["infinite"][at]) == (values["x"][0], values["infinite"])
        assert (table["x"][at], table["y"][at]) == (values["x"][1], values["y"][1])
        cells = {cell: counts[at] for cell, counts in table["texts"] if counts[at]}
        assert cells == values["cells"]


def test_sketches_alone_are_those_of_the_page() -> None:
    for path in (FOLDER / "sketches").iterdir():
        found = lmp.whole(lmp.quantiles, path.read_bytes())
        sketch = QuantileSketch.from_bytes(path.read_bytes())
        for name in ("n", "nan", "pos_inf"):
            assert found[name] == getattr(sketch, name)
        weights = dict(zip(*map(np.ndarray.tolist, sketch.weights()), strict=True))
        assert found.get("values", weights) == weights
        if not sketch.is_exact:
            bound = found["fixed"] + math.sqrt(2 * found["variance"] * math.log(2 / 0.01))
            assert 0 < bound / found["n"] <= sketch.error()


def test_hashes_are_those_of_the_page() -> None:
    """Of distinct values, buckets, cells, and the signs of projections."""
    registers = [0] * 4096
    for number in range(300):
        hashed = lmp.mix(0, int.from_bytes(struct.pack("<d", number), "little"))
        zeros = 52 - (hashed & (1 << 52) - 1).bit_length()
        registers[hashed >> 52] = max(registers[hashed >> 52], zeros + 1)
    assert found_in("sampled")["columns"]["few"]["distinct"]["registers"] == registers
    groups = found_in("groups")["groups"]
    named = {lmp.hash_of(f"Caf\u00e9 {seed}") for seed in range(400) if seed % 5}
    places = 4096 >> groups["halvings"]
    assert groups["buckets"] == sorted({hashed % places for hashed in named} | {4096})
    cells = {cell for values in groups["values"]["b"].values() for cell in values["cells"]}
    assert cells == {lmp.hash_of("cat") % 64}
    key, at = lmp.mix(lmp.hash_of("caf\u00e9"), 40), np.arange(0, 70 * 40 * 3, 3)
    bits = [lmp.mix(key, coin // 64) >> coin % 64 & 1 for coin in range(32 * 40)]
    signs = np.where(np.reshape(bits, (32, 40)), 1, -1)
    vectors = np.reshape((at * 121 + at**2 // 97) % 251 / 8, (70, 40))  # see golden.py
    found = found_in("vectors")["vectors"]["caf\u00e9"]["of"][40]
    assert found["means"] == pytest.approx((vectors @ signs.T).mean(axis=0).tolist())


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
        with pytest.raises(lmp.RefusedError):
            lmp.read(data)
