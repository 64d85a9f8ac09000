"""What a server lets in: hosts, origins, keys, sizes and times."""

import asyncio
import itertools
import logging
import re
import threading
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from conftest import lightmeter
from harness import basic
from lightmeter import Store, log
from lightmeter.errors import ConfigError, StoreError
from lightmeter.serve import Limits, Proxy, make_app
from lightmeter.serve.running import check_address
from server_doors import wrong_keys
from serving import API, BODY, BYTES, PUT, Served, ask, asked, client
from stores import sql, view


@pytest.mark.parametrize(
    ("host", "status"),
    [
        (b"[::1]:8787", 200),
        (b"drift.example.com", 200),
        (b"www.example.com.:443", 200),
        (b"evil.example", 421),  # a name that leads here, of a page of somebody else
        (b"", 400),
        (b"\xff", 400),
    ],
)
@pytest.mark.parametrize("with_key", [False, True])
def test_it_goes_by_its_own_names_only(
    store: Store, host: bytes, status: int, with_key: bool
) -> None:
    public_url = "https://www.example.com/x/" if with_key else None
    hosts = ["Drift.example.com", *([] if with_key else ["www.example.com"])]
    app = make_app(store, hosts=hosts, public_url=public_url)
    headers = [(b"host", host)]
    if with_key:
        headers.append((b"authorization", b"Bearer " + store.state.keys.add(["read"]).encode()))
    store.define("cells", "1d")
    if b"example.com" in host and not with_key:
        status = 401  # which names of this machine alone do not ask for
    got, _, body = ask(app, scope={"headers": headers})
    assert got == status, body
    assert ask(app, headers=[(b"host", b"localhost")])[0] == 400, "two names"


def test_two_lengths_end_the_connection(served: Served) -> None:
    """RFC 9112, 6.1; what comes behind is of nobody knows whom."""
    lengths = [(b"content-length", b"5"), (b"transfer-encoding", b"chunked")]
    for headers in (lengths, lengths[::-1]):
        status, named, _ = ask(served[1], headers=headers)
        assert (status, named["connection"]) == (400, "close")


@pytest.mark.parametrize("hosts", [["a b"], ["example.com:80"], ["http://x"], [""]])
def test_a_host_that_is_none_is_refused(store: Store, hosts: list[str]) -> None:
    with pytest.raises(ValueError, match="expected a name such as"):
        make_app(store, hosts=hosts)
    with pytest.raises(ValueError, match="such as https"):
        make_app(store, public_url=f"ftp://{hosts[0]}")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": "http://127.0.0.1", "sec-fetch-site": "same-origin"}, 200),
        ({"origin": "https://drift.example.com"}, 200),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "https://127.0.0.1"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site", "origin": "http://127.0.0.1"}, 403),
    ],
)
@pytest.mark.parametrize("with_key", [False, True])
def test_no_page_of_another_site_can_change_anything(
    store: Store, headers: dict[str, str], status: int, with_key: bool
) -> None:
    public_url = "https://drift.example.com" if with_key else None
    app = make_app(store, public_url=public_url)
    if headers.get("origin") == "https://drift.example.com" and not with_key:
        status = 403
    store.define("cells", "1d")
    asked = client(app, store.state.keys.add(["admin"]) if with_key else None)
    before = store.summary()
    said = [
        asked.put(PUT, content=BODY, headers={**BYTES, **headers}),
        asked.put(f"{API}/dataset?dataset=others&every=1d", headers=headers),
    ]
    assert [each.status_code for each in said] == [status] * 2
    assert (store.summary() == before) == (status != 200)
    assert asked.get(f"{API}/datasets", headers=headers).status_code == 200, "reading"
    for each in [*said, asked.options(PUT, headers=headers)]:
        assert not any(name.startswith("access-control") for name in each.headers)


def test_nothing_of_the_inside_goes_out(served: Served, caplog: Any) -> None:
    store, app = served
    key = store.state.keys.add(["read"])

    def broken() -> Any:
        raise KeyError("/secret/path")

    store.datasets = broken  # type: ignore[method-assign]
    caplog.set_level(logging.WARNING, "httpx2")  # the log of the client, not of the server
    caplog.set_level(logging.INFO, "lightmeter.serve")
    said = client(app, key).get(f"{API}/datasets?x=%2Fsecret")
    assert said.status_code == 400
    said = client(app, key).get(f"{API}/datasets")
    assert (said.status_code, "secret" in said.text) == (500, False)
    assert "/secret/path" in caplog.text
    assert key[:10] in caplog.text
    assert key[11:] not in caplog.text
    assert "%2Fsecret" not in caplog.text


