"""Every exception lightmeter raises on purpose."""

__all__ = ["DecodeError", "ImageError", "IncompatibleError", "LightmeterError", "StoreError"]


class LightmeterError(Exception):
    """Base class of every error below."""


class ImageError(LightmeterError, ValueError):
    """A picture that cannot be measured.

    Attributes:
        reason: a stable code: ``empty``, ``truncated``, ``corrupt``, ``unsupported``,
            ``too_large``, ``unreadable`` or ``vanished``. Batches count it in ``image.Failure``.
    """

    def __init__(self, reason: str, message: str) -> None:
        """Keep the code beside the message."""
        super().__init__(message)
        self.reason = reason

    def __reduce__(self) -> tuple[type["ImageError"], tuple[str, str]]:
        """Pickle both arguments; the default would lose the code."""
        return type(self), (self.reason, str(self))


class DecodeError(LightmeterError, ValueError):
    """Bytes that are not a profile or sketch: truncated, damaged, or from a newer version."""


class IncompatibleError(LightmeterError, ValueError):
    """Two states that cannot be combined, such as strips of different width."""


class StoreError(LightmeterError, RuntimeError):
    """A store that cannot be opened, or cannot take or give what it was asked to."""
