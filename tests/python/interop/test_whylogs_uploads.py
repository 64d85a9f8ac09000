"""What whylogs' client asks for, and the tickets it is given."""

import time
from typing import Any

import pytest
from lightmeter.whylogs import uploads
from lightmeter.whylogs.uploads import Asked, TicketError, Tickets


def test_a_request_is_understood() -> None:
    sent = {"datasetTimestamp": 5, "segmentTags": [], "region": None, "segments": [{"tags": []}]}
    asked = Asked.model_validate(sent)
    assert (asked.at, asked.alias, asked.segments) == (5, None, [{"tags": []}])
    assert Asked.model_validate({"alias": "golden"}).alias == "golden"


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {"datasetTimestamp": "5"},
        {"datasetTimestamp": True},
        {"datasetTimestamp": 1.5},
        {"datasetTimestamp": 10**18},
        {"alias": 3},
        {"alias": "x" * 201},
        {"segments": {}},
        {"segments": [{}] * 1001},
    ],
)
def test_another_request_is_refused(body: Any) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Asked.model_validate(body)


def test_a_ticket_says_what_it_is_for_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    tickets = Tickets()
    dataset, alias = "ü\U0001f600" * 100, "\U0001f600" * 200
    text = tickets.give(dataset, 5, alias=alias, key="abcdefghij")
    ticket = tickets.read(text)
    assert (ticket.dataset, ticket.at, ticket.alias) == (dataset, 5, alias)
    assert ticket.key == "abcdefghij"
    for forged in ("", text[:-1], f"{text}A", tickets.give("cells", 5, alias=None, key="")[:-1]):
        with pytest.raises(TicketError, match="unknown"):
            tickets.read(forged)
    later = time.monotonic() + uploads.LIFETIME + 1
    monkeypatch.setattr(time, "monotonic", lambda: later)
    with pytest.raises(TicketError, match="too old"):
        tickets.read(text)
    tickets.give("cells", 5, alias=None, key="")
    assert len(tickets._tickets) == 1
    monkeypatch.setattr(uploads, "_MOST_TICKETS", 3)
    for _ in range(10):
        tickets.give("cells", 5, alias=None, key="")
    assert len(tickets._tickets) == 3
