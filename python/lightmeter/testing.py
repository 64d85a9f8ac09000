"""Tools for tests: an assertion about a contract, and Hypothesis strategies for inputs.

`assert_contract` needs pydantic; the strategies need ``hypothesis``.
"""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from lightmeter.profile.log import ProfileLike

with suppress(ImportError):  # contracts do not need it
    from hypothesis import strategies as st
    from hypothesis.extra.numpy import arrays

if TYPE_CHECKING:
    from lightmeter.contracts import Contract, ContractResult

__all__ = ["assert_contract", "images", "merge_trees", "numbers", "streams"]

T = TypeVar("T")


def assert_contract(
    profile: ProfileLike, contract: "Contract | str | os.PathLike[str] | Mapping[str, Any]"
) -> "ContractResult":
    """Judge a profile by a contract, and return the result if it passes.

    Parameters
    ----------
    profile
        A profile as for `lightmeter.Contract.judge`.
    contract
        A `lightmeter.Contract`, or an argument of its constructor.

    Raises
    ------
    AssertionError
        An expectation does not hold; the message has a line for each failure.
    ConfigError
        The contract is invalid.
    OSError
        A file cannot be read.
    DecodeError
        The file is not an intact profile.

    Examples
    --------
    >>> lm.testing.assert_contract("today.lmp", "contract.toml")
    """
    from lightmeter.contracts import Contract

    if not isinstance(contract, Contract):
        contract = Contract(contract)
    result = contract.judge(profile)
    if not result.passed:
        raise AssertionError("\n".join([str(result), *map(str, result.failures)]))
    return result


def numbers() -> "st.SearchStrategy[float]":
    """Return a strategy for floats: many repeats, both zeros, subnormals, infinities and NaN."""
    few = st.sampled_from([0.0, -0.0, 1.0, 2.0, 255.0, 5e-324, -1e308])
    whole = st.integers(-300, 300).map(float)
    return st.one_of(few, whole, st.floats(width=64), st.floats(width=32))


def streams(max_size: int = 60) -> "st.SearchStrategy[list[float]]":
    """Return a strategy for lists of `numbers`."""
    return st.lists(numbers(), max_size=max_size)


def images(max_side: int = 40) -> "st.SearchStrategy[Any]":
    """Return a strategy for uint8 arrays of shape HxW, HxWx1, HxWx3 or HxWx4."""
    side = st.integers(1, max_side)
    bands = st.sampled_from([(), (1,), (3,), (4,)])
    shapes = st.tuples(side, side, bands).map(lambda s: (s[0], s[1], *s[2]))
    return shapes.flatmap(lambda shape: arrays(np.uint8, shape))


def merge_trees(
    leaves: "st.SearchStrategy[T]", merge: Callable[[T, T], T], max_leaves: int = 12
) -> "st.SearchStrategy[T]":
    """Return a strategy for leaves merged in the order of any binary tree, or a single leaf."""
    return st.recursive(leaves, lambda trees: st.builds(merge, trees, trees), max_leaves=max_leaves)
