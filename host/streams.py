"""The byte stream under the link: what one must be able to do, and how a port becomes one."""

import errno
from typing import Protocol

import serial
from serial.tools import list_ports

from host.errors import PortError
from host.link import DEFAULT_BAUD

# Far longer than the longest frame takes at any baud rate; a port that takes no bytes for so long is stuck.
_WRITE_TIMEOUT = 5.0


class Stream(Protocol):
    """The part of pyserial's interface that `Board` needs; any object that has it will do.

    A stream may also have `now() -> float`, its clock in seconds. Without one, host time is used; one that
    lives in virtual time, a simulator's, must have it. A line with a speed has `baudrate`, which can be set.
    All methods raise OSError when the other side is gone.
    """

    timeout: float | None
    """Seconds, of the stream's own time, that `read` waits at most; 0 never waits."""

    def read(self, size: int = 1, /) -> bytes:
        """At most `size` bytes; fewer, or none, only after `timeout` seconds."""

    def write(self, data: bytes, /) -> int | None:
        """Sends all of `data`."""

    def close(self) -> None:
        """Lets go of the other side. Closing twice is allowed."""


def open_port(url: str, baud: int = DEFAULT_BAUD) -> serial.SerialBase:
    """Opens a port for this program alone: a device, a pseudo-terminal, socket://host:port or any other
    URL of pyserial's.

    Raises `PortError`, which says why it cannot be opened and what to do.
    """
    try:
        port = serial.serial_for_url(
            url, baudrate=baud, timeout=0, write_timeout=_WRITE_TIMEOUT, exclusive=True, do_not_open=True
        )
        # Some adapters wire these to the reset and boot pins, and opening the port must not reset the board.
        port.dtr = False
        port.rts = False
        if url.lower().startswith("socket:"):
            # pyserial empties the input as it opens. What a simulator says at once is not stale.
            port.reset_input_buffer = lambda: None
        port.open()
    except (OSError, ValueError) as error:
        raise PortError(_why_not(url, error)) from error
    return port


def _why_not(url: str, error: Exception) -> str:
    match _error_number(error):
        case errno.ENOENT | errno.ENODEV | errno.ENXIO:
            return f"There is no port {url}: {_existing_ports()}."
        case errno.EACCES | errno.EPERM:
            return (
                f"You have no permission to open {url}: type `sudo usermod -aG dialout $USER`, "
                "then log out and in again."
            )
        case errno.EBUSY | errno.EAGAIN:
            return (
                f"{url} is in use by another program: close that program (picocom, a second infer) and retry."
            )
        case errno.ECONNREFUSED:
            return f"Nothing listens on {url}: start the simulator first, or correct the port's number."
        case errno.ENOTTY | errno.EISDIR | errno.EINVAL:
            return f"{url} is not a serial port: {_existing_ports()}."
        case _:
            return f"The port {url} cannot be opened: {str(error).removesuffix('.')}."


def _error_number(error: BaseException) -> int | None:
    """The system's error number; pyserial often hides it in the exception that it wraps."""
    cause: BaseException | None = error
    while cause is not None:
        # termios.error is no OSError, and has the number as its first argument only.
        number = getattr(cause, "errno", None) or (cause.args[0] if cause.args else None)
        if isinstance(number, int):
            return number
        cause = cause.__context__
    return None


def _existing_ports() -> str:
    ports = sorted(port.device for port in list_ports.comports())
    if not ports:
        return "this machine has no serial port at present, so plug the adapter in"
    return f"use one of those that exist ({', '.join(ports)})"
