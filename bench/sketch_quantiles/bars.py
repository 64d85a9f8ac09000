"""101 quantiles, cold: of a sketch that has just seen another number, or was just decoded.

Caches make a second question faster; the numbers before them hide behind neither.
"""

from scenario import Bar, Scenario

SCENARIO = Scenario(
    unit="question",
    cases=("live", "decoded"),
    bars=[Bar("datasketches_kll", at_least=1)],
    tolerance=0.03,  # of a rank: both sketches are approximate
)