def test_every_answer_has_the_headers(served: Served) -> None:
    store, app = served
    store.define("cells", "1d")
    asked = client(app)
    said = [
        asked.get(f"{API}/datasets"),
        asked.get("/nothing"),
        asked.get("/healthz", headers={"host": "evil.example"}),
        asked.put(PUT, content=b"x", headers=BYTES),
        asked.get("/index.html"),
    ]
    assert [each.status_code for each in said] == [200, 404, 421, 400, 200]
    for each in said:
        policy = each.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "frame-ancestors 'none'" in policy
        assert "script" not in policy
        assert each.headers["x-content-type-options"] == "nosniff"
        assert each.headers["cache-control"] == "no-store"
        wanted = "same-origin" if each is said[-1] else "no-referrer"
        assert each.headers["referrer-policy"] == wanted


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("http://evil.example/api/v1/datasets", b"", 404),
        (f"{API}/segments", b"dataset=%ff", 400),
        (f"{API}/segments", b"dataset=a%00", 400),
        (f"{API}/segments", b"&".join([b"dataset=a"] * 100), 400),
        (f"{API}/segments", b"dataset=" + b"%F0%9F%98%80" * 256, 404),
        ("/\ud800", b"", 404),
    ],
)
def test_hostile_targets(served: Served, path: str, query: bytes, status: int) -> None:
    _, app = served
    got, _, body = ask(app, path=path, query=query, scope={"raw_path": b""})
    assert got == status, body


# Bodies, requests, work


def put_parts(app: Any, *parts: bytes | float | None, headers: Any = ()) -> tuple[int, Any, bytes]:
    query = b"dataset=cells&writer=a&at=2022-09-07"
    kind = (b"content-type", b"application/octet-stream")
    return ask(app, "PUT", f"{API}/profile", query=query, headers=[kind, *headers], parts=parts)


def test_a_body_has_a_limit_however_it_comes(store: Store) -> None:
    app = make_app(store, limits=Limits(body=len(BODY), json=50))
    assert put_parts(app, BODY[:100], BODY[100:])[0] == 200
    assert put_parts(app, *[bytes(1000)] * 100)[0] == 413
    waits = [(b"content-length", b"%d" % 2**40), (b"expect", b"100-continue")]
    status, headers, _ = put_parts(app, BODY, headers=waits)
    assert (status, headers["connection"]) == (413, "close")
    for encoding in (b"gzip", b"br", b"identity, gzip", b"zstd"):
        assert put_parts(app, BODY, headers=[(b"content-encoding", encoding)])[0] == 415
    said = client(app).post("/v1/log/async?dataset=cells", json={"alias": "x" * 50})
    assert said.status_code == 413
    assert app.state.server.buffered == 0
    kind = {"content-type": "application/json"}
    for text in (b"[" * 60_000, b"1" * 60_000):
        said = client(make_app(store)).post("/v1/log/async", content=text, headers=kind)
        assert said.status_code == 400, "nested deeply, or a number that takes long to read"


def test_a_client_that_goes_away_is_no_failure_of_the_server(store: Store, caplog: Any) -> None:
    assert put_parts(make_app(store), BODY[:5], None)[0] == 400
    assert "failed" not in caplog.text


def test_a_body_must_come_in_time_and_takes_no_thread(store: Store) -> None:
    app = make_app(store, limits=Limits(seconds=0.3, operations=1))
    slow = threading.Thread(target=put_parts, args=(app, BODY[:5], 5.0, BODY[5:]))
    slow.start()
    assert put_parts(app, BODY)[0] == 200
    slow.join()
    for waits in ([], [(b"expect", b"100-continue")]):
        status, headers, _ = put_parts(app, *[0.1, b"x"] * 50, headers=waits)
        assert (status, headers["connection"]) == (408, "close")


def test_a_profile_has_so_many_features(store: Store) -> None:
    asked = client(make_app(store, limits=Limits(features=3)))

    def put(day: int, **row: float) -> int:
        query = f"{API}/profile?dataset=rows&writer=a&at=2022-09-0{day}"
        return asked.put(query, content=log(row=row).view().to_bytes(), headers=BYTES).status_code

    assert put(1, a=1, b=2, c=3, d=4) == put(1, **{"x" * 1001: 1}) == 413
    assert (put(1, a=1, b=2, c=3), put(2, a=1, d=4)) == (200, 200)
    for path in ("profile?", "profile?format=json&"):
        said = asked.get(f"{API}/{path}dataset=rows")
        assert said.status_code == 409
        assert "more than 3 features together; choose fewer" in said.text
    assert asked.get(f"{API}/profile?dataset=rows&end=2022-09-02").status_code == 200


