"""Profile images at close to the speed of decoding; merge the profiles, and see what drifted.

Public names are imported on first use, so that ``import lightmeter`` is fast.
"""

from importlib import import_module
from typing import Any

# The module of each public name, by the lines ``from MODULE import NAME as NAME`` of the stub.
with open(f"{__file__}i", encoding="utf-8") as _stub:
    _HOMES = {words[3]: words[1] for words in map(str.split, _stub) if words[:1] == ["from"]}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'lightmeter' has no attribute {name!r}")
    if _HOMES[name] == "lightmeter":
        value = import_module(f"lightmeter.{name}")
    else:
        value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
