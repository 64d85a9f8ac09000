"""What an attack says of itself."""

from typing import NamedTuple


class Row(NamedTuple):
    """One line of the table: `acknowledged` things were promised, `lost` of them were not kept."""

    name: str
    repeats: int
    acknowledged: int
    lost: int
    note: str
