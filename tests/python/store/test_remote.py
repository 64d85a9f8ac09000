"""A store behind a server: the same methods, whatever the weather, and nothing counted twice."""

import os
import pickle
import signal
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from forks import ended_well, forked
from lightmeter import Store
from lightmeter.errors import StoreError
from lightmeter.serve import running as running_module
from lightmeter.store.remote import client, sending
from lightmeter.store.remote.spool import Spool
from lightmeter.store.remote.store import RemoteStore
from stores import view
from weather import DAY, Weather, counts, free_port, running, waiting


def test_it_answers_as_the_store_itself(store: Store, way: Weather) -> None:
    with Store(way.url) as far:
        assert isinstance(far, Store)
        assert type(far) is RemoteStore
        assert far.address == way.url
        far.put("cells", view(2), at=DAY, writer="a/b c&d=e", segment="camera=left&lens=a/b")
        for day in range(2):
            far.add("cells", view(5), at=DAY + timedelta(days=day))
        far.add("hours", view(1), at=datetime(2022, 9, 7, 13, 30, tzinfo=UTC), every="1h")
        span = DAY, DAY + timedelta(days=1)
        for ask in (
            lambda store: store.datasets(),
            lambda store: store.segments("cells"),
            lambda store: store.buckets("cells", *span),
            lambda store: store.buckets("hours"),
            lambda store: store.summary(),
            lambda store: store.rolled_up("cells", writer="a"),
            lambda store: store.read("cells"),
            lambda store: store.read("cells", *span, segment={"camera": "left", "lens": "a/b"}),
            lambda store: store.stored("cells"),
            lambda store: store.load("cells"),
            lambda store: store.merged("cells"),
            lambda store: store.body("cells", DAY, writer="a"),
            lambda store: store.body("cells", DAY, writer="nobody"),
            lambda store: store.newest(datetime(2022, 9, 8, 12, tzinfo=UTC)),
            lambda store: store.verify(),
        ):
            assert ask(far) == ask(store)
        for use in (far.state.sources, far.turn, lambda: far.state.snooze(None)):
            with pytest.raises(StoreError, match="run in the server"):
                use()
        with pickle.loads(pickle.dumps(far)) as again:
            assert again.datasets() == store.datasets()
    assert way.connections <= 5  # kept, and one of its own for the copy
    with pytest.raises(StoreError, match="is closed"):
        far.datasets()


@pytest.mark.parametrize("fault", ["reset", "lost", "torn", "silent", "busy"])
@pytest.mark.parametrize("seq", [None, 5])
def test_a_put_that_is_repeated_counts_once(
    store: Store,
    way: Weather,
    spool: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
    seq: int | None,
) -> None:
    monkeypatch.setattr(sending, "_PATIENCE", 30.0)
    if fault == "silent":
        monkeypatch.setattr(client, "_IDLE", 0.3)
    busy = "HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 2\r\n\r\n{}"
    way.faults = [busy if fault == "busy" else fault] * 2
    with Store(way.url) as far:
        assert far.put("cells", view(3), at=DAY, writer="a", seq=seq)
        far.add("cells", view(4), at=DAY)
        assert way.connections >= 3
    assert (store.read("cells").images, len(counts(store))) == (7, 2)
    assert not waiting(spool)


def test_a_connection_that_has_ended_is_made_again(store: Store, spool: Path) -> None:
    with running(store) as port, Weather(port).blowing() as way, Store(way.url) as far:
        far.put("cells", view(3), at=DAY, writer="a")
        way.cut()
        assert far.read("cells").images == 3
        assert way.connections == 2


