"""The reader of TOML tables: what it takes, and the lines it names."""

import inspect
import tomllib
from pathlib import Path
from typing import Any, get_args

import pytest
from lightmeter.alerts import Alert, load_alerts
from lightmeter.alerts.channels import CHANNELS
from lightmeter.errors import ConfigError
from lightmeter.monitor.baselines import Baseline
from lightmeter.monitor.config import load_monitors
from lightmeter.monitor.lines import line_of, read_toml
from lightmeter.monitor.monitors import Monitor
from lightmeter.monitor.rules import RULES

# --- every key of every rule, baseline and channel -----------------------------------------------

# What a table of each type needs besides its name, dataset and type.
NEEDED = {
    "limits": {"lower": "1"},
    "change": {"absolute": "1"},
    "late": {"after": '"1h"'},
    "all": {"of": '["first"]'},
    "any": {"of": '["first"]'},
    "command": {"command": '["true"]'},
    "webhook": {"url": '"https://example.com"'},
    "apprise": {"urls_env": '"URLS"'},
    "email": {"host": '"localhost"', "from": '"a@example.com"', "recipients": '["b@example.com"]'},
    "pagerduty": {"key_env": '"KEY"'},
}
VALUES = [
    "true",
    "7",
    "nan",
    "1e999",
    f"0x{'f' * 5000}",
    '"text"',
    '"a\\u0000b"',
    '""',
    "[]",
    '["x", 1]',
    "{ x = 1 }",
    "2022-09-30",
    "10:00:00",
    "[[2022-09-30, 2022-09-30, 2022-09-30]]",
]
FIRST = '[[monitor]]\nname = "first"\ndataset = "cells"\ntype = "missing"\n\n'


def keys(*shapes: Any) -> list[str]:
    """Of a file, for these classes."""
    names = [name for shape in shapes for name in inspect.signature(shape).parameters]
    return [name.removesuffix("_") for name in names if name not in ("rule", "channel", "type")]


def table(kind: str) -> dict[str, str]:
    if kind in CHANNELS.classes:
        entries = {"name": '"a"', "to": f'"{kind}"'}
    else:
        entries = {"name": '"a"', "dataset": '"cells"', "type": f'"{kind}"'}
    return entries | NEEDED.get(kind, {})


def written(name: str, entries: dict[str, str]) -> str:
    return f"{FIRST}[[{name}]]\n" + "".join(f"{key} = {text}\n" for key, text in entries.items())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "monitors.toml"


def refusal(file: Path, text: str) -> str:
    """What is said of a file, if it is not understood."""
    file.write_text(text)
    try:
        load_monitors(file)
        load_alerts(file)
    except ConfigError as error:
        return str(error)
    return ""


KINDS = [("monitor", kind, keys(Monitor, rule)) for kind, rule in RULES.classes.items()]
KINDS += [("alert", kind, keys(Alert, channel)) for kind, channel in CHANNELS.classes.items()]


@pytest.mark.parametrize(("name", "kind", "taken"), KINDS)
def test_a_wrong_value_of_any_key_is_named_with_its_line(
    file: Path, name: str, kind: str, taken: list[str]
) -> None:
    assert refusal(file, written(name, table(kind))) == ""
    for key in taken:
        entries = table(kind)
        entries.pop(key, None)
        line = len(entries) + 7
        refusals = [refusal(file, written(name, entries | {key: value})) for value in VALUES]
        wrong = [message for message in refusals if message and "stands above" not in message]
        assert len(wrong) >= len(VALUES) - 3, key
        for message in wrong:
            assert f"line {line}: {name} " in message or f"line 6: {name} " in message, message
            assert key in message
            assert len(message) < len(str(file)) + 400
        assert sum(f"line {line}: " in message for message in wrong) >= len(VALUES) - 4, key


@pytest.mark.parametrize("shape", get_args(Baseline))
def test_a_wrong_value_in_a_baseline_is_named_with_its_line(file: Path, shape: Any) -> None:
    good = {"from": "2022-09-01", "to": "2022-09-02"}
    for key in keys(shape):
        rest = {other: text for other, text in good.items() if key in good and other != key}
        inner = ", ".join(f"{other} = {text}" for other, text in rest.items())
        head = written("monitor", table("drift")) + "[monitor.baseline]\n"
        for value in VALUES[:-3]:
            text = f"{head}{inner}\n{key} = {value}\n"
            if message := refusal(file, text):
                assert "line 12: " in message or "line 10: " in message, message
                assert f"monitor 2 ('a'): baseline: {key}" in message


@pytest.mark.parametrize(("name", "kind", "taken"), KINDS)
def test_what_no_table_of_the_type_takes(
    file: Path, name: str, kind: str, taken: list[str]
) -> None:
    message = refusal(file, written(name, table(kind) | {"colour": "1"}))
    assert f"line {len(table(kind)) + 7}: {name} " in message
    assert f"unknown key 'colour' with {'to' if name == 'alert' else 'type'} = {kind!r}" in message
    assert all(key in message.split("expected one of")[1] for key in taken)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[monitors]]\n", "line 1: got 'monitors'; expected tables"),
        ("\n[monitor]\n", "line 2: monitor is no list of tables; expected tables"),
        ("", "line 1: got no monitor; expected tables"),
        ("[[alert]]\nname = 'a'\n", "line 1: got no monitor; expected tables"),
        (f"a = {'[' * 5000}{']' * 5000}", "nested too deeply"),
        (f"a = {'9' * 5000}", "digits"),
        ("a = 1\na = 2\n", "line 2"),
    ],
)
def test_files_that_are_none_of_monitors(file: Path, text: str, told: str) -> None:
    assert told in refusal(file, text)


# --- lines ---------------------------------------------------------------------------------------


def test_lines_are_found_among_what_only_looks_like_them(file: Path) -> None:
    text = (
        '# [[monitor]]\n[[ "monitor" ]] # x\na = """\n[[monitor]]\nmark = 1\n"""\n'
        "b = [ # ]\n  'mark = [',\n]\nm\\u0061rk = 0\n".replace("m\\u0061rk", '"m\\u0061rk"')
        + "[monitor.inner]\nmark = 1\n"
    )
    file.write_bytes(text.replace("\n", "\r\n").encode())
    content, lines = read_toml(file)
    assert content == tomllib.loads(text)
    assert lines["monitor", 0] == 2
    assert (lines["monitor", 0, "mark"], lines["monitor", 0, "inner", "mark"]) == (10, 12)
    assert line_of(("monitor", 0, "mark", "nothing", 3), lines) == 10
