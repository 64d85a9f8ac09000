"""How a message reaches somebody."""
