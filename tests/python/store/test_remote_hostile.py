"""Servers, ways, spools and environments that are not as they should be."""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import lightmeter as lm
import pytest
from lightmeter import Store
from lightmeter.errors import StoreError
from lightmeter.store.remote import client
from lightmeter.store.remote.spool import Entry
from stores import change, view
from weather import DAY, Weather, counts, free_port, waiting


@pytest.mark.parametrize("size", ["-1", "-5"])
def test_chunks_of_fewer_bytes_than_none(
    way: Weather, monkeypatch: pytest.MonkeyPatch, size: str
) -> None:
    """By -1 http.client would read, into memory, whatever comes."""
    monkeypatch.setattr(client, "_MOST_JSON", 1000)
    head = f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{size}\r\n"
    way.faults = [head + "x" * (3 << 20)] * 30
    with Store(way.url) as far, pytest.raises(StoreError, match=r"more than 1000 bytes|none of HT"):
        far.datasets()


@contextlib.contextmanager
def silent_port() -> Iterator[int]:
    """One whose connections never come about: its queue is full."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(4):
            end = stack.enter_context(socket.socket())
            end.setblocking(False)
            end.connect_ex(server.getsockname())
        yield server.getsockname()[1]


def test_hurry_is_heard_while_no_connection_comes_about(
    spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_IDLE", 60.0)
    with silent_port() as port, Store(f"http://127.0.0.1:{port}") as far:
        put = threading.Thread(
            target=far.put, args=("cells", view(1)), kwargs={"at": DAY, "writer": "a"}
        )
        put.start()
        time.sleep(0.3)
        far.hurry(0.1)
        put.join(6)  # without it the system waits for 10 seconds
        assert not put.is_alive()
    assert len(waiting(spool)) == 1


@pytest.mark.parametrize(
    "proxy",
    ["http://[::1", "http://me:word@h:junk", "socks5://h:1", "j k", "http://a..b", "http://"],
)
def test_proxies_that_cannot_be_used(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", proxy)
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(StoreError, match="https_proxy names cannot be used") as raised:
        Store("https://lightmeter.invalid")
    assert "word" not in str(raised.value)


def test_a_log_of_tls_keys_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", "/dev/null/nowhere")
    with pytest.raises(StoreError, match="look at SSL_CERT_FILE"):
        Store("https://lightmeter.invalid")


def test_files_that_are_none_hold_up_nothing(store: Store, way: Weather, spool: Path) -> None:
    with Store(f"http://127.0.0.1:{free_port()}") as away:
        for writer in "ab":
            away.put("cells", view(2), at=DAY, writer=writer)
    far = Store(way.url)
    folder = away.spool.folder.rename(far.spool.folder)
    pipe, inner, loop, lost = (folder / f"{'0' * 16}-{name * 32}.send" for name in "abcd")
    os.mkfifo(pipe)
    inner.mkdir()
    loop.symlink_to(loop)
    lost.symlink_to("nowhere")
    done = far.send()
    far.close()
    assert (done.sent, done.refused, done.left) == (2, 4, 0)
    assert counts(store) == {"a": 2, "b": 2}


def test_no_room_for_what_is_refused_holds_up_nothing(
    store: Store, way: Weather, spool: Path
) -> None:
    store.define("cells", "1d")
    with Store(f"http://127.0.0.1:{free_port()}") as away:
        away.put("cells", view(1), at=DAY, writer="a", every="1h")
        away.put("cells", view(2), at=DAY, writer="b")
    far = Store(way.url)
    away.spool.folder.rename(far.spool.folder)
    far.spool.refused.write_text("a file in place of the folder")
    done = far.send()
    far.close()
    assert (done.sent, done.refused, done.left) == (1, 0, 1)
    assert "File exists" in done.why
    assert counts(store) == {"b": 2}


def test_what_cannot_be_sent_is_not_passed_by_what_replaces_it(
    store: Store, way: Weather, spool: Path
) -> None:
    """It has no number, and would replace the newer one when it is sent at last."""
    with Store(f"http://127.0.0.1:{free_port()}") as away:
        away.put("cells", view(1), at=DAY, writer="a")
    with Store(way.url) as far:
        away.spool.folder.rename(far.spool.folder)
        lock = far.spool.folder / "send.lock"
        lock.unlink(missing_ok=True)
        lock.mkdir()  # as on a disk that has become read-only: nothing that waits can be sent
        assert far.put("cells", view(4), at=DAY, writer="a")
        assert far.put("cells", view(5), at=datetime(2022, 9, 7, 3, tzinfo=UTC), writer="a")
        assert far.put("cells", view(3), at=DAY, writer="b")
        assert counts(store) == {"b": 3}
        lock.rmdir()
        assert far.send().sent == 2
    assert counts(store) == {"a": 5, "b": 3}


def test_a_number_without_a_route_is_not_the_last_that_is_tried(
    store: Store, way: Weather, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a name has a number of IPv6 and the machine has none."""
    look = socket.getaddrinfo

    def numbers(host: str, port: int, *args: Any, **options: Any) -> list[Any]:
        nowhere = look("255.255.255.255", port, type=socket.SOCK_STREAM)
        return nowhere + look(host, port, *args, **options)

    store.define("cells", "1h")
    with Store(way.url) as far:
        monkeypatch.setattr(socket, "getaddrinfo", numbers)
        assert list(far.datasets()) == ["cells"]


