"""Cycles, instructions, flash and SRAM."""
