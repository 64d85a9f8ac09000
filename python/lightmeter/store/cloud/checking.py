"""Reading every object of a store: what is damaged, and what is not of a store."""

import contextlib
from collections.abc import Iterator, Mapping

from lightmeter.errors import DecodeError
from lightmeter.profile import ProfileView
from lightmeter.profile.segments import parse_segment
from lightmeter.store.changes import Table, state_tables
from lightmeter.store.cloud.chain import ENTRY, WHOLE
from lightmeter.store.cloud.chains import DayChain
from lightmeter.store.cloud.contents import dataset_of, decision_of, profile_of
from lightmeter.store.cloud.index import Moved, sort_names
from lightmeter.store.cloud.layout import (
    ROLLED,
    parse_numbered,
    parse_place,
    parse_profile,
)
from lightmeter.store.cloud.packing import unpack
from lightmeter.store.cloud.sealed import MOST_BYTES, unseal
from lightmeter.store.cloud.services import Listed
from lightmeter.store.cloud.session import Session
from lightmeter.store.damage import Damage
from lightmeter.store.rows import StoredProfile
from lightmeter.times import EPOCH, from_ms

__all__ = ["check_objects"]


def check_objects(session: Session) -> list[Damage]:
    """What is damaged, and every object that no store writes."""
    tables = state_tables(session.database.all)
    listed = session.objects.list()
    damage = []
    for name, data in session.objects.read_many(listed):
        reason = ""
        try:
            if listed[name].size > MOST_BYTES:
                reason = f"it has {listed[name].size} bytes, more than any that a store writes"
            elif data is not None or (data := session.objects.read(name)) is not None:
                reason = _check(name, data, tables)
        except DecodeError as error:
            reason = str(error)
        if reason:
            profile = _profile_of(name)
            words = reason if profile is not None else f"the object {name!r}: {reason}"
            damage.append(Damage(profile, words))
    return damage + list(_missing(session, listed))


def _missing(session: Session, listed: Mapping[str, Listed]) -> Iterator[Damage]:
    """The days of which the roll-up that counts is not there."""
    names = sort_names(listed)
    for folder in names.decisions:
        with contextlib.suppress(Moved):
            name = DayChain(session.objects, folder, names, listed).top()
            if name is not None and name not in listed:
                yield Damage(None, f"the object {name!r}, which holds a day, is not there")


def _check(name: str, data: bytes, tables: list[Table]) -> str:
    """What is wrong with an object, if no DecodeError says so."""
    kind = name.split("/")[1]
    last = parse_numbered(name.rpartition("/")[2])
    if name == "v1/store" or (kind == "turn" and last is not None and name.count("/") == 2):
        unseal(data)
    elif kind == "dataset" and name.count("/") == 2:
        dataset_of(name, data)
    elif kind == "state" and last is not None and name.count("/") == 3:
        part = name.split("/")[2]
        if part not in (ENTRY, WHOLE):
            return _FOREIGN
        unpack(data, part, last.number, tables)
    elif (parsed := parse_profile(name)) is None:
        return _FOREIGN
    elif parsed.place == ROLLED and not parsed.last.is_body:
        decision_of(data)
    else:
        profile = profile_of(parsed.path, data)
        if profile.seq != parsed.last.number:
            return f"it is of the number {profile.seq}"
        if (images := ProfileView.from_bytes(profile.body).images) != profile.images:
            return f"it is said to be of {profile.images} images, and is of {images}"
    return ""


_FOREIGN = "no store writes an object of this name"


def _profile_of(name: str) -> StoredProfile | None:
    """Of which profile an object is, where its name tells."""
    parsed = parse_profile(name)
    if parsed is None or parsed.place == ROLLED or (place := parse_place(parsed.path)) is None:
        return None
    dataset, start, segment, writer = place
    try:
        pairs = parse_segment(segment) if segment else {}
    except ValueError:
        return None
    at = from_ms(start)
    return StoredProfile(dataset, at, at, pairs, writer, parsed.last.number, 0, EPOCH, b"")
