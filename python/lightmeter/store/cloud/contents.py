"""What the objects of profiles say, checked: they may have been written by anybody."""

import json
from typing import Any, NamedTuple

from lightmeter.errors import DecodeError
from lightmeter.profile.segments import parse_segment, segment_text
from lightmeter.store.cloud.layout import ROLLED, dataset_name, folder_of, place_name
from lightmeter.store.cloud.sealed import seal_object, unseal
from lightmeter.store.rows import MOST_IMAGES, checked_name, length_of
from lightmeter.times import MILLISECOND, from_ms

__all__ = [
    "Cover",
    "Decision",
    "ProfileObject",
    "dataset_of",
    "decision_of",
    "pack_dataset",
    "pack_decision",
    "pack_profile",
    "profile_of",
]


class Cover(NamedTuple):
    """A profile that a roll-up holds."""

    start: int
    writer: str
    seq: int


class ProfileObject(NamedTuple):
    """A profile, or where `writer` is empty the roll-up of a day; times are milliseconds."""

    dataset: str
    every: int
    start: int
    span: int
    segment: str
    writer: str
    seq: int
    images: int
    updated: int
    covers: tuple[Cover, ...]
    body: bytes

    @property
    def folder(self) -> str:
        """That of its day."""
        return folder_of(self.dataset, self.start, self.segment)

    @property
    def bucket(self) -> tuple[int, str]:
        """Start of the bucket, and the writer."""
        return self.start, self.writer

    @property
    def path(self) -> str:
        """Where its object is."""
        place = place_name(self.start, self.writer) if self.writer else ROLLED
        return f"{self.folder}/{place}"


class Decision(NamedTuple):
    """Whether a proposed roll-up counts: its id, or nothing where none does."""

    kept: str


def pack_dataset(dataset: str, every: int) -> bytes:
    """An object that says how long a dataset's buckets are."""
    return seal_object({"kind": "dataset", "dataset": dataset, "every": every})


def dataset_of(name: str, data: bytes) -> tuple[str, int]:
    """Name and length of buckets.

    Raises:
        DecodeError: it is no such object, or that of another name.
    """
    header, _ = _opened(data, "dataset")
    try:
        dataset = checked_name("dataset", header.get("dataset"))
        every = length_of(header.get("every")) // MILLISECOND
    except (TypeError, ValueError, OverflowError) as error:
        raise DecodeError(f"it names no dataset: {error}") from error
    if dataset_name(dataset) != name:
        raise DecodeError(f"it is the object of the dataset {dataset!r}")
    return dataset, every


def pack_decision(kept: str, nonce: str) -> bytes:
    """An object that says whether a roll-up counts."""
    return seal_object({"kind": "decision", "kept": kept, "nonce": nonce})


def decision_of(data: bytes) -> Decision:
    """See `pack_decision`.

    Raises:
        DecodeError: it is no such object.
    """
    header, _ = _opened(data, "decision")
    kept = header.get("kept")
    if not isinstance(kept, str) or len(kept) not in (0, 16):
        raise DecodeError("it names no roll-up")
    return Decision(kept)


def pack_profile(profile: ProfileObject, nonce: str) -> bytes:
    """The object of a profile."""
    header = profile._asdict()
    del header["body"]
    return seal_object({"kind": "profile", "nonce": nonce, **header}, profile.body)


def profile_of(path: str, data: bytes) -> ProfileObject:
    """See `pack_profile`; `path` is the folder where the object is.

    Raises:
        DecodeError: it is no such object, or that of another place.
    """
    header, body = _opened(data, "profile")
    try:
        covers = tuple(Cover(*map(_typed, each, (int, str, int))) for each in header["covers"])
        profile = ProfileObject(
            checked_name("dataset", header["dataset"]),
            _typed(header["every"], int),
            _typed(header["start"], int),
            _typed(header["span"], int),
            _typed(header["segment"], str),
            _typed(header["writer"], str),
            _typed(header["seq"], int),
            _typed(header["images"], int),
            _typed(header["updated"], int),
            covers,
            body,
        )
        from_ms(profile.start + profile.span), from_ms(profile.updated)
        length_of(profile.every), length_of(profile.span)
        if segment_text(parse_segment(profile.segment)) != profile.segment:
            raise ValueError("its segment is no text of one")
        for name in (profile.segment, profile.writer, *(cover.writer for cover in covers)):
            name.encode()
        if abs(profile.seq) > 2**62 or not 0 <= profile.images <= MOST_IMAGES:
            raise ValueError("a number is too large")
        place = profile.path
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise DecodeError(f"what it says of itself is not as it was written: {error}") from error
    if place != path:
        raise DecodeError(f"it is an object of {place}")
    return profile


def _typed(value: Any, kind: type) -> Any:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TypeError(f"{json.dumps(value)[:100]} is of another type")
    return value


def _opened(data: bytes, kind: str) -> tuple[dict[str, Any], bytes]:
    header, body = unseal(data)
    if header.get("kind") != kind:
        raise DecodeError(f"it is no {kind}, as its name says")
    return header, body
