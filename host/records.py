"""What the board says about itself and about an image."""

from dataclasses import dataclass

from host.errors import CorruptAnswer
from host.link.constants import MAX_LENGTH, VERSION
from host.link.errors import UnsupportedVersion
from host.link.lines import Message


@dataclass(frozen=True)
class Info:
    """The fields of an @info line."""

    link: int
    """Version of the link."""
    firmware: str
    """Version of the firmware."""
    model: str
    """Name of the network."""
    checksum: int
    """CRC-32 of the network."""
    clock: int
    """Processor clock in Hz."""
    source: str
    """`hse` (crystal), or why not: `hsi` (the crystal did not start), `hsi-pll` (the PLL did not)."""
    channels: int
    """Of an image: 1 is grey, 3 are red, green and blue."""
    rows: int
    cols: int
    class_names: tuple[str, ...]
    """In the order of the logits."""
    reset: str
    """Cause of the last reset."""
    selftest: str
    """`passed`, or the part that failed at boot: `flash` or `network`."""
    stack: int
    """Largest number of stack bytes used so far."""
    inference: int
    """Milliseconds that the self-test's image took at boot; 0 if the firmware does not report it."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, rows and columns of an image."""
        return self.channels, self.rows, self.cols

    @property
    def image_bytes(self) -> int:
        """The size of an image."""
        return self.channels * self.rows * self.cols

    @property
    def classes(self) -> int:
        """The number of classes, and of logits."""
        return len(self.class_names)

    @classmethod
    def from_message(cls, message: Message) -> "Info":
        """Reads an @info line.

        Raises `UnsupportedVersion` for another version of the link, `CorruptAnswer` for a line that arrived
        undamaged but lacks a field or contradicts itself.
        """
        if message.number("link") != VERSION:  # the other fields of that version may differ
            raise UnsupportedVersion({"version": message.text("link")})
        info = cls(
            link=message.number("link"),
            firmware=message.text("firmware"),
            model=message.text("model"),
            checksum=message.hexadecimal("checksum"),
            clock=message.number("clock"),
            source=message.text("source"),
            channels=message.number("channels"),
            rows=message.number("rows"),
            cols=message.number("cols"),
            class_names=message.names("names"),
            reset=message.text("reset"),
            selftest=message.text("selftest"),
            stack=message.number("stack"),
            inference=message.number("inference") if "inference" in message.fields else 0,
        )
        if info.classes != message.number("classes"):
            raise CorruptAnswer(
                f"The board reports {message.number('classes')} classes and {info.classes} names."
            )
        if min(info.shape) < 1 or info.image_bytes > MAX_LENGTH:
            raise CorruptAnswer(
                f"The board reports images of {describe_shape(info.shape)}, which fit no frame."
            )
        return info


def describe_shape(shape: tuple[int, ...]) -> str:
    """A shape in words: `3 x 32 x 32`, or `12 x 40` for one channel."""
    return " x ".join(map(str, shape[1:] if shape[0] == 1 else shape))


@dataclass(frozen=True)
class Prediction:
    """The board's answer to an image."""

    label: int
    """The class with the largest logit; the lowest class if several are equal."""
    name: str
    """The name of that class."""
    logits: tuple[int, ...]
    """The network's output, one integer for each class."""
    cycles: int | None
    """Processor cycles (on Renode: instructions) that the network took; None without a cycle counter."""
    finish: int | None
    """The part of `cycles` after the whole frame was verified; the rest ran while the image arrived."""
    sequence: int
    """Sequence number of the request that was answered."""
    seconds: float = 0.0
    """Time from the first request to the answer, retries included, by the stream's clock."""
    retries: tuple[str, ...] = ()
    """One sentence for each attempt that failed."""

    @classmethod
    def from_message(
        cls, message: Message, image_checksum: int, class_names: tuple[str, ...]
    ) -> "Prediction":
        """Reads a @result line.

        `image_checksum`: the checksum of the frame that the line answers. `class_names`: those of the board.
        Raises `CorruptAnswer` for a line that arrived undamaged but cannot be the answer to that frame.
        """
        if message.hexadecimal("image") != image_checksum:
            raise CorruptAnswer("The board answered with the checksum of another image.")
        label, logits = message.number("label"), message.numbers("logits")
        if len(logits) != len(class_names):
            raise CorruptAnswer(
                f"The board answered with {len(logits)} logits instead of {len(class_names)}."
            )
        if label != logits.index(max(logits)):
            raise CorruptAnswer(f"The board answered with class {label}, but its logits are {logits}.")
        cycles, finish = (
            message.number(key) if key in message.fields else None for key in ("cycles", "finish")
        )
        return cls(label, class_names[label], logits, cycles, finish, sequence=message.number("seq"))