def test_all_bodies_together_have_a_limit(store: Store) -> None:
    app = make_app(store, limits=Limits(buffered=10))
    status, headers, _ = put_parts(app, BODY)
    assert (status, headers["retry-after"]) == (503, "1")
    assert app.state.server.buffered == 0


def test_so_much_is_done_at_once(store: Store) -> None:
    app = make_app(store, limits=Limits(operations=1))
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> dict[str, Any]:
        begun.set()
        go_on.wait(10)
        return {}

    store.datasets = slow  # type: ignore[method-assign]

    async def ask_all() -> list[tuple[int, dict[str, str], bytes]]:
        asking = [asyncio.create_task(asked(app)) for _ in range(13)]
        while not begun.is_set() or sum(task.done() for task in asking) < 4:
            await asyncio.sleep(0.01)
        go_on.set()
        return await asyncio.gather(*asking)

    answers = asyncio.run(ask_all())
    assert sorted(status for status, _, _ in answers) == [200] * 9 + [503] * 4
    assert {headers["retry-after"] for status, headers, _ in answers if status == 503} == {"1"}


def test_nothing_that_is_put_waits_for_pages(store: Store) -> None:
    app = make_app(store, limits=Limits(operations=1))
    begun, go_on = threading.Event(), threading.Event()

    def page(*asked: Any) -> bytes:
        begun.set()
        go_on.wait(10)
        return b"a page"

    app.state.server.pages.page = page
    reader = threading.Thread(target=ask, args=(app, "GET", "/"))
    reader.start()
    assert begun.wait(10)
    assert client(app).put(PUT, content=BODY, headers=BYTES).status_code == 200
    go_on.set()
    reader.join()


# Keys of a server: who gets in, and what they may do.


ELSEWHERE = ("192.0.2.7", 50000)


def test_without_keys_only_this_machine_is_let_in(served: Served) -> None:
    _, app = served
    assert client(app).get(f"{API}/datasets").status_code == 200
    for end in ("client", "server"):
        for address in (ELSEWHERE, None, ("/run/drift.socket", None)):
            assert ask(app, scope={end: address})[0] == 401
    assert client(app, client=ELSEWHERE).get("/healthz").status_code == 200
    assert ask(app, scope={"client": ("::ffff:127.0.0.1", 1)})[0] == 200
    for name in ("Via", "Forwarded", "X-Forwarded-For", "X-Real-IP"):
        assert client(app, headers={name: "192.0.2.7"}).get(f"{API}/datasets").status_code == 401
    app.state.server.hosts |= {"drift.example.com"}
    by_name = client(app, base_url="http://drift.example.com")
    assert by_name.get(f"{API}/datasets").status_code == 401, "a proxy passes it on"
    app.state.server.public_url = "https://drift.example.com"
    assert ask(app)[0] == 401, "it may be a proxy"


def test_without_its_last_key_nobody_is_let_in(served: Served) -> None:
    store, app = served
    key = store.state.keys.add(["read"])
    assert client(app, key).get(f"{API}/datasets").status_code == 200
    for each in (app, make_app(store)):
        store.state.keys.remove(key[:10])
        assert client(each).get(f"{API}/datasets").status_code == 401
        key = store.state.keys.add(["read"])
        assert client(each, key).get(f"{API}/datasets").status_code == 200


