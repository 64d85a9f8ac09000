"""Pieces of JSON schemas, for what endpoints take and answer."""

from collections.abc import Mapping
from typing import Any

__all__ = ["FLAG", "NUMBER", "OBJECT", "SEGMENT", "TEXT", "TIME", "WHOLE", "array", "record"]

Schema = Mapping[str, Any]

TEXT: Schema = {"type": "string"}
TIME: Schema = {"type": "string", "format": "date-time"}
WHOLE: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
FLAG: Schema = {"type": "boolean"}
SEGMENT: Schema = {"type": "object", "additionalProperties": {"type": "string"}}
OBJECT: Schema = {"type": "object"}


def array(items: Schema) -> Schema:
    """A list of such things."""
    return {"type": "array", "items": items}


def record(optional: tuple[str, ...] = (), /, **properties: Schema) -> Schema:
    """An object with all of these; those that are optional may be null."""
    fields = {
        name: {"anyOf": [schema, {"type": "null"}]} if name in optional else schema
        for name, schema in properties.items()
    }
    return {"type": "object", "required": list(properties), "properties": fields}
