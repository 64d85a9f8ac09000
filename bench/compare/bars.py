"""`compare` of two profiles as they come out of a file, none of whose sketches was looked at yet.

Each p-value of numbers without ties is first held against SciPy's exact one. The peer's figure is
that of its test of the raw numbers of as many features alone, without any distance or verdict. The
bars are twice what Kolmogorov and Smirnov's test alone took, before there were tests of the spread
and of tails.
"""

from scenario import Bar, Scenario

SCENARIO = Scenario(
    unit="comparison",
    cases=("60 numbers, 5000 / 5000", "images, 50 / 50"),
    bars=[
        Bar(None, at_most=0.0068, case="60 numbers, 5000 / 5000"),
        Bar(None, at_most=0.00102, case="images, 50 / 50"),
        Bar("scipy_ks_2samp"),
    ],
)
