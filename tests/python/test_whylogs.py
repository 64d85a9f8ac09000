"""Reading the profiles of whylogs, which tests/golden/whylogs/make.py made and told of."""

import io
import json
import math
import struct
import zipfile
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import lightmeter as lm
import numpy as np
import pytest
from conftest import lightmeter
from hypothesis import given, settings
from hypothesis import strategies as st
from lightmeter import DecodeError, ProfileView, Store
from lightmeter.whylogs import read_segments
from lightmeter.whylogs.hll import read_distinct
from PIL import Image

FOLDER = Path(__file__).parents[1] / "golden" / "whylogs"
EXPECTED: dict[str, dict[str, dict[str, Any]]] = json.loads(
    (FOLDER / "expected.json").read_text(encoding="utf-8")
)
DAY = datetime(2022, 9, 7, 12, tzinfo=UTC)
TAGS = {"Artist", "DateTime", "Make", "Orientation", "XResolution"}
QUANTILES = [0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1]
SMALL = [FOLDER / name for name in ("two.bin", "rows.bin", "pictures.bin", "segments.zip")]

# What whylogs counts otherwise: booleans, and numbers that are none, are not among its integers and
# fractions; values below are all known here, so they are counted and not estimated.
OWN_KEYS = ("counts/nan", "types/", "ints/")


FEATURES = [(file, name) for file, columns in EXPECTED.items() for name in columns]


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
        assert ours["types/string"] == theirs["types/string"]
        assert ours["types/fractional"] == theirs["types/fractional"]
    if "ints/min" in ours and theirs.get("ints/min", math.inf) < theirs.get("ints/max", -math.inf):
        assert (ours["ints/min"], ours["ints/max"]) == (theirs["ints/min"], theirs["ints/max"])


@pytest.mark.parametrize(("file", "name"), FEATURES)
def test_distinct_counts_are_those_of_whylogs(file: str, name: str) -> None:
    if file == "rows.bin":
        return
    ours, theirs = read(file)[name].to_summary_dict(), EXPECTED[file][name]
    lower, estimate, upper = (
        (ours[f"cardinality/{key}"], theirs[f"cardinality/{key}"])
        for key in ("lower_1", "est", "upper_1")
    )
    # All values are known, or merged HyperLogLogs, whose table is computed here.
    rel = 2e-5 if lower[0] == upper[0] or file == "merged.bin" else 1e-9
    assert lower[0] <= estimate[0] <= upper[0]
    for mine, other in (lower, estimate, upper):
        assert mine == pytest.approx(other, rel=rel if rel == 1e-9 else 6e-5)


@pytest.mark.parametrize(("file", "name"), FEATURES)
def test_quantiles_are_at_the_ranks_of_whylogs(file: str, name: str) -> None:
    theirs = EXPECTED[file][name]
    numbers = read(file)[name].numbers
    if "quantiles" not in theirs or file == "rows.bin" or numbers.n == 0:
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
    if name.rpartition(".")[2] in TAGS - {"Make", "Artist"}:
        return
    for value, est, upper, lower in theirs:
        item = ours.get(words.get(value, value))
        if item is not None:
            assert (item.est, item.upper, item.lower) == (est, upper, lower)
        else:  # of hundreds that are equally frequent
            assert len(ours) == 512
            assert min(each.est for each in ours.values()) >= est


def drawn() -> list[Image.Image]:
    """As `make.py` draws them."""
    y, x = np.mgrid[0:24, 0:32]
    return [
        Image.fromarray(
            (
                np.stack([x * 7 + s * 31, y * 9 + x * s, (x * y + s * 57) % 251], axis=-1) % 256
            ).astype(np.uint8)
        )
        for s in range(6)
    ]


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


