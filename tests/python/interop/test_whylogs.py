"""Reading the profiles of whylogs; tests/golden/whylogs/README.md says what they are."""

import io
import json
import math
import struct
import zipfile
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import lightmeter as lm
import numpy as np
import pytest
from conftest import lightmeter
from hypothesis import given, settings
from hypothesis import strategies as st
from lightmeter import ProfileView, Store
from lightmeter.errors import DecodeError
from lightmeter.interop.whylogs import read_segments
from lightmeter.interop.whylogs.receiver import Asked, Ticket, signed, ticket_in
from lightmeter.serve import Limits, make_app
from PIL import Image
from starlette.exceptions import HTTPException
from starlette.testclient import TestClient
from stores import varint, view

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


# What is no profile of whylogs, or a damaged one, and profiles that lack a part.


SMALL = [FOLDER / name for name in ("two.bin", "rows.bin", "pictures.bin", "segments.zip")]


def archive(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in files.items():
            opened.writestr(name, data)
    return buffer.getvalue()


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
    starts = [message((1, varint(at))) for at in offsets]
    columns = [message((1, b"x" * (place + 1)), (2, start)) for place, start in enumerate(starts)]
    places = [*((2, column) for column in columns), (4, len(chunks))]
    header = message(*places, *((5, path) for path in paths))
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


def changed(path: str, part: bytes) -> bytes:
    return file_of({**WHOLE, path: part})


ONE = (FOLDER / "one.bin").read_bytes()
TWICE = {"image/a:counts/n": count(1), "udf/a:counts/n": count(1)}
REFUSED: list[tuple[str, bytes]] = [
    ("got 0 bytes that do not start with WHY1", b""),
    ("older form", b"\x0a\x10\x12\x03abc"),
    ("end within a number", b"WHY1"),
    ("more than 64 bits", b"WHY1" + b"\xff" * 11),
    ("cut off: got 8 bytes, expected 17", b"WHY1\x00\x02\x20\x09"),
    ("kind 3", b"WHY1\x00\x02\x1b\x1c"),
    ("2 segments", b"WHY1\x06\x22\x00\x22\x00\x08\x01\x00"),
    ("a segment with the key ''", b"WHY1\x04\x22\x02\x0a\x00\x00"),
    ("end|follow|timestamp", b"WHY1\x00\x0d\x0a\x0b\x28\xff\xff\xff\xff\xff\xff\xff\xff\x7f"),
    ("WHY1", archive({"a.bin": ONE, "notes.txt": b"no profile"})),
    ("without any file", archive({"b/": b""})),
    (r"two columns have a part 'x\.a'", file_of(TWICE)),
    ("column 'x': 5 values of 4 observations", changed("counts/n", count(4))),
    ("expected a count up to", changed("counts/n", count(2**56 + 1))),
    ("has bytes", changed("counts/n", message((2, b"1")))),
    ("more than 200000 fields", changed("counts/n", message(*[(9, 0)] * 200_001))),
    ("ends early", changed("distribution/kll", count(1))),
    ("3 frequent strings of 1", changed("types/string", count(1))),
    ("counts of|column", changed("frequent_items/frequent_strings", frequent(a=2**56))),
    ("3 bytes", changed("cardinality/hll", message((5, message((1, b"\2\1\7")))))),
    # Chunks that lie over each other: else a small file could be read for ever.
    ("not in the file, or overlaps", file_of(WHOLE, (0, 0))),
    ("end within a number", file_of(WHOLE, (2**63,))),
]


@pytest.mark.parametrize(("words", "data"), REFUSED, ids=[words for words, _ in REFUSED])
def test_what_is_no_profile(words: str, data: bytes) -> None:
    """And parts that do not fit."""
    with pytest.raises(DecodeError, match=words):
        lm.read_whylogs(data)


def test_archives() -> None:
    assert lm.read_whylogs(archive({"a.bin": ONE, "b/": b"", "b/c.bin": ONE}))["few"].n == 2
    with pytest.raises(DecodeError, match="more than 100000 bytes"):
        read_segments(archive({"a.bin": ONE, "bomb": bytes(10_000_000)}), most=100_000)


def test_sources(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="got a int; expected the path or the bytes"):
        lm.read_whylogs(3)  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError):
        lm.read_whylogs(tmp_path / "none.bin")
    (tmp_path / "a.bin").write_bytes(b"WHY1")
    with pytest.raises(DecodeError, match=r"a\.bin: the bytes end"):
        lm.read_whylogs(str(tmp_path / "a.bin"))


