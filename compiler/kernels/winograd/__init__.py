"""The kernels that transform inputs and weights to multiply less: firmware/network/winograd.

A file for each kernel, and pairs.py for what they share.
"""

from compiler.kernels.winograd import conv3x3_winograd_1d, conv3x3_winograd_2d

__all__ = ["conv3x3_winograd_1d", "conv3x3_winograd_2d"]
