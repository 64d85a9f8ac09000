"""The roll-ups of a day: which of them counts, as somebody was first to decide.

A roll-up is proposed as a body with a random id. It counts once the next number of the day's chain
names that id. Who puts a profile and sees a proposal that is not decided takes the number for
nothing, so that a roll-up can never count without a profile that somebody was told is kept.
"""

import secrets
from collections.abc import Mapping

from lightmeter.errors import DecodeError, StoreError
from lightmeter.store.cloud.contents import (
    ProfileObject,
    decision_of,
    pack_decision,
    pack_profile,
    profile_of,
)
from lightmeter.store.cloud.index import Moved, Sorted, sort_names
from lightmeter.store.cloud.layout import ROLLED, parse_numbered
from lightmeter.store.cloud.objects import Objects
from lightmeter.store.cloud.sealed import MOST_BYTES
from lightmeter.store.cloud.services import Listed

__all__ = ["DayChain", "list_day"]


def list_day(objects: Objects, folder: str) -> tuple[Sorted, Mapping[str, Listed]]:
    """What there is of a segment's day."""
    listed = objects.list(folder)
    return sort_names(listed), listed


class DayChain:
    """The roll-ups of a segment's day, as a listing has them."""

    def __init__(self, objects: Objects, folder: str, names: Sorted, listed: Mapping[str, Listed]):
        """Nothing is read yet."""
        self._objects = objects
        self._folder = f"{folder}/{ROLLED}"
        self._decisions = names.decisions.get(folder, [])
        self.bodies = {
            name: parsed for name, parsed in names.bodies.items() if parsed.folder == folder
        }
        self._listed = listed
        self.last = max((parsed.last.number for parsed, _ in self._decisions), default=0)

    @property
    def decisions(self) -> dict[str, int]:
        """Names and numbers."""
        return {name: parsed.last.number for parsed, name in self._decisions}

    def next(self) -> int:
        """The number of the next decision.

        Raises:
            StoreError: somebody else has put an object there that leaves none.
        """
        if parse_numbered(str(self.last + 1)) is None:
            raise StoreError(
                f"{self._objects.address}: the object {self._folder}/{self.last} leaves no higher "
                "number for a roll-up; if no store has written it, delete it"
            )
        return self.last + 1

    def open_numbers(self) -> list[int]:
        """The numbers of proposals that nobody has decided on."""
        numbers = {parsed.last.number for parsed in self.bodies.values()}
        return sorted(number for number in numbers if number > self.last)

    def decide(self, number: int, kept: str = "") -> bool:
        """Let a proposal of a number count, or none; False if somebody else has decided."""
        data = pack_decision(kept, secrets.token_hex(8))
        return self._objects.put(f"{self._folder}/{number}", data) is not None

    def propose(self, profile: ProfileObject) -> tuple[str, str]:
        """Write a roll-up that does not count yet; its name and id."""
        id_ = secrets.token_hex(8)
        name = f"{self._folder}/{profile.seq}.{id_}.body"
        self._objects.write(name, pack_profile(profile, id_))
        return name, id_

    def top(self) -> str | None:
        """The body that counts, whether it is there or not.

        Raises:
            Moved: what is listed is there no more.
        """
        for parsed, name in self._decisions:
            try:
                kept = decision_of(self._read(name)).kept
            except DecodeError:
                continue
            if kept:
                return f"{self._folder}/{parsed.last.number}.{kept}.body"
        return None

    def merged(self, start: int, writer: str) -> int | None:
        """The number up to which the roll-up that counts holds a writer's profiles of a bucket.

        Raises:
            Moved: what is listed is there no more.
        """
        if (top := self.top()) not in self.bodies:
            return None
        try:
            covers = profile_of(self._folder, self._read(top)).covers
        except DecodeError:
            return None
        return next((seq for at, name, seq in covers if (at, name) == (start, writer)), None)

    def _read(self, name: str) -> bytes:
        ((_, data),) = self._objects.read_many({name: self._listed[name]})
        if data is None and self._listed[name].size <= MOST_BYTES:
            raise Moved
        return data or b""  # too large for one of a store
