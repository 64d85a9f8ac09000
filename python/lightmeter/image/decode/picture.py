"""What a decoder of our own takes on."""

from collections.abc import Callable
from typing import Protocol

from lightmeter import _core

__all__ = ["OpenPicture", "Picture"]


class Picture(Protocol):
    """A picture in memory that a decoder takes on; it may still give it up while it decodes."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""

    @property
    def mode(self) -> str:
        """The mode that Pillow would decode it to; of deep samples one that can hold them."""

    @property
    def is_deep(self) -> bool:
        """Whether samples have 16 bits, and not 8."""

    def measure(self, meter: _core.ImageMeter, value_range: tuple[float, float]) -> bool:
        """Show all rows to a meter. False if Pillow has to look; the meter is of no use then."""


# Takes the bytes of a file, and whether all bits of 16-bit colour are wanted. None leaves it to
# Pillow.
OpenPicture = Callable[[bytes, bool], Picture | None]
