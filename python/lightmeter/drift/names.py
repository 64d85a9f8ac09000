"""What sentences call a feature."""

from collections.abc import Collection

__all__ = ["spoken"]

_NAMES = {"ImagePixelWidth": "width", "ImagePixelHeight": "height", "Colorspace": "colour space"}


def spoken(feature: str, prefixes: Collection[str]) -> str:
    """A feature of images as one says it; any other by its whole name.

    Args:
        feature: such as ``image.Brightness.mean``, which is "brightness".
        prefixes: those of the features of images. Where there are several, each is said.
    """
    prefix = max((one for one in prefixes if feature.startswith(f"{one}.")), key=len, default=None)
    if prefix is None:
        return feature
    said = _said(feature.removeprefix(f"{prefix}."))
    return said if len(prefixes) == 1 else f"{prefix} {said}"


def _said(name: str) -> str:
    if name in _NAMES:
        return _NAMES[name]
    first, _, rest = name.partition(".")
    if not rest:
        return name
    if rest in ("mean", "circular_mean"):
        return first.lower()
    return f"{first.lower()} {rest.replace('_', ' ')}"