def test_exif_is_as_lightmeter_reads_it() -> None:
    view = read("pictures.bin")
    date = view["image.DateTime"]
    assert (date.role, date.n, date.missing) == ("date", 6, 2)
    assert date.min == (datetime(2022, 9, 1, 12, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) / (
        datetime(1970, 1, 2) - datetime(1970, 1, 1)
    )
    assert view["image.XResolution"].max == 75.0
    assert {item.value for item in view["image.Orientation"].frequent} == {
        "upright",
        "rotate 90 CW",
    }
    assert view["image.Artist"].meaning.origin == "personal exif"
    (policy,) = view.exif_policies
    assert policy.tracks("Artist")
    assert policy.tracks("Software")  # whylogs would have kept it
    assert not policy.tracks("ISOSpeedRatings")  # it does not look there
    assert not policy.tracks("GPSLatitude")


def test_merged_distinct_counts_are_an_interval() -> None:
    many = read("many.bin")
    one = many["unique"].to_summary_dict()
    two = many.merge(many)["unique"].to_summary_dict()
    assert two["cardinality/est"] == one["cardinality/est"]
    assert two["cardinality/lower_1"] == one["cardinality/lower_1"]
    assert two["cardinality/upper_1"] == 2 * one["cardinality/upper_1"]
    ours = lm.log(columns={"unique": [f"other {index}" for index in range(1000)]}).view()
    both = many.merge(ours)["unique"].to_summary_dict()
    assert both["cardinality/upper_1"] > one["cardinality/upper_1"] + 1000
    assert both["counts/n"] == 201_000


def test_imported_profiles_are_compared_within_their_bounds() -> None:
    """Half of the values differ, and each side knows its ranks to some places only."""
    many = read("many.bin")
    report = lm.compare(target=read("thousands.bin"), reference=many)
    (fractions,) = (drift for drift in report.features if drift.feature == "fractions")
    assert fractions.verdict == "none"
    # Theirs is 0.0029 of ranks for k = 1024 and 0.0105 for k = 256, at one rank.
    assert fractions.effect_high - fractions.ks > 0.0029 + 0.0105
    rows = {"fractions": np.sin(np.arange(5000)) * 1000 + 300}
    moved = lm.compare(target=lm.log(columns=rows), reference=many)
    assert {drift.feature: drift.verdict for drift in moved.features}["fractions"] == "drift"


def test_segments() -> None:
    parts = read_segments(FOLDER / "segments.zip")
    assert [part.segment for part in parts] == [{"camera": "north"}, {"camera": "south"}]
    assert parts[0].view == read("north.bin")
    whole = read("segments.zip")
    assert whole == parts[0].view.merge(parts[1].view)
    assert whole["x"].n == 12


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "got 0 bytes that do not start with WHY1"),
        (b"\x0a\x10\x12\x03abc", "older form"),
        (b"WHY1", "end within a number"),
        (b"WHY1" + b"\xff" * 11, "more than 64 bits"),
        (b"WHY1\x02\x08\x01", "end within a number"),
        (b"WHY1\x00\x02\x20\x09", "cut off: got 8 bytes, expected 17"),
        (b"WHY1\x00\x02\x1b\x1c", "of kind 3"),
        (b"WHY1\x06\x22\x00\x22\x00\x08\x01\x00", "2 segments"),
        (b"WHY1\x04\x22\x02\x0a\x00\x00", "a segment with the key ''"),
        (b"PK\3\4", "zip archive"),
        (b"WHY1\x00\x0d\x0a\x0b\x28\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "end|follow|timestamp"),
    ],
)
def test_what_is_no_profile(data: bytes, message: str) -> None:
    with pytest.raises(DecodeError, match=message):
        lm.read_whylogs(data)


