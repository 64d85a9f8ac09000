"""What an option says of itself, for the command line and the docs."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any, NamedTuple

__all__ = ["Option", "option", "options_of"]


class Option(NamedTuple):
    """An attribute of a `Reading`, of its limits or of its Exif policy.

    Attributes:
        says: what it is, in a sentence or two.
        metavar: how its text is shown on the command line.
        choices: the texts that it may be.
        parse: makes a value of its text, of which a command line may have several.
        many: whether it may be given several times.
        prefix: what the options of the command line begin with, of one that has attributes itself.
    """

    says: str
    metavar: str | None = None
    choices: tuple[str, ...] = ()
    parse: Callable[[str], Any] = str
    many: bool = False
    prefix: str = ""


def option(says: str, **how: Any) -> dict[str, Option]:
    """Return the metadata of the field of a dataclass that is an `Option`, which has the rest."""
    return {"option": Option(says, **how)}


def options_of(kind: Any) -> dict[str, Option]:
    """Return the options of a dataclass by name."""
    return {each.name: each.metadata["option"] for each in fields(kind)}
