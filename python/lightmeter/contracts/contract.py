"""Contracts: requirements for a profile, as tables of a TOML file."""

import fnmatch
import os
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import chain
from typing import Any

from lightmeter.contracts.expectation import Expectation, Expectations
from lightmeter.contracts.judge import ContractResult, Outcome, judged
from lightmeter.image.numbers import IMAGE_NUMBERS
from lightmeter.profile import ProfileView
from lightmeter.profile.log import ProfileLike, view_of
from lightmeter.settings import parse_toml, settings_of
from lightmeter.text import counted, near

_MOST_LOOKED_UP = 3  # missing features with suggestions, because finding similar names is slow


class Contract:
    """A list of expectations, read once and judged on any number of profiles.

    A contract does not change, so threads may share it, and a fork is safe.

    Examples
    --------
    >>> lm.Contract("contract.toml").judge("today.lmp").passed
    """

    def __init__(self, source: str | os.PathLike[str] | Mapping[str, Any]) -> None:
        """Read a contract.

        Parameters
        ----------
        source
            The path of a TOML file, or the contents of such a file as a dict.

        Raises
        ------
        OSError
            The file cannot be read.
        ConfigError
            The contract is invalid; the message gives the path of each mistake, such as
            ``expect[2].mean.at_leest``, and the most similar known word.
        """
        if isinstance(source, Mapping):
            content, name = source, "contract"
        else:
            content, name = parse_toml(source), os.fspath(source)
        self._expectations = settings_of(Expectations, content, name).expect

    def judge(self, profile: ProfileLike) -> ContractResult:
        """Judge a profile by all expectations and return their outcomes.

        Parameters
        ----------
        profile
            A `ProfileView`, a `Profile`, a `ResultSet`, or the path of a ``.lmp`` file.

        Raises
        ------
        OSError
            The file cannot be read.
        DecodeError
            The file is not an intact profile.

        Examples
        --------
        >>> lm.Contract("contract.toml").judge("today.lmp").passed
        """
        view = view_of(profile)
        hints = dict[str, str]()
        outcomes = (_outcomes(each, view, hints) for each in self._expectations)
        # Several expectations may name the same missing feature.
        return ContractResult(tuple(dict.fromkeys(chain.from_iterable(outcomes))))

    @staticmethod
    def json_schema() -> dict[str, Any]:
        """Return the JSON Schema of contracts, with which editors complete and check them.

        Examples
        --------
        >>> lm.Contract.json_schema()["title"]
        """
        return Expectations.model_json_schema()


def _outcomes(
    expectation: Expectation, view: ProfileView, hints: dict[str, str]
) -> Iterator[Outcome]:
    outcome = partial(Outcome, expectation.name, expectation.severity)
    names, found, odd = list(view), dict[str, None](), []
    for pattern in dict.fromkeys(expectation.features or [expectation.feature]):
        matching = [pattern] if pattern in view else fnmatch.filter(names, pattern)
        found |= dict.fromkeys(matching)
        if not matching:
            known = names if len(hints) < _MOST_LOOKED_UP else []
            hints[pattern] = hints.get(pattern) or _hint(pattern, known)
            odd.append(outcome(pattern, "a feature of this name", hints[pattern], "fails"))
    schema = expectation.schema_
    others = [name for name in names if schema == "exactly" and name not in found]
    odd += [outcome(name, "no other feature", "a new one", "fails") for name in others]
    yield from odd
    if schema and not odd:
        expected = f"{schema.replace('_', ' ')} these features"
        yield outcome("", expected, counted(len(found), "feature"), "holds")
    for name in found:
        yield from judged(expectation, name, view)


def _hint(name: str, names: list[str]) -> str:
    """Say that a feature is missing, and how to measure it, or which names are similar."""
    known = IMAGE_NUMBERS.get(name.removeprefix("image."))
    if known and known.set in ("camera", "all"):
        return f'none; measure with metrics="{known.set}" (option --metrics)'
    return f"none; {near(name, names, '')}".removesuffix("; ")
