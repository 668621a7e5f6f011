"""What a model takes of the chip: flash, SRAM and time; and whether it fits."""

from __future__ import annotations

from dataclasses import dataclass

from common.errors import UserError
from compiler import schedule, target
from compiler.network import Model


@dataclass(frozen=True)
class StepCost:
    """What one step takes. `cycles` and `longest_call`, its longest part without a pause, are estimates."""

    title: str
    output: tuple[int, ...]
    weight_bits: int
    code_bytes: int
    constant_bytes: int
    output_bytes: int
    macs: int
    cycles: int
    longest_call: int


@dataclass(frozen=True)
class Resources:
    """What a model and the firmware around it take, and what the chip has, in bytes."""

    model: str
    steps: tuple[StepCost, ...]
    firmware: target.Firmware
    arena_bytes: int
    flash_available: int
    sram_available: int

    @property
    def code_flash(self) -> int:
        """The flash reserved for code."""
        return self.firmware.flash + sum(step.code_bytes for step in self.steps)

    @property
    def flash_needed(self) -> int:
        """Code and weights."""
        return self.code_flash + sum(step.constant_bytes for step in self.steps)

    @property
    def sram_needed(self) -> int:
        """Stack, buffers and arena."""
        return self.firmware.sram + self.arena_bytes

    @property
    def fits(self) -> bool:
        """Whether the chip has enough memory."""
        return self.flash_needed <= self.flash_available and self.sram_needed <= self.sram_available

    @property
    def cycles(self) -> int:
        """The estimated cycles of one image."""
        return sum(step.cycles for step in self.steps)

    def __str__(self) -> str:
        header = (
            "layer",
            "output",
            "weight bits",
            "weight bytes",
            "activation bytes",
            "MACs",
            "estimated cycles",
        )
        rows = [
            (
                step.title,
                "x".join(map(str, step.output)),
                str(step.weight_bits or ""),
                f"{step.constant_bytes:,}",
                f"{step.output_bytes:,}",
                f"{step.macs:,}",
                f"{step.cycles:,}",
            )
            for step in self.steps
        ]
        total = (
            "total",
            "",
            "",
            f"{sum(step.constant_bytes for step in self.steps):,}",
            f"{sum(step.output_bytes for step in self.steps):,}",
            f"{sum(step.macs for step in self.steps):,}",
            f"{self.cycles:,}",
        )
        table = [header, *rows, total]
        widths = [max(len(row[column]) for row in table) for column in range(len(header))]
        lines = [
            "  ".join(
                cell.ljust(width) if column == 0 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in table
        ]
        return "\n".join(
            [
                *lines,
                f"flash: {self.flash_needed:,} of {self.flash_available:,} bytes, "
                f"{self.code_flash:,} of them kept for the firmware's code",
                f"SRAM: {self.sram_needed:,} of {self.sram_available:,} bytes, "
                f"{self.firmware.sram:,} of them kept for its stack and buffers",
                f"time: about {self.cycles / target.CLOCK * 1000:.1f} ms an image "
                f"at {target.CLOCK // 1_000_000} MHz",
            ]
        )


def measure(model: Model, board: str = target.DEFAULT_BOARD) -> Resources:
    """What a model takes of a board's chip. Raises UserError if the chip's memory layout cannot be read."""
    planned = schedule.plan(model, board)
    steps = tuple(
        StepCost(
            title=stage.step.title,
            output=stage.step.target.shape,
            weight_bits=stage.kernel.weight_bits,
            code_bytes=stage.kernel.code_bytes,
            constant_bytes=stage.kernel.constant_bytes,
            output_bytes=stage.step.target.bytes,
            macs=stage.step.macs,
            cycles=stage.kernel.cycles,
            longest_call=stage.longest_call,
        )
        for stage in planned.stages
    )
    flash, sram = target.memories(target.memory_layout(board))
    return Resources(
        model=model.name,
        steps=steps,
        flash_available=flash.length,
        firmware=schedule.firmware(model),
        arena_bytes=planned.arena_bytes,
        sram_available=sram.length,
    )


def check_fits(model: Model, board: str = target.DEFAULT_BOARD) -> Resources:
    """What a model takes of a board's chip. Raises UserError if that is more than the chip has."""
    needed = measure(model, board)
    if not needed.fits:
        raise UserError(
            f"Model {model.name} does not fit the chip: it needs {needed.flash_needed:,} bytes of flash and "
            f"{needed.sram_needed:,} of SRAM, and there are {needed.flash_available:,} and "
            f"{needed.sram_available:,}; make its layers smaller."
        )
    for step in needed.steps:
        if step.longest_call > schedule.CYCLES_PER_CALL_LIMIT:
            raise UserError(
                f"Model {model.name} is too slow for the chip: layer {step.title} takes "
                f"{step.longest_call:,} cycles without a pause, and the watchdog allows "
                f"{schedule.CYCLES_PER_CALL_LIMIT:,}; make the layer smaller."
            )
    return needed
