"""What is said of pictures that have more of something than others: "brighter", "less sharp"."""

from lightmeter.drift.row import FeatureDrift
from lightmeter.text import percent

_COMPARATIVES = {
    "brightness": ("are brighter", "are darker"),
    "luma": ("are brighter", "are darker"),
    "sharpness": ("are sharper", "are less sharp"),
    "noise": ("are noisier", "are less noisy"),
    "saturation": ("are more saturated", "are less saturated"),
    "colourfulness": ("are more colourful", "are less colourful"),
    "blockiness": ("are more blocky", "are less blocky"),
    "contrast": ("have more contrast", "have less contrast"),
    "width": ("are wider", "are narrower"),
    "height": ("are higher", "are lower"),
    "file size": ("are larger files", "are smaller files"),
}
_PERCENT = ("have more", "have less")  # of glare, for example


def more_than(line: FeatureDrift, share: float, *, is_more: bool) -> str:
    """Such as ``14 % of images are brighter than 99 % of the reference``."""
    which = 0 if is_more else 1
    several = line.prefix and line.name.startswith(f"{line.prefix} ")
    name = line.name.removeprefix(f"{line.prefix} ") if several else line.name
    images = f"{line.prefix} images" if several else "images"
    if line.group == "values":
        does = ("are higher", "are lower")[which]
        return f"{percent(share)} of values of {name} {does} than 99 % of the reference"
    if line.group == "Exif" or (name not in _COMPARATIVES and line.scale != "percent"):
        does = f"have a {('higher', 'lower')[which]} {name}"
    elif line.scale == "percent":
        does = f"{_PERCENT[which]} {name}"
    else:
        does = _COMPARATIVES[name][which]
    return f"{percent(share)} of {images} {does} than 99 % of the reference"


def _of_what(line: FeatureDrift) -> str:
    """What values of the line are counted in: ``images``, or ``values``."""
    return "values" if line.group == "values" else "images"


def in_so_many(line: FeatureDrift, after: float, before: float) -> str:
    """How many values of the target are so, and of the reference."""
    return f"in {percent(after)} of {_of_what(line)} instead of {percent(before)}"


def subject(line: FeatureDrift) -> str:
    """Of a verb in the singular, as shares have names in the plural, such as bright pixels."""
    return f"the share of {line.name}" if line.scale == "percent" else line.name


def unit(line: FeatureDrift) -> str:
    """What follows a value of the line."""
    return " %" if line.scale == "percent" else ""
