"""Who has no right key or sends a bomb gets nothing in."""

import gzip
import io
import itertools
import json
import time
import zipfile
from collections.abc import Iterator
from datetime import date
from urllib.parse import urlsplit

from harness import API, PUT, Row, basic, pictures, raw, resident, served
from lightmeter import ProfileView, Store
from lightmeter.monitor.sitemap import dataset_page
from server_process import BYTES, Client, Process

NAME = "keys and bombs at a server"
REPEATS = 1

OPEN = "/healthz", f"{API}/openapi.json"
ASKED = "segments buckets rolled_up?writer=a profile profile?format=json results datasets"
READS = [f"{API}/{path}" for path in ASKED.split()]
READS = [f"{path}{'&' if '?' in path else '?'}dataset=cells" for path in READS[:-1]] + READS[-1:]
READS += ["/", "/index.html", f"/{dataset_page('cells')}", "/x.html", "/metrics"]
NOTHING = [f"{API}/nothing", "/docs", "/redoc"]
POSTED = "/forms/watch", "/v1/log/async", "/v0/organizations/o/log/async/cells"
WRITES = [("PUT", PUT), ("PUT", f"{API}/dataset?dataset=cells&every=1d")]
WRITES += [*(("POST", path) for path in POSTED), ("PUT", "/v1/upload?ticket=a.b")]
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def wrong_keys(key: str, removed: str) -> list[dict[str, str]]:
    """Headers that let nobody in."""
    bearers = ["", "x" * 54, key[:-1], key[:10], removed, "' OR 1=1 --", f"{key} {key}", "\xff"]
    return [
        {},
        *({"Authorization": f"Bearer {text}"} for text in bearers),
        *({"Authorization": basic(text)} for text in ("", ":", f":{key}x", f"{key}:x")),
        {"Authorization": basic(f"a:{removed}")},
        {"Authorization": "Basic !"},
        {"Authorization": f"Digest {key}"},
        {"X-API-Key": key[:-1]},
        {"Cookie": f"key={key}"},
        {"X-Forwarded-User": "admin", "Remote-User": "admin", "X-Forwarded-For": "127.0.0.1"},
    ]


def _without_keys(port: int, key: str, removed: str) -> Iterator[str]:
    """Every path with every wrong key: 401, and 429 after many."""
    requests = [("GET", path) for path in READS + NOTHING] + WRITES
    for wrong, (method, path) in itertools.product(wrong_keys(key, removed), requests):
        site = {"Origin": f"http://127.0.0.1:{port}"} if path.startswith("/forms/") else {}
        asked = Client(port, headers={"X-WHYLABS-RESOURCE": "cells"} | wrong | site)
        answer = asked.ask(method, path, b"" if method != "GET" else None)
        refused = (401, 429, 403 if "ticket" in path else 404 if path in NOTHING else 401)
        if answer.status not in refused or b"cells" in answer.body:
            yield f"{method} {path} {sorted(wrong)}: {answer.status}"
        if "set-cookie" in answer.headers:
            yield f"{path}: a cookie"


def _bombs(process: Process, key: str) -> Iterator[str]:
    """What unpacks to a lot, is said to be much, or is nested, is refused soon."""
    port, zeros = process.port, bytes(10**7)
    packed, nested = gzip.compress(zeros), b"[" * 60_000
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for number in range(50):
            file.writestr(f"{number}.bin", zeros)
    asked = Client(port, key)
    where = "/v1/log/async"
    ticket = json.loads(asked.ask("POST", where, b"{}", X_WHYLABS_RESOURCE="cells").body)
    parts = urlsplit(ticket["uploadUrl"])
    json_kind = {"Content-Type": "application/json"}
    huge = {"Content-Length": str(10**10), "Expect": "100-continue"}
    for name, statuses, method, path, body, headers in (
        *((f"{kind} body", (415,), "PUT", PUT, packed, BYTES | {"Content-Encoding": kind})
          for kind in ("gzip", "br", "zstd", "deflate", "identity, gzip")),
        ("10 GB", (413,), "PUT", PUT, b"", BYTES | huge),
        ("17 MB", (413,), "PUT", PUT, bytes(17 * 2**20), BYTES),
        ("1 MB of JSON", (400, 413), "POST", where, b" " * 2**20, json_kind),
        ("nested JSON", (400, 422), "POST", where, nested, json_kind),
        ("a number of 60 kB", (400, 422), "POST", where, b"1" * 60_000, json_kind),
        ("zip of 500 MB", (400, 413), "PUT", f"{parts.path}?{parts.query}", archive.getvalue(), {}),
        ("much of a form", (400, 403, 413), "POST", "/forms/watch", b"a=" * 10**6, FORM),
    ):  # fmt: skip
        begun = time.monotonic()
        site = {"Origin": f"http://127.0.0.1:{port}"} if headers is FORM else {}
        more = {"X-WHYLABS-RESOURCE": "cells"} if path == where else {}
        answer = Client(port, key).ask(method, path, body, **headers, **site, **more)
        seconds = time.monotonic() - begun
        if answer.status not in statuses or seconds > 12:
            yield f"{name}: {answer.status} after {seconds:.1f} s"
    before = resident(process.process.pid)
    raw(port, b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: a\r\n" * 10**7)
    if (grown := resident(process.process.pid) - before) > 50:
        yield f"headers without an end: {grown} MB more"
    length, chunks = b"Content-Length: 5", b"Transfer-Encoding: chunked"
    for both in (b"\r\n".join((length, chunks)), b"\r\n".join((chunks, length))):
        hidden = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
        request = b"PUT /api/v1/dataset HTTP/1.1\r\nHost: localhost\r\n%s\r\n\r\n0\r\n\r\n%s"
        answers = raw(port, request % (both, hidden)).count(b"HTTP/1.1 ")
        if answers != 1:
            yield f"two lengths: {answers} answers"


def run(repeats: int) -> Row:
    """All of it once; what got in is lost."""
    faults: list[str] = []
    with served() as (process, path), Store(path) as store:
        store.put("cells", ProfileView.from_bytes(pictures(2)), at=date(2022, 9, 7), writer="a")
        key, removed = (store.state.keys.add(["admin"]) for _ in range(2))
        store.state.keys.remove(removed[:10])
        before = store.summary(), store.stored("cells"), store.datasets()
        faults += _bombs(process, key)
        faults += _without_keys(process.port, key, removed)
        for place in OPEN:
            status = Client(process.port).ask("GET", place).status
            faults += [place] * (status not in (200, 429))
        if Client(process.port, key).ask("GET", f"{API}/datasets").status != 200:
            faults.append("a right key is locked out")
        if (store.summary(), store.stored("cells"), store.datasets()) != before:
            faults.append("the store was changed")
        told = path.with_suffix(".log").read_text()
        faults += ["a key is in the log"] * (key[11:] in told or removed[11:] in told)
    requests = len(wrong_keys(key, removed)) * (len(READS) + len(NOTHING) + len(WRITES))
    return Row(NAME, repeats, requests, len(faults), "; ".join(sorted(set(faults))))
