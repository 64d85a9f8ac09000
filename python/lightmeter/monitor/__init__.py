"""Rules for the buckets of a dataset, and what they say of each."""
