"""One convolution, compiled alone with a kernel of choice: any inputs, any rows, each kernel by itself."""

import ctypes
import struct
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import network_builds
import numpy as np

from compiler import codegen, kernels, lower, reference
from compiler.kernels import Kernel
from compiler.network import Conv2d, MaxPool2d, Requantisation, Tensor

_INPUT, _OUTPUT = 0x20000000, 0x20001800  # of the simulated chip; kernels' scratch memory lies behind them
_LAYOUT = [
    "-nostdlib",
    "-Wl,-e,compute",
    "-Wl,--section-start=.text=0x08000000",
    "-Wl,-Tbss=0x20002000",
]


def step(
    generator: np.random.Generator,
    channels: int,
    outputs: int,
    side: tuple[int, int],
    *,
    width: int,
    narrow: int = 0,
    padding: int = 0,
    pool: bool = False,
    maximum: int = 63,
    weight_bits: int = 4,
) -> lower.Step:
    """A 3x3 convolution whose sums have a range of exactly `width`, or as near as the inputs allow.

    narrow: the range of every second output, if it differs.
    """
    shape = (channels, 3, 3)
    widths = [width if output % 2 == 0 else narrow or width for output in range(outputs)]
    weights = np.array([_filter(generator, shape, each // maximum, weight_bits) for each in widths], np.int8)
    bias = generator.integers(-20_000, 20_000, outputs).astype(np.int32)
    low = bias + maximum * np.minimum(weights, 0).astype(int).sum(axis=(1, 2, 3))
    high = bias + maximum * np.maximum(weights, 0).astype(int).sum(axis=(1, 2, 3))
    # Multipliers and a shift that spread each filter's positive sums over 0 to 63 and somewhat above.
    largest = np.maximum(high, 1000)
    multiplier = np.minimum(32767, 90 * 2**17 // largest)
    assert (np.maximum(-low, high) * multiplier).max() + 2**16 < 2**31
    layer = Conv2d(
        weights,
        bias,
        Requantisation(multiplier.astype(np.int16), 17, 63),
        weight_bits=weight_bits,
        padding=padding,
    )
    source = Tensor((channels, *side), 0, maximum)
    target = layer.output(source)
    pooling = MaxPool2d(2, 2) if pool else None
    return lower.Step(1, layer, source, pooling.output(target) if pooling else target, pooling)


def kernel(of: lower.Step, name: str, strip: int = 0) -> Kernel | None:
    """A kernel of that name for a step: with the largest strips, or with the strip'th largest."""
    found = [kernel for kernel in kernels.candidates(of) if kernel.name == name]
    return found[min(strip, len(found) - 1)] if found else None


def expected(of: lower.Step, inputs: np.ndarray) -> np.ndarray:
    """The reference's output for inputs, uint8 (N, channels, rows, columns)."""
    values = reference.run_layer(of.layer, inputs)
    values = reference.run_layer(of.pool, values) if of.pool else values
    _, rows, columns = of.target.shape
    return values[:, :, :rows, :columns]


def inputs(generator: np.random.Generator, of: lower.Step) -> np.ndarray:
    """Inputs of a step: both ends, noise, and for each output the sums' extremes, at places all over."""
    shape, maximum = of.source.shape, of.source.high
    cases = [
        np.zeros(shape),
        np.full(shape, maximum),
        np.where(generator.random(shape) < 0.5, 0, maximum),
        generator.integers(0, maximum, shape, endpoint=True),
    ]
    _, rows, columns = shape
    assert isinstance(of.layer, Conv2d)
    weights = of.layer.weights
    for sign in (1, -1):
        # Each 3x3 patch drives the next output to its extreme.
        extreme = generator.integers(0, maximum, shape, endpoint=True)
        patches = [(row, column) for row in range(0, rows - 2, 3) for column in range(0, columns - 2, 3)]
        for first in range(0, len(weights), max(1, len(patches))):
            extreme = extreme.copy()
            for output, (row, column) in zip(range(first, len(weights)), patches, strict=False):
                patch = np.where(weights[output] * sign > 0, maximum, 0)
                extreme[:, row : row + 3, column : column + 3] = patch
            cases.append(extreme)
    return np.array(cases, np.uint8)


def row_splits(generator: np.random.Generator, rows: int) -> Iterator[list[tuple[int, int]]]:
    """Ways to compute this number of rows: at once, one by one, and in random portions."""
    yield [(0, rows)]
    yield [(row, row + 1) for row in range(rows)]
    inner = np.flatnonzero(generator.random(rows - 1) < 0.5) + 1 if rows > 1 else np.array([], int)
    edges = [0, *inner.tolist(), rows]
    yield list(pairwise(edges))


class NativeLayer:
    """A step compiled for this computer. network: the folder of the kernels' headers."""

    def __init__(
        self, of: lower.Step, kernel: Kernel, folder: Path, network: Path = network_builds.NETWORK
    ) -> None:
        library = folder / "liblayer.so"
        _write(of, kernel, folder)
        network_builds.compile_c(
            network_builds.compiler("cc"),
            [folder / "layer.c"],
            library,
            ["-shared", "-fPIC", f"-I{network}"],
            folder,
        )
        self._library = ctypes.CDLL(str(library))
        self._of = of

    def run(self, pixels: np.ndarray, splits: list[tuple[int, int]]) -> np.ndarray:
        """The output of one input, whose rows are computed in those portions."""
        output = np.full(self._of.target.shape, 0xA5, np.uint8)
        source = np.ascontiguousarray(pixels)
        for first, end in splits:
            self._library.compute(
                ctypes.c_void_p(source.ctypes.data), ctypes.c_void_p(output.ctypes.data), first, end
            )
        return output


class ArmLayer:
    """The same step compiled for the chip, on a simulated one."""

    def __init__(
        self,
        of: lower.Step,
        kernel: Kernel,
        folder: Path,
        *definitions: str,
        network: Path = network_builds.NETWORK,
    ) -> None:
        from tooling.measure import cortex_m3

        elf = folder / "layer.elf"
        _write(of, kernel, folder)
        options = [*network_builds.ARM_FLAGS, *_LAYOUT, f"-I{network}", *definitions]
        compiler = network_builds.compiler("arm-none-eabi-gcc")
        network_builds.compile_c(compiler, [folder / "layer.c"], elf, options, folder)
        self._machine = cortex_m3.Machine(elf, counts=False)
        self._of = of

    def run(self, pixels: np.ndarray, splits: list[tuple[int, int]]) -> np.ndarray:
        """The output of one input, whose rows are computed in those portions."""
        self._put(_INPUT, pixels.tobytes())
        self._put(_OUTPUT, bytes([0xA5]) * self._of.target.count)
        for first, end in splits:
            self._machine.call("compute", _INPUT, _OUTPUT, first, end)
        output = bytearray(self._of.target.count)
        self._machine.call("copy", output, _OUTPUT, len(output))
        return np.frombuffer(bytes(output), np.uint8).reshape(self._of.target.shape)

    def _put(self, address: int, data: bytes) -> None:
        padded = data + bytes(-len(data) % 4)
        words = struct.unpack(f"<{len(padded) // 4}I", padded)
        self._machine.set_words({address + 4 * index: word for index, word in enumerate(words)})


def _write(of: lower.Step, kernel: Kernel, folder: Path) -> None:
    """folder/layer.c: the constants, scratch memory, and compute(), which calls the kernel."""
    call = kernel.call.format(source="input", target="output", scratch="scratch")
    text = f"""\
#include <stddef.h>
#include "{kernel.header}"

{codegen.constants_text(of.name, kernel.constants)}
static uint32_t scratch[{max(1, kernel.scratch_bytes // 4)}];
void compute(const uint8_t *input, uint8_t *output, int first_row, int end_row);
void copy(uint8_t *to, const uint8_t *from, size_t count);

void compute(const uint8_t *input, uint8_t *output, int first_row, int end_row)
{{
    (void)first_row, (void)end_row; /* a kernel without rows */
    {call}
}}

void copy(uint8_t *to, const uint8_t *from, size_t count)
{{
    for (size_t k = 0; k < count; k++) {{
        to[k] = from[k];
    }}
}}
"""
    (folder / "layer.c").write_text(text)


def _filter(
    generator: np.random.Generator, shape: tuple[int, ...], total: int, weight_bits: int
) -> np.ndarray:
    """Weights whose absolute values add up to `total`, as far as they can."""
    end = 2 ** (weight_bits - 1) - 1
    sizes = np.zeros(int(np.prod(shape)), int)
    for place in generator.permutation(sizes.size):
        sizes[place] = min(end, int(generator.integers(0, end, endpoint=True)), total - sizes.sum())
    for place in generator.permutation(sizes.size):
        sizes[place] += min(end - sizes[place], total - sizes.sum())
    signs: np.ndarray = generator.choice([-1, 1], sizes.size)
    signed: np.ndarray = (sizes * signs).reshape(shape)
    return signed
