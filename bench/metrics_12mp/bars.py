"""A 12-megapixel RGB array, one thread: what each set of metrics costs, beside peers."""

from scenario import Bar, Scenario

SCENARIO = Scenario(
    unit="picture",
    bars=[
        Bar("pillow_hsv_entropy", at_least={"avx2": 7.5}),
        Bar("pillow_hsv_entropy", at_least={"avx2": 4}, ours="lightmeter_whylogs"),
        Bar("opencv_numpy", at_least=12),
        Bar("lightmeter_whylogs", at_most={"avx2": 2.6}, ours="lightmeter_all"),
        Bar("lightmeter_whylogs", ours="lightmeter_camera"),
        Bar("lightmeter_whylogs"),
    ],
    # OpenCV rounds in its conversions, and puts hue on a circle of 256 steps instead of 255.
    loose={
        ("opencv_numpy", "Hue.mean"): 2.0,
        ("opencv_numpy", "Hue.stddev"): 2.0,
        ("opencv_numpy", "Saturation.mean"): 1.0,
        ("opencv_numpy", "Saturation.stddev"): 1.0,
        ("opencv_numpy", "Luma.mean"): 0.1,
        ("opencv_numpy", "Luma.stddev"): 0.1,
        ("opencv_numpy", "dark_percent"): 0.5,
        ("opencv_numpy", "bright_percent"): 0.5,
        ("opencv_numpy", "Sharpness"): 2.0,
        ("opencv_numpy", "Noise"): 0.1,
        ("opencv_numpy", "Blockiness"): 0.02,
        ("opencv_numpy", "Hue.circular_mean"): 2.0,
        ("opencv_numpy", "Hue.concentration"): 0.02,
    },
)
