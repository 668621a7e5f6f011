"""`profile`: where the cycles, the flash and the SRAM of one inference go, layer by layer."""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common.errors import UserError
from common.paths import shown
from compiler import kernels, lower, reference
from compiler.lower import Step
from compiler.network import Model
from compiler.target import CLOCK
from data.mnist import Digits
from host import link
from tooling import size
from tooling.measure import renode_trace
from tooling.measure.cortex_m3 import ASSUMPTIONS, Count, Machine, milliseconds
from tooling.tables import percent, ratio, table

_NETWORK = "network_run"
_BITS_A_BYTE = 10  # on the wire, with start and stop
_BAUD_RATES = (link.DEFAULT_BAUD, 1_000_000, 2_000_000)

# What the board says before it computes what is left, and thus while it does.
GREETING = ("Image data received successfully", "Starting inference...")

# DMA1's channel 5 has stored one byte: CNDTR5 counts down from the receive buffer's size (RM0008, 13.4.4).
_RECEIVED_BYTE = {0x4002005C: 1023}
_WATCHDOG = 0x40003000  # which the self-test feeds
_LOOP_CYCLES = 45  # of the main loop around a byte, which is no function: by its listing


@dataclass(frozen=True)
class LayerProfile:
    """What one layer takes.

    In bytes, `flash` for its constants and its own code, `sram` for its output and its scratch memory.
    """

    name: str
    kernel: str
    output: tuple[int, ...]
    macs: int
    instructions: int
    cycles: int
    flash: int
    sram: int


@dataclass(frozen=True)
class Arrival:
    """One inference whose image arrives meanwhile: bytes of the request, and cycles.

    after: from its last byte to the logits. computing: all that the network takes.
    """

    baud: int
    request: int
    after: int
    computing: int


@dataclass(frozen=True)
class Profile:
    """What one inference takes. `rest` is network_run itself; stack and arena in bytes of SRAM; `a_byte` what
    the processor takes for each byte that it receives, in cycles.
    """

    layers: tuple[LayerProfile, ...]
    rest: Count
    a_byte: int
    arrivals: tuple[Arrival, ...]
    label: int
    logits: tuple[int, ...]
    stack: int
    stack_reserved: int
    arena: int
    flash_loads: int
    fetch_stalls: int

    @property
    def instructions(self) -> int:
        return sum(layer.instructions for layer in self.layers) + self.rest.instructions

    @property
    def cycles(self) -> int:
        return sum(layer.cycles for layer in self.layers) + self.rest.cycles

    @property
    def macs(self) -> int:
        return sum(layer.macs for layer in self.layers)


def measure(elf_file: Path, model: Model, image: np.ndarray) -> Profile:
    """Runs one inference of `elf_file`, which was built from `model`, on an image, uint8 (28, 28).

    Errors: UserError where the firmware does not run, or is another model's.
    """
    steps = lower.steps(model)
    symbols = size.measure(elf_file).symbols
    machine = Machine(elf_file, owners=[_NETWORK, *(step.function for step in steps)])
    logits, execution = machine.classify(image.tobytes())
    if logits != reference.run(model, image[np.newaxis])[0].tolist():
        raise UserError(f"{shown(elf_file)} computes something else than the model: type './inv build'.")
    layers = []
    for step in steps:
        count = execution.counts.get(step.function, Count())
        kernel = kernels.choose(step)
        output_bytes = 0 if step is steps[-1] else step.target.bytes  # the logits are the caller's
        layers.append(
            LayerProfile(
                name=step.title,
                kernel=kernel.name,
                output=step.target.shape,
                macs=step.macs,
                instructions=count.instructions,
                cycles=count.cycles,
                flash=_flash_of(step, symbols),
                sram=output_bytes + kernel.scratch_bytes,
            )
        )
    sizes = {symbol.name: symbol.size for symbol in symbols}
    a_byte = cycles_a_byte(machine)
    return Profile(
        layers=tuple(layers),
        rest=execution.counts[_NETWORK],
        a_byte=a_byte,
        arrivals=tuple(_arrival(machine, image, baud, a_byte, logits) for baud in _BAUD_RATES),
        label=int(np.argmax(logits)),
        logits=tuple(logits),
        stack=execution.stack,
        stack_reserved=machine.symbols.get("stack_top", 0) - machine.symbols.get("stack_bottom", 0),
        arena=sizes.get("arena", 0),
        flash_loads=execution.flash_loads,
        fetch_stalls=execution.fetch_stalls,
    )


