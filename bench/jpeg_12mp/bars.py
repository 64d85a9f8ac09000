"""A 12-megapixel JPEG file, one thread, from the file to the profile.

Pillow keeps the memory of a picture for the next one here (`set_blocks_max`). Otherwise 36 MB of
fresh pages may cost as much as half of its decoding, in some processes.
"""

from scenario import Bar, Scenario

SCENARIO = Scenario(
    unit="picture",
    bars=[
        Bar("pillow_decode", at_most=0.85, ours="lightmeter_whylogs"),
        Bar("pillow_decode", at_most=0.95),
    ],
)
