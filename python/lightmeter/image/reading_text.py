"""How a picture was read, as the text that a profile keeps of it."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from lightmeter.image.arrays import Channels, Samples
from lightmeter.image.ignore import Ignored
from lightmeter.image.reading import DEFAULT_READING, Reading, ReadingOptions
from lightmeter.nesting import parse_json
from lightmeter.text import shorten

__all__ = ["checked_text", "reading_fields", "reading_options", "reading_text"]

_LONGEST = 200  # bytes of a list; a longer one is known by its digest, so that texts are bounded
_MOST = 1024  # characters of a text, which are ASCII
_PLAIN = "default"

# What a text says of options, where it says them as `Reading` takes them.
_TAKEN = ("metrics", "bands", "ignore", "pyramid_level")
_TAKEN_IF_SAID = ("channels", "deep_colour")


def reading_text(
    reading: Reading,
    channels: Channels | None = None,
    samples: Samples = "",
    *,
    is_gray: bool = False,
) -> str:
    """Return the JSON object of what differs from the plain reading of files of 8 bits.

    What gives equal numbers has one text: the layout of arrays and the decoder of files do not
    enter, and neither does an option that the picture does not depend on.

    Args:
        reading: the options.
        channels: the order of the channels, of an array of colour; None of all else.
        samples: of more than 8 bits.
        is_gray: whether it is gray, or of bands, so that all bits are measured anyway.
    """
    key = (channels, samples, is_gray)
    text = reading.texts.get(key)
    if text is None:
        fields = _fields(reading, channels, samples)
        if is_gray or channels is not None or not samples:
            del fields["deep_colour"]
        text = _json({name: value for name, value in fields.items() if value})
        reading.texts[key] = text
    return text


def _json(fields: Mapping[str, Any]) -> str:
    return json.dumps(fields, sort_keys=True, separators=(",", ":"))


def checked_text(text: object) -> str:
    """Return the text of a reading as `reading_text` writes it, of a file of a stranger.

    Raises:
        ValueError: it is no JSON object, or too long.
    """
    fields = parse_json(text) if isinstance(text, str) and len(text) <= _MOST else None
    checked = _json(fields) if isinstance(fields, dict) else ""
    if not 0 < len(checked) <= _MOST:
        raise ValueError(f"got the reading {shorten(repr(text), 80)}; expected a JSON object")
    return checked


def _fields(reading: Reading, channels: Channels | None, samples: Samples) -> dict[str, Any]:
    return {
        "bands": _bounded(reading.band_names or ()),
        "channels": channels,
        "deep_colour": reading.all_bits,
        "frames": "" if reading.frames == "first" else reading.frames,
        "functions": _bounded([function.__name__ for function in reading.functions]),
        "ignore": _bounded(_ignored(reading.ignored)),
        "metrics": "" if reading.metric_set == _PLAIN else reading.metric_set,
        "pyramid_level": reading.pyramid_level,
        "samples": samples,
        "value_range": samples and reading.value_range,
    }


def _ignored(ignored: Ignored | None) -> list[Any]:
    if ignored is None:
        return []
    masks = [
        f"{mask.width}x{mask.height} {hashlib.sha256(mask.bits).hexdigest()[:16]}"
        for mask in ignored.masks
    ]
    return [*map(list, ignored.rectangles), *masks]


def _bounded(values: Any) -> Any:
    text = json.dumps(values).encode()
    if len(text) <= _LONGEST:
        return values
    return f"{len(values)}: {hashlib.sha256(text).hexdigest()[:16]}"


def reading_fields(text: str) -> dict[str, Any]:
    """Return what a text says; nothing of one that is no JSON object, as a stranger may write."""
    try:
        fields = parse_json(text)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


def reading_options(texts: Mapping[str, int]) -> ReadingOptions:
    """Return the options that most pictures were read with, by how many were read in which way.

    Frames and functions are not among them, nor are masks, whose pixels are not kept.
    """
    options: dict[str, Any] = {}
    for text in sorted(texts, key=lambda text: (texts[text], text)):
        fields = reading_fields(text)
        known = {name: fields.get(name, getattr(DEFAULT_READING, name)) for name in _TAKEN}
        known |= {name: fields[name] for name in _TAKEN_IF_SAID if name in fields}
        if "samples" in fields:
            known["value_range"] = fields.get("value_range")
        if not _are_rectangles(known["ignore"]):
            known["ignore"] = None
        try:
            Reading(**known)
        except (TypeError, ValueError):
            continue
        options |= known
    return options  # type: ignore[return-value]  # a Reading took them


def _are_rectangles(ignore: Any) -> bool:
    return isinstance(ignore, list) and all(isinstance(each, list) for each in ignore)
