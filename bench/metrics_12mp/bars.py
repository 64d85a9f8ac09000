"""A 12-megapixel RGB array, one thread: what each set of metrics costs, beside peers."""

from scenario import Bar, Scenario

# OpenCV rounds in its conversions, and puts hue on a circle of 256 steps instead of 255.
ROUNDED = {
    **dict.fromkeys(("Hue.mean", "Hue.stddev", "Hue.circular_mean", "Sharpness"), 2.0),
    **dict.fromkeys(("Saturation.mean", "Saturation.stddev"), 1.0),
    **dict.fromkeys(("dark_percent", "bright_percent"), 0.5),
    **dict.fromkeys(("Luma.mean", "Luma.stddev", "Noise"), 0.1),
    **dict.fromkeys(("Blockiness", "Hue.concentration"), 0.02),
}
SCENARIO = Scenario(
    unit="picture",
    bars=[
        Bar("pillow_hsv_entropy", at_least={"avx2": 7.5}),
        Bar("pillow_hsv_entropy", at_least={"avx2": 4}, ours="lightmeter_whylogs"),
        Bar("opencv_numpy", at_least=12),
        Bar("lightmeter_whylogs", at_most={"avx2": 2.6}, ours="lightmeter_all"),
    ],
    # OpenCV rounds in its conversions, and puts hue on a circle of 256 steps instead of 255.
    loose={("opencv_numpy", name): allowed for name, allowed in ROUNDED.items()},
)
