"""Monitors in a TOML file: a table ``[[monitor]]`` each. Messages name the line."""

import math
import os
from collections.abc import Callable
from dataclasses import fields
from datetime import date, datetime
from pathlib import Path
from typing import Any

from lightmeter.errors import ConfigError
from lightmeter.monitor.baselines import Baseline, DateRange, Other, Reference, Trailing
from lightmeter.monitor.lines import TableLines, read_toml
from lightmeter.monitor.monitors import Combined, Late, Missing, Monitor
from lightmeter.monitor.rules import Change, Drift, Interval, Limits, NewValues, Rule, Schema
from lightmeter.times import parse_duration

__all__ = ["load_monitors"]

_RULES: dict[str, type[Rule]] = {
    "drift": Drift,
    "interval": Interval,
    "limits": Limits,
    "change": Change,
    "new values": NewValues,
    "schema": Schema,
}
_OTHERS: dict[str, tuple[str, ...]] = {
    "missing": (),
    "late": ("after",),
    "all": ("of",),
    "any": ("of",),
}
_COMMON = ("name", "dataset", "type", "baseline", "segments", "wait")
_PRESETS = {"whylabs": {"metric": "hellinger", "above": 0.7}}


def load_monitors(path: str | os.PathLike[str]) -> list[Monitor]:
    """The monitors of a TOML file. Files that it names are looked for in its folder.

    Raises:
        OSError: it cannot be read.
        ConfigError: it is no TOML, or says what is not understood; the message names the line.
    """
    text, tables = read_toml(path)
    tables.pop("alert", None)  # of `lightmeter.alerts`
    entries = tables.pop("monitor", [])
    lines = TableLines(text, "monitor")

    def wrong(index: int, key: str, message: str) -> ConfigError:
        return ConfigError(f"{os.fspath(path)}, line {lines.of(index, key)}: {message}")

    if tables or not isinstance(entries, list) or not entries:
        key = next(iter(tables), "")
        raise wrong(-1, key, f"got {key or 'nothing'!r}; expected tables [[monitor]]")
    folder = Path(path).absolute().parent  # wherever the results are looked at later
    monitors: list[Monitor] = []
    for index, entry in enumerate(entries):
        try:
            monitor = _monitor(entry, folder)
            if monitor.name in {other.name for other in monitors}:
                raise _KeyError("name", f"two monitors are named {monitor.name!r}")
            if isinstance(monitor.rule, Combined):
                known = {other.name for other in monitors if other.dataset == monitor.dataset}
                for name in monitor.rule.of:
                    if name not in known:
                        raise _KeyError("of", f"no monitor {name!r} of this dataset stands above")
        except _KeyError as error:
            raise wrong(index, error.key, str(error)) from None
        except (ValueError, TypeError) as error:
            raise wrong(index, "", str(error)) from None
        monitors.append(monitor)
    return monitors


class _KeyError(ValueError):
    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


def _monitor(entry: dict[str, Any], folder: Path) -> Monitor:
    entry = dict(entry)
    name, dataset, kind = (_take(entry, key, str) for key in ("name", "dataset", "type"))
    common: dict[str, Any] = {}
    if "segments" in entry:
        common["segments"] = _take(entry, "segments", bool)
    if "wait" in entry:
        common["wait"] = _duration(entry, "wait")
    if "baseline" in entry:
        common["baseline"] = _baseline(_take(entry, "baseline", dict), folder)
    rule: Rule | Missing | Late | Combined
    if kind == "missing":
        rule = Missing()
    elif kind == "late":
        rule = Late(_duration(entry, "after"))
    elif kind in ("all", "any"):
        rule = Combined(_strings(entry, "of"), kind == "all")
    elif kind in _RULES:
        rule = _rule(_RULES[kind], entry)
    else:
        known = ", ".join([*_RULES, *_OTHERS])
        raise _KeyError("type", f"type is {kind!r}; expected one of {known}")
    if entry:
        key = min(entry)
        known = ", ".join(sorted({*_COMMON, *_keys(kind)}))
        raise _KeyError(key, f"unknown key {key!r} of a monitor of type {kind!r}; it has {known}")
    return Monitor(name=name, dataset=dataset, rule=rule, **common)


