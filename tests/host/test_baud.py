"""Another baud rate."""

import numpy as np
import pytest
from fake_board import IMAGE, FakeBoard, connect, is_right, replace_line
from wire_damage import damage_each, damage_first, flip_bit, insert, lose, pass_nothing

from host import link
from host.board import Board
from host.errors import NoAnswer, PortError
from host.link.errors import UnsupportedBaud, suggested_rates


def test_both_sides_change_to_the_rate(board: Board, fake: FakeBoard) -> None:
    assert board.change_baud(1_000_000) == 1_000_000
    assert fake.rate == fake.baudrate == 1_000_000
    assert is_right(board.classify(IMAGE))
    assert board.change_baud(115_200) == 115_200
    assert fake.rate == fake.baudrate == 115_200
    assert is_right(board.classify(IMAGE))


def test_the_link_returns_to_the_default_rate_if_the_wire_is_too_bad(board: Board, fake: FakeBoard) -> None:
    reports: list[str] = []
    board.on_retry = reports.append
    assert board.change_baud(2_000_000) == link.DEFAULT_BAUD
    assert fake.rate == fake.baudrate == link.DEFAULT_BAUD
    assert reports == ["The board did not answer at 2000000 baud, so the link is back at 115200."]
    assert is_right(board.classify(IMAGE))


@pytest.mark.parametrize("baud", [-5, 57_600, 115_199, 115_201, 149_999, 2_000_001, 5_000_000_000])
def test_a_rate_outside_the_links_range_is_never_requested(board: Board, fake: FakeBoard, baud: int) -> None:
    with pytest.raises(PortError, match=f"cannot run at {baud} baud: choose 115200, or a rate from 150000"):
        board.change_baud(baud)
    assert fake.requests == []
    assert is_right(board.classify(IMAGE))


def test_a_refused_rate_is_reported_and_the_link_stays_as_it_was(board: Board, fake: FakeBoard) -> None:
    fake.rates.discard(1_000_000)
    with pytest.raises(UnsupportedBaud, match="cannot run at 1000000 baud from its clock of 72000000 Hz"):
        board.change_baud(1_000_000)
    assert fake.baudrate == link.DEFAULT_BAUD
    assert is_right(board.classify(IMAGE))


@pytest.mark.parametrize(
    ("clock", "suggestion"),
    [
        ("8000000", "from its clock of 8000000 Hz: choose 115200 or 200000."),
        ("72000000", ": choose 115200, 200000, 250000, 500000, 1000000 or 2000000."),
        ("unknown", ": choose 115200."),
    ],
)
def test_a_refusal_suggests_rates_that_the_clock_allows(clock: str, suggestion: str) -> None:
    error = UnsupportedBaud({"name": "baud", "baud": "500000", "clock": clock})
    assert str(error).endswith(suggestion)


@pytest.mark.parametrize("clock", [8_000_000, 24_000_000, 36_000_000, 72_000_000])
def test_suggested_rates_leave_the_board_enough_cycles_per_byte(clock: int) -> None:
    rates = suggested_rates(clock)
    assert rates[0] == link.DEFAULT_BAUD
    for rate in rates[1:]:
        assert clock % rate == 0
        assert clock / (rate / 10) >= link.MIN_CYCLES_PER_BYTE


def test_a_refusal_without_its_fields_is_still_a_sentence() -> None:
    assert str(UnsupportedBaud({})) == "The board cannot run at ? baud from its clock of ? Hz: choose 115200."


def test_a_port_that_cannot_run_at_the_rate_is_a_port_error(
    board: Board, fake: FakeBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: FakeBoard, baud: int) -> None:
        raise ValueError("Invalid baud rate")

    monkeypatch.setattr(FakeBoard, "baudrate", property(lambda _: link.DEFAULT_BAUD, refuse), raising=False)
    with pytest.raises(PortError, match=r"cannot run at 1000000 baud \(Invalid baud rate\): choose another"):
        board.change_baud(1_000_000)


# --- Recovery at a raised rate -----------------------------------------------------------------------

RAISED = 1_000_000


@pytest.fixture
def reports(board: Board) -> list[str]:
    """What a board at the raised rate reports from now on."""
    board.greet()
    assert board.change_baud(RAISED) == RAISED
    sentences: list[str] = []
    board.on_retry = sentences.append
    return sentences


