"""What a server lets in: hosts, origins, keys, sizes and times."""

import asyncio
import base64
import json
import logging
import re
import threading
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette")

from conftest import lightmeter
from lightmeter import ConfigError, Profile, Store, StoreError
from lightmeter.serve import Limits, make_app, security
from lightmeter.serve.login import EVERYBODY
from lightmeter.serve.rates import Rates
from lightmeter.serve.refusal import RequestError
from lightmeter.serve.running import check_address
from lightmeter.serve.work import Work
from serving import API, BYTES, LOCAL, ask, client, serving
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.websockets import WebSocketDisconnect
from stores import sql, view

ELSEWHERE = ("192.0.2.7", 50000)
BODY = view(1).to_bytes()
PUT = f"{API}/profile?dataset=cells&writer=a&at=2022-09-07"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Store, Starlette]]:
    store, app = serving(tmp_path / "drift.db")
    with store:
        yield store, app


@pytest.mark.parametrize(
    ("host", "status"),
    [
        (b"localhost", 200),
        (b"LOCALHOST:8787", 200),
        (b"127.0.0.1:1", 200),
        (b"[::1]:8787", 200),
        (b"drift.example.com", 200),
        (b"www.example.com.:443", 200),
        (b"evil.example", 400),  # a name that leads here, of a page of somebody else
        (b"localhost.evil.example", 400),
        (b"localhost@evil.example", 400),
        (b"evil.example#localhost", 400),
        (b"127.0.0.1:80:80", 400),
        (b"[::1", 400),
        (b"", 400),
        (b"localhost, evil.example", 400),
        (b"\xff", 400),
    ],
)
@pytest.mark.parametrize("with_key", [False, True])
def test_it_goes_by_its_own_names_only(
    tmp_path: Path, host: bytes, status: int, with_key: bool
) -> None:
    public_url = "https://www.example.com/x/" if with_key else None
    hosts = ["Drift.example.com", *([] if with_key else ["www.example.com"])]
    store, app = serving(tmp_path / "a.db", hosts=hosts, public_url=public_url)
    headers = [(b"host", host)]
    if with_key:
        headers.append((b"authorization", b"Bearer " + store.state.keys.add(["read"]).encode()))
    store.define("cells", "1d")
    if b"example.com" in host and not with_key:
        status = 401  # which names of this machine alone do not ask for
    got, _, body = ask(app, scope={"headers": headers})
    assert got == status, body
    assert ask(app, headers=[(b"host", b"localhost")])[0] == 400, "two names"
    store.close()


@pytest.mark.parametrize("hosts", [["a b"], ["example.com:80"], ["http://x"], [""]])
def test_a_host_that_is_none_is_refused(tmp_path: Path, hosts: list[str]) -> None:
    with pytest.raises(ValueError, match="expected a name such as"):
        make_app(tmp_path / "a.db", hosts=hosts)
    with pytest.raises(ValueError, match="expected one such as https"):
        make_app(tmp_path / "a.db", public_url=f"ftp://{hosts[0]}")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": "http://127.0.0.1", "sec-fetch-site": "same-origin"}, 200),
        ({"origin": "https://drift.example.com"}, 200),
        ({"origin": "HTTP://127.0.0.1:80"}, 200),
        ({"sec-fetch-site": "none"}, 200),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": ""}, 403),
        ({"origin": "http://127.0.0.1:3000"}, 403),
        ({"origin": "http://127.0.0.1:443"}, 403),
        ({"origin": "https://127.0.0.1"}, 403),
        ({"origin": "http://127.0.0.1.evil.example"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site", "origin": "http://127.0.0.1"}, 403),
    ],
)
@pytest.mark.parametrize("with_key", [False, True])
def test_no_page_of_another_site_can_change_anything(
    tmp_path: Path, headers: dict[str, str], status: int, with_key: bool
) -> None:
    public_url = "https://drift.example.com:443" if with_key else None
    store, app = serving(tmp_path / "a.db", public_url=public_url)
    if headers.get("origin") == "https://drift.example.com" and not with_key:
        status = 403
    store.define("cells", "1d")
    asked = client(app, store.state.keys.add(["admin"]) if with_key else None)
    before = store.summary()
    said = [
        asked.put(PUT, content=BODY, headers={**BYTES, **headers}),
        asked.delete(f"{API}/profiles?dataset=cells&writer=b", headers=headers),
        asked.post(f"{API}/snooze", json={"for": "1d"}, headers=headers),
    ]
    assert [each.status_code for each in said] == [status] * 3
    assert (store.summary() == before) == (status != 200)
    assert asked.get(f"{API}/datasets", headers=headers).status_code == 200, "reading"
    for each in [*said, asked.options(PUT, headers=headers)]:
        assert not any(name.startswith("access-control") for name in each.headers)
    store.close()


