"""What people look at: the report of a comparison, as a page, a card or in a notebook."""
