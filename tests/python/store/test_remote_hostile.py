"""Servers, ways, spools and environments that are not as they should be."""

from datetime import timedelta
from pathlib import Path

import lightmeter as lm
import pytest
from lightmeter import Store
from lightmeter.errors import StoreError
from lightmeter.store import remote
from stores import sql, view
from weather import DAY, Weather, counts, put_away


@pytest.mark.parametrize("size", ["-1", "-5"])
def test_chunks_of_fewer_bytes_than_none(
    way: Weather, monkeypatch: pytest.MonkeyPatch, size: str
) -> None:
    """By -1 http.client would read, into memory, whatever comes."""
    monkeypatch.setattr(remote, "_MOST", 1000)
    head = f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{size}\r\n"
    way.faults = [head + "x" * (3 << 20)] * 30
    with (
        Store(way.url) as far,
        pytest.raises(StoreError, match=r"more than 1000 bytes|is away, tried"),
    ):
        far.datasets()


@pytest.mark.parametrize(
    "proxy",
    ["http://[::1", "http://me:word@h:junk", "socks5://h:1"],
)
def test_proxies_that_cannot_be_used(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", proxy)
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(StoreError, match="https_proxy names cannot be used") as raised:
        Store("https://lightmeter.invalid")
    assert "word" not in str(raised.value)


def test_a_spool_that_cannot_be_used_holds_up_no_put(
    store: Store, way: Weather, spool: Path, caplog: pytest.LogCaptureFixture
) -> None:
    put_away(way.url, "a")
    with Store(way.url) as far:
        far.spool.path.write_bytes(b"no database" * 999)
        far.put("cells", view(3), at=DAY, writer="b")
        assert counts(store) == {"b": 3}
        far._rest_until = float("inf")
        with pytest.raises(StoreError, match=r"is lost .* nothing can wait in .* not a database"):
            far.put("cells", view(2), at=DAY, writer="a")
    assert "is not a database" in caplog.text


def test_a_server_that_is_always_ahead_is_believed(way: Weather) -> None:
    body = f'{{"kept": false, "seq": {2**51}}}'
    way.faults = [f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}"] * 9
    with Store(way.url) as far:
        assert not far.put("cells", view(2), at=DAY, writer="a", every="1d")


def test_a_writer_that_the_server_cannot_serve_holds_up_no_other(
    store: Store, way: Weather, spool: Path
) -> None:
    """As its row there is damaged: the server answers 503 to that one, and is well."""
    put_away(way.url, *"abc")
    put_away(way.url, "a", at=DAY + timedelta(days=1))
    store.put("cells", view(1), at=DAY, writer="a")
    sql(store.path, "UPDATE profile SET seq = 'x' WHERE writer = 'a'")
    with Store(way.url) as far:
        done = far.send()
    assert (done.sent, done.refused, done.left) == (3, 0, 1)
    assert "answered 503" in done.why


def test_a_logger_starts_while_the_server_has_a_mistake(way: Weather) -> None:
    way.faults = ["HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\n{}"]
    lm.logger(way.url, "cells", every="1h").close()


@pytest.mark.parametrize(
    "change",
    ["at = 'abc'", "body = NULL", "every = 'x'", "every = 9e18", "body = 'text'", "seq = x'ff'"],
)
def test_a_damaged_entry_is_put_aside(store: Store, way: Weather, spool: Path, change: str) -> None:
    put_away(way.url, "a", "b")
    (path,) = spool.glob("*/spool.db")
    sql(path, f"UPDATE waiting SET {change} WHERE writer = 'a'")
    with Store(way.url) as far:
        far.put("cells", view(1), at=DAY, writer="c", every="1d")
        assert far.send().left == 0  # the put may have had no time for them
        assert "'a'" in far.spool.refused()[0]
    assert counts(store) == {"b": 2, "c": 1}


def test_what_waited_for_a_place_is_older_than_what_the_server_has(
    store: Store, way: Weather
) -> None:
    put_away(way.url, "a", "b", images=2)
    with Store(way.url) as far:
        assert far.put("cells", view(5), at=DAY, writer="a", every="1d", seq=7)
        assert counts(store) == {"a": 5, "b": 2}  # which is sent
