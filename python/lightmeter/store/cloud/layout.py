"""Names of objects: where everything lies below the address of a store.

    v1/store                                                   who the store is
    v1/dataset/<dataset>                                       length of its buckets
    v1/profile/<dataset>/<day>/<segment>/<start>/<writer>/<seq>
    v1/profile/<dataset>/<day>/<segment>/~rolled/<n>.<id>.body a day's merge that was proposed
    v1/profile/<dataset>/<day>/<segment>/~rolled/<n>           whether it counts
    v1/state/entry/<n>, v1/state/whole/<n>                     changes of the state, and all of it
    v1/turn/<n>                                                whose turn it is

`<seq>` and `<n>` may have a suffix of 16 hexadecimal digits behind a dot: see `Objects.put`.
"""

import hashlib
import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import quote, unquote

from lightmeter.times import from_ms, to_ms

__all__ = [
    "ROLLED",
    "Numbered",
    "ProfileName",
    "dataset_name",
    "encoded",
    "folder_of",
    "parse_numbered",
    "parse_place",
    "parse_profile",
    "place_name",
    "plain",
    "start_of",
]

ROLLED = "~rolled"
# Readable up to here; longer names end in a digest. A key may have 1,024 bytes, a file's name 255.
_LONGEST = 120
_NUMBER = re.compile(r"(0|-?[1-9][0-9]{0,18})(\.[0-9a-f]{16})?(\.body)?")
_START = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2})([0-9]{2})([0-9]{2})\.([0-9]{3})Z")


def encoded(text: str) -> str:
    """A name as one part of a path: percent-encoded, never empty, hidden, special or long."""
    part = quote(text, safe="=").replace("~", "%7E") or "~"
    if part.startswith("."):
        part = f"%2E{part[1:]}"
    if len(part) <= _LONGEST:
        return part
    return f"{part[:60]}~{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def plain(part: str) -> str | None:
    """The name that was encoded; None where it cannot be told."""
    if part == "~":
        return ""
    text = unquote(part, errors="replace")
    return text if encoded(text) == part else None


def dataset_name(dataset: str) -> str:
    """The object of a dataset."""
    return f"v1/dataset/{encoded(dataset)}"


def folder_of(dataset: str, start: int, segment: str) -> str:
    """Where all is of a dataset's segment on the day of a time in milliseconds."""
    day = from_ms(start).date()
    return f"v1/profile/{encoded(dataset)}/{day.isoformat()}/{encoded(segment)}"


def place_name(start: int, writer: str) -> str:
    """Below that, where the profiles of a bucket and writer are."""
    at = from_ms(start)
    clock = f"{at:%H%M%S}.{at.microsecond // 1000:03d}Z"
    return f"{at.date().isoformat()}T{clock}/{encoded(writer)}"


class Numbered(NamedTuple):
    """The last part of a name."""

    number: int
    suffix: str
    is_body: bool


class ProfileName(NamedTuple):
    """The name of something of a day: a profile, or where `place` is ROLLED, of its roll-up."""

    folder: str
    place: str
    last: Numbered

    @property
    def path(self) -> str:
        """The folder of the place."""
        return f"{self.folder}/{self.place}"


def parse_numbered(part: str) -> Numbered | None:
    """A number with what may be behind it; None if it is something else."""
    match = _NUMBER.fullmatch(part)
    if match is None or (match[3] and not match[2]) or abs(int(match[1])) > 2**62:
        return None
    return Numbered(int(match[1]), match[2] or "", match[3] is not None)


def parse_profile(name: str) -> ProfileName | None:
    """The parts of a name below ``v1/profile/``; None if a store writes no such name."""
    parts = name.split("/")
    last = parse_numbered(parts[-1])
    if last is None or len(parts) < 7 or not all(parts) or not name.isascii():
        return None
    folder, place = "/".join(parts[:5]), "/".join(parts[5:-1])
    if place == ROLLED:
        return ProfileName(folder, place, last)
    if len(parts) != 8 or last.is_body or (start := _start(parts[5])) is None:
        return None
    if parts[3] != start.date().isoformat():
        return None
    return ProfileName(folder, place, last)


def start_of(place: str) -> int | None:
    """The time in what `place_name` gives."""
    at = _start(place.partition("/")[0])
    return None if at is None else to_ms(at)


def parse_place(path: str) -> tuple[str, int, str, str] | None:
    """Dataset, start, segment and writer of the folder of a place, where they can be told.

    A roll-up is without a writer, and starts with its day.
    """
    _, _, dataset, day, segment, place, *rest = path.split("/")
    rolled = place == ROLLED
    at = _start(f"{day}T000000.000Z" if rolled else place)
    names = plain(dataset), plain(segment), "" if rolled else plain(rest[0]) or None
    if at is None or names[0] is None or names[1] is None or names[2] is None:
        return None
    return names[0], to_ms(at), names[1], names[2]


def _start(part: str) -> datetime | None:
    match = _START.fullmatch(part)
    if match is None:
        return None
    year, month, day, hour, minute, second, milli = map(int, match.groups())
    try:
        at = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    return at + timedelta(milliseconds=milli)
