"""Profiles of what was measured before: of rows, one an image."""

import math
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from lightmeter import _core
from lightmeter.errors import DecodeError
from lightmeter.files import path_bytes
from lightmeter.image.exif import DATES, DEFAULT_POLICY, ExifPolicy
from lightmeter.image.exif.tags import KNOWN
from lightmeter.image.metrics import ERROR, TAKEN
from lightmeter.image.numbers import IMAGE_NUMBERS
from lightmeter.image.thumbnail import short_path
from lightmeter.profile.cells import FACTS, NUMBERS, PREFIX, numbers_of_bands
from lightmeter.profile.features import Role
from lightmeter.profile.read_rows import read_rows
from lightmeter.profile.row import is_compared
from lightmeter.profile.values import as_count, check_names, is_image, is_vector, plain_value
from lightmeter.profile.view import ProfileView
from lightmeter.text import shorten

__all__ = ["profile_rows"]

_NAME = PREFIX.removesuffix(".")
_NOTHING = np.empty(0)
_ROLES: dict[str, Role] = {
    **{f"{PREFIX}{number.name}": number.role for number in IMAGE_NUMBERS},
    f"{PREFIX}Colorspace": "category",
}
_HASH = re.compile("[0-9a-f]{16}")
_MOST_REASON = 32  # bytes
_EXPECTED = {int: "an integer of 64 bits", str: "a text"}


def profile_rows(
    rows: str | os.PathLike[str] | Iterable[Mapping[str, Any]],
    *,
    exif: ExifPolicy = DEFAULT_POLICY,
    keep: int = 0,
) -> ProfileView:
    """The profile of images that were measured before, of their rows.

    It is the profile that `profile_images` makes of the same images, but for what rows do not hold:
    it has neither ``.pixels`` features nor exemplars, and Exif only where the rows have it. The
    paths of failures are those of the rows. An infinite value of a function of yours is missing.

    >>> rich = (row for row in lm.measure("photos/") if row.get("image.entropy", 0) > 2)
    >>> view = lm.profile_rows(rich)

    Args:
        rows: a file that `lightmeter measure` wrote (.csv, .jsonl or .parquet), or the dicts that
            `lightmeter.measure` gives. Names that do not begin with ``image.`` may be added; they
            are left out, as is what only a newer version knows.
        exif: the policy that the images were measured under. Tags that it does not track are left
            out.
        keep: rows to keep for `lightmeter.check_image`, such as 256: the `rows` of
            `profile_images`.

    Raises:
        DecodeError: a row is none of an image; the message says which, and what is wrong with it.
        TypeError: `rows` is neither a path nor an iterable of dicts.
        OSError: the file cannot be read, or is not a regular file.
        ValueError: its suffix says no format of rows.
        ImportError: Parquet needs pyarrow, and that is not installed.
    """
    total = _Images(exif, keep)
    placed = read_rows(rows) if isinstance(rows, str | os.PathLike) else _numbered(rows)
    for place, row in placed:
        try:
            total.add(row)
        except (TypeError, ValueError) as error:
            raise DecodeError(f"{place}: {error}") from None
    return ProfileView(total.core)


