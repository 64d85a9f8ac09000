"""What whylogs' client asks for, and the tickets it is given."""

import time
from typing import Any

import pytest
from lightmeter.interop.whylogs.receiver import Asked, Ticket, Tickets
from starlette.exceptions import HTTPException


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
