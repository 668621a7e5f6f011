"""Opening and losing real ports: pseudo-terminals and sockets with a board in Python behind them."""

import contextlib
import errno
import os
import select
import socket
import threading

import numpy as np
import pytest
import serial
from fake_board import FakeBoard, logits_of

from host import errors, streams
from host.board import Board
from host.streams import open_port

pty = pytest.importorskip("pty", reason="this system has no pseudo-terminals")

IMAGE = np.arange(784, dtype=np.uint8).reshape(28, 28)


class Terminal:
    """A pseudo-terminal with a fake board behind it."""

    def __init__(self) -> None:
        self.fake = FakeBoard()
        self.master, self._slave = pty.openpty()
        self.url = os.ttyname(self._slave)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> "Terminal":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.unplug()
        os.close(self._slave)

    def unplug(self) -> None:
        """Takes the other end away, as when an adapter is pulled out."""
        self._stop.set()
        self._thread.join()
        if self.master >= 0:
            os.close(self.master)
            self.master = -1

    def _serve(self) -> None:
        while not self._stop.is_set():
            if select.select([self.master], [], [], 0.01)[0]:
                with contextlib.suppress(OSError):
                    self.fake.write(os.read(self.master, 4096))
            # Less than the board's time-out, which frames that come in two pieces must not run into.
            self.fake.timeout = 0.02
            while data := self.fake.read(4096):
                os.write(self.master, data)


@pytest.fixture
def terminal():
    try:
        opened = Terminal()
    except OSError as error:
        pytest.skip(f"no pseudo-terminals: {error}")
    with opened:
        yield opened


def test_a_board_on_a_pseudo_terminal(terminal):
    with Board.open(terminal.url) as board:
        assert board.info().model == "linear"
        prediction = board.classify(IMAGE)
        assert prediction.logits == logits_of(IMAGE.tobytes())
        assert prediction.retries == ()
    with Board.open(terminal.url) as board:  # the port was let go of
        assert board.info().model == "linear"


def test_a_port_that_is_taken(terminal):
    with Board.open(terminal.url), pytest.raises(errors.PortError, match="in use by another program"):
        Board.open(terminal.url)


def test_an_adapter_that_is_pulled_out(terminal):
    with Board.open(terminal.url) as board:
        terminal.unplug()
        with pytest.raises(errors.PortError, match="was lost"):
            board.classify(IMAGE)


def test_nobody_on_the_line(terminal):
    terminal.fake.to_board = lambda data: b""
    with pytest.raises(errors.NoAnswer, match="No board answered on"):
        Board.open(terminal.url, boot_timeout=0.3)
    terminal.fake.to_board = lambda data: data
    with Board.open(terminal.url) as board:  # the failed attempt let go of the port
        assert board.info().model == "linear"


def test_ctrl_c_while_opening_leaves_the_port_closed(terminal, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Board, "greet", interrupt)
        Board.open(terminal.url)
    open_port(terminal.url).close()


@pytest.fixture
def server():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def url_of(server) -> str:
    return f"socket://127.0.0.1:{server.getsockname()[1]}"


def test_what_a_socket_sends_at_once_is_not_lost(server):
    said = b"hello\r\n" * 100

    def greet():
        connection, _ = server.accept()
        with connection:
            connection.sendall(said)
            connection.recv(1)

    thread = threading.Thread(target=greet, daemon=True)
    thread.start()
    with contextlib.closing(open_port(url_of(server))) as port:
        port.timeout = 2.0
        assert port.read(len(said)) == said
    thread.join()


def test_a_simulator_that_ends(server):
    port = open_port(url_of(server))
    connection, _ = server.accept()
    board = Board(port)
    connection.close()
    with board, pytest.raises(errors.PortError, match="was lost"):
        board.classify(IMAGE)


def test_a_simulator_that_is_not_running(server):
    url = url_of(server)
    server.close()
    with pytest.raises(errors.PortError, match=r"Nothing listens on .* start the simulator"):
        Board.open(url)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("/dev/ttyNOWHERE", "There is no port"),
        ("/dev/null", "is not a serial port"),
        ("/etc/hostname", "is not a serial port"),
        ("/", "is not a serial port"),
        ("", "There is no port"),
        ("carrier-pigeon://coop", "cannot be opened"),
        ("socket://127.0.0.1", "cannot be opened"),
        ("socket://127.0.0.1:99999", "cannot be opened"),
    ],
)
def test_what_is_no_port(url, why):
    with pytest.raises(errors.PortError, match=why) as caught:
        Board.open(url)
    assert "\n" not in str(caught.value)


def test_a_port_without_permission(monkeypatch):
    def refuse(_):
        raise serial.SerialException(errno.EACCES, "could not open port")

    monkeypatch.setattr(serial.Serial, "open", refuse)
    with pytest.raises(errors.PortError, match=r"sudo usermod -aG dialout \$USER"):
        open_port("/dev/ttyUSB0")


@pytest.mark.parametrize(
    ("devices", "advice"),
    [([], "plug the adapter in"), (["/dev/ttyUSB1", "/dev/ttyACM0"], r"\(/dev/ttyACM0, /dev/ttyUSB1\)")],
)
def test_a_wrong_port_is_told_which_ones_there_are(monkeypatch, devices, advice):
    ports = [serial.tools.list_ports_common.ListPortInfo(device) for device in devices]
    monkeypatch.setattr(streams.list_ports, "comports", lambda: ports)
    with pytest.raises(errors.PortError, match=advice):
        open_port("/dev/ttyNOWHERE")


def test_opening_raises_neither_reset_nor_boot_line(monkeypatch):
    states = []
    monkeypatch.setattr(serial.Serial, "open", lambda port: states.append((port.dtr, port.rts)))
    open_port("/dev/ttyUSB0")
    assert states == [(False, False)]
