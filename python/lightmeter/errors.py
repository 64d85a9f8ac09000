"""The exceptions of lightmeter."""

import os
from typing import Any, Literal

# Reasons why an image cannot be measured.
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
    """Base class of all errors of lightmeter."""


class ImageError(LightmeterError, ValueError):
    """Signal that an image cannot be measured.

    Attributes
    ----------
    reason
        Stable code: ``empty``, ``truncated``, ``corrupt``, ``unsupported``, ``too_large``,
        ``out_of_range``, ``unreadable`` or ``vanished``. Batches count it in ``image.Failure``.
    detail
        Description, whose wording may change.
    path
        Path of the file, or None for an image that was not given by path.
    """

    def __init__(
        self, reason: Reason, detail: str, path: str | os.PathLike[str] | None = None
    ) -> None:
        """Store the reason, the detail and the path."""
        super().__init__(detail if path is None else f"{os.fspath(path)!r}: {detail}")
        self.reason = reason
        self.detail = detail
        self.path = path

    def __reduce__(self) -> tuple[type["ImageError"], tuple[Any, ...]]:
        """Pickle all arguments; by default, the reason would be lost."""
        return type(self), (self.reason, self.detail, self.path)


class DecodeError(LightmeterError, ValueError):
    """Signal bytes that are not a profile or sketch: truncated, damaged, or of a newer version."""


class IncompatibleError(LightmeterError, ValueError):
    """Signal data that cannot be combined, such as strips of different widths."""


class BatchError(LightmeterError, RuntimeError):
    """Signal that a batch of images could not be completed, for example because a worker died."""


class StoreError(LightmeterError, RuntimeError):
    """Signal that a store cannot be opened, read or written."""


class ConflictError(StoreError):
    """Signal that new data conflicts with the contents of a store."""


class DeliveryError(LightmeterError, RuntimeError):
    """Signal that an alert was not delivered."""


class ConfigError(LightmeterError, ValueError):
    """Signal a mistake in a configuration file or an environment variable.

    The message names its position.
    """
