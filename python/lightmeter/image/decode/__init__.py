"""Decoders of our own, which may leave any picture to Pillow."""
