"""What the API answers, as what the methods of a store give. A server may answer anything."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from lightmeter.store.rows import Bucket, StoredProfile, Summary, checked_name
from lightmeter.times import to_duration, to_utc

__all__ = [
    "bucket_of",
    "each_of",
    "length_of",
    "moment_of",
    "pairs_of",
    "stored_of",
    "summary_of",
    "text_of",
]

# Each raises TypeError, ValueError, KeyError or OverflowError for what is none.


def text_of(value: Any) -> str:
    """A text."""
    text: str = _checked(value, str)
    return text


def moment_of(value: Any) -> datetime:
    """A time, in UTC."""
    at = datetime.fromisoformat(text_of(value))
    if at.tzinfo is None:
        raise ValueError(f"the time {value!r} has no zone")
    return to_utc(at)


def length_of(value: Any) -> timedelta:
    """The length of buckets, which may be of parts of a second."""
    text = text_of(value)
    if "." in text and text.endswith("s"):
        return to_duration(timedelta(milliseconds=round(1000 * float(text[:-1]))))
    return to_duration(text)


def pairs_of(value: Any) -> dict[str, str]:
    """A segment."""
    return {text_of(name): text_of(each) for name, each in _checked(value, dict).items()}


def each_of(values: list[Any]) -> Iterable[dict[str, Any]]:
    """The objects of a list."""
    return (_checked(value, dict) for value in values)


def bucket_of(value: dict[str, Any]) -> Bucket:
    """A bucket."""
    return Bucket(
        moment_of(value["start"]),
        moment_of(value["end"]),
        _count(value["images"]),
        _count(value["writers"]),
        moment_of(value["updated"]),
    )


def summary_of(value: dict[str, Any]) -> Summary:
    """A line of a summary."""
    first, last, updated = (
        None if value[name] is None else moment_of(value[name])
        for name in ("first", "last", "updated")
    )
    return Summary(
        checked_name("dataset", value["dataset"]),
        length_of(value["every"]),
        pairs_of(value["segment"]),
        _count(value["buckets"]),
        first,
        last,
        _count(value["writers"]),
        _count(value["images"]),
        _count(value["bytes"]),
        updated,
    )


def stored_of(value: dict[str, Any]) -> StoredProfile:
    """Where a profile is."""
    return StoredProfile(
        checked_name("dataset", value["dataset"]),
        moment_of(value["start"]),
        moment_of(value["end"]),
        pairs_of(value["segment"]),
        text_of(value["writer"]),
        _checked(value["seq"], int),
        _count(value["images"]),
        moment_of(value["updated"]),
        bytes.fromhex(text_of(value["digest"])),
    )


def _count(value: Any) -> int:
    count: int = _checked(value, int)
    if count < 0:
        raise ValueError(f"{count} is no count")
    return count


def _checked(value: Any, kind: type[Any]) -> Any:
    if type(value) is not kind:
        raise TypeError(f"{str(value)[:80]!r} is no {kind.__name__}")
    return value
