"""Digits and answers for people: in the terminal, in a window, and pictures read from files."""
