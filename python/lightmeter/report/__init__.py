"""Reports of comparisons, as a page, a card or in a notebook."""
