"""Alerts to receivers that are not kind: each try ends in time, redirects are not followed, no
secret is told, and the next run tells the same with the same identifier."""

import contextlib
import io
import logging
import os
import re
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from alerting import tell, webhook
from harness import Row
from incidents import days
from lightmeter import Store
from receiver import Receiver, cut_off, drip, echo, endless, garbage, hang_up, silence

NAME = "receivers of alerts that are not kind"
REPEATS = 3
SECRET, PATH = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "T0SECRETPATH"
TIMEOUT = timedelta(seconds=0.5)
LONGEST = 3 * TIMEOUT.total_seconds() + 3  # seconds of three tries


def kinds(other: str) -> dict[str, tuple[Any, str]]:
    """Answers by name, and what is told of each; None is a port that nobody listens at."""
    late, out = "no answer in time$", "cannot be reached"
    moved = {code: (code, {"Location": other}, b"") for code in (301, 302, 303, 307, 308)}
    return {
        "500": ((500, {}, b"no route for /hook"), "answered 500$"),
        "404": ((404, {}, b"<p>" * 100_000), "answered 404$"),
        "headers": ((500, {f"X-{number}": "y" * 600 for number in range(99)}, b""), out),
        "later": ((429, {"Retry-After": "99999999"}, b""), "answered 429$"),
        "drip": (drip, late),
        "silence": (silence, late),
        "garbage": (garbage, rf"{out} \(ProtocolError\)$"),
        "hang up": (hang_up, out),
        "cut off": (cut_off, "answered 500$"),
        "echo": (echo, "answered 500$"),
        **{str(code): (each, f"answered {code}: redirects are") for code, each in moved.items()},
        "endless 500": (endless(500), "answered 500$"),
        "endless 200": (endless(200), ""),
        "down": (None, f"({out}|{late})"),
    }


def mistakes(answer: Any, told: str, log: io.StringIO) -> list[str]:
    """Return what a receiver made go wrong."""
    wrong, results = [], days("oA", feature="f0")
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder, "drift.db")) as store:
        with Receiver([answer or 200]).running() as bad:
            hook = webhook(bad, timeout=TIMEOUT, secret_env="LIGHTMETER_TEST_SECRET")
            url = bad.url if answer else "http://127.0.0.1:9"
            os.environ["LIGHTMETER_TEST_HOOK"] = f"{url}/{PATH}"
            began = time.monotonic()
            (said,) = tell(store, results, [hook])
            if time.monotonic() - began > LONGEST:
                wrong.append("too long")
        log.write(str(said.error))
        if not re.match(rf"127\.0\.0\.1: {told}" if told else "None", str(said.error)):
            wrong.append(f"{said.error} is told")
        with Receiver([200]).running() as good:
            os.environ["LIGHTMETER_TEST_HOOK"] = good.url
            tell(store, results, [hook])
            tell(store, results, [hook])
    ids = [request.headers["webhook-id"] for request in [*bad.requests, *good.requests]]
    if len(set(ids)) != 1:
        wrong.append("another identifier, or none")
    if len(good.requests) != (said.error is not None):
        wrong.append("lost, or told twice")
    secrets = PATH, SECRET, SECRET.removeprefix("whsec_")
    return wrong + ["a secret is told"] * any(secret in log.getvalue() for secret in secrets)


def run(repeats: int) -> Row:
    """All receivers, `repeats` times."""
    os.environ["LIGHTMETER_TEST_SECRET"] = SECRET
    found, asked, log = list[str](), 0, io.StringIO()
    logging.basicConfig(stream=log, level=logging.DEBUG, force=True)
    with Receiver([200]).running() as other, contextlib.redirect_stdout(log):
        for name, answer in repeats * [*kinds(other.url).items()]:
            asked += 1
            found += (f"{name}: {each}" for each in mistakes(*answer, log))
    found += ["a redirect was followed"] * len(other.requests)
    return Row(NAME, repeats, asked, len(found), "; ".join(sorted(set(found))) or "nothing wrong")
