"""From states to incidents to what there is to tell: laws, and the cases one can think of."""

import itertools
import operator
import tempfile
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import lightmeter as lm
import numpy as np
import pytest
from alerting import any_segment
from conftest import lightmeter
from hypothesis import given, settings
from hypothesis import strategies as st
from incidents import DAY, FIRST, STATES, days, result
from lightmeter import Store
from lightmeter.alerts.changes import Change, find_changes
from lightmeter.cli import terminal
from lightmeter.monitor.evaluate import MonitorRun, update_results
from lightmeter.monitor.results import Result, causes_text, condensed, find_incidents, load_results
from lightmeter.monitor.shelf import Shelf
from lightmeter.store.tables import Accepted, Notice
from lightmeter.times import to_utc
from september import NOW, STDOUT, evaluate, monitor, put, put_days, rows
from stores import save_results


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
        f"{stretch.series.feature} {span(stretch)}"
        for incident in find_incidents(features(**states))
        for stretch in incident.stretches
    ) == sorted(expected)


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
    assert [each.series.feature for each in incidents[0].stretches] == ["y", "z", "x"]


def test_what_is_small_beside_the_rest_is_no_headline() -> None:
    sizes = {"sharpness fell by 98 %": 2.4, "noise rose by 90 %": 2.0, "file size fell by 2 %": 0.3}
    results = [
        result("anomaly", FIRST, words=f"{words}; shift 1", value=sizes[words]) for words in sizes
    ]
    assert causes_text(results) == "sharpness fell by 98 %; noise rose by 90 %, and more"
    known = {"feature": "image.PixelHash", "words": "a distinct image", "cause": "frozen"}
    frozen = result("anomaly", FIRST, value=0.04, **known)
    assert causes_text([*results, frozen]) == "a distinct image"
    assert causes_text([*results, frozen._replace(value=None)]) == "a distinct image, and more"


def test_the_headline_is_of_the_first_bucket_with_a_cause() -> None:
    results = [*days("AA", feature="x", words="x rose"), *days("oA", feature="y", words="y fell")]
    assert [each.words for each in find_incidents(results)] == ["x rose"]
    same = [*results[:1], *days("A", feature="y")]
    assert [more for _, more in condensed(same)] == [", and 1 more feature"]
    assert [more for _, more in condensed(results[::3])] == [""], "it began later"
    blur = days("Ao", feature="z", words="blur", cause="out of focus")
    assert find_incidents([*blur, *results])[0].sentence.endswith("blur, and more; now: x rose")
    lost = days(" A", feature="", monitor="missing", words="no image")
    assert find_incidents([blur[0], *lost])[0].sentence.endswith("blur; now: no image")
    results[1] = results[1]._replace(cause="moved", words="another view")
    (incident,) = find_incidents(results)
    assert (incident.words, incident.start) == ("another view, and more", FIRST)


class Listener:
    """Hears changes, and believes them."""

    def __init__(self) -> None:
        self.told: list[Notice] = []

    def hear(self, states: str | Sequence[Result]) -> list[str]:
        results = days(states) if isinstance(states, str) else states
        monitors = {(each.monitor, each.dataset): any_segment for each in results}
        changes = find_changes(results, self.told, monitors)
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


def test_one_cause_in_two_columns_of_images_is_two_findings() -> None:
    darker = [each for at in "lr" for each in days("A", feature=at, cause="darker", baseline=9)]
    assert [*condensed(darker)] == [(each, "") for each in darker]


def test_who_watches_no_segments_any_more_ends_their_incidents() -> None:
    told = Notice("cells", "camera=left", "anomaly", FIRST, "drift", True)
    over = Notice("cells", "", "anomaly", FIRST + DAY, "gone", False)
    (change,) = find_changes(days("oAo"), [told, over], {("drift", "cells"): operator.not_})
    assert (change.what, change.incident.segment) == ("resolved", "camera=left")


# What alerts read of the results that a store keeps


BARS = 30  # buckets


