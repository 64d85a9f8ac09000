"""Measuring one image: its pixels, header and Exif, or the reason for a failure."""
