"""Layers become steps: fused max pooling, and no rows or columns that no later step reads."""

from __future__ import annotations

import random_networks

from compiler import lower


def test_rows_and_columns_that_no_step_reads_are_not_computed() -> None:
    def shapes(builder: random_networks.Builder) -> list[tuple[int, ...]]:
        return [step.target.shape for step in lower.steps(builder.model())]

    # 28 - 3 + 1 = 26, halved 13, of which windows of 3 pooled by 2 see 12.
    builder = random_networks.Builder(1).conv(2).maxpool(2).conv(2).maxpool(2)
    assert shapes(builder) == [(2, 12, 12), (2, 5, 5), (10,)]
    builder = random_networks.Builder(1).conv(2, (3, 2)).conv(2, (2, 4), stride=3)
    assert shapes(builder) == [(2, 26, 25), (2, 9, 8), (10,)]
    # The padding after the last row stands for rows that are read.
    builder = random_networks.Builder(1).conv(2, padding=1).conv(2, padding=1).avgpool(5)
    assert shapes(builder) == [(2, 26, 26), (2, 25, 25), (2, 5, 5), (10,)]
