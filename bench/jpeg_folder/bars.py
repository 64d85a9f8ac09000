"""A folder of JPEGs, end to end; the bar against decoding was set for the numbers of whylogs."""

from scenario import Bar, Scenario

SCENARIO = Scenario(
    unit="picture",
    launches=5,
    rounds=3,
    bars=[
        Bar("pillow_decode", at_most=1.2, ours="lightmeter_whylogs"),
        Bar("pillow_decode", at_most=1.3),
        Bar("whylogs_loop", at_least=20),
    ],
)