@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "TEXT/plain"]
)
def test_a_form_says_where_it_comes_from(served: tuple[Store, Starlette], kind: str) -> None:
    _, app = served
    asked = client(app)
    headers = {"content-type": kind}
    assert asked.post(f"{API}/snooze", content=b"{}", headers=headers).status_code == 403
    headers["origin"] = "http://127.0.0.1"
    assert asked.post(f"{API}/snooze", content=b"{}", headers=headers).status_code == 415


def test_the_token_of_a_form(served: tuple[Store, Starlette]) -> None:
    store, app = served
    server = app.state.server
    key = store.state.keys.find(store.state.keys.add(["write"]))
    assert key is not None
    token = security.form_token(server, key, "snooze")
    security.check_form_token(server, key, "snooze", token)
    at, _, signature = token.partition(".")
    old = security.form_token(server, key, "snooze", now=time.time() - 90_000)
    other = make_app(store).state.server
    for wrong in (
        (server, EVERYBODY, "snooze", token),
        (server, key, "acknowledge", token),
        (other, key, "snooze", token),
        (server, key, "snooze", old),
        (server, key, "snooze", f"{int(at) + 1}.{signature}"),
        (server, key, "snooze", ""),
        (server, key, "snooze", token + "\n"),
        (server, key, "snooze", "é" * 64),
    ):
        with pytest.raises(RequestError, match="load the page again"):
            security.check_form_token(*wrong)


# Keys


def test_without_keys_only_this_machine_is_let_in(served: tuple[Store, Starlette]) -> None:
    _, app = served
    assert client(app).get(f"{API}/verify").status_code == 200
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


def test_without_its_last_key_nobody_is_let_in(served: tuple[Store, Starlette]) -> None:
    store, app = served
    key = store.state.keys.add(["read"])
    assert client(app, key).get(f"{API}/datasets").status_code == 200
    for each in (app, make_app(store)):
        store.state.keys.remove(key[:10])
        assert client(each).get(f"{API}/datasets").status_code == 401
        key = store.state.keys.add(["read"])
        assert client(each, key).get(f"{API}/datasets").status_code == 200


