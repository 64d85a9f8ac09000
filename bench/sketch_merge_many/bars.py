"""10 000 quantile sketches of n numbers each into one.

A live sketch of lightmeter that has left exact mode holds about five times the items of the peer's,
a decoded one fewer than it: both meet the same bar.
"""

from scenario import Bar, Scenario

SCENARIO = Scenario(
    unit="sketch",
    cases=("n=1", "n=50", "n=10000", "n=10000 decoded"),
    bars=[
        Bar("datasketches_kll", at_least=3, case="n=1"),
        Bar("datasketches_kll", at_least=7, case="n=50"),
        Bar("datasketches_kll", at_least=1.8, case="n=10000"),
        Bar("datasketches_kll", at_least=1.8, case="n=10000 decoded"),
    ],
    tolerance=0.03,  # of a rank: both sketches are approximate
)
