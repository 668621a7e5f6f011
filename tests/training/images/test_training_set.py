"""Data sets for training: downloads, limits and shapes."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: invoke setup --train")

from common.errors import UserError
from data import mnist
from data.readers.published import cache_folder, read
from training.images import training_set
from training.images.training_set import load
from training.images.vision import torchvision

pytestmark = pytest.mark.train

# The folder with the training images before a test chooses another cache.
SOURCE = Path(os.environ.get("MNIST_DIR") or mnist.published().cache)

needs_training_set = pytest.mark.skipif(
    not mnist.published().is_complete(),
    reason="the training images are not on this machine: set MNIST_DIR to a folder that has them",
)


class TestMnist:
    @pytest.fixture(autouse=True)
    def empty_cache(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        monkeypatch.delenv("MNIST_DIR", raising=False)

    @pytest.fixture
    def no_network(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A server that refuses connections: nothing listens on the discard port of this machine."""
        monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", ["http://127.0.0.1:9/"])

    @needs_training_set
    def test_mnist_dir_comes_first(self, monkeypatch: pytest.MonkeyPatch, no_network: None) -> None:
        monkeypatch.setenv("MNIST_DIR", str(SOURCE))
        train = load("mnist").train
        assert train.images.shape == (60_000, 1, 28, 28) and train.labels[:5].tolist() == [5, 0, 4, 1, 9]
        assert train.images.dtype == train.labels.dtype == np.uint8

    @needs_training_set
    def test_the_cache_of_torchvisions_download_is_read(self, no_network: None) -> None:
        raw = mnist.published().cache
        raw.mkdir(parents=True)
        assert not mnist.published().is_complete()
        for file in (mnist.TRAINING_IMAGES, mnist.TRAINING_LABELS):
            (raw / file.name).write_bytes(read(SOURCE, file, "MNIST"))
        assert mnist.published().is_complete()
        assert load("mnist").train.labels[:5].tolist() == [5, 0, 4, 1, 9]
        (raw / mnist.TRAINING_LABELS.name).unlink()
        assert not mnist.published().is_complete()

    def test_no_images_and_no_network_is_one_sentence(self, no_network: None) -> None:
        with pytest.raises(UserError, match=r"MNIST is not on .* check the network, or set MNIST_DIR to"):
            load("mnist")

    def test_the_download_waits_at_most_30_seconds_for_the_server(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        calls = []

        def download(root: Path, **options: object) -> None:
            calls.append((root, options, socket.getdefaulttimeout()))
            raise OSError

        monkeypatch.setattr(torchvision.datasets, "MNIST", download)
        socket.setdefaulttimeout(7)
        try:
            with pytest.raises(UserError, match="cannot be downloaded"):
                load("mnist")
            assert calls == [(cache_folder(), {"download": True}, 30)] and socket.getdefaulttimeout() == 7
        finally:
            socket.setdefaulttimeout(None)

    def test_an_mnist_dir_that_is_not_a_folder_is_named(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("MNIST_DIR", str(tmp_path / "nowhere"))
        with pytest.raises(UserError, match=r"MNIST_DIR is .*nowhere, which is not a folder"):
            load("mnist")

    def test_a_truncated_file_in_the_cache_is_named(self) -> None:
        raw = mnist.published().cache
        raw.mkdir(parents=True)
        for file in (mnist.TRAINING_IMAGES, mnist.TRAINING_LABELS):
            (raw / file.name).write_bytes(b"truncated")
        with pytest.raises(UserError, match=r"has 9 bytes .*; delete it, and the next run downloads it"):
            load("mnist")


@pytest.mark.parametrize(
    ("limit", "images", "complaint"),
    [
        (0, None, "can be limited to 1 image or more, not 0"),
        (-1, None, "can be limited to 1 image or more"),
        (55_001, 55_000, "can be limited to 1 to 55,000 images, not 55,001"),
    ],
)
def test_a_limit_out_of_range_is_refused(limit: int, images: int | None, complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        training_set.check_limit(limit, images)


@pytest.mark.parametrize(("limit", "images"), [(None, 9), (1, None), (1, 9), (9, 9)])
def test_a_limit_in_range_is_accepted(limit: int | None, images: int | None) -> None:
    training_set.check_limit(limit, images)
