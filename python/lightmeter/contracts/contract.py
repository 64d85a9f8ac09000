"""Contracts: what a profile must be like, as tables of a TOML file."""

import fnmatch
import os
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import chain, repeat
from typing import Any

from lightmeter.contracts.expectation import Expectation, Expectations
from lightmeter.contracts.judge import ContractResult, Outcome, judged
from lightmeter.profile import ProfileView
from lightmeter.profile.log import ProfileLike, view_of
from lightmeter.settings import parse_toml, settings_of
from lightmeter.text import counted, near

_MOST_LOOKED_UP = 3  # missing features: names that are like one take a while to find


class Contract:
    """Expectations of a profile: read once, judged on any number of profiles.

    It is frozen, so threads may share it, and a fork changes nothing.

    Examples
    --------
    >>> lm.Contract("contract.toml").judge("today.lmp").passed
    """

    def __init__(self, source: str | os.PathLike[str] | Mapping[str, Any]) -> None:
        """Read a contract.

        Parameters
        ----------
        source
            The path of a TOML file, or what such a file holds, as a dict.

        Raises
        ------
        OSError
            The file cannot be read.
        ConfigError
            It is no contract; the message names the path of each mistake, such as
            ``expect[2].mean.at_leest``, and the nearest word that is known.
        """
        if isinstance(source, Mapping):
            content, name = source, "contract"
        else:
            content, name = parse_toml(source), os.fspath(source)
        self._expectations = settings_of(Expectations, content, name).expect

    def judge(self, profile: ProfileLike) -> ContractResult:
        """Judge a profile by all expectations.

        Parameters
        ----------
        profile
            A `ProfileView`, a `Profile`, a `ResultSet`, or the path of a ``.lmp`` file.

        Raises
        ------
        OSError
            The file cannot be read.
        DecodeError
            It holds no whole profile.

        Examples
        --------
        >>> lm.Contract("contract.toml").judge("today.lmp").passed
        """
        view = view_of(profile)
        names = list(view)
        guesses = repeat(names, _MOST_LOOKED_UP)
        outcomes = (_outcomes(each, view, names, guesses) for each in self._expectations)
        return ContractResult(tuple(chain.from_iterable(outcomes)))

    @staticmethod
    def json_schema() -> dict[str, Any]:
        """Return the JSON Schema of contracts, by which editors complete and check them.

        Examples
        --------
        >>> lm.Contract.json_schema()["title"]
        """
        return Expectations.model_json_schema()


def _outcomes(
    expectation: Expectation, view: ProfileView, names: list[str], guesses: Iterator[list[str]]
) -> Iterator[Outcome]:
    outcome = partial(Outcome, expectation.name, expectation.severity)
    found: dict[str, None] = {}
    odd = []
    for pattern in dict.fromkeys(expectation.features or [expectation.feature]):
        matching = [pattern] if pattern in view else fnmatch.filter(names, pattern)
        found |= dict.fromkeys(matching)
        if not matching:
            got = f"missing; {near(pattern, next(guesses, ()), '')}".removesuffix("; ")
            odd.append(outcome(pattern, "a feature", got, "fails"))
    schema = expectation.schema_
    others = [name for name in names if schema == "exactly" and name not in found]
    odd += [outcome(name, "no other feature", "a new one", "fails") for name in others]
    yield from odd
    if schema and not odd:
        expected = f"{schema.replace('_', ' ')} these features"
        yield outcome("", expected, counted(len(found), "feature"), "holds")
    for name in found:
        yield from judged(expectation, name, view)
