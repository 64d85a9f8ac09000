"""A store behind a server: the same methods, whatever the weather, and nothing counted twice."""

import pickle
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import lightmeter as lm
import pytest
from forks import ended_well, forked
from lightmeter import ProfileView, Store
from lightmeter.errors import StoreError
from lightmeter.store import remote
from lightmeter.store import spool as spools
from lightmeter.store.remote import RemoteStore, clock_number
from stores import sql, view
from weather import DAY, Weather, counts, free_port, put_away, rows_of, running, waiting


def test_it_answers_as_the_store_itself(store: Store, way: Weather) -> None:
    with Store(way.url) as far:
        assert isinstance(far, Store)
        assert type(far) is RemoteStore
        assert far.address == way.url
        far.put("cells", view(2), at=DAY, writer="a/b c&d=e", segment="camera=left&lens=a/b")
        for day in range(2):
            far.put("cells", view(5), at=DAY + timedelta(days=day), writer="b")
        assert far.rolled_up("cells", writer="b") == store.rolled_up("cells", writer="b")
        assert far.rolled_up("none", writer="b") == []
        for use in (
            *(lambda: far.state.sources(), lambda: list(far.load("cells"))),
            *(far.turn, far.summary, far.verify, far.gc),
        ):
            with pytest.raises(
                StoreError, match="is a server, which does not give access to single profiles"
            ):
                use()
        with pickle.loads(pickle.dumps(far)) as again:
            assert again.datasets() == store.datasets()
    assert way.connections <= 5  # kept, and one of its own for the copy
    with pytest.raises(StoreError, match="is closed"):
        far.datasets()


@pytest.mark.parametrize("fault", ["reset", "lost", "torn", "silent", "busy"])
@pytest.mark.parametrize("seq", [None, 5])
def test_a_put_that_is_repeated_counts_once(
    store: Store, way: Weather, spool: Path, monkeypatch: Any, fault: str, seq: int | None
) -> None:
    monkeypatch.setattr(remote, "_PATIENCE", 30.0)
    if fault == "silent":
        monkeypatch.setattr(remote, "_TRY", 0.3)
    busy = "HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 2\r\n\r\n{}"
    way.faults = [busy if fault == "busy" else fault] * 2
    with Store(way.url) as far:
        assert far.put("cells", view(3), at=DAY, writer="a", seq=seq)
        far.put("cells", view(4), at=DAY, writer="b4")
        assert way.connections >= 3
    assert (store.read("cells").images, len(counts(store))) == (7, 2)
    assert not waiting(spool)


def test_what_waits_is_sent_in_order_and_once(store: Store, spool: Path, caplog: Any) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with Store(url) as far:
        for n in (1, 2, 3):  # of these the last says all
            assert far.put("cells", view(n), at=DAY, writer="a", seq=n, every="1d")
        assert not far.put("cells", view(9), at=DAY, writer="a", seq=2, every="1d")
        for n in (4, 5):
            assert far.put("cells", view(n), at=DAY, writer="b", every="1d")
        far.put("cells", view(6), at=DAY, writer="b6", every="1d")
        with pytest.raises(StoreError, match="is unavailable, tried"):
            far.datasets()
    path = far.spool.path
    assert len(waiting(spool)) == 3
    assert caplog.messages[0].endswith(f"profiles wait in {path}")
    assert [place.stat().st_mode & 0o777 for place in (path, path.parent)] == [0o600, 0o700]
    with running(store, at=int(url.rpartition(":")[2])):
        Store(url).close()  # another process would do it as well
    assert not waiting(spool)
    written = counts(store)
    assert (written.pop("a"), written.pop("b"), list(written.values())) == (3, 5, [6])


def test_the_server_says_how_long_buckets_are(store: Store, spool: Path) -> None:
    store.define("hours", "1h")
    times = [datetime(2022, 9, 7, 1, minute, tzinfo=UTC) for minute in (5, 55)]
    with Store(f"http://127.0.0.1:{free_port()}") as away:
        for number, at in enumerate(times, 1):
            assert away.put("hours", view(number), at=at, writer="a")
    assert len(waiting(spool)) == 2
    with running(store, at=int(away.address.rpartition(":")[2])), Store(away.address) as far:
        assert far.send() == (2, 0, 0, "")
    assert counts(store, "hours") == {"a": 2}


def test_a_clock_that_goes_back_loses_nothing(store: Store, way: Weather, monkeypatch: Any) -> None:
    ahead, now = clock_number() + 10**15, clock_number()
    for images, number in ((1, ahead), (2, now)):
        monkeypatch.setattr(remote, "clock_number", lambda number=number: number)
        with Store(way.url) as far:
            assert far.put("cells", view(images), at=DAY, writer="a")
    assert counts(store) == {"a": 2}
    for images in (3, 4):
        put_away(way.url, "a", images=images)
    Store(way.url).send()
    assert counts(store) == {"a": 4}


