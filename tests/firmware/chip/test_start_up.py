"""What start-up writes to the chip's registers, and in which order."""

import shutil
import struct
from pathlib import Path

import pytest

pytest.importorskip("unicorn")
from recorded_chip import RecordedChip

from tooling import build

pytestmark = pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="needs arm-none-eabi-gcc")

RCC_CR, GPIOA_CRH, USART1_CR1, USART1_SR = 0x40021000, 0x40010804, 0x4001380C, 0x40013800
NVIC_ISPR1 = 0xE000E204
SCB_CCR, DEMCR, DBGMCU_CR, IWDG_KR = 0xE000ED14, 0xE000EDFC, 0xE0042004, 0x40003000
SRAM = 0x20000000
CRYSTAL, NO_CRYSTAL, NO_PLL = range(3)


@pytest.fixture(scope="module")
def elf() -> Path:
    build.build(build.BLUEPILL)
    return build.image(build.BLUEPILL)


@pytest.mark.parametrize(
    ("crystal", "pll", "hz", "source"),
    [
        (True, True, 72_000_000, CRYSTAL),
        (False, True, 8_000_000, NO_CRYSTAL),
        (True, False, 8_000_000, NO_PLL),
    ],
)
def test_a_clock_stage_that_fails_is_named(elf: Path, crystal: bool, pll: bool, hz: int, source: int) -> None:
    chip = RecordedChip(elf, crystal=crystal, pll=pll)
    chip.call("clock_start", SRAM + 0x4000)

    clock = bytes(chip.core.mem_read(SRAM + 0x4000, 5))
    assert struct.unpack("<IB", clock) == (hz, source)


def test_interrupts_find_an_8_byte_aligned_stack(elf: Path) -> None:
    chip = RecordedChip(elf)
    chip.call("board_init", until_write_to=DEMCR)

    assert chip.written(SCB_CCR)[-1] & 1 << 9, "CCR.STKALIGN is off after reset on a Cortex-M3 r1p1"


def test_the_watchdog_stops_while_a_debugger_halts_the_processor(elf: Path) -> None:
    chip = RecordedChip(elf)
    chip.set_register(DBGMCU_CR, 0x7)  # a debugger's own bits
    chip.call("board_init", until_write_to=DEMCR)

    assert chip.written(DBGMCU_CR) == [0x7 | 1 << 8]
    assert chip.writes.index((DBGMCU_CR, 0x107)) < chip.writes.index((IWDG_KR, 0xCCCC))


def test_the_transmit_pin_is_connected_after_the_usart_drives_it(elf: Path) -> None:
    chip = RecordedChip(elf)
    chip.call("board_init", until_write_to=DEMCR)

    def first(register: int, shift: int, mask: int, value: int) -> int:
        return next(
            k
            for k, (at, written) in enumerate(chip.writes)
            if at == register and written >> shift & mask == value
        )

    receive_pin_pulled_up = first(GPIOA_CRH, 8, 0xF, 0x8)
    transmitter_enabled = first(USART1_CR1, 3, 1, 1)
    transmit_pin_connected = first(GPIOA_CRH, 4, 0xF, 0xB)
    assert receive_pin_pulled_up < transmitter_enabled < transmit_pin_connected


@pytest.mark.parametrize(("rcc_cr", "pended"), [(0x03036883, 0), (0x83, 0), (0, 1)])
def test_only_qemu_gets_its_transmit_interrupt_from_software(elf: Path, rcc_cr: int, pended: int) -> None:
    """QEMU has no RCC: CR reads 0, which no chip that runs can show."""
    chip = RecordedChip(elf)
    chip.set_register(RCC_CR, rcc_cr)
    chip.call("uart_start", 72_000_000, 115_200)
    chip.call("uart_transmit", ord("x"))

    assert len(chip.written(NVIC_ISPR1)) == pended


@pytest.mark.parametrize(
    ("source", "baud", "accepted"),
    [
        (CRYSTAL, 115_200, True),
        (CRYSTAL, 2_000_000, True),
        (CRYSTAL, 1_800_000, True),
        (CRYSTAL, 1_700_000, True),
        (CRYSTAL, 1_920_000, True),
        (CRYSTAL, 2_100_000, False),
        (NO_CRYSTAL, 115_200, True),
        (NO_CRYSTAL, 222_222, True),
        (NO_CRYSTAL, 230_400, False),
        (NO_CRYSTAL, 197_600, False),
        (NO_PLL, 197_600, False),
    ],
)
def test_the_internal_oscillator_leaves_less_tolerance(
    elf: Path, source: int, baud: int, accepted: bool
) -> None:
    """It is up to 2.5 % off by itself: an error of 2 % more, as with the crystal, breaks characters."""
    chip = RecordedChip(elf)
    hz = 72_000_000 if source == CRYSTAL else 8_000_000
    chip.core.mem_write(chip.symbols["clock"], struct.pack("<IB", hz, source))

    assert bool(chip.call("board_can_make_baud", baud)) == accepted