def report(elf_file: Path, model: Model, digits: Digits, index: int) -> tuple[Profile, str]:
    """The profile of one test image, and all of it as text. Errors: UserError."""
    digits.require(index)
    profile = measure(elf_file, model, digits.images[index])
    title = (
        f"{shown(elf_file)}, model {model.name}, test image {index}: "
        f"recognised as {profile.label}, labelled {digits.labels[index]}"
    )
    return profile, "\n\n".join(
        [
            title,
            _layer_table(profile),
            _memory(profile),
            size.largest_symbols(size.measure(elf_file)),
            _end_to_end(profile, model),
            ASSUMPTIONS,
        ]
    )


def check_in_renode(elf_file: Path) -> str:
    """Has Renode's execution tracer count the instructions of the board's self-test, and compares them.

    Returns a sentence. Errors: UserError where Renode is missing or executes others.
    """
    machine = Machine(elf_file, records=True)
    feed = machine.symbols["board_watchdog_feed"]
    machine.set_words({machine.symbols["network_pause"]: feed | 1, _WATCHDOG: 0})  # as after the boot
    _, execution = machine.classify(reference.selftest_image().tobytes())
    functions = {machine.function_at(address) for address in execution.addresses}
    traced = renode_trace.function_at_boot(elf_file, machine.symbols[_NETWORK], execution.total.instructions)
    own = [address for address in traced if machine.function_at(address) in functions]
    skipped = renode_trace.skipped(own, execution.addresses, machine.conditional_after)
    if skipped is None:
        raise UserError(
            f"Renode executed other instructions of {_NETWORK} than the emulator, {len(own):,} and not "
            f"{len(execution.addresses):,}: the profile cannot be trusted until it is known why."
        )
    return (
        f"Renode's execution tracer saw the same {len(execution.addresses):,} instructions of {_NETWORK} "
        f"in the self-test, one by one; between them {skipped:,} that their condition skipped, and "
        f"{len(traced) - len(own):,} of interrupts."
    )


def plot(profile: Profile, title: str, path: Path) -> None:
    """A picture of the layers' cycles, cycles a MAC beside the bars, as PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 1.2 + 0.5 * len(profile.layers)), layout="constrained")
    axes = figure.subplots()
    names = [layer.name for layer in profile.layers]
    bars = axes.barh(names, [layer.cycles / 1000 for layer in profile.layers], color="tab:blue")
    notes = [
        f" {percent(layer.cycles, profile.cycles)}, {ratio(layer.cycles, layer.macs)} cycles/MAC"
        for layer in profile.layers
    ]
    axes.bar_label(bars, notes)
    axes.invert_yaxis()
    axes.margins(x=0.35)
    axes.set_xlabel("thousand cycles, estimated")
    axes.set_title(f"{title}: {profile.cycles:,} cycles, {milliseconds(profile.cycles)}", loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


def _layer_table(profile: Profile) -> str:
    measured = ("MACs", "instructions", "cycles", "cycles/MAC", "share", "flash", "SRAM")
    rows = [("layer", "kernel", "output", *measured)]
    for layer in profile.layers:
        rows.append(
            (
                layer.name,
                layer.kernel,
                "x".join(map(str, layer.output)),
                f"{layer.macs:,}" if layer.macs else "",
                f"{layer.instructions:,}",
                f"{layer.cycles:,}",
                ratio(layer.cycles, layer.macs),
                percent(layer.cycles, profile.cycles),
                f"{layer.flash:,}",
                f"{layer.sram:,}",
            )
        )
    rest = profile.rest
    rows.append(
        (
            _NETWORK,
            "",
            "",
            "",
            f"{rest.instructions:,}",
            f"{rest.cycles:,}",
            "",
            percent(rest.cycles, profile.cycles),
            "",
            "",
        )
    )
    rows.append(
        (
            "total",
            "",
            "",
            f"{profile.macs:,}",
            f"{profile.instructions:,}",
            f"{profile.cycles:,}",
            ratio(profile.cycles, profile.macs),
            "100.0 %",
            f"{sum(layer.flash for layer in profile.layers):,}",
            f"{profile.arena:,}",
        )
    )
    lines = [
        f"{milliseconds(profile.cycles)} at {CLOCK // 1_000_000} MHz; of the cycles, "
        f"{profile.fetch_stalls:,} wait for code and {2 * profile.flash_loads:,} for {profile.flash_loads:,} "
        "loads from flash"
    ]
    return "\n".join([table(rows, left=2), *lines])


def _memory(profile: Profile) -> str:
    return (
        f"SRAM: {profile.arena:,} bytes of activations and scratch memory, which the layers share; "
        f"{profile.stack:,} bytes of stack in {_NETWORK}, of {profile.stack_reserved:,} reserved"
    )


def _arrival(machine: Machine, image: np.ndarray, baud: int, a_byte: int, expected: list[int]) -> Arrival:
    """Runs network_rows while the bytes of the request arrive, and network_finish after the last one.

    Errors: UserError where the logits are not the expected ones.
    """
    body = link.make_body(link.Command.CLASSIFY, 0, image.tobytes())
    request = len(link.wrap_body(body))
    rows_end = [link.HEADER_BYTES + (row + 1) * link.IMAGE_COLS for row in range(link.IMAGE_ROWS)]
    # The delimiter before the body, and what stuffing adds up to the end of each row.
    taken_with = [len(link.DELIMITER) + len(link.cobs_encode(body[:end])) for end in rows_end]
    now, computing, taken = 0, 0, 0
    while taken < request:
        arrived = min(request, now * baud // (_BITS_A_BYTE * CLOCK))
        now += (arrived - taken) * a_byte
        taken = arrived
        execution = machine.call("network_rows", image.tobytes(), bisect_right(taken_with, taken))
        if execution.value:
            now += execution.total.cycles
            computing += execution.total.cycles
        elif taken < request:
            now = max(now, _cycles_on_the_wire(taken + 1, baud))
    logits = bytearray(4 * len(expected))
    finish = machine.call("network_finish", image.tobytes(), logits).total.cycles
    if list(struct.unpack(f"<{len(expected)}i", logits)) != expected:
        raise UserError("An image that arrives row by row gets other logits: the network is wrong.")
    after = now - _cycles_on_the_wire(request, baud) + finish
    return Arrival(baud, request, after, computing + finish)


def cycles_a_byte(machine: Machine) -> int:
    """The processor's cycles for a byte within a frame: from the receive buffer to the receiver."""
    machine.set_words(_RECEIVED_BYTE)
    receiver = machine.symbols["receiver"]
    machine.call("link_receive", receiver, 0xFF)  # the code byte of a block, as a frame begins
    parts = (
        machine.call("board_receive", bytearray(1), bytearray(12)),
        machine.call("link_receive", receiver, 0x55),
    )
    return _LOOP_CYCLES + sum(part.total.cycles for part in parts)


