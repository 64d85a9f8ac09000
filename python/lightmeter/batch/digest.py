"""A digest of what decides a result: options, functions and where pictures are.

It is the same in every process of every machine, unlike a pickle or `hash`.
"""

import functools
import hashlib
import inspect
import re
import types
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

__all__ = ["digest_of"]

_PLAIN = (bool, int, float, str, bytes, type(None))


def digest_of(value: Any) -> bytes:
    """The digest of a value, 32 bytes.

    A function is its name, its code, its defaults, what it closes over, and those functions and
    plain values of its module that it names. Other objects are their class and their attributes.

    Raises:
        TypeError: it holds an object whose contents cannot be seen, such as an open file.
    """
    try:
        return _digest(value, (), {})
    except RecursionError:
        raise TypeError(f"got {type(value)}, which is nested too deeply for a digest") from None


def _digest(value: Any, above: tuple[int, ...], functions: dict[Any, bytes]) -> bytes:
    """`functions` are those that were seen, as they may use each other in many ways."""
    if id(value) in above:
        return b"itself"
    if isinstance(value, types.FunctionType) and value in functions:
        return functions[value]
    inside = (*above, id(value))
    kind, parts = _parts(value)
    digest = hashlib.sha256(kind.encode())
    for part in parts:
        data = part if type(part) is bytes else _digest(part, inside, functions)
        digest.update(len(data).to_bytes(8, "little") + data)
    if isinstance(value, types.FunctionType):
        functions[value] = digest.digest()
    return digest.digest()


def _parts(value: Any) -> tuple[str, Iterable[Any]]:  # noqa: C901, PLR0912
    """The kind of a value, and what it consists of: bytes, or values that have parts themselves."""
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    if isinstance(value, _PLAIN):
        raw = value if isinstance(value, bytes) else repr(value).encode()
        return kind, [raw]
    if isinstance(value, date | timedelta | complex):
        return kind, [repr(value).encode()]
    if isinstance(value, list | tuple):
        return kind, value
    if isinstance(value, set | frozenset):
        return kind, sorted(map(digest_of, value))
    if isinstance(value, Mapping):
        return kind, sorted(digest_of(key) + digest_of(value[key]) for key in value)
    if isinstance(value, re.Pattern):
        return kind, (value.pattern, value.flags)
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return kind, (value.dtype.str, value.shape, value.tobytes())
    if isinstance(value, functools.partial):
        return kind, (value.func, value.args, value.keywords)
    if isinstance(value, types.FunctionType):
        return kind, _parts_of_function(value)
    if isinstance(value, types.MethodType):
        return kind, (value.__func__, value.__self__)
    if isinstance(value, types.CodeType):
        return kind, _parts_of_code(value)
    if isinstance(value, types.ModuleType):
        return kind, (value.__name__, str(getattr(value, "__version__", "")))
    if isinstance(getattr(value, "__qualname__", None), str):  # a class, or a function in C
        return kind, (getattr(value, "__module__", None), value.__qualname__)
    return kind, _parts_of_object(value, kind)


def _parts_of_object(value: Any, kind: str) -> Iterable[Any]:
    if is_dataclass(value):
        yield {field.name: getattr(value, field.name) for field in fields(value)}
    elif hasattr(value, "__dict__"):
        yield vars(value)
    else:
        raise TypeError(
            f"got a {kind}, whose contents cannot be seen, so that it has no digest; expected "
            "functions, and plain values of Python or NumPy"
        )
    if not kind.startswith("lightmeter."):
        yield from (member for _, member in inspect.getmembers(type(value), inspect.isfunction))


def _parts_of_function(function: types.FunctionType) -> Iterable[Any]:
    cells = [cell.cell_contents for cell in function.__closure__ or () if cell != types.CellType()]
    yield from (function.__module__, function.__qualname__, function.__code__)
    yield from (function.__defaults__, function.__kwdefaults__, cells)
    yield from _used_by(function, function.__code__)


def _used_by(function: types.FunctionType, code: types.CodeType) -> Iterable[Any]:
    """What a function uses by name: plain values, modules, and functions of its own module."""
    for name in code.co_names:
        used = function.__globals__.get(name)
        own = getattr(used, "__module__", None) == function.__module__
        if isinstance(used, (*_PLAIN, types.ModuleType)) or (
            own and isinstance(used, types.FunctionType)
        ):
            yield (name, used)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _used_by(function, constant)


def _parts_of_code(code: types.CodeType) -> tuple[Any, ...]:
    """Without where it stands, which changes with the lines above."""
    constants = code.co_consts
    names = (code.co_names, code.co_varnames, code.co_freevars)
    return (code.co_code, constants, *names, code.co_flags, code.co_argcount)
