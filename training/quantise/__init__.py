"""Quantisation-aware training: a float network in the integers of the chip."""
