"""Checkpoints: what is saved is loaded again, and errors are one sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: invoke setup --train")

import torch

from common.errors import UserError
from compiler.network import Linear, Model
from training.loop.checkpoint import Checkpoint, EpochRecord, Progress, best_epoch

pytestmark = pytest.mark.train

ENVIRONMENT = {"torch": "2.0", "threads": 2}


@pytest.fixture
def checkpoint(tmp_path: Path) -> Checkpoint:
    return Checkpoint(tmp_path / "run" / "checkpoint.pt", ENVIRONMENT)


def progress() -> Progress:
    best = Model("best", (Linear(np.ones((10, 784), np.int8), np.arange(10, dtype=np.int32)),), 0.5)
    network, average, optimizer, float_average = ({"weight": torch.full((2,), float(n))} for n in range(4))
    history = [EpochRecord(0.5, 0.25, 0.75), EpochRecord(0.4, 0.2, 0.8)]
    return Progress(network, average, optimizer, float_average, history, best)


def test_what_is_saved_is_loaded_again(checkpoint: Checkpoint) -> None:
    saved = progress()
    assert checkpoint.load() is None
    checkpoint.save(saved)
    loaded = checkpoint.load()
    assert loaded is not None
    for name in ("network", "average", "optimizer", "float_average"):
        assert torch.equal(getattr(loaded, name)["weight"], getattr(saved, name)["weight"])
    assert loaded.history == saved.history
    assert loaded.best.checksum == saved.best.checksum and loaded.best.logit_scale == 0.5
    assert [path.name for path in checkpoint.path.parent.iterdir()] == ["checkpoint.pt"]
    checkpoint.delete()
    assert checkpoint.load() is None
    checkpoint.delete()


@pytest.mark.parametrize("damage", [b"", b"no checkpoint", b"PK\x03\x04 and then nothing"])
def test_a_damaged_checkpoint_is_one_sentence(damage: bytes, checkpoint: Checkpoint) -> None:
    checkpoint.path.parent.mkdir()
    checkpoint.path.write_bytes(damage)
    with pytest.raises(UserError, match=r"is damaged: start training again with --fresh\.$"):
        checkpoint.load()


def test_a_checkpoint_cut_in_half_is_one_sentence(checkpoint: Checkpoint) -> None:
    checkpoint.save(progress())
    content = checkpoint.path.read_bytes()
    checkpoint.path.write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match="is damaged"):
        checkpoint.load()


@pytest.mark.parametrize("name", ["environment", "network", "float_average", "history", "best"])
def test_a_checkpoint_without_one_of_its_parts_is_damaged(name: str, checkpoint: Checkpoint) -> None:
    checkpoint.save(progress())
    state = torch.load(checkpoint.path, weights_only=True)
    torch.save({key: value for key, value in state.items() if key != name}, checkpoint.path)
    with pytest.raises(UserError, match="is damaged"):
        checkpoint.load()


def test_a_checkpoint_with_other_objects_than_tensors_is_damaged(checkpoint: Checkpoint) -> None:
    # torch.load could run code for them.
    checkpoint.save(progress())
    state = torch.load(checkpoint.path, weights_only=True)
    torch.save(state | {"network": {"weight": Path("anything")}}, checkpoint.path)
    with pytest.raises(UserError, match="is damaged"):
        checkpoint.load()


def test_a_checkpoint_of_another_environment_is_refused(checkpoint: Checkpoint) -> None:
    checkpoint.save(progress())
    other = Checkpoint(checkpoint.path, ENVIRONMENT | {"threads": 4})
    with pytest.raises(UserError, match="is an unfinished run with threads 2, not 4: restore that"):
        other.load()


@pytest.mark.parametrize(
    ("losses", "best"),
    [([0.3, 0.1, 0.2], 2), ([0.1, 0.2, 0.3], 1), ([0.3, 0.2, 0.1], 3), ([0.2, 0.1, 0.1], 2)],
)
def test_the_best_epoch_has_the_smallest_held_out_loss(losses: list[float], best: int) -> None:
    # Training loss and accuracy would choose other epochs.
    history = [EpochRecord(9 - number, loss, 0.5 + loss) for number, loss in enumerate(losses)]
    assert best_epoch(history) == best
