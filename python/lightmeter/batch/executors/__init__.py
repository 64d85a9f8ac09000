"""Who works through the blocks."""