def drawn(rng: np.random.Generator) -> list[Result]:
    """Two monitors on two segments, with long quiet stretches, silence, gaps and errors."""
    results = []
    for name, segment in itertools.product("mn", ("", "camera=left")):
        place, quiet = {"monitor": name, "segment": segment}, rng.choice([0.5, 0.95])
        buckets = rng.choice([*"-E "], BARS, p=[0.9, 0.05, 0.05])  # a dash is judged
        for feature in "abc":
            states = rng.choice([*"oA. "], BARS, p=[quiet, *3 * [(1 - quiet) / 3]])
            judged = "".join(np.where(buckets == "-", states, " "))
            results += days(judged, feature=feature, **place)
        results += days("".join(buckets).replace("-", " "), feature="", **place)
    return results


@pytest.mark.parametrize("seed", range(12))
def test_they_make_the_same_incidents_and_changes(store: Store, seed: int) -> None:
    rng = np.random.default_rng(seed)
    save_results(store, drawn(rng))
    told = [
        Notice("cells", segment, kind, FIRST + int(rng.integers(BARS)) * DAY, monitor, True)
        for segment in ("", "camera=left")
        for monitor in ("m", "n")
        for kind in ("anomaly", "error")
    ]
    store.state.remember("x", [], told)
    every, few = load_results(store), load_results(store, turning=True)
    assert find_incidents(few) == find_incidents(every) != []
    monitors = {(each.monitor, each.dataset): any_segment for each in every}
    assert find_changes(few, told, monitors) == find_changes(every, told, monitors)


def test_quiet_lines_are_not_read(store: Store) -> None:
    good = days(99 * "o", feature="b", monitor="m")
    save_results(store, good + days(99 * "o", feature="a", monitor="m"))
    assert load_results(store, turning=True) == []
    save_results(store, good + days(50 * "o" + "A" + 48 * "o", feature="a", monitor="m"))
    results = load_results(store, turning=True)
    assert {result.feature for result in results} == {"a"}
    assert {(result.bucket - FIRST).days for result in results} == {0, 50, 51}
    assert load_results(store, [("other", "cells")], turning=True) == []


# `for`: alarms only after so many anomalous buckets in a row


LETTERS = {state: letter for letter, state in STATES.items()} | {"pending": "p"}


def lasting(states: str, needed: int = 3, **others: str) -> str:
    """The states of the feature x; `others` are those of other features. A space is no result."""
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "drift.db") as store:
        run = MonitorRun(Shelf(store), monitor(**{"for": needed}), NOW)
    said = ""
    for day in range(len(states)):
        results = [
            Result(name, STATES[letters[day]])
            for name, letters in {"x": states, **others}.items()
            if letters[day] != " "
        ]
        if results:  # else the bucket is missing
            results = run._lasting("", results)
        said += next((LETTERS[each.state] for each in results if each.feature == "x"), " ")
    return said


def test_it_takes_so_many_of_a_feature_in_a_row() -> None:
    assert lasting("oAoAAoAAAAo") == "opoppoppAAo"
    assert lasting("AA A") == "pp A"  # nothing is known of a day that is missing
    assert lasting("AoA", y="oAo") == "pop"
    assert lasting("AA A", y="ooo ") == "pp p"  # that y was ok says that nothing is wrong with x
    assert lasting("AA A", y="ooE ") == "pp A"
    assert lasting("AA.A", y="oooo") == "pp.A"


@settings(max_examples=50, derandomize=True)
@given(st.text(alphabet="oAE.", max_size=14), st.integers(1, 4))
def test_an_alarm_is_what_stays_of_an_incident(states: str, needed: int) -> None:
    """Incidents are those without `for` from their n-th anomaly on."""
    run, expected = 0, ""
    for state in states:
        run = run + 1 if state == "A" else 0 if state == "o" else run
        expected += "p" if state == "A" and run < needed else state
    assert lasting(states, needed) == expected


LIMIT = '[[monitor]]\nname = "limit"\ndataset = "cells"\ntype = "contract"\n[[monitor.expect]]\n'
LIMIT += 'feature = "x"\nmean = { at_most = 1 }\n'


