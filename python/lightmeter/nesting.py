"""Parsing untrusted JSON, which must not crash the process by deep nesting.

Python before 3.14 limits the depth of its parser, but not its use of the stack. If the stack of a
thread is small, as with musl, a text of 10 000 brackets causes a segmentation fault.
"""

import json
import re
from itertools import accumulate
from typing import Any

_DEEPEST = 100
# An unterminated string extends to the end of the text, so that no part is read twice.
_STRING = re.compile(r'"(?:[^"\\]+|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")  # of signed bytes: 1 and -1
_OTHERS = bytes(set(range(256)) - set(b"[{]}"))


def parse_json(text: str | bytes | bytearray, deepest: int = _DEEPEST) -> Any:
    """Parse JSON of at most `deepest` levels.

    Raises
    ------
    ValueError
        The text is not JSON, or nested more deeply.
    """
    if not isinstance(text, str):
        text = text.decode(json.detect_encoding(text), "surrogatepass")
    if text.count("[") + text.count("{") > deepest and depth(text) > deepest:
        raise ValueError(f"got JSON that is nested more than {deepest} levels deep")
    return json.loads(text)


def depth(text: str) -> int:
    """Return the nesting depth of a JSON text, or an upper bound for invalid text."""
    brackets = _STRING.sub("", text).encode("utf-8", "surrogatepass").translate(_STEPS, _OTHERS)
    return max(accumulate(memoryview(brackets).cast("b")), default=0)
