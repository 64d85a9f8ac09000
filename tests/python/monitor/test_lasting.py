"""`for`: alarms only after so many anomalous buckets in a row."""

import tempfile
from datetime import date
from pathlib import Path

import lightmeter as lm
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from incidents import STATES
from lightmeter import Store
from lightmeter.monitor.evaluate import MonitorRun
from lightmeter.monitor.results import Result
from lightmeter.monitor.shelf import Shelf
from september import NOW, STDOUT, monitor, put_days, rows

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


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ("oAoAAoAAAAo", "opoppoppAAo"),
        ("AA.AA", "pp.AA"),  # nothing is known of the third day
        ("AA A", "pp A"),  # nor of one that is missing
    ],
)
def test_it_takes_so_many_in_a_row(states: str, expected: str) -> None:
    assert lasting(states) == expected
    assert lasting(states, needed=1) == states


def test_features_do_not_count_for_each_other() -> None:
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


def test_results_stay_visible_and_only_the_third_alarms(store: Store, tmp_path: Path) -> None:
    config = tmp_path / "monitors.toml"
    config.write_text(
        '[[monitor]]\nname = "m"\ndataset = "cells"\ntype = "contract"\nfor = 3\n'
        f'[[monitor.expect]]\nfeature = "x"\nmean = {{ at_most = 1 }}\n{STDOUT}'
    )
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
    assert told[2][0].endswith(": cells, 2022-09-07")
    assert words == ["1 of 3 in a row", "2 of 3 in a row", "", ""]
    store.put("cells", rows(5), at=date(2022, 9, 5), writer="a")  # it was fine after all
    (delivery,) = lm.watch(store, config, now=NOW).deliveries
    assert delivery.message.title == "withdrawn: cells, 2022-09-07"
