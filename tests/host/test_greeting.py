"""Finding a board: booting, slow, silent, or something else altogether."""

import pytest
from fake_board import IMAGE, FakeBoard, is_right
from wire_damage import flip_bit, pass_nothing

import host.board
from host import link
from host.board import Board
from host.errors import CorruptAnswer, NoAnswer, NotThisFirmware
from host.link.errors import ChecksumMismatch, UnsupportedVersion


@pytest.fixture
def board(fake: FakeBoard) -> Board:
    """A client that has not greeted the board."""
    return Board(fake)


def test_a_booting_board_is_found(board: Board, fake: FakeBoard) -> None:
    fake.boot()
    assert board.greet().model == "linear"


def test_a_board_that_boots_within_the_timeout_is_found(board: Board, fake: FakeBoard) -> None:
    fake.ignore_bytes_until(3.0)
    assert board.greet(boot_timeout=5).model == "linear"


def test_garbage_in_the_port_is_skipped(board: Board, fake: FakeBoard) -> None:
    fake.send(b"\xff\x00@resu\xfelt la")
    assert board.greet().model == "linear"


def test_a_board_in_the_middle_of_a_frame_is_found(board: Board, fake: FakeBoard) -> None:
    fake.write(link.encode_frame(2, 3, IMAGE.tobytes())[:500])
    assert board.greet().model == "linear"


def test_silence_is_reported_with_what_to_check(board: Board, fake: FakeBoard) -> None:
    fake.to_board = pass_nothing
    with pytest.raises(NoAnswer, match=r"within 2 s: check its power.*PA10"):
        board.greet(boot_timeout=2)
    assert fake.now() == pytest.approx(2)


@pytest.mark.parametrize("sent", [b"debian login: ", b"\xf0\xf8\x80" * 9, b"ERROR\r\n" * 3, b"@boot\r\n"])
def test_another_device_is_reported_with_what_it_sent(board: Board, fake: FakeBoard, sent: bytes) -> None:
    def answer(_: bytes) -> bytes:
        fake.send(sent)
        return b""

    fake.to_board = answer
    with pytest.raises(NotThisFirmware, match="as it sent '") as caught:
        board.greet(boot_timeout=2)
    assert "\n" not in str(caught.value)
    assert fake.now() < 4


def test_at_least_one_request_is_sent(board: Board, fake: FakeBoard) -> None:
    fake.to_host = pass_nothing
    with pytest.raises(NoAnswer):
        board.greet(boot_timeout=0)
    assert len(fake.requests) == 1


def test_an_echo_is_not_a_board(board: Board, fake: FakeBoard) -> None:
    def echo(data: bytes) -> bytes:
        fake.send(data)
        return b""

    fake.to_board = echo
    with pytest.raises(NotThisFirmware):
        board.greet(boot_timeout=2)


@pytest.mark.parametrize("stream", [b"login:\r\n" * 20_000, b"\xaa" * 200_000])
def test_a_device_that_never_pauses_is_given_up(board: Board, fake: FakeBoard, stream: bytes) -> None:
    fake.send(stream)
    with pytest.raises(NotThisFirmware):
        board.greet(boot_timeout=2)
    assert fake.now() < 4


def test_a_board_with_another_version_of_the_link_is_refused(board: Board, fake: FakeBoard) -> None:
    fake.link_version = 3
    with pytest.raises(UnsupportedVersion, match="different versions"):
        board.greet()
    fake.link_version = link.VERSION
    fake.garble = lambda line: [fake.info_line(fake.requests[-1].sequence, link=1)]
    with pytest.raises(UnsupportedVersion):
        board.greet()


def test_an_incomplete_info_line_is_refused(board: Board, fake: FakeBoard) -> None:
    fake.garble = lambda line: [line.replace("stack", "stock"), fake.info_line(0)]
    with pytest.raises(CorruptAnswer):
        board.greet(boot_timeout=1)


def test_a_board_on_a_noisy_wire_is_reported_with_its_own_error(board: Board, fake: FakeBoard) -> None:
    fake.to_board = flip_bit(2, bit=0)
    with pytest.raises(ChecksumMismatch):
        board.greet(boot_timeout=2)


# --- Board.open --------------------------------------------------------------------------------------


@pytest.fixture
def url(fake: FakeBoard, monkeypatch: pytest.MonkeyPatch) -> str:
    """A port with the fake board."""
    monkeypatch.setattr(host.board, "open_port", {"fake://": fake}.__getitem__)
    return "fake://"


def test_open_waits_for_the_board_and_uses_the_default_rate(fake: FakeBoard, url: str) -> None:
    with Board.open(url) as board:
        assert [request.command for request in fake.requests] == [link.Command.INFO]
        assert is_right(board.classify(IMAGE))
    assert fake.rate == link.DEFAULT_BAUD and fake.closed


def test_open_changes_the_rate(fake: FakeBoard, url: str) -> None:
    with Board.open(url, 1_000_000):
        assert fake.rate == fake.baudrate == 1_000_000


def test_open_closes_the_port_of_a_silent_board(fake: FakeBoard, url: str) -> None:
    fake.to_board = pass_nothing
    with pytest.raises(NoAnswer, match="No board answered on fake:// within 5 s"):
        Board.open(url)
    assert fake.closed
    with pytest.raises(NoAnswer, match="within 3 s"):
        Board.open(url, boot_timeout=3)


def test_an_open_board_waits_5_seconds_and_tries_3_times(fake: FakeBoard, url: str) -> None:
    board = Board.open(url)
    fake.to_board = pass_nothing
    with pytest.raises(NoAnswer, match=r"from fake:// to the info request within 5 s.*\(after 3 attempts\)"):
        board.info()


def test_open_passes_its_options_on(fake: FakeBoard, url: str) -> None:
    lines: list[str] = []
    reports: list[str] = []
    board = Board.open(url, timeout=2, attempts=2, on_line=lines.append, on_retry=reports.append)
    fake.to_board = pass_nothing
    with pytest.raises(NoAnswer, match=r"within 2 s.*\(after 2 attempts\)"):
        board.info()
    assert len(lines) == len(reports) == 1
