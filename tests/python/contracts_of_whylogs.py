"""Tables that pass, and that fail, each constraint of docs/coming-from-whylogs.md."""

import re
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[2] / "docs/coming-from-whylogs.md"
_ROW = re.compile(r'^\| `(\w+\("(\w+)".*\))` \| (.*) \|$', re.MULTILINE)

_X = [(i * 37 % 100 + 1) / 2 for i in range(100)]

TABLES: dict[str, dict[str, list[Any]]] = {
    "good": {
        "x": _X,
        "id": list(range(100)),
        "camera": ["left", "left", "right", "right", "left"] * 20,
        "flag": [True, False] * 50,
        "price": [i + 0.5 for i in range(100)],
        "note": [None if i < 2 else f"note {i % 7}" for i in range(100)],
        "thing": [{"a": 1}] * 100,
    },
    "bad": {
        "x": [4 * x - 30 if i % 2 else None for i, x in enumerate(_X)] + [7.0],
        "id": [i % 5 if i % 2 else f"id {i}" for i in range(101)],
        "camera": ["left", "up", "up", "right", "up"] * 20 + ["up"],
        "flag": [1, 0] * 50 + [1],
        "price": list(range(101)),
        "note": [None if i < 30 else i for i in range(101)],
        "thing": ["text"] * 101,
    },
}


def constraints() -> list[tuple[str, str, str]]:
    """The call of the factory, its feature, and the keys of the contract, of each line."""
    rows = []
    for call, feature, cell in _ROW.findall(PAGE.read_text(encoding="utf-8")):
        keys = cell.partition(";")[0]
        if named := re.search(r"of the function `(\w+)`", cell):
            feature, keys = named[1], keys.partition(" of the")[0]
        rows.append((call, feature, "\n".join(re.findall(r"`([^`]* = [^`]*)`", keys))))
    return rows