def basic(text: str) -> dict[str, str]:
    return {"authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}


def test_a_key_is_asked_for_once_there_is_one(served: tuple[Store, Starlette]) -> None:
    store, app = served
    key = store.state.keys.add(["read"], note="the page")
    assert len(key) == 54
    assert key[10] == "."
    asked = client(app)
    path = f"{API}/datasets"
    wrong = [
        {},
        {"authorization": f"Bearer {key[:-1]}"},
        {"authorization": f"Bearer {key}x"},
        {"authorization": f"Bearer {key[:10]}.{'a' * 43}"},
        {"authorization": f"Bearer x{key[1:]}"},
        {"authorization": "Bearer "},
        {"authorization": f"Digest {key}"},
        {"authorization": "Basic !"},
        {"authorization": "Basic /w=="},
        basic("anybody:"),
        basic(f"{key}:wrong"),
        {"x-api-key": key},
    ]
    for headers in wrong:
        said = asked.get(path, headers=headers)
        assert (said.status_code, said.headers["www-authenticate"]) == (401, "Bearer"), headers
        assert key not in said.text
    for headers in ({"authorization": f"bearer {key}"}, basic(f"anybody:{key}"), basic(f"{key}:")):
        assert asked.get(path, headers=headers).status_code == 200
    assert asked.get(path, headers=basic(f":{key}"), params={"key": key}).status_code == 400
    said = client(app, key).put(PUT, content=BODY, headers=BYTES)
    assert (said.status_code, "no right to write" in said.text) == (403, True)
    store.state.keys.add(["admin"])
    assert store.state.keys.remove(key[:10])
    assert not store.state.keys.remove(key[:10])
    assert client(app, key).get(path).status_code == 401, "without a restart"


@pytest.mark.parametrize(
    ("rights", "statuses"),
    [
        (["read"], [200, 403, 403, 403]),
        (["write"], [403, 200, 403, 403]),
        (["read", "write"], [200, 200, 403, 403]),
        (["admin"], [200, 200, 200, 200]),
    ],
)
def test_rights(served: tuple[Store, Starlette], rights: list[Any], statuses: list[int]) -> None:
    store, app = served
    asked = client(app, store.state.keys.add(rights))
    store.define("cells", "1d")
    said = [
        asked.get(f"{API}/summary"),
        asked.put(PUT, content=BODY, headers=BYTES),
        asked.delete(f"{API}/profiles?dataset=cells"),
        asked.post(f"{API}/gc"),
    ]
    assert [each.status_code for each in said] == statuses


def test_a_key_can_be_for_some_datasets(served: tuple[Store, Starlette]) -> None:
    store, app = served
    for name in ("cells", "cells left", "tissue"):
        store.put(name, view(1), at=date(2022, 9, 7), writer="a")
    asked = client(app, store.state.keys.add(["admin"], datasets=["cells*", "x"]))
    assert list(asked.get(f"{API}/datasets").json()["datasets"]) == ["cells", "cells left"]
    lines = asked.get(f"{API}/summary").json()["summary"]
    assert [line["dataset"] for line in lines] == ["cells", "cells left"]
    for path in ("segments?", "profile?", "series?feature=n&", "report?", "results?", "incidents?"):
        assert asked.get(f"{API}/{path}dataset=cells").status_code == 200
        said = asked.get(f"{API}/{path}dataset=tissue")
        assert (said.status_code, "'tissue'; use one" in said.text) == (403, True), path
        said = asked.get(f"{API}/{path}dataset=not+there")
        assert said.status_code == 403, "which datasets there are is not told"
    put = PUT.replace("cells", "tissue")
    assert asked.put(put, content=BODY, headers=BYTES).status_code == 403
    for dataset, status in (("*", 403), ("t*", 403), ("cells*", 200), ("cells", 200), ("c*", 403)):
        said = asked.post(f"{API}/snooze", json={"for": "1d", "dataset": dataset})
        assert said.status_code == status, dataset
    assert asked.get(f"{API}/verify").status_code == asked.post(f"{API}/gc").status_code == 403
    said = asked.get(f"{API}/segments?dataset=x")
    assert (said.status_code, "tissue" in said.text) == (404, False)


def test_keys_of_the_app_around_it_may_do(served: tuple[Store, Starlette]) -> None:
    store, _ = served
    store.state.keys.add(["read"])
    app = make_app(store, keys=False)
    assert client(app, client=ELSEWHERE).get(f"{API}/verify").status_code == 200


def test_other_machines_are_let_in_with_a_key_only(served: tuple[Store, Starlette]) -> None:
    store, app = served
    server = app.state.server
    for host in ("127.0.0.1", "::1", "localhost"):
        check_address(server, host)
    for host in ("0.0.0.0", "::", "192.0.2.1"):
        with pytest.raises(ConfigError, match="serve key add"):
            check_address(server, host)
    server.public_url = "https://drift.example.com"
    with pytest.raises(ConfigError, match=r"--public-url https://drift\.example\.com lets"):
        check_address(server, "127.0.0.1")
    store.state.keys.add(["read"])
    check_address(server, "0.0.0.0")


def test_too_many_wrong_keys_of_an_address(tmp_path: Path) -> None:
    store, app = serving(tmp_path / "a.db", limits=Limits(failures=3))
    key = store.state.keys.add(["read"])
    wrong = client(app, "x" * 54)
    statuses = [wrong.get(f"{API}/datasets").status_code for _ in range(5)]
    assert statuses == [401, 401, 401, 429, 429]
    assert 0 < int(wrong.get("/healthz").headers["retry-after"]) <= 20
    assert client(app, "x" * 54, client=ELSEWHERE).get(f"{API}/datasets").status_code == 401
    assert client(app, key).get(f"{API}/datasets").status_code == 200, "nobody is locked out"
    store.close()


def test_too_many_requests_of_a_key(tmp_path: Path) -> None:
    store, app = serving(tmp_path / "a.db", limits=Limits(requests=1))
    asked = client(app, store.state.keys.add(["read"]))
    statuses = [asked.get(f"{API}/datasets").status_code for _ in range(4)]
    assert statuses == [200] * 4
    while (said := asked.get(f"{API}/datasets")).status_code == 200:
        pass  # one comes back in a second
    assert (said.status_code, said.headers["retry-after"]) == (429, "1")
    store.close()


def test_tokens_come_back_and_names_are_forgotten() -> None:
    rates = Rates(1000, 2)
    assert [rates.take("a"), rates.take("a")] == [0, 0]
    time.sleep(0.01)
    assert rates.take("a") == 0
    for number in range(20_000):
        rates.take(str(number))
    assert len(rates._left) == 10_000


def test_keys_from_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "drift.db"
    made = lightmeter("serve", "key", "add", "--store", path, "--right", "read", "--right", "write")
    assert made.returncode == 0, made.stderr
    key = made.stdout.strip()
    with Store(path) as store:
        known = store.state.keys.find(key)
        assert known is not None
        assert (known.rights, known.datasets) == ({"read", "write"}, ("*",))
        limits = ("--dataset", "cells*", "--note", "a [b]note\u202e")
        lightmeter("serve", "key", "add", "--store", path, "--right", "admin", *limits)
        shown = lightmeter("serve", "key", "list", "--store", path).stdout
        assert key[:10] in shown
        assert key[11:] not in shown
        assert "a [b]note\\u202e" in shown
        listed = json.loads(
            lightmeter("serve", "key", "list", "--store", path, "--format", "json").stdout
        )
        assert [each["datasets"] for each in listed] == [["*"], ["cells*"]]
        assert lightmeter("serve", "key", "remove", key, "--store", path).returncode == 0
        assert lightmeter("serve", "key", "remove", key, "--store", path).returncode == 1
        assert store.state.keys.find(key) is None


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--host", "0.0.0.0"], 1, "serve key add"),
        (["--public-url", "https://drift.example.com"], 1, "serve key add"),
        (["--public-url", "drift.example.com"], 2, "expected one such as https"),
        (["--allow-host", "https://x"], 2, "expected a name"),
        (["--store", "https://drift.example.com"], 2, "is a server already"),
        (["--store", "."], 1, "cannot open the store"),
    ],
)
def test_what_cannot_be_served(tmp_path: Path, options: list[str], code: int, words: str) -> None:
    said = lightmeter("serve", "--store", tmp_path / "a.db", *options)
    assert (said.returncode, said.stdout) == (code, "")
    assert words in " ".join(re.sub("[│╭╮╰╯─]", "", said.stderr).split())


