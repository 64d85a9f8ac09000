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
MOST = 0.1  # seconds, p99 of what others ask; or twice as much as alone, on a slow machine
Notice = tuple[list[float], list[float], list[str]]  # seconds of puts and of questions, and faults


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


def _ask(
    client: Client, paths: tuple[str, ...], body: bytes, number: int, until: float, told: Any
) -> None:
    """Put, or ask for these paths in turns."""
    seconds, faults, count = list[float](), list[str](), 0
    while (begun := time.monotonic()) < until:
        count += 1
        try:
            where = f"dataset=cells&writer=w{number}&at=2022-09-{1 + count % 28:02}&seq={count}"
            if paths:
                answer = client.ask("GET", paths[count % len(paths)])
            else:
                answer = client.ask("PUT", f"{API}/profile?{where}", body, **BYTES)
            faults += [str(answer.status)] * (answer.status != 200)
        except OSError as error:
            faults.append(type(error).__name__)
        seconds.append(time.monotonic() - begun)
        if paths == ("/healthz",):
            time.sleep(0.02)
    told.put((bool(paths), seconds, faults))


def measured(
    port: int, key: str, slow: int, writers: int = WRITERS, seconds: float = SECONDS,
    asked: tuple[tuple[str, ...], ...] = (("/healthz",),), body: bytes = pictures(),
) -> Notice:  # fmt: skip
    """Let so many slow connections, writers and readers of paths be there at once."""
    context = multiprocessing.get_context("fork")
    told, until = context.Queue(), time.monotonic() + seconds
    works = [(Client(port, key), paths, body) for paths in (*[()] * writers, *asked)]
    clients = [
        context.Process(target=_ask, args=(*work, number, until, told))
        for number, work in enumerate(works)
    ]
    clients.append(context.Process(target=_be_slow, args=(port, key, slow, until)))
    for client in reversed(clients):
        client.start()
    answers = [told.get(timeout=seconds + 60) for _ in works]
    for client in clients:
        client.join()
    puts = [each for reads, taken, _ in answers if not reads for each in taken]
    questions = [each for reads, taken, _ in answers if reads for each in taken]
    return puts, questions, [fault for _, _, faults in answers for fault in faults]


def words(puts: list[float], asked: list[float], seconds: float = SECONDS) -> str:
    """Say how many there were, and how long they took."""
    cuts = [statistics.quantiles(each, n=100) for each in (puts, asked)]
    return f"{len(puts) / seconds:.0f} puts/s, " + ", ".join(
        f"{name} p50 {1000 * cut[49]:.0f} p99 {1000 * cut[98]:.0f} ms"
        for name, cut in zip(("put", "asked"), cuts, strict=True)
    )


def run(repeats: int) -> Row:
    """So many slow connections; a fault is a request that fails or a p99 over the bar."""
    with served() as (process, path), Store(path) as store:
        store.define("cells", "1d")
        key = store.state.keys.add(["read", "write"])
        alone = measured(process.port, key, 0)[:2]
        most = max(MOST, 2 * statistics.quantiles(alone[0], n=100)[98])
        puts, asked, faults = measured(process.port, key, repeats)
        if statistics.quantiles(puts, n=100)[98] > most:
            faults.append(f"p99 over {most:.3f} s")
    said = f"alone {words(*alone)}; beside them {words(puts, asked)} "
    return Row(NAME, repeats, len(puts), len(faults), said + "; ".join(sorted(set(faults))))
