"""The simulated STM32F103C8 without firmware, driven through Renode's monitor.

The processor stands still unless a test gives it instructions, so registers are read and written as a debug
probe would, and time passes only in `run`.
"""

import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from common.paths import ROOT

# nop; b to it. Renode takes a branch to itself for WFI, and then only an interrupt goes on.
ENDLESS_LOOP = (0xBF00, 0xE7FD)

DESCRIPTION = ROOT / "renode" / "bluepill.repl"

_DONE = "<<done>>"
_QUIT_LIMIT = 20.0
_LOG_LIMIT = 20.0
_PROGRAM = 0x20002000
_VECTORS = 0x20003000
_HANDLERS = 0x20003100
_STACK = 0x20005000


class SimulatedChip:
    """One Renode process; `restart` gives a chip as after power-on."""

    def __init__(self, monitor: "subprocess.Popen[str]", log_path: Path) -> None:
        self._monitor = monitor
        self._log_path = log_path
        self._log_read = 0
        self._marks = 0
        self.command(f"logFile @{log_path} true")

    def restart(self) -> None:
        """A new chip with the crystal running, nothing in flash and the processor halted."""
        self.command("Clear")
        self.command("emulation SetGlobalAdvanceImmediately true")
        self.add_board("chip")
        self.log()

    def add_board(self, name: str) -> None:
        """One more machine, to which the commands go from here on."""
        self.command(f'mach create "{name}"')
        self.command(f"machine LoadPlatformDescription @{DESCRIPTION}")
        self.command("cpu IsHalted true")

    def command(self, text: str) -> str:
        """What a monitor command prints. Raises RuntimeError when Renode refuses it."""
        assert self._monitor.stdin is not None
        assert self._monitor.stdout is not None
        self._monitor.stdin.write(f'{text}\necho "{_DONE}"\n')
        self._monitor.stdin.flush()
        printed = []
        for line in self._monitor.stdout:
            line = line.strip()
            if line == _DONE:
                break
            if line and not re.match(r"\([^)]*\) ", line):
                printed.append(line)
        else:
            raise RuntimeError(f"Renode ended after '{text}'.")
        answer = "\n".join(printed)
        if "There was an error" in answer or "No such command" in answer or "Bad parameters" in answer:
            raise RuntimeError(f"Renode refused '{text}': {answer}")
        return answer

    def read(self, address: int) -> int:
        """A 32-bit register or word of memory."""
        return int(self.command(f"sysbus ReadDoubleWord {address:#x}"), 16)

    def write(self, address: int, value: int) -> None:
        self.command(f"sysbus WriteDoubleWord {address:#x} {value:#x}")

    def set_bits(self, address: int, bits: int) -> None:
        self.write(address, self.read(address) | bits)

    def run(self, seconds: float) -> None:
        """Lets virtual time pass."""
        self.command(f'emulation RunFor "{seconds:.9f}"')

    def execute(self, *halfwords: int, registers: dict[int, int], seconds: float = 1e-5) -> None:
        """Runs Thumb code from SRAM, followed by an endless loop, with these core registers."""
        for k, halfword in enumerate([*halfwords, *ENDLESS_LOOP]):
            self.command(f"sysbus WriteWord {_PROGRAM + 2 * k:#x} {halfword:#x}")
        for number, value in {13: _STACK, **registers}.items():
            self.command(f"cpu SetRegister {number} {value:#x}")
        self.command(f"cpu PC {_PROGRAM:#x}")
        self.command("cpu IsHalted false")
        self.run(seconds)

    def load_handlers(self) -> None:
        """A vector table in SRAM, each of whose handlers is an endless loop."""
        for number in range(16):
            handler = handler_address(number)
            self.write(_VECTORS + 4 * number, handler | 1)
            for k, halfword in enumerate(ENDLESS_LOOP):
                self.command(f"sysbus WriteWord {handler + 2 * k:#x} {halfword:#x}")
        self.command(f"cpu VectorTableOffset {_VECTORS:#x}")

    def core_register(self, number: int) -> int:
        return int(self.command(f"cpu GetRegister {number}"), 16)

    def log(self) -> str:
        """What the models logged since the last call."""
        self._marks += 1
        mark = f"mark {self._marks}"
        self.command(f'log "{mark}"')
        deadline = time.monotonic() + _LOG_LIMIT
        while mark not in (text := self._log_path.read_text()[self._log_read :]):
            if time.monotonic() > deadline:
                raise RuntimeError("Renode does not write its log.")
            time.sleep(0.01)
        self._log_read += len(text)
        return text


def handler_address(number: int) -> int:
    """Of an exception's handler, which has room for four instructions."""
    return _HANDLERS + 8 * number


@contextmanager
def started(renode: Path) -> Iterator[SimulatedChip]:
    """A Renode process with the chip's models compiled; it ends with the block."""
    process = subprocess.Popen(
        [renode, "--disable-gui", "--console", "--plain", "--hide-log"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        with tempfile.TemporaryDirectory(prefix="chip-") as folder:
            yield SimulatedChip(process, Path(folder) / "log.txt")
    finally:
        assert process.stdin is not None
        process.stdin.write("quit\n")
        process.stdin.close()
        try:
            process.wait(_QUIT_LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