def archive(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in files.items():
            opened.writestr(name, data)
    return buffer.getvalue()


def test_archives(monkeypatch: pytest.MonkeyPatch) -> None:
    one = (FOLDER / "one.bin").read_bytes()
    assert lm.read_whylogs(archive({"a.bin": one, "b/": b"", "b/c.bin": one}))["few"].n == 2
    with pytest.raises(DecodeError, match="WHY1"):
        lm.read_whylogs(archive({"a.bin": one, "notes.txt": b"no profile"}))
    with pytest.raises(DecodeError, match="without any file"):
        lm.read_whylogs(archive({"b/": b""}))
    monkeypatch.setattr("lightmeter.whylogs.file.MAX_PROFILE_BYTES", 100_000)
    with pytest.raises(DecodeError, match="more than 100000 bytes"):
        lm.read_whylogs(archive({"bomb": bytes(10_000_000)}))


def test_sources(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="got a int; expected the path or the bytes"):
        lm.read_whylogs(3)  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError):
        lm.read_whylogs(tmp_path / "none.bin")
    (tmp_path / "a.bin").write_bytes(b"WHY1")
    with pytest.raises(DecodeError, match=r"a\.bin: the bytes end"):
        lm.read_whylogs(str(tmp_path / "a.bin"))


def varint(number: int) -> bytes:
    number %= 2**64
    low = bytearray()
    while number > 0x7F:
        low.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*low, number))


def message(*fields: tuple[int, int | float | bytes]) -> bytes:
    parts = []
    for number, value in fields:
        if isinstance(value, bytes):
            parts.append(varint(number << 3 | 2) + varint(len(value)) + value)
        elif isinstance(value, float):
            parts.append(varint(number << 3 | 1) + struct.pack("<d", value))
        else:
            parts.append(varint(number << 3) + varint(value))
    return b"".join(parts)


def file_of(components: dict[str, bytes], offsets: tuple[int, ...] = (0,)) -> bytes:
    """A file of one column ``x``, or of one at each offset, with these components."""
    paths = [message((1, at), (2, path.encode())) for at, path in enumerate(components)]
    parts = [message((1, at), (2, part)) for at, part in enumerate(components.values())]
    chunk = message(*((1, part) for part in parts))
    head = message((1, 2), (3, len(chunk)))
    chunks = varint(len(head)) + head + chunk
    names = [b"x" * (place + 1) for place in range(len(offsets))]
    header = message(
        *(
            (2, message((1, name), (2, message((1, at)))))
            for name, at in zip(names, offsets, strict=True)
        ),
        (4, len(chunks)),
        *((5, path) for path in paths),
    )
    return b"WHY1" + b"\0" + varint(len(header)) + header + chunks


def kll(*values: float) -> bytes:
    """A sketch of several values that is exact."""
    head = struct.pack("<BBBBHBBQHB5x", 6, 1, 15, 0, 256, 8, 0, len(values), 256, 1)
    body = struct.pack(
        f"<I{2 + len(values)}d", 256 - len(values), min(values), max(values), *values
    )
    return message((6, message((1, head + body))))


def frequent(**counts: int) -> bytes:
    head = struct.pack("<BBBBBBxxIIQQ", 4, 1, 10, 6, 3, 0, len(counts), 0, sum(counts.values()), 0)
    head += struct.pack(f"<{len(counts)}Q", *counts.values())
    items = b"".join(struct.pack("<I", len(value)) + value.encode() for value in counts)
    return message((4, message((1, head + items))))


def count(number: int) -> bytes:
    return message((2, number))


WHOLE = {
    "counts/n": count(6),
    "types/integral": count(2),
    "types/string": count(3),
    "distribution/kll": kll(1.0, 4.0),
    "distribution/mean": message((3, 2.5)),
    "distribution/m2": message((3, 4.5)),
    "frequent_items/frequent_strings": frequent(cat=2, dog=1, **{"1": 1, "4": 1}),
}


