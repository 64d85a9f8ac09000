"""Charts and HTML from plain numbers."""
