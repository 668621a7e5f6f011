"""The data sets, read without torch."""
