"""One decoded picture to a view of its profile."""

from scenario import Bar, Scenario

SCENARIO = Scenario(
    unit="picture",
    cases=("640x480", "64x64"),
    bars=[
        Bar("whylogs_log_image", at_least=15, case="640x480"),
        Bar("whylogs_log_image", at_least=150, case="64x64"),
    ],
)