@pytest.mark.parametrize(
    ("rights", "datasets"), [([], ["*"]), (["own"], ["*"]), (["read"], []), (["read"], [""])]
)
def test_a_key_must_be_good_for_something(
    served: tuple[Store, Starlette], rights: list[Any], datasets: list[str]
) -> None:
    store, _ = served
    with pytest.raises(ValueError, match="expected"):
        store.state.keys.add(rights, datasets=datasets)
    assert not store.state.keys.exist()


def test_a_damaged_key_is_damage(tmp_path: Path) -> None:
    with Store(tmp_path / "a.db") as store:
        key = store.state.keys.add(["read"])
        for change in ("rights = '[\"own\"]'", "datasets = '{'", "created = 'x'", "note = x'ff'"):
            sql(tmp_path / "a.db", f"UPDATE key SET {change}")
            (damage,) = store.verify()
            assert "a row of its table key" in damage.reason
            with pytest.raises(StoreError, match="is damaged"):
                store.state.keys.find(key)
            sql(tmp_path / "a.db", "DELETE FROM key")
            key = store.state.keys.add(["read"])


# Limits


def put_parts(app: Any, *parts: bytes | float, headers: Any = ()) -> tuple[int, Any, bytes]:
    query = b"dataset=cells&writer=a&at=2022-09-07"
    kind = (b"content-type", b"application/octet-stream")
    return ask(app, "PUT", f"{API}/profile", query=query, headers=[kind, *headers], parts=parts)


def test_a_body_has_a_limit_however_it_comes(tmp_path: Path) -> None:
    store, app = serving(tmp_path / "a.db", limits=Limits(body=len(BODY), json=50))
    assert put_parts(app, BODY[:100], BODY[100:])[0] == 200
    status, headers, _ = put_parts(app, *[bytes(1000)] * 100)
    assert (status, headers["connection"]) == (413, "close")
    assert put_parts(app, BODY, headers=[(b"content-length", b"%d" % 2**40)])[0] == 413
    for length in (b"-1", b"1e3", b"\xb2", b"1" * 30):
        assert put_parts(app, BODY, headers=[(b"content-length", length)])[0] == 400
    for encoding in (b"gzip", b"br", b"identity, gzip", b"zstd"):
        assert put_parts(app, BODY, headers=[(b"content-encoding", encoding)])[0] == 415
    said = client(app).post(f"{API}/snooze", json={"for": "1d", "note": "x" * 50})
    assert said.status_code == 413
    assert ask(app, parts=[b"x"])[0] == 400, "a body that nobody expects"
    assert app.state.server.buffered == 0
    store.close()