@pytest.mark.parametrize("position", [1, 2, 400, 790])
def test_a_damaged_byte_costs_one_retry_at_the_same_rate(
    board: Board, fake: FakeBoard, reports: list[str], position: int
) -> None:
    fake.to_board = damage_first(flip_bit(position))
    prediction = board.classify(IMAGE)
    assert is_right(prediction) and len(prediction.retries) == 1
    assert board.baud == fake.rate == RAISED
    assert prediction.seconds < 1


def test_a_damaged_large_image_costs_one_retry_at_the_slowest_raised_rate() -> None:
    fake = FakeBoard((1, 64, 64))
    board = connect(fake)
    fake.rates.add(link.RAISED_BAUD)
    assert board.change_baud(link.RAISED_BAUD) == link.RAISED_BAUD
    fake.to_board = damage_first(insert(5, b"\0"))  # the rest of the frame still leaves the port
    image = np.zeros(fake.shape, np.uint8)
    prediction = board.classify(image)
    assert is_right(prediction, image) and len(prediction.retries) == 1
    assert board.baud == fake.rate == link.RAISED_BAUD


def test_a_lost_answer_costs_one_retry_at_the_same_rate(
    board: Board, fake: FakeBoard, reports: list[str]
) -> None:
    fake.to_host = damage_first(lose(0, 1000))
    prediction = board.classify(IMAGE)
    assert is_right(prediction) and len(prediction.retries) == 1
    assert board.baud == fake.rate == RAISED
    assert prediction.seconds < 0.5


@pytest.mark.parametrize("position", [1, 2, 400, 790, 796])
def test_the_host_finds_a_board_that_was_reset(
    board: Board, fake: FakeBoard, reports: list[str], position: int
) -> None:
    fake.reset_at = position
    prediction = board.classify(IMAGE)
    assert is_right(prediction)
    assert board.baud == fake.rate == fake.baudrate == link.DEFAULT_BAUD
    assert "The board did not answer at 1000000 baud, so the link is back at 115200." in reports
    assert prediction.seconds < 1


def test_the_host_finds_a_board_that_fell_back(board: Board, fake: FakeBoard, reports: list[str]) -> None:
    fake.fall_back()
    prediction = board.classify(IMAGE)
    assert is_right(prediction)
    assert board.baud == fake.rate == link.DEFAULT_BAUD
    assert prediction.seconds < 1


@pytest.mark.parametrize("network_seconds", [0.005, 0.104])  # linear, max
def test_the_board_follows_a_host_that_fell_back(
    board: Board, fake: FakeBoard, network_seconds: float
) -> None:
    fake.network_seconds = network_seconds
    board.greet()
    board.change_baud(RAISED)
    fake.to_board = damage_each([[lose(0, 1000)]] * 2)  # the request and the probe
    reported_at: list[float] = []
    board.on_retry = lambda _: reported_at.append(fake.now())
    started = fake.now()
    assert is_right(board.classify(IMAGE))
    assert board.baud == fake.rate == link.DEFAULT_BAUD
    assert reported_at[0] - started < 1


def test_an_idle_host_may_stay_at_the_rate(board: Board, fake: FakeBoard, reports: list[str]) -> None:
    fake.wait(3600)
    assert is_right(board.classify(IMAGE))
    assert board.baud == RAISED and reports == []


def test_a_slow_network_is_awaited(board: Board, fake: FakeBoard) -> None:
    fake.network_seconds = 0.4
    board.greet()
    board.change_baud(RAISED)
    prediction = board.classify(IMAGE)
    assert is_right(prediction) and prediction.retries == ()


def test_a_dead_board_is_reported_after_recovery_failed(
    board: Board, fake: FakeBoard, reports: list[str]
) -> None:
    fake.to_board = pass_nothing
    with pytest.raises(NoAnswer, match="No board answered on the board within 5 s: check its power"):
        board.classify(IMAGE)
    assert fake.baudrate == link.DEFAULT_BAUD


def test_a_slow_board_that_does_not_report_its_inference_time_answers(board: Board, fake: FakeBoard) -> None:
    def without_inference(line: str) -> list[str]:
        fields = link.parse_line(line).fields
        return [link.format_line("info", **{k: v for k, v in fields.items() if k != "inference"})]

    fake.garble = replace_line("info", without_inference)
    assert board.greet().inference == 0
    board.change_baud(RAISED)
    fake.network_seconds = 2.0
    assert is_right(board.classify(IMAGE))
    assert board.baud == fake.rate
