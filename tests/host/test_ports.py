"""Opening and losing ports: pseudo-terminals and sockets with a fake board behind them. Host time."""

import contextlib
import errno
import math
import os
import select
import socket
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import serial
from fake_board import SHAPE, FakeBoard, logits_of

from host.board import Board
from host.errors import NoAnswer, PortError
from host.streams import open_port

pty = pytest.importorskip("pty", reason="this system has no pseudo-terminals")

IMAGE = np.arange(math.prod(SHAPE), dtype=np.uint8).reshape(SHAPE)


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
        """Closes the other end, as when an adapter is pulled out."""
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
            # Shorter than the board's time-out, so that a frame read in two pieces does not expire.
            self.fake.timeout = 0.02
            while data := self.fake.read(4096):
                os.write(self.master, data)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    try:
        opened = Terminal()
    except OSError as error:
        pytest.skip(f"no pseudo-terminals: {error}")
    with opened:
        yield opened


def test_a_board_on_a_pseudo_terminal(terminal: Terminal) -> None:
    with Board.open(terminal.url) as board:
        assert board.info().model == "linear"
        prediction = board.classify(IMAGE)
        assert prediction.logits == logits_of(IMAGE.tobytes())
        assert prediction.retries == ()
    with Board.open(terminal.url) as board:  # the port is free again
        assert board.info().model == "linear"


def test_a_port_in_use_is_refused(terminal: Terminal) -> None:
    with Board.open(terminal.url), pytest.raises(PortError, match="in use by another program"):
        Board.open(terminal.url)


def test_a_pulled_adapter_is_a_port_error(terminal: Terminal) -> None:
    with Board.open(terminal.url) as board:
        terminal.unplug()
        with pytest.raises(PortError, match="was lost"):
            board.classify(IMAGE)


def test_a_failed_greeting_closes_the_port(terminal: Terminal) -> None:
    terminal.fake.to_board = lambda data: b""
    with pytest.raises(NoAnswer, match="No board answered on"):
        Board.open(terminal.url, boot_timeout=0.3)
    terminal.fake.to_board = lambda data: data
    with Board.open(terminal.url) as board:
        assert board.info().model == "linear"


def test_ctrl_c_while_opening_closes_the_port(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Board, "greet", interrupt)
        Board.open(terminal.url)
    open_port(terminal.url).close()


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def url_of(server: socket.socket) -> str:
    return f"socket://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("scheme", ["socket", "SOCKET"])
def test_the_first_bytes_of_a_socket_are_not_lost(
    server: socket.socket, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    sent = b"hello\r\n" * 100
    connect = socket.create_connection

    def connect_and_wait(*arguments: Any, **options: Any) -> socket.socket:
        """Connects, and returns when the first bytes have arrived."""
        connection = connect(*arguments, **options)
        served.append(server.accept()[0])
        served[0].sendall(sent)
        assert select.select([connection], [], [], 5.0)[0]
        return connection

    served: list[socket.socket] = []
    monkeypatch.setattr(socket, "create_connection", connect_and_wait)
    with contextlib.closing(open_port(url_of(server).replace("socket", scheme))) as port:
        port.timeout = 2.0
        assert port.read(len(sent)) == sent
    served[0].close()


def test_a_simulator_that_ends_is_a_port_error(server: socket.socket) -> None:
    port = open_port(url_of(server))
    connection, _ = server.accept()
    board = Board(port)
    connection.close()
    with board, pytest.raises(PortError, match="was lost"):
        board.classify(IMAGE)


def test_a_simulator_that_does_not_run_is_a_port_error(server: socket.socket) -> None:
    url = url_of(server)
    server.close()
    with pytest.raises(PortError, match=r"Nothing listens on .* start the simulator"):
        Board.open(url)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("/dev/ttyNOWHERE", "does not exist"),
        ("/dev/null", "is not a serial port"),
        ("/etc/hostname", "is not a serial port"),
        ("/", "is not a serial port"),
        ("", "does not exist"),
        ("carrier-pigeon://coop", "cannot be opened"),
        ("socket://127.0.0.1", "cannot be opened"),
        ("socket://127.0.0.1:99999", "cannot be opened"),
    ],
)
def test_a_wrong_port_is_refused_in_one_sentence(url: str, message: str) -> None:
    with pytest.raises(PortError, match=message) as caught:
        Board.open(url)
    assert "\n" not in str(caught.value)


def test_a_port_without_permission_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> None:
        raise serial.SerialException(errno.EACCES, "could not open port")

    monkeypatch.setattr(serial.Serial, "open", refuse)
    with pytest.raises(PortError, match=r"sudo usermod -aG dialout \$USER"):
        open_port("/dev/ttyUSB0")


@pytest.mark.parametrize(
    ("devices", "advice"),
    [
        ([], "plug the adapter in"),
        (["/dev/ttyUSB1", "/dev/ttyACM0"], "choose one of /dev/ttyACM0, /dev/ttyUSB1"),
    ],
)
def test_a_wrong_port_is_refused_with_the_existing_ones(
    monkeypatch: pytest.MonkeyPatch, devices: list[str], advice: str
) -> None:
    ports = [serial.tools.list_ports_common.ListPortInfo(device) for device in devices]
    monkeypatch.setattr(serial.tools.list_ports, "comports", lambda: ports)
    with pytest.raises(PortError, match=advice):
        open_port("/dev/ttyNOWHERE")


def test_opening_a_port_raises_neither_dtr_nor_rts(monkeypatch: pytest.MonkeyPatch) -> None:
    states: list[tuple[bool, bool]] = []
    monkeypatch.setattr(serial.Serial, "open", lambda port: states.append((port.dtr, port.rts)))
    open_port("/dev/ttyUSB0")
    assert states == [(False, False)]


def test_a_port_reads_without_waiting_and_writes_with_a_time_limit(terminal: Terminal) -> None:
    with contextlib.closing(open_port(terminal.url, 230_400)) as port:
        assert (port.baudrate, port.timeout, port.write_timeout) == (230_400, 0, 5.0)
        assert port.exclusive


def test_another_error_is_reported_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise serial.SerialException("The cable is on fire.")

    monkeypatch.setattr(serial.Serial, "open", fail)
    with pytest.raises(PortError) as caught:
        open_port("/dev/ttyUSB0")
    assert str(caught.value) == "The port /dev/ttyUSB0 cannot be opened: The cable is on fire."


@pytest.mark.parametrize("inner", [OSError(errno.EBUSY, "busy"), Exception(errno.EBUSY, "busy"), OSError()])
def test_the_error_number_is_found_in_an_inner_exception(
    monkeypatch: pytest.MonkeyPatch, inner: Exception
) -> None:
    def fail(_: object) -> None:
        try:
            raise inner
        except Exception as error:
            raise serial.SerialException("could not open port") from error

    monkeypatch.setattr(serial.Serial, "open", fail)
    expected = "in use by another program" if inner.args else "cannot be opened: could not open port"
    with pytest.raises(PortError, match=expected):
        open_port("/dev/ttyUSB0")
