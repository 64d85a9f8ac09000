"""What changed, in words: "saturation fell by 38 %"."""
