"""Profiles that a stranger wrote, with right checksums, are put to a server; then all is read."""

import random
import re
import time
from collections import Counter
from pathlib import Path
from urllib.parse import quote, urljoin

from dashboards import ALLOWED, Page
from google_crc32c import value as crc32c
from hostile import HOSTILE
from incidents import DAY, FIRST, days
from lightmeter import Store, log
from row import Row
from serving import API, Client, served
from stores import save_results

NAME = "hostile profiles and names at a server"
REPEATS = 20_000
GOLDEN = sorted((Path(__file__).parents[1] / "golden/v1").glob("*.lmp"))
FORM_TAGS = {"form", "input", "button", "label", "select", "option", "details", "summary"}
SLOW = 10.0  # seconds for one answer, such as a report of a thousand profiles


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        number, shift, at = number | (byte & 127) << shift, shift + 7, at + 1
        if byte < 128:
            return number, at


def _sections(data: bytes) -> list[tuple[bytes, bytes]]:
    """Name and body of each section."""
    at, sections = 11, []
    for _ in range(data[6]):
        parts = []
        for _ in range(2):
            size, at = _varint(data, at)
            parts.append(data[at : at + size])
            at += size
        sections.append((parts[0], parts[1]))
        at += 4
    return sections


def _sized(data: bytes) -> bytes:
    size, length = b"", len(data)
    while length > 127:
        size, length = size + bytes([length & 127 | 128]), length >> 7
    return size + bytes([length]) + data


def _checked(data: bytes) -> bytes:
    return data + crc32c(data).to_bytes(4, "little")


def changed(data: bytes, rng: random.Random) -> bytes:
    """The profile with some bytes of a section changed, doubled or taken out; checksums fit."""
    sections = _sections(data)
    for _ in range(rng.randrange(1, 4)):
        number = rng.randrange(len(sections))
        name, body = sections[number]
        at, size = rng.randrange(len(body)), rng.randrange(1, 9)
        new = rng.choice(
            [b"", rng.randbytes(size), b"\xff" * size, body[at : at + size] * 2, b"\0"]
        )
        sections[number] = name, body[:at] + new + body[at + rng.choice([0, len(new), size]) :]
        if not sections[number][1]:
            return data
    head = b"LMP\n\1\1" + bytes([len(sections)])
    return _checked(head) + b"".join(_checked(_sized(n) + _sized(b)) for n, b in sections)


class _Asker(Client):
    """Notes what no answer may be."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.faults: list[str] = []
        self.worst = 0.0

    def noted(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        begun = time.monotonic()
        kind = {} if body is None else {"Content-Type": "application/octet-stream"}
        answer = self.ask(method, path, body, **kind)
        seconds = time.monotonic() - begun
        self.worst = max(self.worst, seconds)
        if answer.status >= 500 or seconds > SLOW:
            self.faults.append(f"{method} {path[:60]}: {answer.status} after {seconds:.1f} s")
        return answer.status, answer.body


def _put(asker: _Asker, count: int) -> Counter[int]:
    rng, golden = random.Random(1), [path.read_bytes() for path in GOLDEN]
    golden = [data for data in golden if data[6]]
    statuses: Counter[int] = Counter()
    for number in range(count):
        where = f"dataset=d{number % 20}&writer=w{number}&at=2022-09-{1 + number % 28:02}"
        body = changed(rng.choice(golden), rng)
        statuses[asker.noted("PUT", f"{API}/profile?{where}", body)[0]] += 1
    return statuses


def _hostile_names(store: Store) -> None:
    """As names of datasets, segments, writers, features and monitors, and as values."""
    for number, text in enumerate(text.replace("\x00", "") for text in HOSTILE):
        name = text if text.isprintable() else repr(text)
        view = log(columns={text: [1.0, 2.0] * 9, "category": [text] * 18}).view()
        for day in range(3):
            for segment in (None, {name: name}):
                store.put(name, view, at=FIRST + day * DAY, writer=name, segment=segment)
        results = days("oAE", dataset=name, monitor=name, feature=text, words=text)
        save_results(store, results, source=f"{number}.toml")


def _crawled(asker: _Asker) -> int:
    """Every page, which must be inert, and every report; how many there were."""
    datasets = re.findall(rb'"((?:[^"\\]|\\.)*)":"1d"', asker.noted("GET", f"{API}/datasets")[1])
    for dataset in datasets:
        name = quote(dataset.decode("unicode_escape"))
        for path in ("profile", "segments"):
            asker.noted("GET", f"{API}/{path}?dataset={name}")
    asker.noted("GET", "/metrics")
    seen: set[str] = set()
    waiting = ["/"]
    while waiting and len(seen) < 500:
        address = waiting.pop()
        if address in seen:
            continue
        seen.add(address)
        status, body = asker.noted("GET", address)
        page = Page(body.decode())
        try:
            assert status == 200
            page.check_inert(set(), ALLOWED | FORM_TAGS)
            assert b"\xe2\x80\xae" not in body
        except AssertionError as error:
            asker.faults.append(f"{address}: {status} {str(error)[:60]}")
        links = [str(each["href"]) for tag, each in page.tags if tag == "a"]
        waiting += [urljoin(address, link).partition("#")[0] for link in links]
    return len(seen)


def run(repeats: int) -> Row:
    """`repeats` profiles; then every report, list and page."""
    with served() as (process, path):
        asker = _Asker(process.port)
        statuses = _put(asker, repeats)
        with Store(path) as store:
            _hostile_names(store)
        pages = _crawled(asker)
    faults = asker.faults + [f"{status}" for status in statuses if status not in (200, 400, 413)]
    note = f"{dict(sorted(statuses.items()))}, {pages} pages, worst {asker.worst:.2f} s"
    return Row(NAME, repeats, statuses[200], len(faults), f"{note} {'; '.join(faults[:5])}")