@pytest.mark.parametrize(
    ("change", "n", "missing", "integral", "strings"),
    [
        ({}, 6, 1, 2, 3),
        ({"counts/n": None}, 5, 0, 2, 3),
        ({"types/integral": None}, 6, 1, 0, 3),
        ({"types/string": None}, 6, 4, 2, 0),
        ({"distribution/kll": None}, 6, 3, 0, 3),
        ({"frequent_items/frequent_strings": None}, 6, 4, 2, 0),  # what strings, nobody knows
        ({"frequent_items/frequent_strings": frequent(cat=2, dog=1)}, 6, 1, 2, 3),
        ({"types/boolean": count(1)}, 6, 1, 2, 3),
        ({"ints/max": count(4), "condition_count/total": count(3)}, 6, 1, 2, 3),
        ({"counts/n": count(2**56)}, 2**56, 2**56 - 5, 2, 3),
    ],
)
def test_parts_that_are_not_there(
    change: dict[str, bytes | None], n: int, missing: int, integral: int, strings: int
) -> None:
    components = {path: part for path, part in {**WHOLE, **change}.items() if part is not None}
    summary = lm.read_whylogs(file_of(components))["x"].to_summary_dict()
    assert summary["counts/n"] == n
    assert summary["counts/null"] == missing
    assert (summary["types/integral"], summary["types/string"]) == (integral, strings)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"counts/n": count(4)}, "column 'x': 5 values of 4 observations"),
        ({"counts/n": count(-1)}, "counts/n is -1; expected a count"),
        ({"counts/n": count(2**56 + 1)}, "expected a count up to"),
        ({"counts/n": message((2, 1), (2, 2))}, "comes 2 times"),
        ({"counts/n": message((2, b"1"))}, "holds bytes"),
        ({"distribution/kll": count(1)}, "ends early"),
        ({"types/string": count(1)}, "3 frequent strings of 1"),
        ({"frequent_items/frequent_strings": frequent(a=2**56)}, "counts of|column"),
        ({"cardinality/hll": message((5, message((1, b"\2\1\7"))))}, "3 bytes"),
    ],
)
def test_parts_that_do_not_fit(change: dict[str, bytes], words: str) -> None:
    with pytest.raises(DecodeError, match=words):
        lm.read_whylogs(file_of({**WHOLE, **change}))


def test_chunks_that_lie_over_each_other_are_refused() -> None:
    """Else a small file could be read for ever."""
    with pytest.raises(DecodeError, match="not in the file, or others too"):
        lm.read_whylogs(file_of(WHOLE, (0, 0)))
    with pytest.raises(DecodeError, match="end within a number"):
        lm.read_whylogs(file_of(WHOLE, (2**63,)))


@pytest.mark.parametrize("path", SMALL, ids=lambda path: path.name)
@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damaged_files_are_errors_or_profiles(path: Path, data: st.DataObject) -> None:
    damaged = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(damaged) - 1))
        damaged[at : at + data.draw(st.integers(0, 8))] = data.draw(
            st.binary(max_size=8) | st.sampled_from([b"\xff" * 8, b"\0" * 8, b"\xf0\x7f" * 4])
        )
        if not damaged:
            break
    try:
        view = lm.read_whylogs(bytes(damaged))
    except DecodeError:
        return
    assert ProfileView.from_bytes(view.to_bytes()).to_bytes() == view.to_bytes()
    for column in view.get_columns().values():
        column.to_summary_dict()


@pytest.mark.parametrize("path", SMALL, ids=lambda path: path.name)
def test_files_that_are_cut_off_are_errors(path: Path) -> None:
    data = path.read_bytes()
    for size in range(0, len(data), 1 + len(data) // 300):
        with pytest.raises(DecodeError):
            lm.read_whylogs(data[:size])


def test_distinct_counts_of_any_registers() -> None:
    """Merged registers of n values: the estimate is near n, whatever estimator is taken."""
    rng = np.random.default_rng(0)
    for n in (300, 2000, 6000, 30_000, 1_000_000):
        places = rng.integers(0, 4096, n)
        registers = np.zeros(4096, np.int64)
        np.maximum.at(registers, places, rng.geometric(0.5, n))
        least = int(registers.min())
        head = bytes((10, 1, 7, 12, 0, 8 | 16, least, 2 | 2 << 2))
        total = float((2.0**-registers).sum())
        body = struct.pack("<dddII", 0.0, total, 0.0, int((registers == least).sum()), 0)
        lower, estimate, upper = read_distinct(memoryview(head + body + bytes(4096)))
        assert abs(estimate / n - 1) < 4 * 1.04 / 64
        assert lower < estimate < upper


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