def test_results_stay_visible_and_only_the_third_alarms(store: Store, tmp_path: Path) -> None:
    config = tmp_path / "monitors.toml"
    config.write_text(LIMIT.replace("name", "for = 3\nname", 1) + STDOUT)
    told, codes, words = [], [], []
    put_days(store, range(1, 4))
    for day in (4, 5, 7, 8):  # nothing came on the 6th
        store.put("cells", rows(day, shift=3.0), at=date(2022, 9, day), writer="a")
        watched = lm.watch(store, config, now=NOW)
        codes.append(watched.exit_code)
        told.append([each.message.title for each in watched.deliveries])
        words.append(watched.newest[0].words.partition("; ")[2])
    assert codes == [0, 0, 3, 3]
    assert [len(texts) for texts in told] == [0, 0, 1, 0]
    assert told[2][0].endswith(" (cells, since 2022-09-07)")
    assert words == ["1 of 3 in a row", "2 of 3 in a row", "", ""]
    store.put("cells", rows(5), at=date(2022, 9, 5), writer="a")  # it was fine after all
    (delivery,) = lm.watch(store, config, now=NOW).deliveries
    assert delivery.message.title == "withdrawn (cells, anomaly of 2022-09-07)"


# A change that is made the new normal.


LAMP = date(2022, 9, 8)
TABLE = '[[monitor]]\nname = "m"\ndataset = "cells"\ntype = "interval"\nalpha = 0.01\n'
TABLE += 'features = ["x", "y"]\nbaseline = { trailing = 3 }\n'
KEYS: Any = {"type": "interval", "alpha": 0.01, "baseline": {"trailing": 3}}
WATCHING = [monitor(**KEYS, features=["x", "y"])]


def accept(store: Store, since: date, note: str = "", at: datetime = NOW, **place: str) -> Accepted:
    patterns = {"dataset": "*", "segment": "*", "monitor": "*", **place}
    accepted = Accepted(**patterns, since=to_utc(since), note=note, at=at)
    store.state.accept(accepted)
    return accepted


def days_of(results: list[Result], feature: str = "x") -> str:
    """The state of each day, of the feature or else of the bucket; a space for neither."""
    letters = {state: letter for letter, state in STATES.items()}
    said = {result.bucket: " " for result in results}
    for wanted in ("", feature):
        said |= {r.bucket: letters[r.state] for r in results if r.feature == wanted}
    return "".join(said[day] for day in sorted(said))


@pytest.fixture
def lamp(store: Store) -> Store:
    """A new lamp on the 8th, and nobody says so."""
    for day in range(1, 18):
        rng = np.random.default_rng(100 + day)
        columns = {"x": rng.normal(9.0 * (day >= 8), 1.0, 60), "y": rng.normal(0.0, 1.0, 60)}
        put(store, date(2022, 9, day), columns)
    return store


def test_a_change_that_stays_becomes_the_new_normal(lamp: Store) -> None:
    before = evaluate(lamp, WATCHING, now=NOW)
    assert days_of(before) == "...ooooAAAAAAAAAA"
    update_results(lamp, WATCHING, now=NOW)
    accepted = accept(lamp, LAMP, "new lamp", at=datetime(2022, 9, 10, 12, tzinfo=UTC))
    update_results(lamp, WATCHING, now=NOW)
    after = load_results(lamp)
    assert after == evaluate(lamp, WATCHING, now=NOW)
    # the 10th was not over when somebody looked: two buckets are too few to judge it
    assert days_of(after) == "...oooooo.ooooooo"
    words = {result.bucket.day: result.words for result in after if not result.feature}
    assert words[8] == "accepted as normal from 2022-09-08 on: new lamp"
    assert words[10].startswith("2 buckets to compare with; 3 are needed; accepted as normal from")
    assert [result for result in after if result.bucket.day < 8] == [
        result for result in before if result.bucket.day < 8
    ]
    assert find_incidents(after) == []
    assert [lamp.state.forget_accepted(accepted) for _ in range(2)] == [True, False]
    update_results(lamp, WATCHING, now=NOW)
    assert load_results(lamp) == before