def test_a_file_that_cannot_be_read_replaces_nothing_newer(
    store: Store, way: Weather, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the server knows that both are of one bucket."""
    with Store(f"http://127.0.0.1:{free_port()}") as away:
        for images in (1, 2):
            at = datetime(2022, 9, 7, images, tzinfo=UTC)
            away.put("cells", view(images), at=at, writer="a")
            away.put("cells", view(images), at=DAY, writer="b")
    far = Store(way.url)
    away.spool.folder.rename(far.spool.folder)
    first, read = far.spool.names()[0], far.spool.read

    def failing(name: str) -> Entry:
        if name == first:
            raise PermissionError(13, "Permission denied")
        return read(name)

    with monkeypatch.context() as patched:
        patched.setattr(far.spool, "read", failing)
        done = far.send()
    assert (done.sent, done.left, done.why) == (1, 2, f"{first}: Permission denied")
    assert far.send().sent == 2
    far.close()
    assert counts(store) == {"a": 2, "b": 2}


def test_the_bucket_of_what_waits_is_known_by_its_length(spool: Path) -> None:
    with Store(f"http://127.0.0.1:{free_port()}") as away:
        for minute in (5, 55):
            at = datetime(2022, 9, 7, 1, minute, tzinfo=UTC)
            away.put("cells", view(minute), at=at, writer="a", every="1h")
        (name,) = away.spool.names()
        assert away.spool.read(name).body == view(55).to_bytes()


def test_nothing_is_hidden_behind_the_last_number(spool: Path) -> None:
    with Store(f"http://127.0.0.1:{free_port()}") as away:
        away.put("cells", view(2), at=DAY, writer="a")
        (name,) = away.spool.names()
        os.rename(away.spool.folder / name, away.spool.folder / f"{'9' * 16}{name[16:]}")
        with pytest.raises(StoreError, match="nothing can wait behind 9999"):
            away.put("cells", view(2), at=DAY, writer="b")


@pytest.mark.parametrize("every", [None, "1d"])
def test_a_writer_that_the_server_cannot_serve_holds_up_no_other(
    store: Store, way: Weather, spool: Path, every: str | None
) -> None:
    """As its row there is damaged: the server answers 503 to that one, and is well.

    Nor another bucket, if it is known that it is another.
    """
    with Store(f"http://127.0.0.1:{free_port()}") as away:
        for writer in "abc":
            away.put("cells", view(2), at=DAY, writer=writer, every=every)
        away.put("cells", view(3), at=DAY + timedelta(days=1), writer="a", every=every)
    store.put("cells", view(1), at=DAY, writer="a")
    change(store, "UPDATE profile SET seq = 'x' WHERE writer = 'a'")
    far = Store(way.url)
    away.spool.folder.rename(far.spool.folder)
    done = far.send()
    far.close()
    assert (done.sent, done.refused, done.left) == ((3, 0, 1) if every else (2, 0, 2))
    assert "answered 503" in done.why


def test_a_logger_starts_while_the_server_has_a_mistake(way: Weather) -> None:
    way.faults = ["HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\n{}"]
    lm.logger(way.url, "cells", every="1h").close()


def test_the_spool_may_be_in_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LIGHTMETER_SPOOL", "~/waits")
    with Store("http://127.0.0.1:9") as far:
        assert far.spool.folder.parent == tmp_path / "waits"
