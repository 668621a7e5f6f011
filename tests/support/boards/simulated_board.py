"""The firmware's application in this process, on a wire simulated bit by bit and in simulated time.

firmware/simulated/simulated.h describes the simulation. There is one such board in a process.
"""

import ctypes
from pathlib import Path

_STEP_MS = 5  # the resolution with which a read waits for output


class SimulatedBoard:
    """A `host.streams.Stream` with the firmware behind it, and everything that can happen to its wire."""

    def __init__(self, library: Path) -> None:
        self.timeout: float | None = 0.0
        self._firmware = ctypes.CDLL(str(library))
        self._firmware.simulated_now.restype = ctypes.c_uint64
        self._firmware.simulated_output.restype = ctypes.c_size_t
        self._firmware.simulated_board_baud.restype = ctypes.c_uint32
        self._unread = b""
        self._baudrate = 0
        self.baudrate = 0
        self.reset()

    @property
    def baudrate(self) -> int:
        """The host's baud rate; 0 follows each change of the board's."""
        return self._baudrate

    @baudrate.setter
    def baudrate(self, baud: int) -> None:
        self._baudrate = baud
        self._firmware.simulated_set_host_baud(baud)

    @property
    def board_baud(self) -> int:
        return int(self._firmware.simulated_board_baud())

    def reset(self, source: int = 0) -> None:
        """Power on. The board boots; what it had not answered is lost. `source`: enum board_clock_source."""
        self._firmware.simulated_reset(ctypes.c_bool(True), source)

    def send(self, data: bytes) -> None:
        """Bytes on the wire, one after the other."""
        self._firmware.simulated_send(data, ctypes.c_size_t(len(data)))

    def send_damaged(self, byte: int, bits: int) -> None:
        """A byte with inverted bits: 1 is the start bit, 2 to 256 the data, 512 the stop bit."""
        self._firmware.simulated_send_damaged(ctypes.c_uint8(byte), ctypes.c_uint16(bits))

    def damage_output(self, skip: int, bits: int) -> None:
        """Inverts bits of the character that the board sends after `skip` others."""
        self._firmware.simulated_damage_output(skip, ctypes.c_uint16(bits))

    def silence(self, milliseconds: float) -> None:
        """Nothing on the wire for that time."""
        self._firmware.simulated_silence_us(round(milliseconds * 1000))

    def damage(self, lost: int = 0, framing: int = 0, noise: int = 0) -> None:
        """What the USART reports at this point: numbers of lost bytes, framing errors and noise errors."""
        self._firmware.simulated_damage(lost, framing, noise)

    def busy(self, characters: int) -> None:
        """The main loop does nothing else while that number of characters can arrive."""
        self._firmware.simulated_busy(characters)

    def settle(self) -> None:
        """Lets the board answer everything that it has received."""
        self._firmware.simulated_settle()

    def output(self) -> bytes:
        """What the host has received since the last call."""
        text = ctypes.c_void_p()
        size = self._firmware.simulated_output(ctypes.byref(text))
        return ctypes.string_at(text, size)

    # --- The stream ---

    def now(self) -> float:
        return float(self._firmware.simulated_now()) / 1e6

    def read(self, size: int = 1) -> bytes:
        deadline = self.now() + (self.timeout or 0)
        self._unread += self.output()
        while not self._unread and self.now() < deadline:
            self.silence(min(_STEP_MS, (deadline - self.now()) * 1000 + 0.001))
            self._unread += self.output()
        data, self._unread = self._unread[:size], self._unread[size:]
        return data

    def write(self, data: bytes) -> int:
        self.send(data)
        return len(data)

    def close(self) -> None:
        pass
