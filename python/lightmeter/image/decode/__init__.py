"""Our own decoders, which may leave any image to Pillow."""
