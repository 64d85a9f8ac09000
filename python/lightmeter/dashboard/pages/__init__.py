"""The pages: all datasets, a dataset or segment, a feature, a bucket."""
