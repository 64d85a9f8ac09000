"""Many numbers at once into an empty quantile sketch."""

from scenario import Bar, Scenario

SCENARIO = Scenario(
    unit="number",
    cases=("float32", "uint8", "uint16"),
    bars=[
        Bar("datasketches_kll", at_least={"avx2": 7}, case="float32"),
        Bar("datasketches_kll", at_least=50, case="uint8"),
        Bar("datasketches_kll", at_least=30, case="uint16"),
    ],
    tolerance=0.03,  # of a rank: both sketches are approximate
)
