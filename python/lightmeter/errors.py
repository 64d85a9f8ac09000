"""Every exception lightmeter raises on purpose."""

import os
from typing import Any, Literal

# Why an image cannot be measured.
Reason = Literal[
    "empty",
    "truncated",
    "corrupt",
    "unsupported",
    "too_large",
    "out_of_range",
    "unreadable",
    "vanished",
]


class LightmeterError(Exception):
    """Base class of every error below."""


class ImageError(LightmeterError, ValueError):
    """An image that cannot be measured.

    Attributes
    ----------
    reason
        A stable code: ``empty``, ``truncated``, ``corrupt``, ``unsupported``, ``too_large``,
        ``out_of_range``, ``unreadable`` or ``vanished``. Batches count it in ``image.Failure``.
    detail
        What was wrong, in words that may change.
    path
        Of the file, or None for an image that was not given by its path.
    """

    def __init__(
        self, reason: Reason, detail: str, path: str | os.PathLike[str] | None = None
    ) -> None:
        """Keep the code beside the message."""
        super().__init__(detail if path is None else f"{os.fspath(path)!r}: {detail}")
        self.reason = reason
        self.detail = detail
        self.path = path

    def __reduce__(self) -> tuple[type["ImageError"], tuple[Any, ...]]:
        """Pickle all arguments; the default would lose the code."""
        return type(self), (self.reason, self.detail, self.path)


class DecodeError(LightmeterError, ValueError):
    """Bytes that are not a profile or sketch: truncated, damaged, or from a newer version."""


class IncompatibleError(LightmeterError, ValueError):
    """Two things that cannot be combined, such as strips of different width."""


class BatchError(LightmeterError, RuntimeError):
    """Many images that could not be worked through, such as when workers died."""


class StoreError(LightmeterError, RuntimeError):
    """A store that cannot be opened, read or written as asked."""


class ConflictError(StoreError):
    """What a store is asked to keep does not fit what it holds."""


class DeliveryError(LightmeterError, RuntimeError):
    """An alert that was not delivered."""


class ConfigError(LightmeterError, ValueError):
    """A file of monitors with a mistake, whose line the message names; or a variable of the
    environment.
    """
