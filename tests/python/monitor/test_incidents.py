"""From states to incidents to what there is to tell: laws, and the cases one can think of."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from incidents import DAY, FIRST, days
from lightmeter.alerts.changes import Change, find_changes
from lightmeter.monitor.results import Result, causes_text, find_incidents
from lightmeter.store.records import Told


def span(of: Any) -> str:
    """Such as ``A3-5``: an anomaly from the third day (counted from 0) until before the fifth."""
    end = (of.end - FIRST).days if of.end else ""
    return f"{of.kind[0].upper()}{(of.start - FIRST).days}-{end}"


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ("ooAoo", ["A2-3"]),
        ("oA.Ao", ["A1-4"]),  # nothing is known of the third day
        ("oA.", ["A1-"]),
        ("oAoAA", ["A1-2", "A3-"]),
        ("oE.", ["E1-2"]),  # it could be judged: there was too little
        ("oEEA", ["E1-3", "A3-"]),
        ("AEo", ["A0-2", "E1-2"]),  # the error does not end the anomaly
        ("A  o", ["A0-3"]),
    ],
)
def test_incidents(states: str, expected: list[str]) -> None:
    assert [span(each) for each in find_incidents(days(states))] == expected


def features(**states: str) -> list[Result]:
    """The days of some features of one monitor; `bucket` is what it says of the whole."""
    return [
        each
        for name, each in states.items()
        for each in days(each, feature="" if name == "bucket" else name)
    ]


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        # an error is one of the bucket, what is found once it can be judged is one of a feature
        ({"bucket": "E  E", "x": " oo "}, [" E0-1", " E3-"]),
        ({"bucket": "E   ", "x": " A. "}, [" E0-1", "x A1-"]),
        # the schema is fine as a whole, and not by feature
        ({"bucket": "o o ", "b": " A A"}, ["b A1-2", "b A3-"]),
        ({"bucket": "    ", "b": "A  A", "c": "AAA "}, ["b A0-1", "b A3-", "c A0-3"]),
        # the feature is gone, the monitor goes on
        ({"x": "A   ", "y": "oooo"}, ["x A0-1"]),
        # nothing could be judged
        ({"bucket": " E  ", "x": "A   "}, [" E1-", "x A0-"]),
        ({"x": "A   ", "y": "o..."}, ["x A0-"]),
    ],
)
def test_what_is_said_of_a_bucket_ends_what_is_no_longer_said(
    states: dict[str, str], expected: list[str]
) -> None:
    assert sorted(
        f"{stretch.line.feature} {span(stretch)}"
        for incident in find_incidents(features(**states))
        for stretch in incident.stretches
    ) == sorted(expected)


def test_monitors_datasets_and_segments_do_not_speak_for_each_other() -> None:
    bad = days("A ", feature="x")
    for other in ({"monitor": "else"}, {"dataset": "else"}, {"segment": "camera=left"}):
        incidents = find_incidents([*bad, *days("oo", feature="y", **other)])
        assert [incident.end for incident in incidents] == [None]
    incidents = find_incidents([*bad, *days("oo", feature="y")])
    assert [incident.end for incident in incidents] == [FIRST + DAY]


def test_consecutive_buckets_are_one_incident_of_all_monitors_and_features() -> None:
    """One covered lens is one incident, however much it changes."""
    left = {"segment": "camera=left"}
    results = [
        *days("oAooo", feature="x", value=0.5),
        *days("oAAoo", feature="y", value=0.9),
        *days("oooAo", feature="z", monitor="other"),  # begins as the others end
        *days("oooEo", feature="", monitor="fails"),
        *days("oAooA", feature="x", **left),
    ]
    incidents = find_incidents(results)
    spans = [f"{each.segment} {span(each)}" for each in incidents]
    assert spans == [" A1-4", " E3-4", "camera=left A1-2", "camera=left A4-"]
    assert [each.line.feature for each in incidents[0].stretches] == ["y", "z", "x"]


def test_what_is_small_beside_the_rest_is_no_headline() -> None:
    results = [
        *days("A", words="sharpness fell by 98 %; shift 1", value=2.4),
        *days("A", words="noise rose by 90 %; shift 0.9", value=2.0),
        *days("A", words="file size fell by 2 %; shift 0.2", value=0.3),
    ]
    assert causes_text(results) == "sharpness fell by 98 %, noise rose by 90 % and 1 more"


class Listener:
    """Hears changes, and believes them."""

    def __init__(self) -> None:
        self.told: list[Told] = []

    def hear(self, states: str | Sequence[Result]) -> list[str]:
        results = days(states) if isinstance(states, str) else states
        changes = find_changes(results, self.told)
        for change in changes:
            self.believe(change)
        return [f"{change.what} {(change.incident.start - FIRST).days}" for change in changes]

    def believe(self, change: Change) -> None:
        assert set(change.forget) <= set(self.told)
        self.told = [old for old in self.told if old not in change.forget] + [*change.remember]


@pytest.mark.parametrize(
    "story",
    [
        # each day's run sees one more result
        [("o", []), ("oA", ["opened 1"]), ("oAA", []), ("oAAo", ["resolved 1"]), ("oAAoo", [])],
        # runs were missed: an incident that is over by now is one message
        [("oAoAo", ["opened 1", "opened 3"]), ("oAoAo", [])],
        # late data: an anomaly that was none, and one nobody knew of
        [("oAo", ["opened 1"]), ("ooo", ["withdrawn 1"]), ("oAo", ["opened 1"])],
        # late data moves the beginning, joins and parts
        [("ooA", ["opened 2"]), ("oAA", []), ("oAAo", ["resolved 1"])],
        [("oAAA", ["opened 1"]), ("oAoA", ["resolved 1", "opened 3"])],
        [("oAAA", ["opened 1"]), ("ooAA", ["withdrawn 1", "opened 2"])],
        # what was resolved lasts after all
        [("oAo", ["opened 1"]), ("oAA", ["opened 1"]), ("oAAo", ["resolved 1"])],
        # too little data takes nothing back and resolves nothing
        [("oA", ["opened 1"]), ("oA.", []), ("oA.o", ["resolved 1"])],
        [("oA", ["opened 1"]), ("o..", []), ("o.A", []), ("o.Ao", ["resolved 2"])],
        [("oA", ["opened 1"]), ("o..o", ["resolved 1"]), ("o..o", [])],
        # old results are deleted
        [("oAAA", ["opened 1"]), ("  AA", []), ("  AAo", ["resolved 2"]), ("     o", [])],
        [("oAo", ["opened 1"]), ("     o", [])],
        # nobody watches any more
        [("oA", ["opened 1"]), ("", ["resolved 1"]), ("", [])],
        # errors are a story of their own
        [("oE", ["opened 1"]), ("oEA", ["resolved 1", "opened 2"]), ("oEAo", ["resolved 2"])],
    ],
)
def test_what_is_told(story: list[tuple[str, list[str]]]) -> None:
    listener = Listener()
    for states, expected in story:
        assert listener.hear(states) == expected


HISTORY = st.text(alphabet="oAE. ", max_size=9)


@settings(max_examples=100, derandomize=True)
@given(st.lists(st.tuples(HISTORY, HISTORY, HISTORY), min_size=1, max_size=5))
def test_nor_is_it_where_lines_come_and_go(histories: list[tuple[str, str, str]]) -> None:
    """At the end what is believed to last is what lasts, or is of deleted results."""
    listener = Listener()
    for bucket, x, y in histories:
        results = features(bucket=bucket, x=x, y=y)
        listener.hear(results)
        assert listener.hear(results) == []
        believed = {told.place for told in listener.told if told.open}
        incidents = find_incidents(results)
        assert believed >= {incident.place for incident in incidents if incident.end is None}


@settings(max_examples=100, derandomize=True)
@given(st.text(alphabet="oAE.", max_size=12), st.data())
def test_a_listener_believes_what_is_so(states: str, data: st.DataObject) -> None:
    """However the days are cut into runs: what lasts is believed to last, and nothing else."""
    listener = Listener()
    day = 0
    while day < len(states):
        day += data.draw(st.integers(1, 4))
        listener.hear(states[:day])
    believed = {(told.kind, told.start, told.open) for told in listener.told}
    incidents = find_incidents(days(states))
    assert believed == {(each.kind, each.start, each.end is None) for each in incidents}
