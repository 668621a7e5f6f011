"""Readers of data sets: IDX files, published sets, folders of pictures, scikit-learn's digits."""
