"""Boards that are processes of this computer: the native build and QEMU. Host time."""

from contextlib import ExitStack
from pathlib import Path

import serial

from host.streams import open_port
from tooling.build import NATIVE, QEMU_BOARD, image
from tooling.simulate import native, qemu


class NativeBoard:
    """The firmware compiled for this computer. It has no chip, so no crystal that could stop."""

    boots = True
    knows_reset_cause = True
    has_crystal = False
    can_lose_crystal = False
    has_a_speed = False
    can_be_broken = False

    def __init__(self, firmware: Path | None) -> None:
        self._firmware = firmware or image(NATIVE)
        self._running = ExitStack()

    def power_on(self, *, crystal: bool) -> serial.SerialBase:
        simulation = self._running.enter_context(native.start(self._firmware))
        return open_port(simulation.url)

    def power_off(self) -> None:
        self._running.close()


class QemuBoard:
    """The ELF on QEMU's STM32F100, whose missing RCC looks to the firmware like a dead crystal."""

    boots = True
    knows_reset_cause = False
    has_crystal = False
    can_lose_crystal = True  # it never has one
    has_a_speed = False
    can_be_broken = False

    def __init__(self, firmware: Path | None) -> None:
        self._firmware = firmware or image(QEMU_BOARD)
        self._running = ExitStack()

    def power_on(self, *, crystal: bool) -> serial.SerialBase:
        return open_port(self._running.enter_context(qemu.start(self._firmware)).url)

    def power_off(self) -> None:
        self._running.close()
