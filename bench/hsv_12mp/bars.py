"""A 12-megapixel RGB array, one thread: exact distributions and moments of H, S and V.

lightmeter's one figure, which also holds the entropy of the colour channels, stands against each.
"""

from scenario import Bar, Scenario

SCENARIO = Scenario(
    unit="picture",
    bars=[
        Bar("pillow_hsv", at_least={"avx2": 6}),
        Bar("opencv_hsv", at_least={"avx2": 1.6}),
    ],
    # OpenCV rounds, and puts hue on a circle of 256 steps instead of 255.
    loose={
        ("opencv_hsv", "Hue.mean"): 2.0,
        ("opencv_hsv", "Hue.stddev"): 2.0,
        ("opencv_hsv", "Saturation.mean"): 1.0,
        ("opencv_hsv", "Saturation.stddev"): 1.0,
    },
)
