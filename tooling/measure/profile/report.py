"""A profile as text and as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from common.paths import shown
from compiler.network import Model
from compiler.target import CLOCK
from data.examples import Examples
from host import link
from tooling import size
from tooling.measure.cortex_m3 import milliseconds
from tooling.measure.profile.arrival import cycles_on_the_wire
from tooling.measure.profile.measure import NETWORK, Profile, measure
from tooling.measure.timing import ASSUMPTIONS
from tooling.tables import percent, ratio, table

# What the board says before it computes what is left, and thus while it does.
GREETING = ("Image data received successfully", "Starting inference...")


def report(elf_file: Path, model: Model, examples: Examples, index: int) -> tuple[Profile, str]:
    """The profile of one example, and all of it as text. Raises UserError."""
    examples.require(index)
    profile = measure(elf_file, model, examples.images[index])
    recognised, label = (model.class_names[k] for k in (profile.label, examples.labels[index]))
    title = (
        f"{shown(elf_file)}, model {model.name}, test image {index}: "
        f"recognised as {recognised}, labelled {label}"
    )
    return profile, "\n\n".join(
        [
            title,
            _layer_table(profile),
            _other_kernels(profile),
            _memory(profile),
            size.largest_symbols(size.measure(elf_file)),
            _end_to_end(profile, model),
            ASSUMPTIONS,
        ]
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
    measured = ("MACs", "instructions", "cycles", "at worst", "cycles/MAC", "share", "flash", "SRAM")
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
                f"{layer.worst_cycles:,}",
                ratio(layer.cycles, layer.macs),
                percent(layer.cycles, profile.cycles),
                f"{layer.flash:,}",
                f"{layer.sram:,}",
            )
        )
    rest = profile.rest
    rows.append(
        (
            NETWORK,
            "",
            "",
            "",
            f"{rest.instructions:,}",
            f"{rest.cycles:,}",
            f"{rest.worst_cycles:,}",
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
            f"{profile.worst_cycles:,}",
            ratio(profile.cycles, profile.macs),
            "100.0 %",
            f"{sum(layer.flash for layer in profile.layers):,}",
            f"{profile.arena:,}",
        )
    )
    more = profile.worst_cycles / profile.cycles - 1
    lines = [
        f"{milliseconds(profile.cycles)} at {CLOCK // 1_000_000} MHz, "
        f"or {milliseconds(profile.worst_cycles)} at worst, {100 * more:.1f} % more.",
        f"Of the cycles at best, {profile.fetch_stalls:,} wait for code and {2 * profile.flash_loads:,} for "
        f"{profile.flash_loads:,} loads from flash.",
    ]
    return "\n".join([table(rows, left=2), *lines])


def _other_kernels(profile: Profile) -> str:
    """Why other fast kernels do not compute the layers."""
    rows = [
        (layer.name, name, reason)
        for layer in profile.layers
        for name, reason in sorted(layer.others.items())
    ]
    if not rows:
        return "No other fast kernel is for layers of these kinds."
    return table([("layer", "does not run", "because"), *rows], left=3)


def _memory(profile: Profile) -> str:
    return (
        f"SRAM: {profile.arena:,} bytes of activations and scratch memory, which the layers share; "
        f"{profile.stack:,} bytes of stack in {NETWORK}, of {profile.stack_reserved:,} reserved"
    )


def _end_to_end(profile: Profile, model: Model) -> str:
    """The time from the first byte of a request to the last of the line that answers it."""
    greeting = sum(len(f"{line}\r\n") for line in GREETING)
    answer = len(result_line(profile.label, profile.logits, profile.cycles) + "\r\n")
    rows = [("baud rate", "request", "network", "answer", "end to end", "not overlapped", "network cycles")]
    for arrival in profile.arrivals:
        request_time, greeting_time, answer_time = (
            cycles_on_the_wire(count, arrival.baud) for count in (arrival.request, greeting, answer)
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
        f"While the request arrives, each byte takes {profile.cycles_per_byte} cycles of\nthe processor. Not "
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
