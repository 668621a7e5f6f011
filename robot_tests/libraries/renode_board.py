"""The Blue Pill in Renode, in virtual time: the machine runs only while somebody waits for its answer."""

import re
import zlib
from pathlib import Path
from typing import Any

from robot.libraries.BuiltIn import BuiltIn

SCRIPTS = Path(__file__).parents[2] / "renode"

_FREE_SRAM = 0x20004000

_STEP, _SHORT_STEP = 0.01, 0.0001

# What the simulated chip logs when the firmware does what silicon would not forgive.
_MISBEHAVIOUR = (
    r"Bus fault|non existing peripheral|locked peripheral|is not modelled|Silicon tolerates this for a moment"
)


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

    @property
    def baudrate(self) -> int:
        return int(command("sysbus.usart1 LineBaudRate"), 0)

    @baudrate.setter
    def baudrate(self, baud: int) -> None:
        command(f"sysbus.usart1 LineBaudRate {baud}")

    def close(self) -> None:
        """The machine ends with the test."""

    def _run(self, seconds: float) -> None:
        now, data = command(f"host_link_receive {seconds:.6f}").split()
        self._now = float(now)
        self._received += bytes.fromhex(data.strip('"'))


class RenodeBoard:
    """Powers a simulated board; runs under renode-test, whose keywords it calls."""

    boots = True
    knows_reset_cause = True
    has_crystal = True
    can_lose_crystal = True
    has_a_speed = True
    can_be_broken = True

    def __init__(self, firmware: Path | None) -> None:
        self._firmware = firmware  # None: bluepill.resc's default
        self._may_misbehave = False

    def power_on(self, *, crystal: bool) -> RenodeStream:
        self._may_misbehave = False
        keyword("Reset Emulation")
        keyword("Create Log Tester", 0)
        if self._firmware:
            command(f"$elf=@{self._firmware}")
        command(f"include @{SCRIPTS / 'bluepill.resc'}")
        command(f"include @{SCRIPTS / 'host_link.py'}")
        # As fast as this computer can, in long steps: events of the peripherals interrupt them.
        command("emulation SetGlobalAdvanceImmediately true")
        set_step(_STEP)
        # The host's adapter has its own rate, so that a wrong one of the firmware is heard.
        command("sysbus.usart1 LineBaudRate 115200")
        if not crystal:
            command("rcc CrystalSwings false")
        return RenodeStream()

    def power_off(self) -> None:
        """Ends the machine. Fails when the firmware did something that silicon would not forgive."""
        if not self._may_misbehave:
            keyword("Should Not Be In Log", _MISBEHAVIOUR, "treatAsRegex=True")
            keyword("Should Not Be In Log", r".", "treatAsRegex=True", "level=Error")
        keyword("Reset Emulation")

    def led_is_lit(self) -> bool:
        return command("sysbus.gpioPortC.led State") == "True"

    # --- Ways to break it ---------------------------------------------------------------------------

    def cycle_power(self) -> None:
        """Takes the power away for a moment: SRAM is lost, what is on the wire is not."""
        reset_now("rcc CyclePower")

    def press_reset(self) -> None:
        reset_now("rcc PressReset")

    def stop_crystal(self) -> None:
        command("rcc CrystalSwings false")

    def set_oscillators(self, internal: int, low_speed: int) -> None:
        """Frequencies in Hz of HSI, 7.8 to 8.2 MHz on silicon, and LSI, 30 to 60 kHz."""
        command(f"rcc InternalFrequency {internal}")
        command(f"rcc LowSpeedFrequency {low_speed}")

    def keep_pll_from_locking(self) -> None:
        command("rcc PllLocks false")

    def disable_clock_security(self) -> None:
        """Clears RCC_CR.CSSON, as if the firmware had never set it."""
        control = int(command("sysbus ReadDoubleWord 0x40021000"), 16)
        command(f"sysbus WriteDoubleWord 0x40021000 {control & ~(1 << 19)}")

    def stamp_flash(self) -> None:
        """Writes the checksum that fits what the flash holds, as the build does."""
        start, end = self.address_of("firmware_start"), self.address_of("firmware_checksum")
        code = bytes(
            int(byte, 16)
            for byte in re.findall(r"0x[0-9A-F]{2}", command(f"sysbus ReadBytes {start} {end - start}"))
        )
        command(f"sysbus WriteDoubleWord {end} {zlib.crc32(code)}")

    def raise_nmi(self) -> None:
        """Pends NMI, which no part of this firmware does."""
        command("nvic SetPendingIRQ 2")

    def raise_hard_fault(self) -> None:
        """Pends HardFault: Renode gives every fault to its own handler, whatever SHCSR says."""
        command("nvic SetPendingIRQ 3")

    def run_instead(self, *instructions: int) -> None:
        """Makes the processor run these Thumb halfwords, from SRAM that the firmware does not use.

        Interrupts are enabled for them: the main loop sleeps without, and Renode then masks even faults.
        """
        for k, halfword in enumerate(instructions):
            command(f"sysbus WriteWord {_FREE_SRAM + 2 * k} {halfword}")
        command("cpu PRIMASK 0")
        command(f"cpu PC {_FREE_SRAM | 1}")

    def set_register(self, number: int, value: int) -> None:
        command(f"cpu SetRegister {number} {value}")

    def expect_misbehaviour(self) -> None:
        """What the chip complains of from here on is what the test is about."""
        self._may_misbehave = True

    def alter_byte(self, address: int) -> None:
        """Inverts a byte of memory, flash included."""
        value = int(command(f"sysbus ReadByte {address}"), 16)
        command(f"sysbus WriteByte {address} {value ^ 0xFF}")

    def address_of(self, symbol: str) -> int:
        """The address of a variable of the firmware."""
        return int(command(f'sysbus GetSymbolAddress "{symbol}"'), 16)

    def damage_next_character(self, *, framing: bool) -> None:
        """The next character arrives with a wrong stop bit, or with noise."""
        command(f"sysbus.usart1 DamageNextCharacter {str(framing).lower()}")


def keyword(name: str, *arguments: Any) -> Any:
    """Runs one of renode-test's keywords."""
    return BuiltIn().run_keyword(name, *arguments)


def set_step(seconds: float) -> None:
    """Virtual seconds that the machine runs at a time."""
    command(f'emulation SetGlobalQuantum "{seconds}"')


def reset_now(text: str) -> None:
    """A command that resets the machine. It takes effect at the end of a step, so that step is short."""
    set_step(_SHORT_STEP)
    command(text)
    command(f'emulation RunFor "{2 * _SHORT_STEP}"')
    set_step(_STEP)


def command(text: str) -> str:
    """Runs a command of Renode's monitor; what it prints."""
    return str(keyword("Execute Command", text)).strip()
