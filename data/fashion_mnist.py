"""Fashion-MNIST, by H. Xiao, K. Rasul and R. Vollgraf: photos of clothes in the format of MNIST."""

from __future__ import annotations

from pathlib import Path

from data import mnist
from data.examples import Interface
from data.readers.published import IdxFile, Published
from pictures.preparation import Preparation

# The classes as the authors name them, with hyphens for blanks.
CLASS_NAMES = (
    "T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle-boot",
)  # fmt: skip

# The sizes are those of MNIST.
FASHION_MNIST = Published(
    source="fashion-mnist",
    title="Fashion-MNIST",
    variable="FASHION_MNIST_DIR",
    interface=Interface((1, mnist.ROWS, mnist.COLS), CLASS_NAMES, Preparation("fit")),
    train_images=IdxFile(
        mnist.TRAINING_IMAGES.name,
        mnist.TRAINING_IMAGES.size,
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    ),
    train_labels=IdxFile(
        mnist.TRAINING_LABELS.name,
        mnist.TRAINING_LABELS.size,
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    ),
    test_images=IdxFile(
        mnist.TEST_IMAGES.name,
        mnist.TEST_IMAGES.size,
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    ),
    test_labels=IdxFile(
        mnist.TEST_LABELS.name,
        mnist.TEST_LABELS.size,
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
    installed=(Path("/usr/share/datasets/fashion-mnist"),),  # Debian's package dataset-fashion-mnist
)
