"""Decoders of our own, which may leave any picture to Pillow."""

# The Pillow whose parsers `pillow_rules.cpp` and `png_chunks.py` follow, and with which tests of
# damaged files compare. Every Pillow in use has to agree on the small files of `trusted.py` first.
COMPARED_WITH = "Pillow 13.0.0"