def test_a_later_change_counts_from_its_own_day(lamp: Store) -> None:
    for day in range(13, 18):
        columns = {"x": np.random.default_rng(day).normal(-9.0, 1.0, 60), "y": np.zeros(60)}
        put(lamp, date(2022, 9, day), columns)
    watching = [monitor(**KEYS, features=["x"])]
    accept(lamp, date(2022, 9, 13))
    accepted = accept(lamp, LAMP)
    assert days_of(evaluate(lamp, watching, now=NOW)) == "...oooooooooooooo"
    assert lamp.state.forget_accepted(accepted)
    assert days_of(evaluate(lamp, watching, now=NOW)) == "...ooooAAAAAooooo"
    accept(lamp, date(2022, 9, 13), dataset="others")
    accept(lamp, LAMP, monitor="n*")
    accept(lamp, LAMP, segment="camera=*")
    assert days_of(evaluate(lamp, watching, now=NOW)) == "...ooooAAAAAooooo"


def test_what_lasted_ends_and_who_was_told_hears_of_it(lamp: Store, tmp_path: Path) -> None:
    config = tmp_path / "monitors.toml"
    config.write_text(TABLE + LIMIT + STDOUT)
    assert lm.watch(lamp, config, now=NOW).exit_code == 3
    accepted = accept(lamp, LAMP, "new lamp")
    watched = lm.watch(lamp, config, now=NOW)
    assert watched.exit_code == 0
    (delivery,) = watched.deliveries
    words = "“limit” no longer finds it: accepted as normal from 2022-09-08 on: new lamp."
    assert delivery.message.lines == (words,)
    put(lamp, date(2022, 9, 20), {"x": np.full(9, 9.0)})
    assert [each.monitor for each in lm.watch(lamp, config, now=NOW + DAY).anomalies] == ["limit"]
    lamp.state.forget_accepted(accepted)
    assert lm.watch(lamp, config, now=NOW).exit_code == 3


def test_a_baseline_that_stands_still_is_said(store: Store) -> None:
    put_days(store, range(1, 15), **{f"day{day}": {"shift": 5.0} for day in range(5, 15)})
    results = [result for result in evaluate(store, WATCHING, now=NOW) if result.feature == "x"]
    still = [result for result in results if "baseline frozen since 2022-09-04" in result.words]
    assert [result.bucket.day for result in still] == list(range(8, 15))
    assert all("run `lightmeter monitor accept`" in result.words for result in still)
    assert causes_text(still[:1]).startswith("mean of x is ")  # which the headline of an alert is
    put_days(store, range(15, 17))  # as before the change: it moves again
    results = [result for result in evaluate(store, WATCHING, now=NOW) if result.bucket.day > 14]
    assert {result.state for result in results} == {"ok"}
    assert not any("frozen" in result.words for result in results)


def test_the_command_line(lamp: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "_is_quiet", False)  # it is so again after the test
    config, store = tmp_path / "monitors.toml", ("--store", lamp.path)
    config.write_text(TABLE)
    lightmeter("monitor", "run", config, *store)
    said = lightmeter("monitor", "accept", *store, "--from", "2022-09-08", "--note", "new lamp")
    normal = "everything: accepted as normal from 2022-09-08 on: new lamp\n"
    assert (said.stdout.startswith(normal), said.stderr) == (True, "")
    second = ("--from", "2022-09-08T00:00:07Z")
    assert lightmeter("monitor", "accept", *store, *second).returncode == 0
    also = "everything: accepted as normal from 2022-09-08 00:00:07 UTC on\n"
    assert lightmeter("--quiet", "monitor", "accept", *store).stdout == normal + also
    assert lightmeter("monitor", "accept", *store, *second, "--remove").returncode == 0
    assert lightmeter("monitor", "run", config, *store).returncode == 0
    undo = "monitor", "accept", *store, "--from", "2022-09-08", "--remove"
    assert (lightmeter(*undo).returncode, lightmeter(*undo).returncode) == (0, 1)
    for option in ("--dataset", "--segment", "--monitor"):
        said = lightmeter("monitor", "accept", *store, "--from", "2022-09-08", option, "typo")
        assert "no monitor has judged anything that matches" in said.stderr
