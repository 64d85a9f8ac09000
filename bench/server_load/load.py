"""A server under load: writers and readers, and slow clients beside them.

``python bench/server_load/load.py 60`` runs for 60 seconds and prints what a put took, how many
requests failed, and the memory of the server. It exits with 1 where a bar is missed.
"""

import http.client
import multiprocessing
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from lightmeter import Profile, Store

WRITERS, READERS, SLOW = 4, 2, 64
MOST_SECONDS, MOST_GROWTH = 0.5, 1.2  # p99 of a put; memory at the end by that after a third
API = "/api/v1"


def body() -> bytes:
    """A profile as a service sends it: 100 pictures."""
    rng, profile = np.random.default_rng(1), Profile()
    for _ in range(100):
        profile.track(rng.integers(0, 256, (32, 32, 3), np.uint8))
    return profile.view().to_bytes()


def ask(port: int, until: float, key: str, number: int, sent: bytes | None, told: Any) -> None:
    """One client: seconds of each request, or what went wrong."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    seconds, failed, count = [], [], 0
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/octet-stream"}
    paths = [
        "segments?dataset=cells",
        "buckets?dataset=cells",
        "profile?dataset=cells&format=json",
        "datasets",
    ]
    while time.monotonic() < until:
        count += 1
        begun = time.monotonic()
        try:
            if sent is None:
                connection.request("GET", f"{API}/{paths[count % len(paths)]}", headers=headers)
            else:
                day = 1 + count % 28
                query = f"dataset=cells&writer=w{number}&at=2022-09-{day:02}&seq={count}"
                connection.request("PUT", f"{API}/profile?{query}", sent, headers)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 200:
                failed.append(f"{answer.status} {text[:100]!r}")
        except (OSError, http.client.HTTPException) as error:
            failed.append(repr(error))
            connection.close()
        seconds.append(time.monotonic() - begun)
    told.put(("read" if sent is None else "put", seconds, failed))


def be_slow(port: int, until: float, key: str) -> None:
    """Clients that send a byte a second of headers, or of a body, and begin again when cut off."""
    head = f"PUT {API}/profile?dataset=cells&writer=s HTTP/1.1\r\nHost: localhost\r\n".encode()
    head += f"Authorization: Bearer {key}\r\n".encode()
    with_body = head + b"Content-Type: application/octet-stream\r\nContent-Length: 100000\r\n\r\n"

    def client(first: bytes) -> None:
        while time.monotonic() < until:
            try:
                with socket.create_connection(("127.0.0.1", port), 5) as connection:
                    connection.sendall(first)
                    while time.monotonic() < until:
                        connection.sendall(b"x")
                        time.sleep(1)
            except OSError:
                time.sleep(0.1)

    for number in range(SLOW):
        first = with_body if number % 2 else head + b"X: "
        threading.Thread(target=client, args=(first,), daemon=True).start()
    time.sleep(max(0, until - time.monotonic()))


def resident(pid: int) -> float:
    """Megabytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]


def main(seconds: float) -> int:
    """Run it; the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        with Store(f"{folder}/drift.db") as store:
            store.define("cells", "1d")
            keys = [store.state.keys.add(["read", "write"]) for _ in range(WRITERS + READERS)]
        command = [sys.executable, "-m", "lightmeter", "serve", "--store", f"{folder}/drift.db"]
        with (
            open(f"{folder}/log", "wb") as log,
            subprocess.Popen(
                [*command, "--port", "0"], stdout=subprocess.PIPE, stderr=log
            ) as server,
        ):
            assert server.stdout is not None
            port = int(server.stdout.readline().rsplit(b":", 1)[1])
            told: Any = multiprocessing.Queue()
            until, sent = time.monotonic() + seconds, body()
            clients = [
                multiprocessing.Process(
                    target=ask,
                    args=(port, until, keys[each], each, sent if each < WRITERS else None, told),
                )
                for each in range(WRITERS + READERS)
            ]
            clients.append(multiprocessing.Process(target=be_slow, args=(port, until, keys[-1])))
            for client in clients:
                client.start()
            time.sleep(seconds / 3)
            before = resident(server.pid)
            answers = [told.get() for _ in range(WRITERS + READERS)]
            after = resident(server.pid)
            for client in clients:
                client.join()
            begun = time.monotonic()
            server.terminate()
            server.wait()
            ended = time.monotonic() - begun
    failed = [words for _, _, each in answers for words in each]
    passed = not failed and after <= MOST_GROWTH * before
    for kind in ("put", "read"):
        taken = [second for name, each, _ in answers if name == kind for second in each]
        cuts = statistics.quantiles(taken, n=100)
        print(
            f"{kind}: {len(taken)},"
            f" {len(taken) / seconds:.0f} a second, p50 {1000 * cuts[49]:.0f} ms,"
            f" p99 {1000 * cuts[98]:.0f} ms, max {1000 * max(taken):.0f} ms"
        )
        passed &= kind != "put" or cuts[98] < MOST_SECONDS
    print(f"a profile: {len(sent)} bytes")
    print(f"failed: {len(failed)} {failed[:3]}")
    print(f"memory: {before:.0f} MB after a third, {after:.0f} MB at the end")
    print(f"ended {ended:.1f} s after SIGTERM")
    return 0 if passed else 1


if __name__ == "__main__":
    raise SystemExit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 60))