def test_parts_of_pictures() -> None:
    """What each is follows from the metric ``image``, not from names; addresses are left out."""
    whole = {f"image/ImagePixelWidth:{path}": part for path, part in WHOLE.items()}
    others = {f"image/{tag}:counts/n": count(3) for tag in ("ExifIFD", "ISO", "Copyright")}
    view = lm.read_whylogs(file_of({**whole, **others, "udf/long:counts/n": count(2)}))
    assert list(view) == ["x.Copyright", "x.ISO", "x.ImagePixelWidth", "x.long"]
    origins = [view[name].meaning.origin for name in view]
    assert origins == ["personal exif", "exif", "image", "value"]
    assert view.images == 6
    assert [view[name].missing for name in view] == [6, 6, 1, 2]


@pytest.mark.parametrize("path", SMALL, ids=lambda path: path.name)
@settings(max_examples=100)
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
    for column in view.values():
        column.to_summary_dict()


@pytest.mark.parametrize("path", SMALL, ids=lambda path: path.name)
def test_files_that_are_cut_off_are_errors(path: Path) -> None:
    data = path.read_bytes()
    for size in range(0, len(data), 1 + len(data) // 300):
        with pytest.raises(DecodeError):
            lm.read_whylogs(data[:size])


# What a server answers the client of whylogs. tests/integration has the real client.


AT = {"datasetTimestamp": 1662552000000, "segmentTags": [], "region": None}  # 2022-09-07 12:00
NEW = "/v1/log/async"
OLD = "/v0/organizations/org-1/log/async/cells"
REFERENCE = "/v0/organizations/org-1/log/reference/cells"
SEGMENTED = "/v0/organizations/org-1/dataset-profiles/models/cells/reference-profile"


@pytest.fixture
def key(store: Store) -> str:
    return store.state.keys.add(["write"], datasets=["cells", "cells reference *"])


def client_of(app: Any) -> TestClient:
    return TestClient(app, "http://localhost", client=("127.0.0.1", 5), follow_redirects=False)


@pytest.fixture
def client(store: Store) -> TestClient:
    return client_of(make_app(store))


def ask(client: TestClient, path: str, key: str, body: Any = AT, **headers: str) -> dict[str, Any]:
    """What the client is told after it asked."""
    named = {"X-API-Key": key, "X-WHYLABS-RESOURCE": "cells", "X-WhyLabs-File-Extension": "BIN"}
    answer = client.post(path, json=body, headers={**named, **headers})
    assert answer.status_code == 200, answer.text
    assert answer.json()["id"].startswith("log-")
    return answer.json()


def put(client: TestClient, address: str, name: str, status: int = 200) -> None:
    answer = client.put(address, content=(FOLDER / name).read_bytes())
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize("path", [NEW, OLD])
def test_a_profile_is_stored_once(store: Store, client: TestClient, key: str, path: str) -> None:
    for _ in range(2):
        address = ask(client, path, key)["uploadUrl"]
        assert address.startswith("http://localhost/v1/upload?ticket=")
        put(client, address, "uploaded.bin")
        put(client, address, "uploaded.bin")  # the answer to the first was lost
    (bucket,) = store.buckets("cells")
    assert bucket.start == datetime(2022, 9, 7, tzinfo=UTC)
    assert bucket.writers == 1
    assert "image.Brightness.mean" in store.read("cells")


def test_an_archive_goes_to_its_segments(store: Store, key: str) -> None:
    """By the address that others see."""
    client = client_of(make_app(store, public_url="https://drift.example.com/base/"))
    address = ask(client, NEW, key)["uploadUrl"]
    assert address.startswith("https://drift.example.com/base/v1/upload?ticket=")
    put(client, address.partition("/base")[2], "segments.zip")
    assert store.segments("cells") == [{"camera": "north"}, {"camera": "south"}]


def test_an_address_is_signed(store: Store, client: TestClient, key: str) -> None:
    address = ask(client, NEW, key)["uploadUrl"]
    put(client, address, "one.bin")
    put(client, address[:-8] + address[:-9:-1], "two.bin", status=403)
    put(client, address.partition("?")[0], "two.bin", status=403)
    assert len(store.stored("cells")) == 1


def test_a_reference_profile_replaces_another(store: Store, client: TestClient, key: str) -> None:
    body = {"alias": "golden", **AT}
    store.put("cells reference golden", view(1), at=date(2022, 9, 7), writer="somebody")
    for name in ("one.bin", "two.bin"):
        told = ask(client, REFERENCE, key, body)
        assert (told["modelId"], told["alias"]) == ("cells", "golden")
        put(client, told["uploadUrl"], name)
    assert list(store.datasets()) == ["cells reference golden"]
    writers = [row.writer for row in store.stored("cells reference golden")]
    assert len(writers) == 2
    assert "somebody" in writers


def test_a_wrong_key_is_refused(store: Store, client: TestClient, key: str) -> None:
    def status(headers: dict[str, str], path: str = NEW) -> int:
        named = {"X-WHYLABS-RESOURCE": "cells", **headers}
        return client.post(path, json=AT, headers=named).status_code

    assert status({}) == 401
    assert status({"X-API-Key": key[:-1] + ("a" if key[-1] != "a" else "b")}) == 401
    assert status({"X-API-Key": key, "X-WHYLABS-RESOURCE": "other"}) == 403
    assert status({"X-API-Key": key}, OLD.replace("cells", "other")) == 403
    assert status({"X-API-Key": store.state.keys.add(["read"])}) == 403
    of_cells = {"X-API-Key": store.state.keys.add(["write"], datasets=["cells"])}
    said = [status(of_cells, path) for path in (NEW, REFERENCE, SEGMENTED)]
    assert said == [200, 403, 403], "a reference is a dataset of its own"


def test_a_removed_key_takes_its_address_along(store: Store, client: TestClient, key: str) -> None:
    store.state.keys.add(["read"])
    address = ask(client, NEW, key)["uploadUrl"]
    store.state.keys.remove(key[:10])
    put(client, address, "one.bin", status=403)
    assert store.datasets() == {}


def test_an_address_of_before_there_were_keys(store: Store, client: TestClient) -> None:
    address = ask(client, NEW, "none")["uploadUrl"]
    key = store.state.keys.add(["read"])
    put(client, address, "one.bin", status=403)
    store.state.keys.remove(key[:10])
    put(client, address, "one.bin")


def test_what_would_take_too_much_is_refused(store: Store) -> None:
    client = client_of(make_app(store, limits=Limits(features=1)))
    put(client, ask(client, NEW, "")["uploadUrl"], "rows.bin", status=413)
    client = client_of(make_app(store, limits=Limits(body=10_000)))
    bomb = archive({"bomb.bin": bytes(1_000_000)})
    answer = client.put(ask(client, NEW, "")["uploadUrl"], content=bomb)
    assert (answer.status_code, "more than 40000 bytes" in answer.text) == (400, True)
    assert store.datasets() == {}


# Tickets


@pytest.mark.parametrize(
    "body",
    [
        {"datasetTimestamp": "5"},
        {"datasetTimestamp": 10**18},
        {"alias": "x" * 201},
        {"dataset": "a\tb"},
        {"segments": [{}] * 1001},
    ],
)
def test_another_request_is_refused(body: Any) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Asked.model_validate({"dataset": "cells", **body})


def test_a_ticket_says_what_it_is_for_and_ends() -> None:
    secret = bytes(32)
    ticket = Ticket(dataset="\U0001f600" * 200, at=5, is_reference=True, key="a", end=1e12)
    text = signed(ticket, secret)
    assert ticket_in(text, secret) == ticket
    late = signed(ticket.model_copy(update={"end": 1.0}), secret)
    for forged in ("", "x", text[:-4], f"A{text[1:]}", signed(ticket, b"other"), late):
        with pytest.raises(HTTPException, match="unknown or too old"):
            ticket_in(forged, secret)
