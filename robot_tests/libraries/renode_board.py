"""The Blue Pill in Renode, in virtual time: the machine runs only while somebody waits for its answer."""

from pathlib import Path
from typing import Any

from robot.libraries.BuiltIn import BuiltIn

SCRIPTS = Path(__file__).parents[2] / "renode"

# What the simulated chip logs when the firmware does what silicon would not forgive.
_MISBEHAVIOUR = r"Bus fault|non existing peripheral|locked peripheral"


class RenodeStream:
    """USART1 as a `host.streams.Stream`; times are virtual seconds."""

    def __init__(self) -> None:
        self.timeout: float | None = 0.0
        self._now = 0.0
        self._received = b""
        command("host_link_open sysbus.usart1")

    def now(self) -> float:
        return self._now

    def read(self, size: int = 1, /) -> bytes:
        if len(self._received) < size and self.timeout:
            self._run(self.timeout)
        data, self._received = self._received[:size], self._received[size:]
        return data

    def write(self, data: bytes, /) -> int:
        command(f'host_link_send "{data.hex()}"')
        return len(data)

    def close(self) -> None:
        """The machine ends with the test."""

    def _run(self, seconds: float) -> None:
        now, data = command(f"host_link_receive {seconds:.6f}").split()
        self._now = float(now)
        self._received += bytes.fromhex(data.strip('"'))


class RenodeBoard:
    """Powers a simulated board; runs under renode-test, whose keywords it calls."""

    boots = True
    has_crystal = True
    can_lose_crystal = True

    def power_on(self, *, crystal: bool) -> RenodeStream:
        keyword("Reset Emulation")
        keyword("Create Log Tester", 0)
        command(f"include @{SCRIPTS / 'bluepill.resc'}")
        command(f"include @{SCRIPTS / 'host_link.py'}")
        # As fast as this computer can, in long steps: the peripherals' events interrupt a step when they are due.
        command("emulation SetGlobalAdvanceImmediately true")
        command('emulation SetGlobalQuantum "0.01"')
        if not crystal:
            command("rcc CrystalSwings false")
        return RenodeStream()

    def power_off(self) -> None:
        """Ends the machine. Fails when the firmware did something that silicon would not forgive."""
        keyword("Should Not Be In Log", _MISBEHAVIOUR, "treatAsRegex=True")
        keyword("Should Not Be In Log", r".", "treatAsRegex=True", "level=Error")
        keyword("Reset Emulation")


def keyword(name: str, *arguments: Any) -> Any:
    """Runs one of renode-test's keywords."""
    return BuiltIn().run_keyword(name, *arguments)


def command(text: str) -> str:
    """Runs a command of Renode's monitor; what it prints."""
    return str(keyword("Execute Command", text)).strip()