def test_no_door_opens_without_a_right_key(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """Every address that the server has is asked with every wrong key."""
    caplog.set_level("DEBUG", "lightmeter")
    app = make_app(store, limits=Limits(failures=10**6))
    key, removed = (store.state.keys.add(["admin"]) for _ in range(2))
    store.state.keys.remove(removed[:10])
    store.put("cells", view(1), at=date(2022, 9, 7), writer="a")
    before, asked = store.summary(), client(app)
    routers = [getattr(each, "original_router", each) for each in app.routes]  # of newer FastAPI
    doors = {
        (method, re.sub("{.*?}", "cells", route.path))
        for each in routers
        for route in getattr(each, "routes", [each])
        for method in route.methods
        if route.path not in ("/healthz", f"{API}/openapi.json")
    }
    assert len(doors) > 15
    for headers, (method, path) in itertools.product(wrong_keys(key, removed), doors):
        more = {"x-whylabs-resource": "cells", "origin": "http://127.0.0.1"} | headers
        more = {name: value.encode("latin-1") for name, value in more.items()}
        said = asked.request(method, path, headers=more, params={"dataset": "cells"})
        refused = (401, 403) if path == "/v1/upload" else (401,)  # its ticket is none
        assert said.status_code in refused, (method, path, headers)
        assert "set-cookie" not in said.headers
        assert key not in said.text
    assert store.summary() == before
    assert key[11:] not in caplog.text
    assert removed[11:] not in caplog.text


def test_a_key_is_asked_for_once_there_is_one(served: Served) -> None:
    store, app = served
    key = store.state.keys.add(["read"], note="the page")
    assert len(key) == 54
    assert key[10] == "."
    asked = client(app)
    path = f"{API}/datasets"
    assert asked.get(path).headers["www-authenticate"] == "Bearer"
    for text in (f"bearer {key}", basic(f"anybody:{key}"), basic(f"{key}:")):
        assert asked.get(path, headers={"authorization": text}).status_code == 200
    headers = {"authorization": basic(f":{key}")}
    assert asked.get(path, headers=headers, params={"key": key}).status_code == 400
    said = client(app, key).put(PUT, content=BODY, headers=BYTES)
    assert (said.status_code, "no right to write" in said.text) == (403, True)
    store.state.keys.add(["admin"])
    assert store.state.keys.remove(key[:10])
    assert not store.state.keys.remove(key[:10])
    assert client(app, key).get(path).status_code == 401, "without a restart"


@pytest.mark.parametrize(
    ("rights", "statuses"),
    [
        (["read"], [200, 403, 403]),
        (["write"], [403, 200, 403]),
        (["read", "write"], [200, 200, 403]),
        (["admin"], [200, 200, 415]),
    ],
)
def test_rights(served: Served, rights: list[Any], statuses: list[int]) -> None:
    store, app = served
    asked = client(app, store.state.keys.add(rights))
    store.define("cells", "1d")
    said = [asked.get(f"{API}/datasets"), asked.put(PUT, content=BODY, headers=BYTES)]
    said += [asked.post("/forms/watch", headers={"origin": "http://127.0.0.1"})]
    assert [each.status_code for each in said] == statuses


def test_a_key_can_be_for_some_datasets(served: Served) -> None:
    store, app = served
    for name in ("cells", "cells left", "tissue"):
        store.put(name, view(1), at=date(2022, 9, 7), writer="a")
    asked = client(app, store.state.keys.add(["admin"], datasets=["cells*", "x"]))
    assert list(asked.get(f"{API}/datasets").json()["datasets"]) == ["cells", "cells left"]
    for path in ("segments?", "profile?", "results?"):
        assert asked.get(f"{API}/{path}dataset=cells").status_code == 200
        said = asked.get(f"{API}/{path}dataset=tissue")
        assert (said.status_code, "'tissue'; use one" in said.text) == (403, True), path
        said = asked.get(f"{API}/{path}dataset=not+there")
        assert said.status_code == 403, "which datasets there are is not told"
    tissue = PUT.replace("cells", "tissue")
    assert asked.put(tissue, content=BODY, headers=BYTES).status_code == 403
    said = asked.get(f"{API}/segments?dataset=x")
    assert (said.status_code, "tissue" in said.text) == (404, False)


def test_other_machines_are_let_in_with_a_key_only(served: Served) -> None:
    store, app = served
    server = app.state.server
    for host in ("127.0.0.1", "::1", "localhost"):
        check_address(server, host)
    for host in ("0.0.0.0", "::", "192.0.2.1"):
        with pytest.raises(ConfigError, match="serve key add"):
            check_address(server, host)
    server.public_url = "https://drift.example.com"
    with pytest.raises(ConfigError, match=r"--public-url https://drift\.example\.com gives"):
        check_address(server, "127.0.0.1")
    store.state.keys.add(["read"])
    check_address(server, "0.0.0.0")


def test_too_many_wrong_keys_of_an_address(store: Store) -> None:
    app = make_app(store, limits=Limits(failures=3))
    key = store.state.keys.add(["read"])
    wrong = client(app, "x" * 54)
    statuses = [wrong.get(f"{API}/datasets").status_code for _ in range(5)]
    assert statuses == [401, 401, 401, 429, 429]
    assert 0 < int(wrong.get("/healthz").headers["retry-after"]) <= 60
    assert client(app, "x" * 54, client=ELSEWHERE).get(f"{API}/datasets").status_code == 401
    assert client(app, key).get(f"{API}/datasets").status_code == 200, "nobody is locked out"


def test_a_proxy_says_who_asks(store: Store) -> None:
    proxy = Proxy(["192.0.2.0/24", "::1/128"], rights=["write"])
    app = make_app(store, proxy=proxy, hosts=["drift.example.com"])
    store.define("cells", "1d")
    user, wrong = (b"x-forwarded-user", b"anna"), (b"authorization", b"Bearer x")

    def status(*headers: tuple[bytes, bytes], peer: str = "192.0.2.7", **more: Any) -> int:
        return ask(app, headers=headers, scope={"client": (peer, 5)}, **more)[0]

    def put(*headers: tuple[bytes, bytes]) -> int:
        kind = (b"content-type", b"application/octet-stream")
        more = {"path": f"{API}/profile", "query": PUT.partition("?")[2].encode(), "parts": [BODY]}
        return status(*headers, kind, method="PUT", **more)

    assert put(user) == 200
    assert status(user) == 403, "it may write alone"
    assert put() == put(user, user) == put((user[0], b"")) == put((user[0], b"x" * 101)) == 401
    assert status(user, peer="192.0.3.7") == status(user, peer="127.0.0.1") == 401
    assert status(peer="127.0.0.1") == 401, "although there is no key"
    store.state.keys.add(["read"])
    assert put(user, wrong) == 401, "a key goes before a name"
    reading = make_app(store, proxy=Proxy(["192.0.2.7/32"], header="Remote-User"))
    named = client(reading, client=ELSEWHERE, headers={"Remote-User": "anna"})
    assert named.get(f"{API}/datasets").status_code == 200
    assert named.put(PUT, content=BODY, headers=BYTES).status_code == 403
    check_address(app.state.server, "0.0.0.0")


def test_keys_from_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "drift.db"
    command = "serve", "key", "add", "--store", path, "--right", "read", "--right", "write"
    made, again = lightmeter(*command), lightmeter(*command)
    assert (made.returncode, len(made.stdout.split())) == (0, 1)
    assert "drift.db: there is no store" in made.stderr, "it may be a slip of the name"
    assert (again.returncode, again.stderr) == (0, "")
    key = made.stdout.strip()
    with Store(path) as store:
        known = store.state.keys.find(key)
        assert (known.rights, known.datasets) == ({"read", "write"}, ("*",))
        limits = ("--dataset", "cells*", "--note", "a [b]note\u202e")
        lightmeter("serve", "key", "add", "--store", path, "--right", "admin", *limits)
        shown = lightmeter("serve", "key", "list", "--store", path).stdout
        assert key[:10] in shown
        assert key[11:] not in shown
        assert "a [b]note\\u202e" in shown
        assert (shown.count("  *  "), shown.count("  cells*  ")) == (2, 1)
        remove = "serve", "key", "remove", key, "--store", path
        assert [lightmeter(*remove).returncode for _ in range(2)] == [0, 1]
        assert store.state.keys.find(key) is None


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--public-url", "https://drift.example.com"], 2, "serve key add"),
        (["--public-url", "drift.example.com"], 2, "such as https"),
        (["--proxy-rights", "write"], 2, "got no network of a proxy"),
        (["--proxy-from", "0.0.0.0/0"], 2, "expected its address"),
        (["--store", "https://drift.example.com"], 2, "got the server"),
        (["--store", "."], 1, "is a folder; expected a file"),
    ],
)
def test_what_cannot_be_served(tmp_path: Path, options: list[str], code: int, words: str) -> None:
    said = lightmeter("serve", "--store", tmp_path / "a.db", *options)
    assert (said.returncode, said.stdout) == (code, "")
    assert words in " ".join(re.sub("[│╭╮╰╯─]", "", said.stderr).split())


@pytest.mark.parametrize(
    ("rights", "datasets"), [([], ["*"]), (["own"], ["*"]), (["read"], []), (["read"], [""])]
)
def test_a_key_must_be_good_for_something(store: Store, rights: Any, datasets: list[str]) -> None:
    with pytest.raises(ValueError, match="expected"):
        store.state.keys.add(rights, datasets=datasets)
    assert not store.state.keys.exist()


@pytest.mark.parametrize("change", ["rights = '[\"own\"]'", "datasets = '{'", "note = x'ff'"])
def test_a_damaged_key_is_damage(store: Store, change: str) -> None:
    key = store.state.keys.add(["read"])
    sql(store.path, f"UPDATE key SET {change}")
    (damage,) = store.verify()
    assert "damaged" in damage.reason
    with pytest.raises(StoreError, match="is damaged"):
        store.state.keys.find(key)
