"""The kernels that apply to a step: at least one that is fast, for the layers that the fast ones are for."""

import fast_networks
import pytest
import random_networks

from compiler import kernels, lower
from compiler.kernels import choice
from compiler.network import Model
from compiler.target import Room


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


def reasons(model: Model, room: Room) -> list[dict[str, str]]:
    """Why other kernels do not compute the steps of a model, on a chip with this room."""
    steps = lower.steps(model)
    chosen = choice.choose(steps, [kernels.candidates(step) for step in steps], room)
    return choice.reasons(steps, chosen, room)


def test_a_kernel_that_does_not_apply_says_why() -> None:
    network = fast_networks.Network(1).conv(4, 8, pool=True).conv(4, 4, input_shift=1).conv(4, 4, padding=1)
    first, second, third, last = reasons(network.model(), Room(100_000, 100_000))
    assert first["conv3x3_winograd_1d"] == "its weights have 8 bits, not 4 or fewer"
    assert first["conv3x3_winograd_2d"] == "its inputs are up to 255, not 63 or less"
    assert second["conv3x3_winograd_1d"] == "it drops 1 bits of its inputs"
    assert "slower" in third["conv3x3_lanes"] or "slower" in third["conv3x3_winograd_1d"]
    assert last == {}


def test_a_convolution_of_another_shape_says_which() -> None:
    model = random_networks.networks()["padding_and_stride"]
    first, second, _ = reasons(model, Room(100_000, 100_000))
    assert set(first.values()) == {"its window is 5x5, not 3x3"}
    assert set(second.values()) == {"its window is 3x2, not 3x3"}
    groups = random_networks.networks()["groups"]
    assert set(reasons(groups, Room(100_000, 100_000))[1].values()) == {"it has 3 groups, not 1"}


def test_memory_is_a_reason() -> None:
    model = fast_networks.Network(1).conv(4, 4, maximum=63).conv(4, 4, pool=True, maximum=63).model()
    scarce = Room(100_000, 2 * 4 * 26 * 26)
    assert any("scratch memory do not fit" in reason for reason in reasons(model, scarce)[1].values())
    flash = sum(kernel.flash_bytes for kernel in map(kernels.reference, lower.steps(model)))
    assert any("flash do not fit" in reason for reason in reasons(model, Room(flash, 100_000))[1].values())
