"""Describing changes in words: "saturation fell by 38 %"."""
