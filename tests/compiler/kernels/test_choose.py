"""Each step gets the fastest kernel that applies."""

import fast_networks
import pytest
import random_networks

from compiler import kernels, lower


@pytest.mark.parametrize("extreme", [False, True], ids=["any", "extreme"])
@pytest.mark.parametrize("name", fast_networks.networks(False))
def test_fast_kernels_are_chosen(name: str, extreme: bool) -> None:
    chosen = [kernels.choose(step).header for step in lower.steps(fast_networks.networks(extreme)[name])]
    assert set(chosen) - {"linear.h"} <= {"conv3x3_lanes.h", "linear_paired.h"}
    assert chosen[0] != "linear.h"


@pytest.mark.parametrize("name", random_networks.networks())
def test_the_chosen_kernel_has_the_fewest_cycles_of_those_that_apply(name: str) -> None:
    for step in lower.steps(random_networks.networks()[name]):
        candidates = kernels.candidates(step)
        assert candidates[0].name == kernels.reference(step).name
        assert kernels.choose(step).cycles == min(kernel.cycles for kernel in candidates)
