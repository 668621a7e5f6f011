"""The training images: the folders they come from, errors, and the held-out images."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: invoke setup --train")

from common.errors import UserError
from data import mnist
from data.examples import Examples
from training.images import training_set
from training.images.training_set import cache_folder, is_available, load_training_set, split
from training.images.vision import torchvision

pytestmark = pytest.mark.train

# The folder with the training images before a test chooses another cache.
SOURCE = Path(os.environ.get("MNIST_DIR") or cache_folder() / "MNIST" / "raw")

needs_training_set = pytest.mark.skipif(
    not is_available(),
    reason="the training images are not on this machine: set MNIST_DIR to a folder that has them",
)


class TestLoading:
    @pytest.fixture(autouse=True)
    def empty_cache(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        monkeypatch.delenv("MNIST_DIR", raising=False)

    @pytest.fixture
    def no_network(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A server that refuses connections: nothing listens on the discard port of this machine."""
        monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", ["http://127.0.0.1:9/"])

    @needs_training_set
    def test_mnist_dir_comes_first_and_the_cache_second(
        self, monkeypatch: pytest.MonkeyPatch, no_network: None
    ) -> None:
        monkeypatch.setenv("MNIST_DIR", str(SOURCE))
        first = load_training_set()
        monkeypatch.delenv("MNIST_DIR")
        second = load_training_set()
        assert first.images.shape == (60_000, 1, 28, 28) and first.labels[:5].tolist() == [5, 0, 4, 1, 9]
        assert first.images.dtype == first.labels.dtype == np.uint8
        np.testing.assert_array_equal(first.images, second.images)

    @needs_training_set
    def test_images_are_available_in_mnist_dir_or_in_the_cache(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert not is_available()
        monkeypatch.setenv("MNIST_DIR", str(SOURCE))
        assert is_available()
        load_training_set()
        monkeypatch.delenv("MNIST_DIR")
        assert is_available()
        (cache_folder() / "MNIST" / "raw" / mnist.TRAINING_LABELS.name).unlink()
        assert not is_available()

    def test_no_images_and_no_network_is_one_sentence(self, no_network: None) -> None:
        with pytest.raises(UserError, match=r"cannot be downloaded: check the network, or set MNIST_DIR"):
            load_training_set()

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
                load_training_set()
            assert calls == [(cache_folder(), {"download": True}, 30)] and socket.getdefaulttimeout() == 7
        finally:
            socket.setdefaulttimeout(None)

    @needs_training_set
    def test_a_damaged_copy_in_the_cache_is_replaced_by_mnist_dirs_file(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("MNIST_DIR", str(SOURCE))
        raw = cache_folder() / "MNIST" / "raw"
        raw.mkdir(parents=True)
        good = mnist.read(SOURCE, mnist.TRAINING_LABELS)
        (raw / mnist.TRAINING_LABELS.name).write_bytes(good[:-1] + b"\xff")
        assert load_training_set().labels[-1] == good[-1]
        assert {path.name for path in raw.iterdir()} == {file.name for file in mnist.FILES}

    def test_an_mnist_dir_that_is_not_a_folder_is_named(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("MNIST_DIR", str(tmp_path / "nowhere"))
        with pytest.raises(UserError, match=r"MNIST_DIR is .*nowhere, which is not a folder"):
            load_training_set()

    def test_a_missing_file_in_mnist_dir_is_named(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("MNIST_DIR", str(tmp_path))
        with pytest.raises(UserError, match=r"train-images-idx3-ubyte .*is not in"):
            load_training_set()

    def test_a_truncated_file_in_the_cache_is_named(self) -> None:
        raw = cache_folder() / "MNIST" / "raw"
        raw.mkdir(parents=True)
        for file in (mnist.TRAINING_IMAGES, mnist.TRAINING_LABELS):
            (raw / file.name).write_bytes(b"truncated")
        with pytest.raises(UserError, match=r"has 9 bytes .*; delete it, and the next run downloads it"):
            load_training_set()


def test_held_out_images_are_never_trained_on() -> None:
    digits = Examples(np.arange(60_000), np.arange(60_000))
    training, held_out = split(digits)
    assert len(held_out) == 5_000
    assert sorted([*training.labels, *held_out.labels]) == list(range(60_000))
    limited, same = split(digits, limit=100)
    assert limited.labels.tolist() == training.labels[:100].tolist()
    assert same.labels.tolist() == held_out.labels.tolist()


def test_the_held_out_images_are_those_of_the_committed_models() -> None:
    numbers = np.arange(60_000)
    training, held_out = split(Examples(numbers, numbers))
    assert held_out.labels[:3].tolist() == [4013, 23840, 29603]
    assert training.labels[:3].tolist() == [12257, 36706, 6949]


@pytest.mark.parametrize("limit", [0, -1, 55_001])
def test_a_limit_out_of_range_is_refused(limit: int) -> None:
    with pytest.raises(UserError, match="can be limited to 1 to 55,000 images"):
        training_set.check_limit(limit)


@pytest.mark.parametrize("limit", [None, 1, 55_000])
def test_a_limit_in_range_is_accepted(limit: int | None) -> None:
    training_set.check_limit(limit)
