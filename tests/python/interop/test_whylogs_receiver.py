"""What whylogs' client asks for, and the tickets it is given."""

import time
from typing import Any

import pytest
from lightmeter.interop.whylogs import receiver
from lightmeter.interop.whylogs.receiver import Asked, Tickets
from starlette.exceptions import HTTPException


@pytest.mark.parametrize(
    "body",
    [
        {"datasetTimestamp": "5"},
        {"datasetTimestamp": 10**18},
        {"alias": "x" * 201},
        {"segments": [{}] * 1001},
    ],
)
def test_another_request_is_refused(body: Any) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Asked.model_validate({"dataset": "cells", **body})


def test_a_ticket_says_what_it_is_for_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    tickets = Tickets()
    text = tickets.give("\U0001f600" * 200, 5, is_reference=True, key="abcdefghij")
    ticket = tickets.use(text, b"x")
    assert (ticket.dataset, ticket.at, ticket.is_reference) == ("\U0001f600" * 200, 5, True)
    assert ticket.key == "abcdefghij"
    other = tickets.give("cells", 5, is_reference=False, key="")
    for forged in ("", text[:-1], f"{text}A", other[:-1]):
        with pytest.raises(HTTPException, match="unknown"):
            tickets.use(forged, b"x")
    later = time.monotonic() + receiver.LIFETIME + 1
    monkeypatch.setattr(time, "monotonic", lambda: later)
    with pytest.raises(HTTPException, match="too old"):
        tickets.use(text, b"x")
    monkeypatch.setattr(receiver, "_MOST_TICKETS", 3)
    for _ in range(10):
        tickets.give("cells", 5, is_reference=False, key="")
        assert len(tickets._tickets) <= 3
