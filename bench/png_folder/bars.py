"""A folder of PNGs of 640x480, end to end: everything is decoded and measured."""

from scenario import Bar, Scenario

SCENARIO = Scenario(
    unit="picture",
    launches=5,
    rounds=3,
    bars=[
        Bar("pillow_decode", at_most=0.65),
        Bar("opencv_decode"),
    ],
)
