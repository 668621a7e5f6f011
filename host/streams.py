"""The byte stream under the link: its interface, and how to open a port as one."""

import errno
from typing import Protocol

import serial
from serial.tools import list_ports

from host.errors import PortError
from host.link import DEFAULT_BAUD

# A port that accepts no bytes for this long is stuck: the longest frame takes 0.4 s at the slowest rate.
_WRITE_TIMEOUT = 5.0


class Stream(Protocol):
    """The part of pyserial's interface that `Board` needs.

    A stream in virtual time also has `now() -> float`, its clock in seconds; without it, host time is used.
    A line with a speed also has `baudrate`, which can be set. All methods raise OSError if the other side
    is gone.
    """

    timeout: float | None
    """Seconds that `read` waits at most, by the stream's clock."""

    def read(self, size: int = 1, /) -> bytes:
        """At most `size` bytes; fewer, or none, only after `timeout` seconds."""

    def write(self, data: bytes, /) -> int | None:
        """Sends all of `data`."""

    def close(self) -> None:
        """Closes the stream. Closing it twice is allowed."""


def open_port(url: str, baud: int = DEFAULT_BAUD) -> serial.SerialBase:
    """Opens a port for exclusive use: a device, a pseudo-terminal, socket://host:port or any pyserial URL.

    Raises `PortError` if it cannot be opened.
    """
    try:
        port = serial.serial_for_url(
            url, baudrate=baud, timeout=0, write_timeout=_WRITE_TIMEOUT, exclusive=True, do_not_open=True
        )
        # Some adapters connect these to the reset and boot pins: opening the port must not reset the board.
        port.dtr = False
        port.rts = False
        if url.lower().startswith("socket:"):
            # pyserial discards input when it opens a port, but the first bytes of a simulator are not stale.
            port.reset_input_buffer = lambda: None  # type: ignore[method-assign]
        port.open()
    except (OSError, ValueError) as error:
        raise PortError(_why_not(url, error)) from error
    return port


def _why_not(url: str, error: Exception) -> str:
    match _error_number(error):
        case errno.ENOENT | errno.ENODEV | errno.ENXIO:
            return f"The port {url} does not exist: {_existing_ports()}."
        case errno.EACCES | errno.EPERM:
            return (
                f"You have no permission to open {url}: type `sudo usermod -aG dialout $USER`, "
                "then log out and in again."
            )
        case errno.EBUSY | errno.EAGAIN:
            return (
                f"{url} is in use by another program: close that program (picocom, another infer) and retry."
            )
        case errno.ECONNREFUSED:
            return f"Nothing listens on {url}: start the simulator first, or correct the port number."
        case errno.ENOTTY | errno.EISDIR | errno.EINVAL:
            return f"{url} is not a serial port: {_existing_ports()}."
        case _:
            return f"The port {url} cannot be opened: {str(error).removesuffix('.')}."


def _error_number(error: BaseException) -> int | None:
    """The system's error number, which pyserial often hides in an inner exception."""
    cause: BaseException | None = error
    while cause is not None:
        # Of OSError and of termios.error, which has no `errno`, it is the first argument.
        if cause.args and isinstance(cause.args[0], int):
            return cause.args[0]
        cause = cause.__context__
    return None


def _existing_ports() -> str:
    ports = sorted(port.device for port in list_ports.comports())
    if not ports:
        return "plug the adapter in, as this computer has no serial port now"
    return f"choose one of {', '.join(ports)}"
