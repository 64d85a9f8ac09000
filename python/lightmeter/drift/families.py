"""Families of features: how they share the rate of false findings.

A family is what is judged together: the numbers of images, Exif, logged values, vectors. Families
are judged in two steps, so that a wide one does not hide what happened in another.

1. The gate. Simes' p-value of a family is its least q-value of Benjamini and Hochberg (BH). Holm's
   procedure over these says which families may hold a finding. Only families with a test count.
2. In a family that passed, BH at the full level says which features these are.

So the q-value of a feature is the larger of two: BH's within its family, and Holm's p-value of its
family. With one family it is BH's. ``q <= a`` is the decision at every level a, since both steps
are. What holds at level a, where BH holds within a family (tests that are independent or positively
dependent, see Benjamini and Yekutieli 2001), however families depend on each other:

- A family in which nothing changed holds a finding with a chance of at most a, whatever changed in
  others. Proof: it must pass the gate, its Simes p-value is valid there (Simes 1986, Sarkar 1998),
  and Holm (1979) bounds the chance that any true hypothesis is rejected, under any dependence. So
  with no change at all the chance of any finding is at most a.
- In each family the expected share of false findings is at most a. Proof: the gate only takes
  findings of BH away, all of a family at once. The share becomes 0 then, or stays.
- A change in one of K families needs a p-value K times smaller than it would alone, or less if
  others changed too, whatever the sizes of the others. That costs a test of normal numbers at most
  9 points of power for one added family, and 17 for three, in a family of ten at 5 %.
"""

from collections.abc import Sequence

import numpy as np


def q_values(p_values: Sequence[float], families: Sequence[str]) -> list[float]:
    """The q-values of everything that is judged together.

    Args:
        p_values: one for each test.
        families: the family of each, by any names.
    """
    places = _places(families)
    within = [benjamini_hochberg([p_values[at] for at in family]) for family in places.values()]
    gates = _holm([min(q) for q in within], [1.0] * len(within))
    q_values = [1.0] * len(p_values)
    for family, gate, q in zip(places.values(), gates, within, strict=True):
        for at, own in zip(family, q, strict=True):
            q_values[at] = max(own, gate)
    return q_values


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Give the q-values of one family: the least false discovery rate that rejects each test."""
    p, many = np.array(p_values), len(p_values)
    order = np.argsort(-p, kind="stable")
    least = np.minimum.accumulate(p[order] * many / np.arange(many, 0, -1))
    q_values = np.empty(many)
    q_values[order] = np.minimum(least, 1.0)
    return list(map(float, q_values))


def holm_p_values(p_values: Sequence[float], families: Sequence[str]) -> list[float]:
    """Adjusted p-values: the chance of any false one among those up to `a` is at most `a`.

    That is Holm's procedure with weights. Families weigh the same, and so do the tests of a family.
    It holds for any dependence. No value is less than the q-value: in the first of a family to be
    rejected all weights of families without a rejection are left, so the gate opened for it; within
    a family the bound is no larger than Holm's without weights, which is within BH's.

    Args:
        p_values: one for each test.
        families: the family of each.
    """
    places = _places(families)
    return _holm(p_values, [1 / len(places[family]) for family in families])


def _places(families: Sequence[str]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for at, family in enumerate(families):
        places.setdefault(family, []).append(at)
    return places


def _holm(p_values: Sequence[float], weights: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values; a hypothesis of twice the weight may have twice the p-value."""
    needed, weight = np.array(p_values) / np.array(weights), np.array(weights)
    order = np.argsort(needed, kind="stable")
    left = np.cumsum(weight[order][::-1])[::-1]
    adjusted = np.empty(len(needed))
    adjusted[order] = np.maximum.accumulate(np.minimum(needed[order] * left, 1.0))
    return list(map(float, adjusted))