def test_a_body_must_come_in_time_and_takes_no_thread(tmp_path: Path) -> None:
    store, app = serving(tmp_path / "a.db", limits=Limits(seconds=1, operations=1))
    slow = threading.Thread(target=put_parts, args=(app, BODY[:5], 5.0, BODY[5:]))
    slow.start()
    assert put_parts(app, BODY)[0] == 200
    slow.join()
    status, headers, _ = put_parts(app, *[0.1, b"x"] * 50)
    assert (status, headers["connection"]) == (408, "close")
    store.close()


def test_a_profile_has_so_many_features(tmp_path: Path) -> None:
    store, app = serving(tmp_path / "a.db", limits=Limits(features=3))
    asked = client(app)

    def put(day: int, **row: float) -> int:
        lasting = Profile()
        lasting.log(row=row)
        query = f"{API}/profile?dataset=rows&writer=a&at=2022-09-0{day}"
        return asked.put(query, content=lasting.view().to_bytes(), headers=BYTES).status_code

    assert put(1, a=1, b=2, c=3, d=4) == put(1, **{"x" * 1001: 1}) == 413
    assert (put(1, a=1, b=2, c=3), put(2, a=1, d=4)) == (200, 200)
    for path in ("profile?", "profile?format=json&", "report?", "report?format=json&"):
        said = asked.get(f"{API}/{path}dataset=rows")
        assert (said.status_code, "more than 3 features; take fewer" in said.text) == (409, True)
    assert asked.get(f"{API}/profile?dataset=rows&end=2022-09-02").status_code == 200
    whole = f"{API}/report?dataset=rows&end=2022-09-02&reference_end=2022-09-02"
    assert asked.get(whole).status_code == 200
    store.close()


def test_all_bodies_together_have_a_limit(tmp_path: Path) -> None:
    store, app = serving(tmp_path / "a.db", limits=Limits(buffered=10))
    status, headers, _ = put_parts(app, BODY)
    assert (status, headers["retry-after"]) == (503, "1")
    assert app.state.server.buffered == 0
    store.close()


def test_so_much_is_done_at_once(tmp_path: Path) -> None:
    store, app = serving(tmp_path / "a.db", limits=Limits(operations=1, wait=0.5))
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> dict[str, Any]:
        begun.set()
        go_on.wait(10)
        return {}

    store.datasets = slow  # type: ignore[method-assign]
    first = threading.Thread(target=ask, args=(app,))
    first.start()
    assert begun.wait(10)
    more = [threading.Thread(target=lambda: said.append(ask(app))) for _ in range(12)]
    said: list[Any] = []
    for thread in more:
        thread.start()
    while len(said) < 4:  # those for which there is no room to wait
        time.sleep(0.01)
    time.sleep(0.6)
    go_on.set()
    for thread in [first, *more]:
        thread.join()
    assert {status for status, _, _ in said} == {503}
    assert {headers["retry-after"] for _, headers, _ in said} == {"1"}
    assert not app.state.server.work.busy
    store.close()


def test_a_burst_of_requests_waits_for_its_keys(served: tuple[Store, Starlette]) -> None:
    store, app = served
    headers = [(b"authorization", b"Bearer " + store.state.keys.add(["read"]).encode())]
    find, go_on, said = store.state.keys.find, threading.Event(), list[int]()
    store.state.keys.find = lambda text: find(text) if go_on.wait(10) else None  # type: ignore[method-assign]
    threads = [
        threading.Thread(target=lambda: said.append(ask(app, headers=headers)[0]))
        for _ in range(40)
    ]
    for thread in threads:
        thread.start()
    while app.state.server.checks._taken < len(threads):
        time.sleep(0.01)
    go_on.set()
    for thread in threads:
        thread.join()
    assert said == [200] * len(threads)


