"""Profiles that a stranger wrote, with right checksums, are put to a server; then all is read."""

import random
import re
import time
from collections import Counter
from itertools import islice
from pathlib import Path
from urllib.parse import quote

from dashboards import ALLOWED, FORM_TAGS, Page, attacked, crawled
from google_crc32c import value as crc32c
from harness import API, Row, served
from hostile import HOSTILE
from lightmeter import Store
from lmp import Bytes
from server_process import BYTES, Client
from stores import save_results, varint

NAME = "hostile profiles and names at a server"
REPEATS = 20_000
GOLDEN = sorted((Path(__file__).parents[1] / "golden/v1").glob("*.lmp"))
SLOW = 10.0  # seconds for one answer, such as a report of a thousand profiles


def _sections(data: bytes) -> list[tuple[bytes, bytes]]:
    """Name and body of each section."""
    file, sections = Bytes(data[11:]), []
    for _ in range(data[6]):
        sections.append((file.sized(), file.sized()))
        file.take(4)  # the checksum
    return sections


def _sized(data: bytes) -> bytes:
    return varint(len(data)) + data


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
        answer = self.ask(method, path, body, **({} if body is None else BYTES))
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


def _crawled(asker: _Asker) -> int:
    """Every page, which must be inert, and every report; how many there were."""
    datasets = re.findall(rb'"((?:[^"\\]|\\.)*)":"1d"', asker.noted("GET", f"{API}/datasets")[1])
    for dataset in datasets:
        name = quote(dataset.decode("unicode_escape"))
        for path in ("profile", "segments"):
            asker.noted("GET", f"{API}/{path}?dataset={name}")
    asker.noted("GET", "/metrics")
    count, statuses = 0, list[int]()

    def ask(address: str) -> str:
        status, body = asker.noted("GET", address)
        statuses.append(status)
        return body.decode()

    for address, text in islice(crawled(ask), 500):
        count += 1
        try:
            assert statuses.pop() == 200
            Page(text).check_inert(set(), ALLOWED | FORM_TAGS)
            assert "\u202e" not in text
        except AssertionError as error:
            asker.faults.append(f"{address}: {str(error)[:60]}")
    return count


def run(repeats: int) -> Row:
    """`repeats` profiles; then every report, list and page."""
    with served() as (process, path):
        asker = _Asker(process.port)
        statuses = _put(asker, repeats)
        with Store(path) as store:
            save_results(store, attacked(store, HOSTILE).results)
        pages = _crawled(asker)
    faults = asker.faults + [f"{status}" for status in statuses if status not in (200, 400, 413)]
    note = f"{dict(sorted(statuses.items()))}, {pages} pages, worst {asker.worst:.2f} s"
    return Row(NAME, repeats, statuses[200], len(faults), f"{note} {'; '.join(faults[:5])}")
