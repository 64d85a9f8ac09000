"""JSON from outside: a text that is nested deeply must not end the process.

Python before 3.14 bounds how deep its parser goes, and not how much of the stack that takes. Where
the stack of a thread is small, as with musl, a text of 10 000 brackets is a segmentation fault.
"""

import json
import re
from itertools import accumulate
from typing import Any

_DEEPEST = 100
# To its end where it has none, so that no part is read twice.
_STRING = re.compile(r'"(?:[^"\\]+|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")  # of signed bytes: 1 and -1
_OTHERS = bytes(set(range(256)) - set(b"[{]}"))


def parse_json(text: str | bytes | bytearray, deepest: int = _DEEPEST, **hooks: Any) -> Any:
    """`json.loads` of a text of at most so many levels; `hooks` are its arguments.

    Raises
    ------
    ValueError
        It is no JSON, or nested more deeply.
    """
    if not isinstance(text, str):
        text = text.decode(json.detect_encoding(text), "surrogatepass")
    if text.count("[") + text.count("{") > deepest and depth(text) > deepest:
        raise ValueError(f"got JSON that is nested more than {deepest} levels deep")
    return json.loads(text, **hooks)


def depth(text: str) -> int:
    """Return how deeply a JSON text is nested; of any other text at least how deep a parser would
    go.
    """
    brackets = _STRING.sub("", text).encode("utf-8", "surrogatepass").translate(_STEPS, _OTHERS)
    return max(accumulate(memoryview(brackets).cast("b")), default=0)
