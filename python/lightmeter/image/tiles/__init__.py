"""Images larger than memory: read in tiles, and measured tile by tile."""
