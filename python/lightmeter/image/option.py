"""Describing options for the command line and the docs, from docstrings."""

import dataclasses
import inspect
import re
from typing import Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

# An attribute in a docstring's section, and the first sentence about it.
_ATTRIBUTE = re.compile(r"^(\w+)\n    (.*?[.;])(?:\s|$)", re.MULTILINE | re.DOTALL)


class Option(NamedTuple):
    """Describe an attribute of `lightmeter.Reading`, or of one of its attributes.

    Attributes
    ----------
    says
        Description: the first sentence of its docstring.
    kind
        The type of its values.
    choices
        Allowed texts, if the option is one of several.
    default
        Default value.
    how
        Metadata of its field: ``parse`` makes a value from a text of the form ``metavar``; ``many``
        is present if several texts make one value; ``prefix`` is present if the value has options
        of its own, and begins their names.
    """

    says: str
    kind: Any
    choices: tuple[str, ...]
    default: Any
    how: dict[str, Any]


def options_of(kind: Any) -> dict[str, Option]:
    """Return the options of a dataclass by name."""
    sentences = dict(_ATTRIBUTE.findall((inspect.getdoc(kind) or "").partition("Attributes\n")[2]))
    hints = get_type_hints(kind)
    return {
        field.name: Option(
            _plain(sentences.get(field.name, "")),
            hints[field.name],
            _choices(hints[field.name]),
            field.default,
            dict(field.metadata),
        )
        for field in dataclasses.fields(kind)
    }


def _plain(sentence: str) -> str:
    words = re.sub(r'``"([^`"]*)"``', r"\1", " ".join(sentence.split()))
    text = words.replace("`", "")
    return text[:1].upper() + text[1:].rstrip(";.") + "."


def _choices(kind: Any) -> tuple[str, ...]:
    kinds = (kind, *get_args(kind))
    return next((get_args(part) for part in kinds if get_origin(part) is Literal), ())
