"""The board's thread: the newest picture wins, each picture ends once, and the board is found again."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from fake_board import FakeBoard, logits_of
from fake_page import Events, FakeInspector, FakeSupply
from wire_damage import pass_nothing

from host.page.damage import EXPERIMENTS
from host.page.events import Answer, Experiment, Failed, Gone, Ready, Skipped, Starting, Transfer
from host.page.worker import BoardWorker, Picture


def picture(identity: int) -> Picture:
    return Picture(identity, np.full((1, 28, 28), identity, np.uint8))


def test_a_board_is_started_and_described(worker: BoardWorker, events: Events, supply: FakeSupply) -> None:
    assert events.next(Starting).board == "the fake board"
    ready = events.next(Ready)

    assert ready.model == "linear"
    assert ready.shape == (1, 28, 28)
    assert ready.recovered is None
    assert worker.state == ready
    assert supply.starts == 1


def test_an_answer_is_the_chips_and_shows_the_bytes_on_the_wire(worker: BoardWorker, events: Events) -> None:
    worker.submit(picture(3))
    answer = events.next(Answer)

    assert answer.id == 3
    assert answer.image == bytes([3] * 784)
    assert answer.logits == logits_of(answer.image)
    assert answer.label == answer.logits.index(max(answer.logits))
    assert answer.shares is not None
    assert sum(answer.shares) == pytest.approx(1)
    assert answer.wire_out == pytest.approx(10 / 115.2 * (784 + 10 + 2 + 4), rel=0.01)
    assert 0 < answer.wire_back < 30


def test_shares_need_the_models_file(worker: BoardWorker, events: Events, inspector: FakeInspector) -> None:
    inspector.checksum = 1
    worker.submit(picture(3))

    assert events.next(Answer).shares is None


def test_the_newest_picture_wins_and_each_one_ends_once(
    worker: BoardWorker, events: Events, fake_port: FakeBoard
) -> None:
    events.next(Ready)
    computing, may_end = threading.Event(), threading.Event()

    def slow(pixels: bytes) -> tuple[int, ...]:
        computing.set()
        may_end.wait(5)
        return logits_of(pixels)

    fake_port.network = slow
    worker.submit(picture(0))
    assert computing.wait(5)
    for identity in (1, 2, 3):
        worker.submit(picture(identity))
    may_end.set()

    ends = [
        (type(event), event.id) for event in events.take(4) if isinstance(event, Answer | Skipped | Failed)
    ]
    assert ends == [(Skipped, 1), (Skipped, 2), (Answer, 0), (Answer, 3)]


def test_a_board_that_ends_is_noticed_within_a_second_and_started_again(
    worker: BoardWorker, events: Events, supply: FakeSupply
) -> None:
    events.next(Ready)
    supply.alive = False

    gone = events.next(Gone)
    assert not gone.unplugged
    assert "ended by itself" in gone.sentence
    events.next(Ready)
    assert supply.starts == 2
    worker.submit(picture(1))
    assert events.next(Answer).id == 1


def test_a_port_that_disappears_is_noticed(
    worker: BoardWorker, events: Events, fake_port: FakeBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    events.next(Ready)

    def gone(_: int = 1) -> bytes:
        raise OSError("device disappeared")

    with monkeypatch.context() as patch:
        patch.setattr(fake_port, "read", gone)
        assert "device disappeared" in events.next(Gone).sentence
    events.next(Ready)


def test_without_a_board_a_picture_fails_at_once(
    worker: BoardWorker, events: Events, supply: FakeSupply
) -> None:
    events.next(Ready)
    worker.unplug()
    assert events.next(Gone).unplugged
    worker.submit(picture(5))

    failed = events.next(Failed)
    assert failed.id == 5
    assert "no board" in failed.sentence


def test_the_plug_is_pulled_and_put_in_again(worker: BoardWorker, events: Events, supply: FakeSupply) -> None:
    events.next(Ready)
    worker.unplug()
    events.next(Gone)
    assert supply.starts == 1
    worker.plug_in()

    assert events.next(Ready).recovered is not None
    assert (supply.starts, supply.stops) == (2, 1)


def test_the_plug_of_a_real_board_is_not_pulled_from_here(
    worker: BoardWorker, events: Events, supply: FakeSupply
) -> None:
    events.next(Ready)
    supply.cannot_unplug = "Pull the cable of the real board yourself."
    worker.unplug()
    worker.submit(picture(1))

    assert isinstance(events.take(1)[0], Answer)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_ends_with_the_expected_error_and_the_same_answer(
    name: str, worker: BoardWorker, events: Events
) -> None:
    worker.submit(picture(3))
    before = events.next(Answer)
    worker.experiment(name)

    experiment = events.next(Experiment)
    assert experiment.passed
    assert (experiment.actual == "") == (name == "repeat-frame")
    assert events.next(Answer).logits == before.logits


def test_an_experiment_without_an_answer_fails_and_keeps_the_board(
    worker: BoardWorker, events: Events, fake_port: FakeBoard, supply: FakeSupply
) -> None:
    worker.submit(picture(3))
    events.next(Answer)
    fake_port.to_host = pass_nothing
    worker.experiment("flip-bit")

    assert "No answer" in events.next(Failed).sentence
    assert supply.starts == 1


def test_frames_and_lines_are_recorded_with_their_meaning(worker: BoardWorker, events: Events) -> None:
    events.next(Ready)
    worker.submit(picture(3))

    sent = events.next(Transfer)
    assert sent.outgoing
    assert sent.kind == "classify"
    assert "payload 784 bytes" in sent.decoded
    kinds = []
    while "result" not in kinds:
        kinds.append(events.next(Transfer).kind)
    assert "text" in kinds
