"""Slow connections stand at a server, while eight writers put and somebody asks for its health."""

import multiprocessing
import socket
import statistics
import threading
import time
from typing import Any

from harness import API, Row, pictures, served
from lightmeter import Store
from server_process import BYTES, Client

NAME = "slow connections at a server"
REPEATS = 200
WRITERS, SECONDS = 8, 20.0
MOST = 0.1  # seconds, p99 of what others ask


def _be_slow(port: int, key: str, count: int, until: float) -> None:
    """A byte a second of headers, of a body, or nothing; again where the server ends it."""
    head = f"PUT {API}/profile?dataset=cells&writer=s HTTP/1.1\r\nHost: localhost\r\n".encode()
    head += f"Authorization: Bearer {key}\r\n".encode()
    body = head + b"Content-Type: application/octet-stream\r\nContent-Length: 100000\r\n\r\n"

    def connect(first: bytes) -> None:
        while time.monotonic() < until:
            try:
                with socket.create_connection(("127.0.0.1", port), 5) as connection:
                    connection.sendall(first)
                    while time.monotonic() < until:
                        connection.sendall(b"x" if first else b"")
                        time.sleep(1)
            except OSError:
                time.sleep(0.2)

    for number in range(count):
        first = (head + b"X: ", body, b"")[number % 3]
        threading.Thread(target=connect, args=(first,), daemon=True).start()
    time.sleep(max(0, until - time.monotonic()))


def _ask(port: int, key: str, number: int, until: float, told: Any) -> None:
    """Put, or ask for health where the number is negative; seconds of each, and faults."""
    client, body, seconds, faults = Client(port, key), pictures(), list[float](), list[str]()
    count = 0
    while (begun := time.monotonic()) < until:
        count += 1
        try:
            where = f"dataset=cells&writer=w{number}&at=2022-09-{1 + count % 28:02}&seq={count}"
            if number < 0:
                answer = client.ask("GET", "/healthz")
            else:
                answer = client.ask("PUT", f"{API}/profile?{where}", body, **BYTES)
            faults += [str(answer.status)] * (answer.status != 200)
        except OSError as error:
            faults.append(type(error).__name__)
        seconds.append(time.monotonic() - begun)
        if number < 0:
            time.sleep(0.02)
    told.put((number < 0, seconds, faults))


def measured(port: int, key: str, slow: int) -> tuple[list[float], ...]:
    """Seconds of each put and of each question, and what failed."""
    context = multiprocessing.get_context("fork")
    told, until = context.Queue(), time.monotonic() + SECONDS
    clients = [context.Process(target=_ask, args=(port, key, number, until, told))
               for number in (*range(WRITERS), -1)]  # fmt: skip
    if slow:
        clients.append(context.Process(target=_be_slow, args=(port, key, slow, until)))
    for client in reversed(clients):
        client.start()
    answers = [told.get(timeout=SECONDS + 60) for _ in range(WRITERS + 1)]
    for client in clients:
        client.join()
    puts = [each for health, taken, _ in answers if not health for each in taken]
    asked = [each for health, taken, _ in answers if health for each in taken]
    return puts, asked, [fault for _, _, faults in answers for fault in faults]


def words(puts: list[float], asked: list[float]) -> str:
    cuts = [statistics.quantiles(each, n=100) for each in (puts, asked)]
    return f"{len(puts) / SECONDS:.0f} puts/s, " + ", ".join(
        f"{name} p50 {1000 * cut[49]:.0f} p99 {1000 * cut[98]:.0f} ms"
        for name, cut in zip(("put", "health"), cuts, strict=True)
    )


def run(repeats: int) -> Row:
    """So many slow connections; a fault is a request that fails or a p99 over the bar."""
    with served() as (process, path), Store(path) as store:
        store.define("cells", "1d")
        key = store.state.keys.add(["read", "write"])
        alone = words(*measured(process.port, key, 0)[:2])
        puts, asked, faults = measured(process.port, key, repeats)
        if statistics.quantiles(puts, n=100)[98] > MOST:
            faults.append(f"p99 over {MOST} s")
    note = f"alone {alone}; beside them {words(puts, asked)} {'; '.join(sorted(set(faults)))}"
    return Row(NAME, repeats, len(puts), len(faults), note)
