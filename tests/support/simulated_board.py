"""The firmware's application in this process, on a wire in memory and in virtual time.

firmware/fuzz/simulated.h says what is simulated. A process can have only one such board.
"""

import ctypes
from pathlib import Path

_STEP_MS = 5  # virtual time between two looks for output


class SimulatedBoard:
    """A `host.streams.Stream` with the firmware behind it, whose wire can be damaged."""

    def __init__(self, library: Path) -> None:
        self.timeout: float | None = 0.0
        self._firmware = ctypes.CDLL(str(library))
        self._firmware.simulated_now.restype = ctypes.c_uint64
        self._firmware.simulated_said.restype = ctypes.c_size_t
        self._unread = b""
        self.reset()

    def reset(self) -> None:
        """Power on: the board boots and forgets requests that it has not answered."""
        self._firmware.simulated_reset(ctypes.c_bool(True))

    def set_clock(self, source: int) -> None:
        """What runs the board from the next reset on: an `enum board_clock_source` of board.h."""
        self._firmware.simulated_set_clock(source)

    def send(self, data: bytes) -> None:
        """Sends bytes at 115200 baud."""
        self._firmware.simulated_send(data, ctypes.c_size_t(len(data)))

    def silence(self, milliseconds: int) -> None:
        """Lets time pass without bytes on the wire."""
        self._firmware.simulated_silence(milliseconds)

    def damage(self, lost: int = 0, framing: int = 0, noise: int = 0) -> None:
        """Makes the USART report this number of lost bytes, framing errors and noise errors."""
        self._firmware.simulated_damage(lost, framing, noise)

    def busy(self, characters: int) -> None:
        """Keeps the main loop busy for the time of this number of characters."""
        self._firmware.simulated_busy(characters)

    def settle(self) -> None:
        """Lets the board answer everything it has received."""
        self._firmware.simulated_settle()

    def said(self) -> bytes:
        """What the board has sent since the last call."""
        text = ctypes.c_void_p()
        size = self._firmware.simulated_said(ctypes.byref(text))
        return ctypes.string_at(text, size)

    # --- The stream ------------------------------------------------------------------------------

    def now(self) -> float:
        return int(self._firmware.simulated_now()) / 1e6

    def read(self, size: int = 1) -> bytes:
        deadline = self.now() + (self.timeout or 0)
        self._unread += self.said()
        while not self._unread and self.now() < deadline:
            self.silence(_STEP_MS)
            self._unread += self.said()
        data, self._unread = self._unread[:size], self._unread[size:]
        return data

    def write(self, data: bytes) -> int:
        self.send(data)
        return len(data)

    def close(self) -> None:
        pass
