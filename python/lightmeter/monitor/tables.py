"""Tables of a TOML file as dataclasses. Every mistake is told with its file and line.

The keys of a table are the fields of a dataclass. Their annotations say what they take:

- str, bool, int, float, date, Path, timedelta, Literal, a StrEnum, ``tuple[str, ...]``;
- ``Annotated[..., Reads(...)]`` for anything else;
- a dataclass, or one of several, for a table of its own; its keys say which one it is;
- ``Annotated[Base, registry]`` for one of the classes of a `Registry`. Its keys stand in the same
  table as those of the dataclass, and the registry's key says which one it is.

A name that Python reserves gets an underscore at its end: the field ``from_`` is the key ``from``.
"""

import inspect
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, is_dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Generic, NamedTuple, TypeVar, get_origin, get_type_hints

from lightmeter.errors import ConfigError
from lightmeter.monitor.keys import options_of, reads_of, shown
from lightmeter.monitor.lines import Place, line_of, read_toml

_ARRAYS = ("monitor", "alert")

T = TypeVar("T")


class Registry(Generic[T]):
    """Classes by the names that a file gives them. It is a decorator that puts a class into it.

    Attributes:
        key: the key of a table that holds the name.
        classes: by name.
    """

    def __init__(self, key: str) -> None:
        """Without classes yet."""
        self.key = key
        self.classes: dict[str, type[T]] = {}

    def __call__(self, *names: str) -> Callable[[type[T]], type[T]]:
        """Put the decorated class under these names."""

        def register(shape: type[T]) -> type[T]:
            self.classes.update(dict.fromkeys(names, shape))
            return shape

        return register


def read_tables(path: str | os.PathLike[str], needed: str = "") -> dict[str, list["Table"]]:
    """The tables ``[[monitor]]`` and ``[[alert]]`` of a file; of those `needed` there must be one.

    Raises:
        OSError: the file cannot be read.
        ConfigError: the file is not TOML, or holds something else.
    """
    content, lines = read_toml(path)
    file = Table(content, Path(path), lines, (), "")
    tables: dict[str, list[Table]] = {name: [] for name in _ARRAYS}
    for name, entries in content.items():
        if name not in _ARRAYS:
            raise file.error(name, f"got {name!r}; expected tables [[monitor]] and [[alert]]")
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise file.error(name, f"{name} is no list of tables; expected tables [[{name}]]")
        for index, entry in enumerate(entries):
            label = f"{name} {index + 1}"
            if isinstance(entry.get("name"), str):
                label += f" ({shown(entry['name'])})"
            tables[name].append(Table(entry, file.file, lines, (name, index), label))
    if needed and not tables[needed]:
        raise file.error("", f"got no {needed}; expected tables [[{needed}]]")
    return tables


@dataclass(frozen=True)
class Table:
    """A table of a file.

    Attributes:
        values: by key.
        file: the file that it is in.
        lines: of all tables and keys of the file.
        place: of the table in the file.
        label: what messages call it, such as ``monitor 2 ('failures')``.
    """

    values: Mapping[str, Any]
    file: Path
    lines: Mapping[Place, int]
    place: Place
    label: str

    def error(self, key: str, message: str) -> ConfigError:
        """What is wrong, with the line of the key; of the table where it does not hold the key."""
        line = line_of((*self.place, key), self.lines)
        words = f"{self.label}: {message}" if self.label else message
        return ConfigError(f"{self.file}, line {line}: {words}")

    def read(self, shape: type[T]) -> T:
        """The table as an object of a dataclass.

        A ValueError of the dataclass is told with the line of the key that it begins with.

        Raises:
            ConfigError: the table is not understood.
        """
        parts = {
            field.registry: self._chosen(field.registry)
            for field in _fields(shape)
            if field.registry is not None
        }
        keys = {registry.key for registry in parts}
        for part in (shape, *parts.values()):
            keys |= {field.key for field in _fields(part) if field.registry is None}
        for key in self.values:
            if key not in keys:
                chosen = "".join(f" with {name.key} = {self.values[name.key]!r}" for name in parts)
                expected = _one_of(sorted(keys))
                raise self.error(key, f"unknown key {shown(key)}{chosen}; expected {expected}")
        return self._build(shape, parts)

    def _chosen(self, registry: Registry[Any]) -> type:
        key, expected = registry.key, _one_of(map(repr, sorted(registry.classes)))
        if key not in self.values:
            raise self.error("", f"{key} is missing; expected {expected}")
        name = self.values[key]
        if type(name) is not str or name not in registry.classes:
            raise self.error(key, f"{key} is {shown(name)}; expected {expected}")
        return registry.classes[name]

    def _build(self, shape: type[T], parts: Mapping[Registry[Any], type[Any]]) -> T:
        arguments: dict[str, Any] = {}
        for field in _fields(shape):
            if field.registry is not None:
                arguments[field.name] = self._build(parts[field.registry], {})
            elif field.key in self.values:
                arguments[field.name] = self._value(field)
            elif field.is_needed:
                raise self.error("", f"{field.key} is missing; expected {field.expected}")
        try:
            return shape(**arguments)
        except ValueError as error:
            first = re.match(r"\w*", str(error))
            raise self.error(first[0] if first else "", str(error)) from None

    def _value(self, field: "_Field") -> Any:
        value = self.values[field.key]
        if field.shapes:
            return self._inner(field, value)
        try:
            value = reads_of(field.options[0]).read(field.key, value)
        except ValueError as error:
            raise self.error(field.key, str(error)) from None
        # Absolute, for who looks at it later, from elsewhere.
        return self.file.absolute().parent / value if isinstance(value, Path) else value

    def _inner(self, field: "_Field", value: Any) -> Any:
        """A table of its own."""
        if type(value) is not dict:
            raise self.error(field.key, f"{field.key} is {shown(value)}; expected {field.expected}")
        place = (*self.place, field.key)
        table = Table(value, self.file, self.lines, place, f"{self.label}: {field.key}")
        for shape in field.shapes:
            if not value.keys().isdisjoint(key.key for key in _fields(shape)):
                return table.read(shape)
        raise table.error(next(iter(value), ""), f"got {shown(value)}; expected {field.expected}")


class _Field(NamedTuple):
    """A field of a dataclass, under its name in Python and its key in a file."""

    name: str
    key: str
    options: list[Any]
    is_needed: bool

    @property
    def registry(self) -> Registry[Any] | None:
        """What the classes come from that it may be of."""
        if get_origin(self.options[0]) is not Annotated:
            return None
        mark = self.options[0].__metadata__[0]
        return mark if isinstance(mark, Registry) else None

    @property
    def shapes(self) -> list[type]:
        """The dataclasses that it may be of."""
        return [
            option for option in self.options if isinstance(option, type) and is_dataclass(option)
        ]

    @property
    def expected(self) -> str:
        """What it takes, in words."""
        if self.shapes:
            keys = (", ".join(field.key for field in _fields(shape)) for shape in self.shapes)
            return f"a table of {' or of '.join(keys)}"
        return reads_of(self.options[0]).expected


def _find_fields(shape: type[Any]) -> list[_Field]:
    hints = get_type_hints(shape, include_extras=True)
    return [
        _Field(
            name,
            name.removesuffix("_"),
            options_of(hints[name]),
            parameter.default is parameter.empty,
        )
        for name, parameter in inspect.signature(shape).parameters.items()
    ]


_fields: Callable[[Any], list[_Field]] = cache(_find_fields)


def _one_of(names: Iterable[str]) -> str:
    return f"one of {', '.join(names)}"
