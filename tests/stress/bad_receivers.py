"""Alerts to receivers that are not kind: each try ends in time, redirects are not followed, no
secret is told, and the next run tells the same with the same identifier."""

import contextlib
import io
import logging
import os
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


def kinds(other: str) -> dict[str, Any]:
    """Answers by name; None is a port that nobody listens at."""
    return {
        "500": 500,
        "long headers": (500, {f"X-{number}": "y" * 600 for number in range(99)}, b""),
        "later": (429, {"Retry-After": "99999999"}, b""),
        **{each.__name__: each for each in (drip, silence, garbage, hang_up, cut_off, echo)},
        **{str(code): (code, {"Location": other}, b"") for code in (301, 302, 303, 307, 308)},
        "endless 500": endless(500),
        "endless 200": endless(200),
        "down": None,
    }


def mistakes(answer: Any, log: io.StringIO) -> list[str]:
    """Return what a receiver made go wrong."""
    wrong, results = [], days("oA", feature="f0")
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder, "drift.db")) as store:
        with Receiver([answer or 200]).running() as bad:
            hook = webhook(bad, timeout=TIMEOUT, secret_env="LIGHTMETER_TEST_SECRET")
            os.environ["LIGHTMETER_TEST_HOOK"] += f"/{PATH}" if answer else f":1/{PATH}"
            began = time.monotonic()
            (said,) = tell(store, results, [hook])
            if time.monotonic() - began > LONGEST:
                wrong.append("too long")
        log.write(str(said.error))
        with Receiver([200]).running() as good:
            os.environ["LIGHTMETER_TEST_HOOK"] = good.url
            tell(store, results, [hook])
            tell(store, results, [hook])
    told = [request.headers["webhook-id"] for request in [*bad.requests, *good.requests]]
    if len(set(told)) != 1:
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
            found += (f"{name}: {each}" for each in mistakes(answer, log))
    found += ["a redirect was followed"] * len(other.requests)
    return Row(NAME, repeats, asked, len(found), "; ".join(sorted(set(found))) or "nothing wrong")
