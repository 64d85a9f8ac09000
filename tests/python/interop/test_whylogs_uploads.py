"""What whylogs' client asks for, and the tickets it is given."""

import time
from typing import Any

import pytest
from lightmeter.whylogs import uploads
from lightmeter.whylogs.uploads import Asked, TicketError, Tickets, read_request

ASKED = Asked(1788739200000)


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ({"datasetTimestamp": 1788739200000, "segmentTags": [], "region": None}, ASKED),
        ({"datasetTimestamp": 5, "alias": "golden"}, Asked(5, "golden")),
        ({"alias": None}, Asked(None)),
        ({"datasetTimestamp": 5, "segments": [{"tags": []}, {"tags": []}]}, Asked(5, "", 2)),
    ],
)
def test_a_request_is_understood(body: Any, asked: Asked) -> None:
    assert read_request(body) == asked


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "x",
        {"datasetTimestamp": "5"},
        {"datasetTimestamp": True},
        {"datasetTimestamp": 1.5},
        {"datasetTimestamp": 10**18},
        {"datasetTimestamp": -(10**18)},
        {"alias": 3},
        {"alias": "x" * 201},
        {"alias": "a\nb"},
        {"segments": {}},
        {"segments": [{}] * 1001},
    ],
)
def test_another_request_is_refused(body: Any) -> None:
    with pytest.raises(ValueError, match=r"expected|is no|is not"):
        read_request(body)


def test_a_ticket_says_what_it_is_for() -> None:
    tickets = Tickets(bytes(32))
    dataset, alias = "ü\U0001f600" * 100, "\U0001f600" * 200
    ident, text = tickets.give(dataset, ASKED, alias=alias, key="abcdefghij")
    ticket = tickets.read(text)
    assert (ticket.ident, ticket.dataset, ticket.at) == (ident, dataset, ASKED.at)
    assert (ticket.alias, ticket.key) == (alias, "abcdefghij")


def test_a_ticket_ends_and_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    tickets = Tickets(bytes(32))
    text = tickets.give("cells", ASKED, alias=None, key="")[1]
    tickets.use(tickets.read(text), b"profile")
    later = time.time() + uploads.LIFETIME + 1
    monkeypatch.setattr(time, "time", lambda: later)
    with pytest.raises(TicketError, match="too old"):
        tickets.read(text)
    tickets.use(tickets.read(tickets.give("cells", ASKED, alias=None, key="")[1]), b"profile")
    assert len(tickets._used) == 1


def test_a_forged_ticket_is_refused() -> None:
    tickets = Tickets(bytes(32))
    text = tickets.give("cells", ASKED, alias=None, key="")[1]
    said, seal = text.split(".")
    changed = said[:-1] + ("A" if said[-1] != "A" else "B")
    other = Tickets(b"another").give("cells", ASKED, alias=None, key="")[1]
    for forged in ("", ".", said, f"{said}.", f".{seal}", f"{changed}.{seal}", f"{said}.ü", other):
        with pytest.raises(TicketError, match="not given out"):
            tickets.read(forged)
