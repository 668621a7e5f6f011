"""Augmentation and the running average."""

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: invoke setup --train")

from torch import nn  # noqa: E402

from data import mnist  # noqa: E402
from training import train  # noqa: E402
from training.augment import augmented, draw_maps  # noqa: E402
from training.average import Average  # noqa: E402
from training.models import Augmentation  # noqa: E402

pytestmark = pytest.mark.train


@pytest.fixture
def images():
    return train.as_input(mnist.load_test_set().images[:200])


def centre(images):
    """The centre of the ink, (N, 2): column and row."""
    places = torch.arange(28.0)
    ink = images.sum(dim=(1, 2, 3))
    return torch.stack(
        [(images.sum(dim=(1, 2)) * places).sum(dim=1), (images.sum(dim=(1, 3)) * places).sum(dim=1)], dim=1
    ) / ink.unsqueeze(1)


def drawn(images, how, seed):
    return augmented(images, draw_maps(len(images), how, torch.Generator().manual_seed(seed)))


def test_no_augmentation_needs_no_maps() -> None:
    assert draw_maps(5, Augmentation(), torch.Generator()) is None


@pytest.mark.parametrize(
    "how",
    [Augmentation(shift=2), Augmentation(15, 0.1, 0.2, 2)],
    ids=["moved", "all"],
)
def test_images_stay_images_and_follow_from_the_seed(images, how) -> None:
    first, second, again = (drawn(images, how, seed) for seed in (3, 4, 3))
    assert first.shape == images.shape and first.min() >= 0 and first.max() <= 1.0001
    assert torch.equal(first, again) and not torch.equal(first, second)
    kept = first.sum() / images.sum()
    assert 0.9 < kept < 1.1


def test_a_shift_moves_the_ink_by_as_many_pixels(images) -> None:
    moved = (centre(drawn(images, Augmentation(shift=2), 0)) - centre(images)).abs()
    assert 1.8 < moved.max() < 2.1 and 0.8 < moved.mean() < 1.2


def test_a_rotation_leaves_the_middle_where_it_is(images) -> None:
    turned = drawn(images, Augmentation(rotation=30), 0)
    assert (centre(turned) - centre(images)).abs().max() < 1.5
    assert (turned - images).abs().mean() > 0.02


def test_an_average_follows_slowly_and_soon_forgets_the_start() -> None:
    network = nn.BatchNorm1d(3)
    average = Average(network, 0.9)
    nn.init.constant_(network.weight, 5.0)
    network.num_batches_tracked += 7
    average.update(network, 0)
    assert average.network.weight.tolist() == [5, 5, 5] and average.network.num_batches_tracked == 7
    nn.init.constant_(network.weight, 6.0)
    average.update(network, 10_000)
    assert average.network.weight.tolist() == pytest.approx([5.1] * 3)
    assert not average.network.training and network.training


def test_no_average_is_the_network_itself() -> None:
    network = nn.Linear(2, 2)
    average = Average(network, 0.0)
    nn.init.constant_(network.weight, 5.0)
    average.update(network, 99)
    assert torch.equal(average.network.weight, network.weight)
