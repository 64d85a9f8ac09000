"""Limits of a server: bodies, requests, work."""

import asyncio
import threading
from typing import Any

from lightmeter import Store, log
from lightmeter.serve import Limits, make_app
from serving import API, BODY, BYTES, PUT, ask, asked, client


def put_parts(app: Any, *parts: bytes | float, headers: Any = ()) -> tuple[int, Any, bytes]:
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


def test_a_body_must_come_in_time_and_takes_no_thread(store: Store) -> None:
    app = make_app(store, limits=Limits(seconds=0.3, operations=1))
    slow = threading.Thread(target=put_parts, args=(app, BODY[:5], 5.0, BODY[5:]))
    slow.start()
    assert put_parts(app, BODY)[0] == 200
    slow.join()
    status, headers, _ = put_parts(app, *[0.1, b"x"] * 50)
    assert (status, headers["connection"]) == (408, "close")


def test_a_profile_has_so_many_features(store: Store) -> None:
    app = make_app(store, limits=Limits(features=3))
    asked = client(app)

    def put(day: int, **row: float) -> int:
        query = f"{API}/profile?dataset=rows&writer=a&at=2022-09-0{day}"
        return asked.put(query, content=log(row=row).view().to_bytes(), headers=BYTES).status_code

    assert put(1, a=1, b=2, c=3, d=4) == put(1, **{"x" * 1001: 1}) == 413
    assert (put(1, a=1, b=2, c=3), put(2, a=1, d=4)) == (200, 200)
    for path in ("profile?", "profile?format=json&"):
        said = asked.get(f"{API}/{path}dataset=rows")
        assert (said.status_code, "more than 3 features; take fewer" in said.text) == (409, True)
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
    statuses = [status for status, _, _ in answers]
    assert sorted(statuses) == [200] * 9 + [503] * 4
    assert {headers["retry-after"] for status, headers, _ in answers if status == 503} == {"1"}


def test_nothing_that_is_put_waits_for_pages(store: Store) -> None:
    app = make_app(store, limits=Limits(operations=1))
    begun, go_on = threading.Event(), threading.Event()

    def page(path: str, **more: Any) -> bytes:
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
