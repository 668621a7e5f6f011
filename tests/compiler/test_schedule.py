"""The schedule: data in use never overlaps, leading steps stream, and no part runs too long."""

from dataclasses import astuple, replace
from itertools import pairwise

import pytest
import random_networks

from compiler import kernels, lower, schedule
from compiler.kernels import costs
from compiler.kernels.kernel import Cost


@pytest.mark.parametrize("name", random_networks.networks())
def test_activations_in_use_never_overlap(name: str) -> None:
    steps = lower.steps(random_networks.networks()[name])
    chosen = [replace(kernels.candidates(step)[-1], scratch_bytes=100 + step.index) for step in steps]
    for streaming in range(len(steps)):
        plan = schedule.plan_arena(steps, chosen, streaming)
        outputs = [
            (offset, step.target.bytes) for offset, step in zip(plan.outputs[:-1], steps, strict=False)
        ]
        for index in range(len(steps)):
            together = range(streaming) if index < streaming else [index]
            # Its input, output and scratch memory; the inputs and outputs of the steps that stream with it.
            used = {output for other in together for output in outputs[max(other - 1, 0) : other + 1]}
            places = sorted([*used, (plan.scratch[index], 100 + steps[index].index)])
            assert all(start % 4 == 0 for start, _ in places)
            assert all(start + size <= following for (start, size), (following, _) in pairwise(places))
            assert sum(places[-1]) <= plan.size


def test_layers_stream_while_they_compute_rows_and_the_arena_has_room() -> None:
    builder = random_networks.Builder(1).conv(4).maxpool(2).conv(4, padding=1).conv(2, stride=2).avgpool(2)
    steps = lower.steps(builder.conv(2, 2).model())
    chosen = [kernels.reference(step) for step in steps]
    assert [schedule.plan_arena(steps, chosen, count).size for count in range(4)] == [1352, 1352, 1352, 1424]
    assert schedule.streaming_steps(steps, chosen, 1424) == 3
    assert schedule.streaming_steps(steps, chosen, 1423) == 2
    assert schedule.streaming_steps(steps[3:], chosen[3:], 1424) == 0


def test_rows_of_a_layer_depend_on_rows_of_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    builder = random_networks.Builder(1).conv(4).maxpool(2).conv(4, padding=1).conv(2, stride=2).avgpool(2)
    steps = lower.steps(builder.conv(2, 2).model())
    monkeypatch.setitem(costs.CYCLES, "made-up", {"call": 100, "row": 20})
    monkeypatch.setitem(costs.MARGINS, "made-up", 2)
    # A call of n rows takes at most 2 * (100 + 20 * n) cycles, and the whole of the average pooling 2,040.
    calls = [10 if step.layer.kind == "avgpool2d" else 1 for step in steps]
    costs_of_steps = [Cost("made-up", {"call": count}, {"row": 1}) for count in calls]
    chosen = [
        replace(kernels.reference(step), cost=cost) for step, cost in zip(steps, costs_of_steps, strict=True)
    ]
    monkeypatch.setattr(schedule, "CYCLES_WHILE_RECEIVING", 400)
    monkeypatch.setattr(schedule, "CYCLES_PER_CALL", 600)
    rows = [astuple(rows) for rows in schedule.plan_rows(steps, chosen, streaming=3)]
    # In the order of the fields of Rows.
    assert rows == [
        (13, 28, 4, 2, 5, 10),
        (13, 13, 2, 1, 5, 10),
        (6, 13, 3, 2, 5, 6),
        (1, 6, 6, 1, 0, 1),
        (2, 1, 1, 1, 2, 2),
        (1, 2, 2, 1, 0, 1),
    ]


@pytest.mark.parametrize("name", random_networks.networks())
def test_a_step_is_complete_only_after_those_before_it(name: str) -> None:
    """Otherwise a later step could overwrite the input of an unfinished one."""
    rows = [stage.rows for stage in schedule.plan(random_networks.networks()[name]).stages]
    assert [step.input_rows for step in rows[1:]] == [step.output_rows for step in rows[:-1]]
