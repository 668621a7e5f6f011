"""What all kernels share: packed weights."""

import numpy as np

from compiler.kernels.kernel import pack_bits


def test_weights_share_bytes() -> None:
    weights = np.array([[-7, 7, 0], [1, -1, 3], [5, 6, -3]], np.int8)
    assert [byte & 0xFF for byte in pack_bits(weights, 4).tolist()] == [0x79, 0x10, 0x3F, 0x65, 0x0D]
    assert pack_bits(weights, 8) is weights
    two_bits = np.array([1, 0, -1, 1, -1], np.int8)
    assert [byte & 0xFF for byte in pack_bits(two_bits, 2).tolist()] == [0b01_11_00_01, 0b11]