def _keys(kind: str) -> tuple[str, ...]:
    if kind in _OTHERS:
        return _OTHERS[kind]
    return (*(each.name for each in fields(_RULES[kind])), *(["preset"] if kind == "drift" else []))


def _rule(kind: type[Rule], entry: dict[str, Any]) -> Rule:
    values: dict[str, Any] = {}
    if kind is Drift and "preset" in entry:
        preset = _take(entry, "preset", str)
        if preset not in _PRESETS:
            raise _KeyError("preset", f"preset is {preset!r}; expected 'whylabs'")
        values |= _PRESETS[preset]
    for each in fields(kind):
        if each.name not in entry:
            continue
        if each.name in ("features", "allowed"):
            values[each.name] = _strings(entry, each.name)
        elif each.name in ("metric", "scalar"):
            values[each.name] = _take(entry, each.name, str)
        else:
            values[each.name] = _number(entry, each.name)
    return kind(**values)


def _baseline(table: dict[str, Any], folder: Path) -> Baseline:
    table = dict(table)
    found: Baseline
    try:
        if "trailing" in table:
            found = _trailing(table)
        elif "reference" in table:
            found = Reference(folder / _take(table, "reference", str))
        elif "from" in table:
            found = DateRange(_take(table, "from", date), _take(table, "to", date))
        else:
            segment = _take(table, "segment", dict) if "segment" in table else None
            pairs = None if segment is None else tuple(sorted(segment.items()))
            dataset = _take(table, "dataset", str) if "dataset" in table else None
            if segment is None and dataset is None:
                raise ValueError("expected trailing, reference, from and to, dataset or segment")
            found = Other(dataset, pairs)
        if table:
            raise ValueError(f"unknown key {min(table)!r}")
    except (ValueError, TypeError) as error:
        raise _KeyError("baseline", f"baseline: {error}") from None
    return found


def _trailing(table: dict[str, Any]) -> Trailing:
    values: dict[str, Any] = {"size": _take(table, "trailing", int)}
    takers: dict[str, Callable[[], Any]] = {
        "offset": lambda: _take(table, "offset", int),
        "least": lambda: _take(table, "least", int),
        "same": lambda: _take(table, "same", str),
        "since": lambda: _take(table, "since", date),
        "keep_anomalies": lambda: _take(table, "keep_anomalies", bool),
        "exclude": lambda: _stretches(_take(table, "exclude", list)),
    }
    values |= {key: take() for key, take in takers.items() if key in table}
    values.setdefault("least", min(Trailing.least, values["size"]))
    return Trailing(**values)


def _stretches(days: list[Any]) -> tuple[tuple[date, date], ...]:
    """Days, and pairs of first and last day."""
    pairs = [each if isinstance(each, list) else [each, each] for each in days]
    for pair in pairs:
        if len(pair) != 2 or not all(type(day) is date for day in pair):
            raise ValueError(f"exclude has {pair!r}; expected a day or [first, last]")
    return tuple((first, last) for first, last in pairs)


def _take(table: dict[str, Any], key: str, kind: type) -> Any:
    if key not in table:
        raise _KeyError(key, f"{key!r} is missing")
    value = table.pop(key)
    kinds = (int, float) if kind is float else (kind,)
    is_bool_for_number = isinstance(value, bool) and kind is not bool
    if not isinstance(value, kinds) or is_bool_for_number or isinstance(value, datetime):
        raise _KeyError(key, f"{key} is {value!r}; expected a {kind.__name__}")
    return value


def _number(table: dict[str, Any], key: str) -> float:
    value = _take(table, key, float)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise _KeyError(key, f"{key} is {number}; expected a finite number")
    return number


def _strings(table: dict[str, Any], key: str) -> tuple[str, ...]:
    values = _take(table, key, list)
    if not values or not all(isinstance(value, str) for value in values):
        raise _KeyError(key, f"{key} is {values!r}; expected a list of strings")
    return tuple(values)


def _duration(table: dict[str, Any], key: str) -> Any:
    try:
        return parse_duration(_take(table, key, str))
    except ValueError as error:
        raise _KeyError(key, str(error)) from None