def _cycles_on_the_wire(count: int, baud: int) -> int:
    """The cycles that `count` bytes take, rounded up to whole cycles."""
    return -(-_BITS_A_BYTE * CLOCK * count // baud)


def _end_to_end(profile: Profile, model: Model) -> str:
    """The time from the first byte of a request to the last of the line that answers it."""
    greeting = sum(len(f"{line}\r\n") for line in GREETING)
    answer = len(result_line(profile.label, profile.logits, profile.cycles) + "\r\n")
    rows = [("baud rate", "request", "network", "answer", "end to end", "not overlapped", "network cycles")]
    for arrival in profile.arrivals:
        request_time, greeting_time, answer_time = (
            _cycles_on_the_wire(count, arrival.baud) for count in (arrival.request, greeting, answer)
        )
        rows.append(
            (
                f"{arrival.baud:,}",
                milliseconds(request_time),
                milliseconds(arrival.after),
                milliseconds(answer_time),
                milliseconds(request_time + max(arrival.after, greeting_time) + answer_time),
                milliseconds(request_time + max(profile.cycles, greeting_time) + answer_time),
                f"{arrival.computing:,}",
            )
        )
    request = profile.arrivals[0].request
    return (
        f"End to end: a request of {request} bytes, what the network takes after the last of "
        f"them, and a result of {answer}; {greeting} for\npeople go out before it, and the others after it. "
        f"While the request arrives, each byte takes {profile.a_byte} cycles of\nthe processor. Not "
        f"overlapped: all of the network after the last byte.\n\n{table(rows, left=0)}"
    )


def result_line(label: int, logits: Sequence[int], cycles: int) -> str:
    """The line that answers a request, as long as the board's; the checksum of the frame is left open."""
    return link.format_line(
        "result",
        seq=10_000,
        image="00000000",
        label=label,
        logits=",".join(map(str, logits)),
        cycles=cycles,
        finish=cycles,
    )


def _flash_of(step: Step, symbols: Sequence[size.Symbol]) -> int:
    own = [
        symbol.size
        for symbol in symbols
        if symbol.memory == "flash" and symbol.name.startswith(f"{step.name}_")
    ]
    return sum(own)
