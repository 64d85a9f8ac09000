"""What a second thread saves, and what a file costs beside its pixels."""

from scenario import Bar, Scenario

SCENARIO = Scenario(
    unit="picture",
    cases=("16x16", "640x480", "12 MP"),
    launches=5,
    rounds=9,
    bars=[
        Bar("lightmeter", metric="wall", at_most=0.53, ours="lightmeter_two", case="12 MP"),
        Bar("lightmeter", metric="wall", at_most=0.56, ours="lightmeter_two", case="640x480"),
        Bar("lightmeter", metric="wall", ours="lightmeter_two", case="16x16"),
        Bar("lightmeter", metric="cpu", ours="lightmeter_two"),
        Bar("pillow_decode", at_most=1.76, case="16x16"),
        Bar("pillow_decode", case="640x480"),
        Bar("pillow_decode", case="12 MP"),
    ],
)