def test_nothing_that_is_put_waits_for_pages(tmp_path: Path) -> None:
    store, app = serving(tmp_path / "a.db", limits=Limits(operations=1))
    begun, go_on = threading.Event(), threading.Event()

    def page(path: str, **more: Any) -> bytes:
        begun.set()
        go_on.wait(10)
        return b"a page"

    app.state.live.pages.page = page
    reader = threading.Thread(target=ask, args=(app, "GET", "/"))
    reader.start()
    assert begun.wait(10)
    assert client(app).put(PUT, content=BODY, headers=BYTES).status_code == 200
    assert app.state.server.is_busy
    go_on.set()
    reader.join()
    store.close()


def test_what_is_cancelled_before_it_begins_takes_no_room() -> None:
    async def cancel() -> None:
        work, go_on = Work("test", 1, 10), threading.Event()
        first = asyncio.create_task(work.do(go_on.wait, 10))
        second = asyncio.create_task(work.do(go_on.wait, 10))
        await asyncio.sleep(0.01)
        second.cancel()
        go_on.set()
        assert await first
        await asyncio.sleep(0.01)
        assert not work.busy

    asyncio.run(cancel())


def test_nothing_of_the_inside_goes_out(
    served: tuple[Store, Starlette], caplog: pytest.LogCaptureFixture
) -> None:
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


def test_every_answer_has_the_headers(served: tuple[Store, Starlette]) -> None:
    store, app = served
    store.define("cells", "1d")
    asked = client(app)
    said = [
        asked.get(f"{API}/datasets"),
        asked.get("/nothing"),
        asked.get("/healthz", headers={"host": "evil.example"}),
        asked.put(PUT, content=b"x", headers=BYTES),
        asked.get(f"{API}/report?dataset=cells"),
    ]
    assert [each.status_code for each in said] == [200, 404, 400, 400, 200]
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
        ("http://evil.example/api/v1/datasets", b"", 400),
        ("", b"", 400),
        ("*", b"", 400),
        ("/" + "x" * 9000, b"", 400),
        (f"{API}/datasets", b"x" * 9000, 400),
        (f"{API}/segments", b"dataset=%ff", 400),
        (f"{API}/segments", b"dataset=%c0%af", 400),
        (f"{API}/segments", b"dataset=%ed%a0%80", 400),
        (f"{API}/segments", b"dataset=\xff", 400),
        (f"{API}/segments", b"dataset=a%00", 400),
        (f"{API}/segments", b"dataset=a;dataset=b", 404),
        (f"{API}/segments", b"&".join([b"dataset=a"] * 100), 400),
        (f"{API}/segments", b"dataset=" + b"%F0%9F%98%80" * 256, 404),
        (f"{API}/buckets", b"dataset=a&start=" + b"9" * 5000, 400),
        (f"{API}/segments", b"=&==&%=&dataset=a", 400),
        ("/\ud800", b"", 400),
        ("/api/v1/\x00", b"", 400),
        ("/api/v1/datasets\n", b"", 400),
        ("/api/v1/é\N{RIGHT-TO-LEFT OVERRIDE}", b"", 404),
    ],
)
def test_hostile_targets(
    served: tuple[Store, Starlette], path: str, query: bytes, status: int
) -> None:
    _, app = served
    got, _, body = ask(app, path=path, query=query, scope={"raw_path": b""})
    assert got == status, body


def test_headers_have_a_limit_if_they_come_at_once_too(served: tuple[Store, Starlette]) -> None:
    _, app = served
    for size, status in ((30_000, 200), (33_000, 400)):
        said = client(app, headers={"cookie": "x" * size}).get(f"{API}/datasets")
        assert said.status_code == status


def test_a_websocket_is_refused(served: tuple[Store, Starlette]) -> None:
    _, app = served
    with pytest.raises(WebSocketDisconnect), client(app).websocket_connect("/"):
        pass


def test_the_origin_of_a_request_can_be_asked_by_pages(served: tuple[Store, Starlette]) -> None:
    _, app = served
    scope = {"type": "http", "app": app, "method": "POST", "path": "/", "query_string": b""}
    ends = {"scheme": "http", "server": LOCAL, "root_path": ""}
    headers = [(b"host", b"127.0.0.1:8787")]
    request = Request({**scope, **ends, "headers": headers})
    security.check_origin(request)
    with pytest.raises(RequestError, match="without a header Origin"):
        security.check_origin(request, needed=True)
    headers.append((b"origin", b"http://127.0.0.1:8787"))
    security.check_origin(Request({**scope, **ends, "headers": headers}), needed=True)
