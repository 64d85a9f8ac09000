"""The endpoints of the API."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from lightmeter import ProfileView
from lightmeter.monitor.results import Result
from lightmeter.profile.view import plain_summary
from serving import API, BYTES, Served, client, serving
from starlette.testclient import TestClient
from stores import fill, save_results, sql, view


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    store, app = serving(tmp_path / "drift.db")
    with store:
        yield store, client(app)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A store with something of everything, which no test changes."""
    path = tmp_path_factory.mktemp("filled") / "drift.db"
    fill(path)
    store, app = serving(path)
    with store:
        yield store, client(app)


def put(asked: TestClient, body: bytes, *, headers: Any = BYTES, **query: Any) -> Any:
    where = {"dataset": "cells", "writer": "a", "at": "2022-09-07"} | query
    return asked.put(f"{API}/profile", params=where, content=body, headers=headers)


def test_a_profile_is_put_and_got(served: Served) -> None:
    store, asked = served
    body = view(3).to_bytes()
    at, segment = "2022-09-07T12:00:00+02:00", "camera=left%20one"
    said = put(asked, body, at=at, segment=segment, every="1h")
    assert (said.status_code, said.json()) == (200, {"kept": True, "seq": 1})
    (row,) = store.stored("cells", segment={"camera": "left one"})
    assert (row.writer, row.seq) == ("a", 1)
    assert row.bucket == datetime(2022, 9, 7, 10, tzinfo=UTC)
    where = {"dataset": "cells", "segment": segment}
    got = asked.get(f"{API}/profile", params=where)
    assert ProfileView.from_bytes(got.content).images == 3
    assert got.headers["x-lightmeter-damaged"] == "0"
    got = asked.get(f"{API}/profile", params={**where, "format": "json"})
    assert got.json() == plain_summary(store.read("cells", segment=segment))


def test_a_retry_for_a_deleted_bucket_is_answered_with_the_number_that_arrived(
    served: Served,
) -> None:
    """So that the client knows that nothing is lost; whatever is newer is refused."""
    store, asked = served
    assert put(asked, view(3).to_bytes(), seq=5).json() == {"kept": True, "seq": 5}
    assert store.gc(now=datetime(2022, 12, 1, tzinfo=UTC), keep="7d").deleted == 1
    for seq in (4, 5):
        said = put(asked, view(3).to_bytes(), seq=seq)
        assert (said.status_code, said.json()) == (200, {"kept": False, "seq": 5})
    assert put(asked, view(4).to_bytes(), seq=6).status_code == 409
    assert put(asked, view(1).to_bytes(), writer="late", seq=1).status_code == 409


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ({"dataset": "a\0b"}, 400, "no control"),
        ({"at": "yesterday"}, 400, "such as 2022-09-07T12:00:00Z"),
        ({"at": "9999-12-31"}, 400, "within the years"),
        ({"segment": "left"}, 400, "Such as camera=north"),
        ({"every": "1h"}, 409, "has buckets of 1d"),
        ({"colour": "red"}, 400, "expected one of at, dataset"),
        ({"dataset": ["a", "b"]}, 400, "twice"),
        ({"dataset": "hours", "at": "2022-09-07T01:00"}, 409, "rolled up"),
    ],
)
def test_what_is_no_profile_to_keep_is_refused(
    filled: Served, query: dict[str, Any], status: int, words: str
) -> None:
    store, asked = filled
    before = store.summary()
    said = put(asked, view(1).to_bytes(), **query)
    assert (said.status_code, store.summary()) == (status, before)
    assert words in said.json()["error"]


def test_a_body_is_decoded_before_anything_is_written(served: Served) -> None:
    store, asked = served
    body = view(1).to_bytes()
    for bad in (b"", b"no profile", body[:-1], body + b"x", bytes(1000)):
        assert put(asked, bad).status_code == 400
    assert put(asked, body, headers={"content-type": "image/png"}).status_code == 415
    assert store.datasets() == {}


def test_results(served: Served) -> None:
    store, asked = served
    at = datetime(2022, 9, 7, tzinfo=UTC)
    for dataset in ("cells", "tissue"):
        place = {"monitor": "m", "dataset": dataset, "bucket": at}
        found = Result("x", "anomaly", 2.0, None, 1.0, "too far", **place)
        save_results(store, [found], source=dataset)
    results = asked.get(f"{API}/results?dataset=cells").json()["rows"]
    (each,) = results
    assert (each["bucket"], each["value"], each["upper"]) == (at.isoformat(), 2, 1)
    assert len(asked.get(f"{API}/results").json()["rows"]) == 2
    assert asked.get(f"{API}/results?start=2022-09-08").json() == {"rows": []}
    assert asked.get(f"{API}/results?segment=camera%3Da").json() == {"rows": []}


def test_damage_is_told_without_paths(tmp_path: Path) -> None:
    fill(tmp_path / "drift.db")
    sql(tmp_path / "drift.db", "UPDATE profile SET body = x'00' WHERE segment = 'camera=b'")
    store, app = serving(tmp_path / "drift.db")
    asked = client(app)
    where = {"dataset": "cells", "segment": "camera=b"}
    said = asked.get(f"{API}/profile", params=where)
    assert (said.status_code, said.headers["x-lightmeter-damaged"]) == (200, "5")
    sql(tmp_path / "drift.db", "DROP TABLE profile")
    said = asked.get(f"{API}/segments?dataset=cells")
    assert (said.status_code, "retry-after" in said.headers) == (503, True)
    assert str(tmp_path) not in said.text
    store.close()
    assert asked.get("/healthz").status_code == 503


def test_metrics(served: Served) -> None:
    store, asked = served
    for dataset in ("cells", "hours"):
        store.put(dataset, view(1), at=datetime(2022, 9, 7, tzinfo=UTC), writer="a")
    said = asked.get("/metrics")
    assert said.headers["content-type"].startswith("application/openmetrics-text")
    assert 'dataset="hours"' in said.text
    limited = client(asked.app, store.state.keys.add(["read"], datasets=["cells"]))
    assert 'dataset="hours"' not in limited.get("/metrics").text


def test_head_and_options_and_other_methods(filled: Served) -> None:
    _, asked = filled
    head = asked.head(f"{API}/datasets")
    assert (head.status_code, head.headers["content-type"]) == (200, "application/json")
    said = asked.request("PATCH", f"{API}/profile")
    assert (said.status_code, "PUT" in said.headers["allow"]) == (405, True)
    assert asked.get("/healthz").json() == {"status": "ok"}
    for path in ("/nothing", f"{API}/datasets/", f"{API}//datasets"):
        said = asked.get(path)
        assert (said.status_code, "nothing at this address" in said.json()["error"]) == (404, True)


def test_the_document_names_every_parameter_and_how_a_key_is_sent(filled: Served) -> None:
    _, asked = filled
    document = asked.get(f"{API}/openapi.json").json()
    for path, methods in document["paths"].items():
        for operation in methods.values():
            keys = [] if path == "/healthz" else [{"bearer": []}, {"basic": []}]
            assert operation.get("security", document["security"]) == keys
            assert {"200", "4XX", "503"} == operation["responses"].keys()
            assert all(each["description"] for each in operation.get("parameters", ()))
    for path in ("/docs", "/redoc"):
        assert asked.get(path).status_code == 404
