"""What monitors say of a store, and saying that somebody knows of it."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from lightmeter.alerts import Matching, acknowledge, snooze
from lightmeter.monitor.incidents import Incident, find_incidents, lines_of
from lightmeter.monitor.results import Result, load_results, load_turning_points
from lightmeter.profile.segments import parse_segment, segment_text
from lightmeter.serve.api.common import END, SEGMENT, START, finite, text_of
from lightmeter.serve.endpoint import API, Answer, Call, Endpoint
from lightmeter.serve.parameters import choice, name
from lightmeter.serve.refusal import RequestError
from lightmeter.serve.schemas import FLAG, NUMBER, TEXT, TIME, WHOLE, array, record
from lightmeter.serve.schemas import SEGMENT as PAIRS
from lightmeter.store.records import Acknowledged
from lightmeter.times import parse_duration

__all__ = ["ENDPOINTS"]

_DATASET = name("dataset", "Those of this dataset alone.")
_MONITOR = name("monitor", "Those of this monitor alone.")
_WHERE = (_DATASET, _MONITOR, SEGMENT, START, END)
_WILD = frozenset("*?[")


def _pairs(call: Call) -> list[tuple[str, str]]:
    """The monitors in question, of datasets that the key sees."""
    dataset, monitor = call.values.get("dataset"), call.values.get("monitor")
    return [
        (source.monitor, source.dataset)
        for source in call.store.state.sources()
        if call.key.sees(source.dataset)
        and dataset in (None, source.dataset)
        and monitor in (None, source.monitor)
    ]


def _within(call: Call, segment: str, start: datetime) -> bool:
    wanted, first, end = call.values["segment"], call.values["start"], call.values["end"]
    return (
        (wanted is None or wanted == segment)
        and (first is None or first <= start)
        and (end is None or start < end)
    )


def _results(call: Call) -> Mapping[str, Any]:
    return {
        "results": [
            _plain(result)
            for result in load_results(call.store, _pairs(call))
            if _within(call, segment_text(result.segment), result.start)
        ]
    }


def _plain(result: Result) -> dict[str, Any]:
    value, lower, upper = map(finite, (result.value, result.lower, result.upper))
    return {
        "monitor": result.monitor,
        "dataset": result.dataset,
        "segment": dict(result.segment),
        "start": text_of(result.start),
        "feature": result.feature,
        "state": result.state,
        "value": value,
        "lower": lower,
        "upper": upper,
        "baseline": result.baseline,
        "images": result.images,
        "words": result.words,
    }


def _incidents(call: Call) -> Mapping[str, Any]:
    notes = call.store.state.acknowledged()
    lasting = call.values["open"]
    return {
        "incidents": [
            _plain_incident(incident, notes)
            for incident in find_incidents(lines_of(load_turning_points(call.store, _pairs(call))))
            if _within(call, incident.line.segment, incident.start)
            and (lasting is None or (lasting == "true") == (incident.end is None))
        ]
    }


def _plain_incident(incident: Incident, notes: Iterable[Acknowledged]) -> dict[str, Any]:
    note = next(filter(incident.is_known_by, notes), None)
    return {
        "dataset": incident.line.dataset,
        "segment": parse_segment(incident.line.segment),
        "monitor": incident.line.monitor,
        "feature": incident.line.feature,
        "kind": incident.kind,
        "start": text_of(incident.start),
        "end": text_of(incident.end),
        "words": incident.first.words,
        "acknowledged": note is not None,
        "note": note and note.note,
    }


def _acknowledge(call: Call) -> Mapping[str, Any]:
    given = dict(call.json)
    note = given.pop("note", "")
    results = load_turning_points(call.store, _pairs(call))
    incidents = acknowledge(call.store, results, Matching(**given), note=note)
    notes = call.store.state.acknowledged()
    return {"acknowledged": [_plain_incident(incident, notes) for incident in incidents]}


def _snooze(call: Call) -> Mapping[str, Any]:
    given = dict(call.json)
    note, length = given.pop("note", ""), given.pop("for")
    lines = Matching(**given)
    dataset = lines.dataset
    its_own = call.key.sees(dataset) and not _WILD & set(dataset)
    if not (call.key.sees_all or its_own or dataset in call.key.datasets):
        raise RequestError(
            403, f"the key {call.key.id} is not for all datasets; name one that it is for"
        )
    try:
        until = datetime.now(UTC) + parse_duration(length)
    except ValueError as error:
        raise RequestError(400, str(error)) from None
    snooze(call.store, lines, until, note=note)
    return {"until": until.isoformat(timespec="milliseconds")}


_RESULT = record(
    ("value", "lower", "upper"),
    monitor=TEXT,
    dataset=TEXT,
    segment=PAIRS,
    start=TIME,
    feature=TEXT,
    state={"type": "string", "enum": ["ok", "pending", "anomaly", "not enough data", "error"]},
    value=NUMBER,
    lower=NUMBER,
    upper=NUMBER,
    baseline=WHOLE,
    images=WHOLE,
    words=TEXT,
)
_INCIDENT = record(
    ("end", "note"),
    dataset=TEXT,
    segment=PAIRS,
    monitor=TEXT,
    feature=TEXT,
    kind={"type": "string", "enum": ["anomaly", "error"]},
    start=TIME,
    end=TIME,
    words=TEXT,
    acknowledged=FLAG,
    note=TEXT,
)
_PATTERN = {"type": "string", "maxLength": 1024, "default": "*"}
_PATTERNS = dict.fromkeys(Matching._fields, _PATTERN) | {
    "note": {"type": "string", "maxLength": 4096}
}

ENDPOINTS = [
    Endpoint(
        method="GET",
        path=f"{API}/results",
        right="read",
        words="What monitors said of each feature in each bucket at their last run.",
        run=_results,
        parameters=_WHERE,
        answer=Answer("The results.", schema=record(results=array(_RESULT))),
    ),
    Endpoint(
        method="GET",
        path=f"{API}/incidents",
        right="read",
        words="Runs of anomalous buckets; one without an end lasts.",
        run=_incidents,
        parameters=(*_WHERE, choice("open", "Only those that last, or not.", ("true", "false"))),
        answer=Answer("The incidents.", schema=record(incidents=array(_INCIDENT))),
    ),
    Endpoint(
        method="POST",
        path=f"{API}/acknowledge",
        right="write",
        words="Say that somebody knows of the incidents that last and match all patterns.",
        run=_acknowledge,
        takes="json",
        schema={"type": "object", "properties": _PATTERNS, "additionalProperties": False},
        answer=Answer("Those incidents.", schema=record(acknowledged=array(_INCIDENT))),
        statuses=(408, 413, 415),
    ),
    Endpoint(
        method="POST",
        path=f"{API}/snooze",
        right="write",
        words="Send no alerts about lines that match all patterns, for a while such as 2d.",
        run=_snooze,
        takes="json",
        schema={
            "type": "object",
            "required": ["for"],
            "properties": _PATTERNS
            | {"for": {"type": "string", "pattern": "^[1-9][0-9]{0,4}[dhms]$", "examples": ["2d"]}},
            "additionalProperties": False,
        },
        answer=Answer("When that ends.", schema=record(until=TIME)),
        statuses=(408, 413, 415),
    ),
]
