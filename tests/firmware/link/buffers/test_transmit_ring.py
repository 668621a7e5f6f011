"""The transmit ring, with its interrupt between any two instructions of the main loop."""

import random
import shutil
from pathlib import Path

import pytest

pytest.importorskip("unicorn")
from recorded_chip import RETURN, RecordedChip
from unicorn import UC_HOOK_CODE, Uc
from unicorn import arm_const as arm

from tooling import build

pytestmark = pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="needs arm-none-eabi-gcc")

USART1_SR, USART1_DR, USART1_CR1 = 0x40013800, 0x40013804, 0x4001380C
TXE, TC, TXEIE = 1 << 7, 1 << 6, 1 << 7


class Transmitter(RecordedChip):
    """A chip whose USART takes `room` more bytes."""

    room = 0
    _countdown = 0
    """Instructions until the emulation stops; below 1 it does not."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._stop_at = 0
        self.core.hook_add(UC_HOOK_CODE, self._count_down)

    def _read(self, core: Uc, offset: int, size: int, base: int) -> int:
        if base + offset == USART1_SR:
            return TC | (TXE if self.room else 0)
        return super()._read(core, offset, size, base)

    def _write(self, core: Uc, offset: int, size: int, value: int, base: int) -> None:
        if base + offset == USART1_DR:
            assert self.room, "a byte was written while the data register was full"
            self.room -= 1
        super()._write(core, offset, size, value, base)

    def _count_down(self, core: Uc, *_: object) -> None:
        self._countdown -= 1
        if self._countdown == 0:
            core.emu_stop()

    @property
    def interrupt_is_enabled(self) -> bool:
        return bool(self.written(USART1_CR1)[-1] & TXEIE)

    def interrupt(self, room: int) -> None:
        self.room = room
        context = self.core.context_save()
        self.core.reg_write(arm.UC_ARM_REG_SP, self.symbols["stack_top"] - 0x100)
        self.core.reg_write(arm.UC_ARM_REG_LR, RETURN | 1)
        self.core.emu_start(self.symbols["usart1_handler"] | 1, RETURN)
        self.core.context_restore(context)

    def transmit(self, byte: int, stop: int, room: int) -> bool:
        """Queues a byte, with an interrupt after `stop` instructions. False if it ends before."""
        self.core.reg_write(arm.UC_ARM_REG_R0, byte)
        self.core.reg_write(arm.UC_ARM_REG_SP, self.symbols["stack_top"])
        self.core.reg_write(arm.UC_ARM_REG_LR, RETURN | 1)
        self._countdown = stop + 1
        self.core.emu_start(self.symbols["uart_transmit"] | 1, RETURN)
        self._countdown = 0
        place = self.core.reg_read(arm.UC_ARM_REG_PC)
        if place == RETURN:
            return False
        if self.interrupt_is_enabled:
            self.interrupt(room)
        self.core.emu_start(place | 1, RETURN)
        return True


@pytest.fixture
def chip() -> Transmitter:
    build.build(build.BLUEPILL)
    elf: Path = build.image(build.BLUEPILL)
    chip = Transmitter(elf)
    chip.call("uart_start", 72_000_000, 115_200)
    return chip


@pytest.mark.parametrize("waiting", [0, 1, 2, 100])
def test_an_interrupt_between_any_two_instructions_loses_nothing(chip: Transmitter, waiting: int) -> None:
    rng = random.Random(waiting)
    sent = []
    stop, interrupted = 1, True
    while interrupted:
        for _ in range(waiting):
            sent.append(rng.randrange(256))
            chip.call("uart_transmit", sent[-1])
        sent.append(rng.randrange(256))
        interrupted = chip.transmit(sent[-1], stop, rng.choice((1, 2, 300)))
        while chip.interrupt_is_enabled:
            chip.interrupt(rng.choice((1, 2, 300)))
        assert chip.written(USART1_DR) == sent
        stop += 1
    assert stop > 10  # else nothing was interrupted