def test_what_waits_is_sent_in_order_and_once(
    store: Store, spool: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with Store(url) as far:
        for n in (1, 2, 3):  # of these the last says all
            assert far.put("cells", view(n), at=DAY, writer="a", seq=n)
        assert not far.put("cells", view(9), at=DAY, writer="a", seq=2)
        for n in (4, 5):
            assert far.put("cells", view(n), at=DAY, writer="b")
        far.add("cells", view(6), at=DAY)
        with pytest.raises(StoreError, match="is away, tried"):
            far.datasets()
    assert len(waiting(spool)) == 3
    assert caplog.messages[0].endswith(f"profiles wait in {waiting(spool)[0].parent}")
    for path in (waiting(spool)[0], waiting(spool)[0].parent):
        assert path.stat().st_mode & 0o077 == 0
    with running(store, at=int(url.rpartition(":")[2])):
        Store(url).close()  # another process would do it as well
    assert not waiting(spool)
    written = counts(store)
    assert (written.pop("a"), written.pop("b"), list(written.values())) == (3, 5, [6])


def test_a_put_sends_what_waits_before_it(
    store: Store, way: Weather, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_IDLE", 0.3)
    way.faults = ["silent"] * 9
    with Store(way.url) as far:
        far.put("cells", view(1), at=DAY, writer="a")
        far._sender.wake()
        way.faults = []
        far.put("cells", view(2), at=DAY, writer="a")
        assert counts(store) == {"a": 2}
        assert not waiting(spool)


def test_what_the_server_never_takes_is_put_aside(
    store: Store, way: Weather, spool: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store.define("cells", "1d")
    with Store(f"http://127.0.0.1:{free_port()}") as away:
        away.put("cells", view(1), at=DAY, writer="a", every="1h")
        away.put("cells", view(2), at=DAY, writer="b")
        away.put("cells", view(3), at=DAY, writer="c")
    old = away.spool.folder
    broken = waiting(spool)[2]
    broken.write_bytes(broken.read_bytes()[:-9])
    (old / "0000000000000009-short.send").write_bytes(b"no file of ours, which is left alone")
    far = Store(way.url)
    old.rename(far.spool.folder)
    done = far.send()
    far.close()
    assert (done.sent, done.refused, done.left) == (1, 2, 0)
    assert counts(store) == {"b": 2}
    texts = [path.read_text() for path in sorted(far.spool.refused.glob("*.txt"))]
    assert "has buckets of 1d, not of 1h" in texts[0]
    assert "the file is damaged: its bytes are not" in texts[1]
    assert far.spool.count_refused() == 2
    assert sum("put aside" in message for message in caplog.messages) == 2


def test_a_server_that_refuses_everything_is_waited_for(
    store: Store, spool: Path, tmp_path: Path
) -> None:
    """Such as one that does not know the name which it is asked by."""
    nobody = 'HTTP/1.1 400 No\r\nContent-Length: 25\r\n\r\n{"error": "not that host"}'
    with running(store) as port, Weather(port).blowing() as way, Store(way.url) as far:
        far.put("cells", view(1), at=DAY, writer="a")
        way.faults = [nobody] * 9
        way.cut()
        assert far.put("cells", view(2), at=DAY, writer="a")
        done = far.send()
        assert (done.refused, done.left) == (0, 1)
        way.faults = []
        assert far.send().sent == 1
    assert counts(store) == {"a": 2}


def test_a_full_spool_says_what_is_lost(spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store(f"http://127.0.0.1:{free_port()}") as far:
        far.spool._files = 2
        for writer in "ab":
            assert far.put("cells", view(1), at=DAY, writer=writer)
        assert far.put("cells", view(2), at=DAY, writer="a")  # in place of the older
        with pytest.raises(StoreError, match=r"2022-09-07 00:00 by 'c' is lost unless.*no more is"):
            far.put("cells", view(1), at=DAY, writer="c")
        far.spool._files, far.spool._bytes = 9, 100
        with pytest.raises(StoreError, match="no more is kept there"):
            far.put("cells", view(1), at=DAY, writer="c")
    assert len(waiting(spool)) == 2
    entry = far.spool.read(far.spool.names()[0])
    monkeypatch.setattr(os, "geteuid", lambda: 12345)  # what waits is somebody else's
    assert far.spool.names() == []
    with pytest.raises(StoreError, match="belongs to somebody else"):
        far.spool.add(entry)
    monkeypatch.setenv("LIGHTMETER_SPOOL", "/dev/null")
    with (
        Store(far.address) as nowhere,
        pytest.raises(StoreError, match=r"is lost unless.*is away.*cannot wait in /dev/null/"),
    ):
        nowhere.put("cells", view(1), at=DAY, writer="c")


def test_kills_between_sending_and_forgetting_and_two_senders(
    store: Store, way: Weather, spool: Path
) -> None:
    """One is killed once the server has a profile; then two go on at once."""
    with Store(f"http://127.0.0.1:{free_port()}") as away:
        for n in range(12):
            away.put("cells", view(n + 1), at=DAY, writer=f"w{n}")
        for _ in range(3):
            away.add("cells", view(100), at=DAY)
    here = Store(way.url).spool.folder
    away.spool.folder.rename(here)

    def send(dies: bool = False) -> None:
        with pytest.MonkeyPatch.context() as patched:
            if dies:
                patched.setattr(Spool, "drop", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
            Store(way.url).send(seconds=20)

    _, status = os.waitpid(forked(lambda: send(dies=True)), 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL
    assert (store.read("cells").images, len(waiting(spool))) == (1, 15)
    both = [forked(send) for _ in range(2)]
    assert [ended_well(pid) for pid in both] == [True, True]
    assert not waiting(spool)
    assert store.read("cells").images == sum(range(1, 13)) + 300
    assert len(counts(store)) == 15


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("200 OK\r\nContent-Length: 4\r\n\r\nnull", "answered something without 'datasets'"),
        ('200 OK\r\nContent-Length: 16\r\n\r\n{"datasets": [1]', "without 'datasets'"),
        ('200 OK\r\nContent-Length: 17\r\n\r\n{"datasets": [1]}', r"answered \[1\] as"),
        ('200 OK\r\nContent-Length: 22\r\n\r\n{"datasets": {"a": 1}}', "is not understood"),
        ("200 OK\r\nContent-Length: 99999999999\r\n\r\n", "answered more than .* bytes"),
        ("200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n", "compressed bytes"),
        ("200 OK\r\n\r\nall of it", "does not say how long it is"),
        ("200 OK\r\nContent-Length: 9\r\n\r\n{", "the answer was cut off"),
        (
            "302 Found\r\nLocation: http://evil/KEY\r\nContent-Length: 0\r\n\r\n",
            r"leads to http://evil/\.\.\.;",
        ),
        ('200 OK\r\nContent-Length: 30\r\n\r\n{"datasets": "KEY"}', "answered"),
        ('200 OK\r\nContent-Length: 37\r\n\r\n{"datasets": {"a": "KEY"}}', "not understood"),
        ('401 No\r\nContent-Length: 31\r\n\r\n{"error": "KEY:\\nx"}', r"the key: \.\.\.: x; set"),
        ("418 \x00\r\nContent-Length: 5\r\n\r\n<html", "answered 418$"),
        (
            "429 No\r\nRetry-After: 99\r\nContent-Length: 0\r\n\r\n",
            "is away, tried once: answered 429",
        ),
        (f"200 OK\r\n{'X: y' * 20000}\r\n\r\n", "got more than 65536 bytes"),
        ("garbage KEY", "is away, tried"),
    ],
)
def test_answers_are_looked_at(way: Weather, answer: str, words: str) -> None:
    line = "" if answer.startswith("garbage") else "HTTP/1.1 "
    way.faults = [f"{line}{answer}".replace("KEY", "the-key-itself")] * 30
    with Store(way.url, key="the-key-itself") as far:
        with pytest.raises(StoreError, match=words) as raised:
            far.datasets()
        assert "the-key-itself" not in str(raised.value)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://example.com", "without https everybody on the way could read the key"),
        ("http://127.0.0.1.example.com", "without https"),
        ("https://key:word@example.com", "give the key as `key`"),
        ("https://example.com?key=1", "expected one such as"),
        ("https://", "expected one such as"),
        ("https://example.com:99999", "expected one such as"),
        ("https://exa mple.com/", "expected one such as"),
        ("https://a..b", "expected one such as"),
        (f"https://{'a' * 70}", "expected one such as"),
        ("https://h:0", "expected one such as"),
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


def test_it_asks_a_proxy_but_not_about_this_machine(
    way: Weather, monkeypatch: pytest.MonkeyPatch
) -> None:
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
        with (
            Store(address, key="secret") as far,
            pytest.raises(StoreError, match=r"does not prove who it is.*SSL_CERT_FILE"),
        ):
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
        assert b"Proxy-Authorization: Basic " in asked
        assert b"Authorization: Bearer" not in asked


def test_a_server_answers_at_once() -> None:
    """Of a socket that names no protocol asyncio holds back the ends of answers for 40 ms."""
    with running_module._bound("127.0.0.1", 0) as bound:
        assert bound.proto == socket.IPPROTO_TCP
