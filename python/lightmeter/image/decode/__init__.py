"""Decoders of our own, which may leave any image to Pillow."""
