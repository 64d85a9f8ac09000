"""What a server answers the client of whylogs. tests/integration has the real client."""

import io
import time
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from lightmeter import Store
from lightmeter.interop.whylogs.receiver import Asked, Ticket, Tickets
from lightmeter.serve import Limits, make_app
from starlette.exceptions import HTTPException
from starlette.testclient import TestClient
from stores import view

FOLDER = Path(__file__).parents[2] / "golden" / "whylogs"
AT = {"datasetTimestamp": 1662552000000, "segmentTags": [], "region": None}  # 2022-09-07 12:00
NEW = "/v1/log/async"
OLD = "/v0/organizations/org-1/log/async/cells"
REFERENCE = "/v0/organizations/org-1/log/reference/cells"
SEGMENTED = "/v0/organizations/org-1/dataset-profiles/models/cells/reference-profile"


@pytest.fixture
def key(store: Store) -> str:
    return store.state.keys.add(["write"], datasets=["cells", "cells reference *"])


def client_of(app: Any) -> TestClient:
    return TestClient(app, "http://localhost", client=("127.0.0.1", 5), follow_redirects=False)


@pytest.fixture
def client(store: Store) -> TestClient:
    return client_of(make_app(store))


def ask(client: TestClient, path: str, key: str, body: Any = AT, **headers: str) -> dict[str, Any]:
    """What the client is told after it asked."""
    named = {"X-API-Key": key, "X-WHYLABS-RESOURCE": "cells", "X-WhyLabs-File-Extension": "BIN"}
    answer = client.post(path, json=body, headers={**named, **headers})
    assert answer.status_code == 200, answer.text
    assert answer.json()["id"].startswith("log-")
    return answer.json()


def put(client: TestClient, address: str, name: str, status: int = 200) -> None:
    answer = client.put(address, content=(FOLDER / name).read_bytes())
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize("path", [NEW, OLD])
def test_a_profile_is_stored_once(store: Store, client: TestClient, key: str, path: str) -> None:
    for _ in range(2):
        address = ask(client, path, key)["uploadUrl"]
        assert address.startswith("http://localhost/v1/upload?ticket=")
        put(client, address, "uploaded.bin")
        put(client, address, "uploaded.bin")  # the answer to the first was lost
    (bucket,) = store.buckets("cells")
    assert bucket.start == datetime(2022, 9, 7, tzinfo=UTC)
    assert bucket.writers == 1
    assert "image.Brightness.mean" in store.read("cells")


def test_an_archive_goes_to_its_segments(store: Store, key: str) -> None:
    """By the address that others see."""
    client = client_of(make_app(store, public_url="https://drift.example.com/base/"))
    address = ask(client, NEW, key)["uploadUrl"]
    assert address.startswith("https://drift.example.com/base/v1/upload?ticket=")
    put(client, address.partition("/base")[2], "segments.zip")
    assert store.segments("cells") == [{"camera": "north"}, {"camera": "south"}]


def test_an_address_is_signed(store: Store, client: TestClient, key: str) -> None:
    address = ask(client, NEW, key)["uploadUrl"]
    put(client, address, "one.bin")
    put(client, address[:-8] + address[:-9:-1], "two.bin", status=403)
    put(client, address.partition("?")[0], "two.bin", status=403)
    assert len(store.stored("cells")) == 1


def test_a_reference_profile_replaces_another(store: Store, client: TestClient, key: str) -> None:
    body = {"alias": "golden", **AT}
    store.put("cells reference golden", view(1), at=date(2022, 9, 7), writer="somebody")
    for name in ("one.bin", "two.bin"):
        told = ask(client, REFERENCE, key, body)
        assert (told["modelId"], told["alias"]) == ("cells", "golden")
        put(client, told["uploadUrl"], name)
    assert list(store.datasets()) == ["cells reference golden"]
    writers = [row.writer for row in store.stored("cells reference golden")]
    assert len(writers) == 2
    assert "somebody" in writers


def test_a_wrong_key_is_refused(store: Store, client: TestClient, key: str) -> None:
    def status(headers: dict[str, str], path: str = NEW) -> int:
        named = {"X-WHYLABS-RESOURCE": "cells", **headers}
        return client.post(path, json=AT, headers=named).status_code

    assert status({}) == 401
    assert status({"X-API-Key": key[:-1] + ("a" if key[-1] != "a" else "b")}) == 401
    assert status({"X-API-Key": key, "X-WHYLABS-RESOURCE": "other"}) == 403
    assert status({"X-API-Key": key}, OLD.replace("cells", "other")) == 403
    assert status({"X-API-Key": store.state.keys.add(["read"])}) == 403
    of_cells = {"X-API-Key": store.state.keys.add(["write"], datasets=["cells"])}
    said = [status(of_cells, path) for path in (NEW, REFERENCE, SEGMENTED)]
    assert said == [200, 403, 403], "a reference is a dataset of its own"


def test_a_removed_key_takes_its_address_along(store: Store, client: TestClient, key: str) -> None:
    store.state.keys.add(["read"])
    address = ask(client, NEW, key)["uploadUrl"]
    store.state.keys.remove(key[:10])
    put(client, address, "one.bin", status=403)
    assert store.datasets() == {}


def test_an_address_of_before_there_were_keys(store: Store, client: TestClient) -> None:
    address = ask(client, NEW, "none")["uploadUrl"]
    key = store.state.keys.add(["read"])
    put(client, address, "one.bin", status=403)
    store.state.keys.remove(key[:10])
    put(client, address, "one.bin")


def test_what_would_take_too_much_is_refused(store: Store) -> None:
    client = client_of(make_app(store, limits=Limits(features=1)))
    put(client, ask(client, NEW, "")["uploadUrl"], "rows.bin", status=413)
    client = client_of(make_app(store, limits=Limits(body=10_000)))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.bin", bytes(1_000_000))
    answer = client.put(ask(client, NEW, "")["uploadUrl"], content=buffer.getvalue())
    assert (answer.status_code, "more than 40000 bytes" in answer.text) == (400, True)
    assert store.datasets() == {}


# Tickets


@pytest.mark.parametrize(
    "body",
    [
        {"datasetTimestamp": "5"},
        {"datasetTimestamp": 10**18},
        {"alias": "x" * 201},
        {"dataset": "a\tb"},
        {"segments": [{}] * 1001},
    ],
)
def test_another_request_is_refused(body: Any) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Asked.model_validate({"dataset": "cells", **body})


def test_a_ticket_says_what_it_is_for_and_ends() -> None:
    tickets, now = Tickets(), time.time()
    ticket = Ticket(dataset="\U0001f600" * 200, at=5, is_reference=True, key="a", end=now + 60)
    text = tickets.give(ticket)
    assert tickets.use(text) == ticket
    late = tickets.give(ticket.model_copy(update={"end": now - 1}))
    for forged in ("", "x", text[:-4], f"A{text[1:]}", Tickets().give(ticket), late):
        with pytest.raises(HTTPException, match="unknown or too old"):
            tickets.use(forged)
