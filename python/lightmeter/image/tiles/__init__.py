"""Reading and measuring images larger than memory, tile by tile."""