def test_a_number_of_ones_own_is_never_another(store: Store, way: Weather, spool: Path) -> None:
    """Also where it is a time ahead of the clock, or the server was busy before it said so."""
    ahead = clock_number() + 10**12
    store.put("cells", view(1), at=DAY, writer="a", seq=ahead + 1)
    store.put("cells", view(2), at=DAY, writer="b", seq=5)
    with Store(way.url) as far:
        assert not far.put("cells", view(3), at=DAY, writer="a", seq=ahead)
        way.cut()
        way.faults = ["HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\n{}"]
        assert not far.put("cells", view(3), at=DAY, writer="b", seq=5)
    assert counts(store) == {"a": 1, "b": 2}


def test_what_the_server_never_takes_is_put_aside(
    store: Store,
    way: Weather,
    spool: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store.define("cells", "1d")
    put_away(way.url, "a", every="1h")
    put_away(way.url, "b", "e", "d")
    with Store(way.url) as far:
        rows_of(far.spool.path, "UPDATE waiting SET body = x'00' WHERE writer = 'b'")
        rows_of(far.spool.path, "UPDATE waiting SET body = zeroblob(20000000) WHERE writer = 'd'")
        done = far.send()
        assert (done.sent, done.refused, done.left) == (1, 2, 1), "b came before any was taken"
        assert far.send() == (0, 1, 0, "")
        reasons = far.spool.refused()
        kept = "SELECT body FROM waiting WHERE refused LIKE '%1d, not of 1h%'"
        assert ProfileView.from_bytes(rows_of(far.spool.path, kept)[0][0]).images == 2
        monkeypatch.setattr(spools, "_MOST_REFUSED", 1)
        put_away(way.url, "f", every="1h")
        assert far.send() == (0, 1, 0, "")
        assert "'f'" in "".join(far.spool.refused())
    assert counts(store) == {"e": 2}
    for words, reason in zip(("1d, not of 1h", "400", "413"), reasons, strict=True):
        assert words in reason
    assert sum("server refused" in message for message in caplog.messages) == 4


def test_a_server_that_refuses_everything_is_waited_for(store: Store, spool: Path) -> None:
    """Such as one that does not know the name which it is asked by."""
    with running(store) as port, Weather(port).blowing() as way, Store(way.url) as far:
        far.put("cells", view(1), at=DAY, writer="a", every="1d")
        way.faults = ["HTTP/1.1 421 No\r\nContent-Length: 0\r\n\r\n"] * 9
        way.cut()
        assert far.put("cells", view(2), at=DAY, writer="a")
        done = far.send()
        assert (done.refused, done.left) == (0, 1)
        way.faults = []
        assert far.send().sent == 1
    assert counts(store) == {"a": 2}


def test_a_full_spool_says_what_is_lost(spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store(f"http://127.0.0.1:{free_port()}") as far:
        put = partial(far.put, "cells", at=DAY, every="1d")
        monkeypatch.setattr(spools, "MOST_PROFILES", 2)
        for writer in "ab":
            assert put(view(1), writer=writer)
        assert put(view(2), writer="a")  # in place of the older
        lost = r"2022-09-07 00:00:00.00:00 by 'c': not stored.*is full"
        with pytest.raises(StoreError, match=lost):
            put(view(1), writer="c")
        monkeypatch.setattr(spools, "MOST_PROFILES", 9)
        monkeypatch.setattr(spools, "MOST_BYTES", 100)
        with pytest.raises(StoreError, match="is full"):
            put(view(1), writer="c")
    assert len(waiting(spool)) == 2
    monkeypatch.setenv("LIGHTMETER_SPOOL", "/dev/null")
    words = r"not stored; .*is unavailable.*the spool /dev/null/"
    with Store(far.address) as nowhere, pytest.raises(StoreError, match=words):
        nowhere.put("cells", view(1), at=DAY, writer="c", every="1d")


CHUNKED = "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ('200 OK\r\nContent-Length: 17\r\n\r\n{"datasets": [1]}', "answered no Datasets of the"),
        ("200 OK\r\nContent-Length: 99999999999\r\n\r\n", "is unavailable, tried"),
        ("302 Found\r\nLocation: http://evil/KEY\r\n\r\n", r"redirects to http://evil/\.\.\.;"),
        ('401 No\r\nContent-Length: 31\r\n\r\n{"error": "KEY:\\nx"}', r"the key: \.\.\.: x; set"),
        (f"200 OK\r\n{'X: y' * 20000}\r\n\r\n", "got more than 65536 bytes"),
        ("garbage KEY", "is unavailable, tried"),
        # By -1 http.client would read, into memory, whatever comes.
        *(
            (f"{CHUNKED}{size}\r\n{'x' * (3 << 20)}", "more than 1000|is unavailable")
            for size in (-1, -5)
        ),
    ],
)
def test_answers_are_looked_at(way: Weather, answer: str, words: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(remote, "_MOST", 1000)
    line = "" if answer.startswith("garbage") else "HTTP/1.1 "
    way.faults = [f"{line}{answer}".replace("KEY", "the-key-itself")] * 30
    with Store(way.url, key="the-key-itself") as far:
        with pytest.raises(StoreError, match=words) as raised:
            far.datasets()
        assert "the-key-itself" not in str(raised.value)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://example.com", "without https, others on the network could read the key"),
        ("http://127.0.0.1.example.com", "without https"),
        ("https://key:word@example.com", "give the key as `key`"),
        ("https://example.com?key=1", "expected one such as"),
        ("https://example.com:99999", "expected one such as"),
    ],
)
def test_addresses_that_are_refused(address: str, words: str) -> None:
    with pytest.raises(StoreError, match=words) as raised:
        Store(address)
    assert "word" not in str(raised.value) or "key:" not in str(raised.value)


