"""Hypothesis strategies for testing code that profiles and merges (needs ``hypothesis``)."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

__all__ = ["Merge", "fold", "images", "merge_trees", "numbers", "streams"]

T = TypeVar("T")

# A leaf, or a `Merge` of two trees.
Tree = Any


class Merge(NamedTuple):
    """Two trees. The results of both are merged."""

    left: Tree
    right: Tree


def numbers() -> st.SearchStrategy[float]:
    """Floats like those of production: many repeats, both zeros, subnormals, infinities and NaN."""
    few = st.sampled_from([0.0, -0.0, 1.0, 2.0, 255.0, 5e-324, -1e308])
    whole = st.integers(-300, 300).map(float)
    return st.one_of(few, whole, st.floats(width=64), st.floats(width=32))


def streams(max_size: int = 60) -> st.SearchStrategy[list[float]]:
    """Lists of `numbers`."""
    return st.lists(numbers(), max_size=max_size)


def images(max_side: int = 40) -> st.SearchStrategy[Any]:
    """uint8 arrays of shape HxW, HxWx1, HxWx3 or HxWx4."""
    side = st.integers(1, max_side)
    bands = st.sampled_from([(), (1,), (3,), (4,)])
    shapes = st.tuples(side, side, bands).map(lambda s: (s[0], s[1], *s[2]))
    return shapes.flatmap(lambda shape: arrays(np.uint8, shape))


def merge_trees(leaves: st.SearchStrategy[Any], max_leaves: int = 12) -> st.SearchStrategy[Tree]:
    """Binary trees over `leaves`: a leaf is itself, anything else a `Merge`. `fold` walks one."""
    return st.recursive(leaves, lambda trees: st.builds(Merge, trees, trees), max_leaves=max_leaves)


def fold(tree: Tree, leaf: Callable[[Any], T], merge: Callable[[T, T], T]) -> T:
    """`leaf` of every leaf, combined by `merge` from the leaves to the root."""
    if isinstance(tree, Merge):
        return merge(fold(tree.left, leaf, merge), fold(tree.right, leaf, merge))
    return leaf(tree)
