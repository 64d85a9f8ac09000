"""Parsing the texts in which profiles store how images were read."""

from collections.abc import Mapping
from typing import Any

from lightmeter.image.ignore import is_rule
from lightmeter.image.reading import DEFAULT_READING, Reading, ReadingOptions, json_text
from lightmeter.nesting import parse_json
from lightmeter.text import shorten

_MOST = 1024  # characters of a text, which are ASCII

# Options that a text stores in the form of `Reading`.
_TAKEN = ("metrics", "bands", "ignore", "pyramid_level")


def checked_text(text: object) -> str:
    """Check the text of a reading from an untrusted file, and return it as `Reading.text` does.

    Raises
    ------
    ValueError
        The text is not a JSON object, or too long.
    """
    fields = parse_json(text) if isinstance(text, str) and len(text) <= _MOST else None
    checked = json_text(fields) if isinstance(fields, dict) else ""
    if not 0 < len(checked) <= _MOST:
        raise ValueError(f"got the reading {shorten(repr(text), 80)}; expected a JSON object")
    return checked


def reading_fields(text: str) -> dict[str, Any]:
    """Return the fields of a text; none if it is not a JSON object."""
    try:
        fields = parse_json(text)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


def reading_options(texts: Mapping[str, int]) -> ReadingOptions:
    """Return the options with which most images were read.

    `texts` counts images by the text of their reading. Frames, functions and masks are left out,
    because profiles do not store masks.
    """
    options: dict[str, Any] = {}
    for text in sorted(texts, key=lambda text: (texts[text], text)):
        fields = reading_fields(text)
        known = {name: fields.get(name, getattr(DEFAULT_READING, name)) for name in _TAKEN}
        if "channels" in fields:
            known["channels"] = fields["channels"]
        if "samples" in fields:
            known["value_range"] = fields.get("value_range")
        ignore = known["ignore"]
        can_be_repeated = isinstance(ignore, list) and all(
            isinstance(part, list) or is_rule(part) for part in ignore
        )
        known["ignore"] = ignore if can_be_repeated else None
        try:
            Reading(**known)
        except (TypeError, ValueError):
            continue
        options |= known
    return options  # type: ignore[return-value]  # a Reading took them
