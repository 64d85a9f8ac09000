"""What is wrong with a store."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from lightmeter.errors import StoreError
from lightmeter.store.database import Database, is_damage
from lightmeter.store.rows import StoredProfile, describe

__all__ = ["Damage", "found_damage"]


class Damage(NamedTuple):
    """A profile that cannot be read, or ``None`` for the file as a whole, and what is wrong."""

    profile: StoredProfile | None
    reason: str

    def __str__(self) -> str:
        """In words."""
        return f"{describe(self.profile) if self.profile else 'the file'}: {self.reason}"


def found_damage(
    database: Database, checks: Iterable[Callable[[], Iterable[Damage]]]
) -> list[Damage]:
    """What some checks find; one that cannot go on for damage has found some."""
    damage: list[Damage] = []
    with database.snapshot():
        for check in checks:
            try:
                damage += check()
            except StoreError as error:
                if not is_damage(error.__cause__):
                    raise
                damage.append(Damage(None, str(error)))
    return damage
