"""When a picture file is from: by its Exif, its time of modification, or its path."""

import os
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from lightmeter.batch.sources.exif import exif_of
from lightmeter.times import EPOCH

__all__ = ["FileDate", "date_reader"]

FileDate = Callable[[str], datetime | None]

_TAKEN = ("DateTimeOriginal", "DateTimeDigitized", "DateTime")
_OFFSETS = ("OffsetTimeOriginal", "OffsetTimeDigitized", "OffsetTime")
_OFFSET = re.compile(r"([+-])(\d\d):(\d\d)")

_FIELDS = {"Y": r"\d{4}", "m": r"\d\d", "d": r"\d\d", "H": r"\d\d", "M": r"\d\d", "S": r"\d\d"}


def date_reader(source: str) -> FileDate:
    """A function from the path of a file to when it is from, in UTC; None where nothing says so.

    It never waits for a pipe or a device: they have no Exif.

    Args:
        source: where dates come from:

            - ``"exif"``: when the picture was taken, or else digitized, or else changed. Where the
              camera noted its offset from UTC that is taken off; else its clock counts as UTC.
            - ``"mtime"``: the time of modification of the file.
            - ``"path:PATTERN"``: the last place in the path that looks like the pattern, with
              ``%Y %m %d`` and, if wanted, ``%H %M %S`` for digits, ``*`` for anything within a
              name, ``%%`` for a percent sign, and anything else for itself. It counts as UTC. A
              number does not match a part of a longer one.

    Raises:
        ValueError: `source` is none of these.
    """
    if source == "exif":
        return _exif_date
    if source == "mtime":
        return _modification_date
    if source.startswith("path:"):
        return _path_date(source.removeprefix("path:"))
    raise ValueError(
        f"got {source!r} as the source of dates; expected 'exif', 'mtime' or 'path:PATTERN', such "
        "as 'path:%Y-%m-%d'"
    )


def _modification_date(path: str) -> datetime | None:
    try:
        return EPOCH + timedelta(microseconds=os.stat(path).st_mtime_ns // 1000)
    except (OSError, OverflowError):
        return None


def _exif_date(path: str) -> datetime | None:
    tags = exif_of(path)
    for date, offset in zip(_TAKEN, _OFFSETS, strict=True):
        days = tags.get(date)
        if isinstance(days, int | float):
            try:
                return EPOCH + timedelta(seconds=round(days * 86_400)) - _offset(tags.get(offset))
            except OverflowError:  # the offset leads out of the years 1 to 9999
                return None
    return None


def _offset(text: object) -> timedelta:
    match = _OFFSET.match(text) if isinstance(text, str) else None
    if match is None:
        return timedelta()
    offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return -offset if match[1] == "-" else offset


def _path_date(pattern: str) -> FileDate:
    expression = re.compile(_expression(pattern))

    def date(path: str) -> datetime | None:
        last_date = None
        for match in expression.finditer(path):
            fields = match.groupdict(default="0")
            names = ("year", "month", "day", "hour", "minute", "second")
            numbers = {
                name: int(fields[key])
                for name, key in zip(names, _FIELDS, strict=True)
                if key in fields
            }
            try:
                last_date = datetime(**numbers, tzinfo=UTC)
            except ValueError:  # no such day
                continue
        return last_date

    return date


def _expression(pattern: str) -> str:
    parts, seen = [], set()
    for token in re.findall(r"%.?|[^%]", pattern, re.DOTALL):
        if token == "*":
            parts.append(r"[^/]*?")
        elif token == "%%" or not token.startswith("%"):
            parts.append(re.escape(token[-1]))
        elif token[1:] in _FIELDS and token not in seen:
            seen.add(token)
            parts.append(f"(?P<{token[1:]}>{_FIELDS[token[1:]]})")
        else:
            fields = ", ".join(f"%{name}" for name in _FIELDS)
            raise ValueError(
                f"got {token!r} in the pattern {pattern!r}; expected each of {fields} at most once"
            )
    if not {"%Y", "%m", "%d"} <= seen:
        raise ValueError(f"got the pattern {pattern!r}; expected one with %Y, %m and %d")
    return rf"(?<!\d)(?:{''.join(parts)})(?!\d)"
