"""The vocabulary of the suites, one file for each subject. BoardLibrary.py puts them together."""
