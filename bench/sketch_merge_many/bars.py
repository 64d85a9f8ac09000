"""10 000 quantile sketches of n numbers each into one."""

from scenario import Bar, Scenario

SCENARIO = Scenario(
    unit="sketch",
    cases=("n=1", "n=50", "n=10000"),
    bars=[
        Bar("datasketches_kll", at_least=3, case="n=1"),
        Bar("datasketches_kll", at_least=7, case="n=50"),
        Bar("datasketches_kll", at_least=1.8, case="n=10000"),
    ],
    tolerance=0.03,  # of a rank: both sketches are approximate
)