def test_addresses_and_keys(spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Store("HTTPS://Example.COM:443/drift/").address == "https://example.com/drift"
    assert Store("http://[::1]:80").address == "http://[::1]"
    monkeypatch.setenv("LIGHTMETER_INSECURE_HTTP", "1")
    assert Store("http://example.com:8787").address == "http://example.com:8787"
    for key in ("a\r\nX-Evil: 1", "a b", "é", "", "k" * 600):
        with pytest.raises(ValueError, match="got a key that") as raised:
            Store("https://example.com", key=key)
        assert "Evil" not in str(raised.value)


def test_it_asks_a_proxy_but_not_about_this_machine(way: Weather, monkeypatch: Any) -> None:
    monkeypatch.setenv("LIGHTMETER_INSECURE_HTTP", "1")
    monkeypatch.setenv("http_proxy", way.url.replace("http://", "http://me:secret@"))
    monkeypatch.setenv("no_proxy", "")
    way.faults = ['HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{"datasets": {}}'] * 2
    with Store("http://lightmeter.invalid") as far:
        assert far.datasets() == {}
    way.faults = []
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with Store(way.url) as near:
        assert near.datasets() == {}


def test_parent_and_child_do_not_share_a_connection(store: Store, way: Weather) -> None:
    def put_all(writer: str, first: int) -> None:
        for n in range(first, 20):
            assert far.put("cells", view(n), at=DAY, writer=writer)

    with Store(way.url) as far:
        far.put("cells", view(1), at=DAY, writer="parent")
        child = forked(lambda: put_all("child", 1))
        put_all("parent", 2)
        assert ended_well(child)
    assert counts(store) == {"parent": 19, "child": 19}


def test_who_cannot_prove_who_he_is_gets_no_key(
    store: Store, spool: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = {"ssl_keyfile": certificate, "ssl_certfile": certificate}
    with running(store, hosts=["far.invalid"], tls=tls) as port:
        address = f"https://localhost:{port}"
        refused = pytest.raises(StoreError, match="CERTIFICATE_VERIFY_FAILED")
        with Store(address, key="secret") as far, refused:
            far.datasets()
        monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
        with Store(address) as far:
            assert far.put("cells", view(3), at=DAY, writer="a")
            assert far.read("cells").images == 3
        with Weather(port).blowing() as proxy:
            monkeypatch.setenv("https_proxy", proxy.url.replace("http://", "http://me:word@"))
            monkeypatch.setenv("no_proxy", "")
            proxy.faults = ["tunnel"] * 9
            with Store("https://far.invalid", key=store.state.keys.add(["read"])) as far:
                assert far.read("cells").images == 3
        asked = proxy.tunnels[0]
        assert asked.startswith(b"CONNECT far.invalid:443 HTTP/1.")
        assert b"proxy-authorization: Basic " in asked
        assert b"bearer" not in asked.lower()


# Servers, spools and environments that are not as they should be


@pytest.mark.parametrize("proxy", ["http://[::1", "http://me:word@h:junk", "socks5://h:1"])
def test_proxies_that_cannot_be_used(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", proxy)
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(StoreError, match="https_proxy is not an address") as raised:
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
        with pytest.raises(StoreError, match=r"not stored; .* cannot be used: .* not a database"):
            far.put("cells", view(2), at=DAY, writer="a")
    assert "is not a database" in caplog.text


def test_a_server_that_is_always_ahead_is_believed(way: Weather) -> None:
    body = f'{{"kept": false, "seq": {2**51}}}'
    way.faults = [f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}"] * 9
    with Store(way.url) as far:
        assert not far.put("cells", view(2), at=DAY, writer="a", every="1d")


def test_a_writer_that_cannot_be_served_holds_up_no_other(store: Store, way: Weather) -> None:
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
