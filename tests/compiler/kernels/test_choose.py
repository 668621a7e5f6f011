"""The kernels that apply to a step: at least one that is fast, for the layers that the fast ones are for."""

import fast_networks
import pytest
import random_networks

from compiler import kernels, lower


@pytest.mark.parametrize("extreme", [False, True], ids=["any", "extreme"])
@pytest.mark.parametrize("name", fast_networks.networks(False))
def test_a_fast_kernel_applies(name: str, extreme: bool) -> None:
    for step in lower.steps(fast_networks.networks(extreme)[name]):
        readable, *others = kernels.candidates(step)
        is_last = step.target.shape == (10,)
        assert is_last or any(kernel.cycles < readable.cycles for kernel in others)


@pytest.mark.parametrize("name", random_networks.networks())
def test_the_reference_kernel_is_the_first_candidate(name: str) -> None:
    for step in lower.steps(random_networks.networks()[name]):
        assert kernels.candidates(step)[0].name == kernels.reference(step).name