def _numbered(rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if not isinstance(rows, Iterable) or isinstance(rows, Mapping):
        raise TypeError(f"rows is a {type(rows).__name__}; expected a path or an iterable of dicts")
    for number, row in enumerate(rows, 1):
        if not isinstance(row, Mapping):
            raise TypeError(f"row {number} is a {type(row).__name__}; expected a dict")
        yield f"row {number}", row


class _Images:
    """The profile of the rows so far."""

    def __init__(self, policy: ExifPolicy, keep: int) -> None:
        self.core = _core.Profile()
        self.core.rows = as_count("keep", keep)
        self._policy = policy
        self._begun: set[str] = set()

    def add(self, row: Mapping[str, Any]) -> None:
        """Add the row of an image; on an error some of it may have been added."""
        given = {name: value for name, value in row.items() if value is not None}
        check_names(given)
        if "failure" in given:
            self._fail(given)
            return
        named = {name: given[name] for name in given if name.startswith(PREFIX)}
        if not named.keys() & NUMBERS.keys():
            raise ValueError("got no number of an image; expected such as image.entropy")
        bands = _bands_in(named)
        kinds = NUMBERS | numbers_of_bands(bands)
        kept = {name: (kinds[name], named.pop(name)) for name in list(named) if name in kinds}
        hashes = {name: _hash(name, value) for name, (kind, value) in kept.items() if kind is str}
        numbers = {
            name: _number(name, value, kind)
            for name, (kind, value) in kept.items()
            if kind is not str
        }
        facts = {name: _fact(name, named.pop(name)) for name in FACTS if name in named}
        tags = {
            tag: _tag(tag, named.pop(name))
            for name in list(named)
            if (tag := name.removeprefix(PREFIX)) in KNOWN
        }
        values, errors = _own(named)
        missing = dict.fromkeys(_missing(given, kinds), None)
        self._begin(f"{PREFIX}Failure", "failure")
        self._log(missing | numbers | values)
        self._log(facts)
        for name, hashed in hashes.items():
            self.core.log_hash(name, hashed, short_path(given.get("path")))
        for name in numbers:
            if name not in NUMBERS:
                self._begin(name, "plain")
        self._log_errors({*values, *missing} - kinds.keys() - FACTS.keys(), errors)
        self.core.count_image(_NAME, 1)
        if self.core.rows:
            row = numbers | facts | values
            self.core.sample_row(
                {
                    name: value
                    for name, value in row.items()
                    if is_compared(name.removeprefix(PREFIX), value)
                }
            )
        # Where there is no `has_gps` to say so, what has the size of a file could have Exif.
        if tags or (f"{PREFIX}FileSize" in facts and not self._policy.tracks("has_gps")):
            self._log_exif(tags)

    def _fail(self, row: Mapping[str, Any]) -> None:
        path, reason, detail = row.get("path", ""), row["failure"], row.get("detail", "")
        for name, text in (("path", path), ("failure", reason), ("detail", detail)):
            if not isinstance(text, str):
                raise TypeError(f"{name} is {_shown(text)}; expected a text")
        if not 0 < len(reason.encode(errors="replace")) <= _MOST_REASON:
            raise ValueError(f"failure is {_shown(reason)}; expected a reason such as 'corrupt'")
        reason, detail = (text.encode(errors="replace").decode() for text in (reason, detail))
        self.core.log_failure(_NAME, path_bytes(path), reason, detail)

    def _log(self, values: Mapping[str, Any]) -> None:
        for name in values:
            if name in _ROLES:
                self._begin(name, _ROLES[name])
        self.core.log_facts(dict(values))

    def _log_errors(self, own: Iterable[str], errors: Mapping[str, str]) -> None:
        """Of each function that was called, its error or that there was none."""
        called = {name.removeprefix(PREFIX).partition(".")[0] for name in own}
        for function in called | errors.keys():
            feature = f"{PREFIX}{function}.{ERROR}"
            self._begin(feature, "failure")
            if function in errors:
                self.core.log_string(feature, errors[function], 1)
            else:
                self.core.log_nulls(feature, 1)

    def _begin(self, name: str, role: Role) -> None:
        """Say what the values of a feature are, before there is one."""
        if name not in self._begun:
            self._begun.add(name)
            self.core.log_numbers(name, _NOTHING, role, "image")

    def _log_exif(self, tags: Mapping[str, int | float | str]) -> None:
        policy = self._policy
        tracked = {tag: value for tag, value in tags.items() if policy.tracks(tag)}
        self.core.log_file(_NAME, None, tracked, None, list(policy.allow), list(policy.deny), DATES)


def _bands_in(row: Mapping[str, Any]) -> set[str]:
    """The bands of a row: it has no entropy of its whole picture, and the least set of theirs."""
    if f"{PREFIX}entropy" in row:
        return set()
    firsts = {name.removeprefix(PREFIX).partition(".")[0] for name in row}
    return {
        first
        for first in firsts
        if f"{PREFIX}{first}.{ERROR}" not in row
        and all(f"{PREFIX}{first}.{name}" in row for name in ("mean", "stddev", "entropy"))
    }


def _shown(value: object) -> str:
    return shorten(repr(value), 80)


def _hash(name: str, value: object) -> int:
    if not isinstance(value, str) or not _HASH.fullmatch(value):
        raise TypeError(f"{name} is {_shown(value)}; expected 16 hexadecimal digits")
    return int(value, 16)


def _number(name: str, value: object, kind: type) -> int | float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"{name} is {_shown(value)}; expected a number")
    if not abs(value) < 2**63:  # NaN too
        raise ValueError(f"{name} is {_shown(value)}; expected a finite number")
    if kind is float:
        return float(value)
    if value != int(value):
        raise ValueError(f"{name} is {value}; expected an integer")
    return int(value)


def _fact(name: str, value: object) -> int | str:
    kind = FACTS[name]
    if isinstance(value, str) and kind is str:
        return value.encode(errors="replace").decode()
    is_whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, int | float) and is_whole and kind is int and _fits(value):
        return int(value)  # tables make floats of them
    raise TypeError(f"{name} is {_shown(value)}; expected {_EXPECTED[kind]}")


def _fits(value: float) -> bool:
    return -(2**63) <= value < 2**63


def _tag(tag: str, value: object) -> int | float | str:
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, int) and _fits(value):
        return int(value)
    raise TypeError(f"the tag {tag} is {_shown(value)}; expected a text or a finite number")


def _own(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """What functions returned, by the name of the feature, and errors by that of the function."""
    plain, errors = {}, {}
    for name, value in values.items():
        function, key = _of_function(name)
        if not function:
            continue
        if key == ERROR:
            if not isinstance(value, str):
                raise TypeError(f"{name} is {_shown(value)}; expected the name of an error")
            errors[function] = value.encode(errors="replace").decode()
            continue
        plain[name] = plain_value(value, name)
        if is_image(plain[name]) or is_vector(plain[name]):
            raise TypeError(f"{name} is {_shown(value)}; expected a number or a string")
    return plain, errors


def _of_function(name: str) -> tuple[str, str]:
    """The function of a feature, and the key in the dict that it returned; empty if it is none.

    A name that begins like a built-in one is of a newer version.
    """
    function, _, key = name.removeprefix(PREFIX).partition(".")
    if not name.startswith(PREFIX) or not function:
        raise ValueError(f"got the name {_shown(name)}; expected one of a feature of an image")
    return ("", "") if function in TAKEN else (function, key)


def _missing(row: Mapping[str, Any], kinds: Collection[str]) -> list[str]:
    names = row.get("missing", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"missing is {_shown(names)}; expected a list of names")
    check_names(names)
    return [name for name in names if name not in row and (name in kinds or _can_be_missing(name))]


def _can_be_missing(name: str) -> bool:
    if name in FACTS:
        return True
    function, key = _of_function(name)
    return bool(function) and key != ERROR
