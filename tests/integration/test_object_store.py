"""Stores in an S3-compatible service, and on plain files, with writers in other processes."""

import contextlib
import os
import random
import secrets
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import lightmeter as lm
import pytest
from lightmeter import Store
from lightmeter.errors import StoreError
from stores import fill, timeless, view

pytest.importorskip("s3fs")
server = pytest.importorskip("moto.server")

LATER = datetime(2022, 9, 20, tzinfo=UTC)
SECRET = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLE"

# Each round adds one image to two hours, and tells when a put has returned.
WRITER = """
import sys
from datetime import datetime, UTC
import numpy as np
from lightmeter import Profile, Store
address, writer, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
store, profile = Store(address), Profile()
for seq in range(1, rounds + 1):
    profile.track(np.full((4, 4), seq % 256, np.uint8))
    for hour in (1, 2):
        at = datetime(2022, 9, 7, hour, tzinfo=UTC)
        assert store.put("cells", profile, at=at, writer=writer, seq=seq, every="1h")
        print(hour, seq, flush=True)
"""
COLLECTOR = """
import sys
from datetime import datetime, UTC
import numpy as np
from lightmeter import Profile, Store
from lightmeter.store.cloud import lease
lease.EXPIRY = 0.5
store, profile = Store(sys.argv[1]), Profile()
profile.track(np.zeros((4, 4), np.uint8))
for count in range(1, 10_000):
    for hour in (1, 2):
        store.put("extra", profile, at=datetime(2022, 9, 7, hour, tzinfo=UTC),
                  writer=f"{sys.argv[2]}/{count}", every="1h")
        print(1, 2 * count - 2 + hour, flush=True)
    store.gc(now=datetime(2022, 9, 9, tzinfo=UTC), roll_up_after="1h")
"""


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    """The address of a service in this process, which asks for no credentials."""
    with contextlib.ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        moto = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        moto.start()
        stack.callback(moto.stop)
        host, port = moto.get_host_and_port()
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        import s3fs

        s3fs.S3FileSystem().mkdir("bucket")
        yield "s3://bucket"


@pytest.fixture(params=["s3", "file"])
def address(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("LIGHTMETER_CACHE", str(tmp_path / "cache"))
    if request.param == "file":
        return f"file://{tmp_path}/store"
    return f"{request.getfixturevalue('service')}/{secrets.token_hex(8)}/a prefix"


def run(code: str, *arguments: object, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    )


def test_it_answers_as_a_file_does(address: str, tmp_path: Path) -> None:
    fill(tmp_path / "drift.db")
    fill(address)  # type: ignore[arg-type]
    with Store(tmp_path / "drift.db") as file, Store(address) as store:
        assert store._session.objects.exclusive
        assert timeless(store) == timeless(file)
        assert store.verify() == []
        store.put("é/*?[", view(1), at=LATER, writer="../%2F", segment={"a": "b&c"})
        assert store.read("é/*?[", segment={"a": "b&c"}).images == 1
        assert store.profiles.delete("é/*?[", segment={"a": "b&c"}) == 1


def test_kills_lose_nothing_that_was_acknowledged(address: str, tmp_path: Path) -> None:
    rng = random.Random(1)
    Store(address).close()
    told: Counter[tuple[str, str]] = Counter()
    for number in range(4):
        writers = {
            f"{code}{number}": run(
                text,
                address,
                f"{code}{number}",
                *([10_000] if code == "writer" else []),
                LIGHTMETER_CACHE=str(tmp_path / f"cache-{code}"),
            )
            for code, text in (("writer", WRITER), ("collector", COLLECTOR))
        }
        for process in writers.values():
            assert process.stdout is not None
            assert process.stdout.readline()
        time.sleep(rng.uniform(0, 0.5))
        for name, process in writers.items():
            process.send_signal(signal.SIGKILL)
            output, _ = process.communicate()
            for line in output.split("\n")[:-1]:
                hour, seq = line.split()
                told[name, hour] = max(told[name, hour], int(seq))
    with Store(address) as store:
        # Both are rolled up meanwhile. A kill may leave one that nobody was told of.
        for dataset, code, most in (("cells", "writer", 8), ("extra", "collector", 8)):
            images = sum(bucket.images for bucket in store.buckets(dataset))
            least = sum(seq for (name, _), seq in told.items() if name.startswith(code))
            assert least <= images <= least + most, dataset
        assert store.verify() == []


def test_credentials_are_not_told(
    service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIGHTMETER_CACHE", str(tmp_path))
    with pytest.raises(StoreError, match=r"NoSuchBucket|bucket does not exist") as caught:
        Store(f"{service}-that-is-not/x")
    assert SECRET not in str(caught.value)
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(StoreError, match="s3://bucket/x: reading v1/store failed") as caught:
        Store(f"{service}/x", create=False)
    assert SECRET not in str(caught.value)
    s3fs.S3FileSystem.clear_instance_cache()
    assert lm.Store
