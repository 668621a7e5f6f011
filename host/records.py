"""What the board says about itself and about an image."""

from dataclasses import dataclass

from host.errors import CorruptAnswer
from host.link.constants import CLASSES, VERSION
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
    rows: int
    cols: int
    classes: int
    reset: str
    """Cause of the last reset."""
    selftest: str
    """`passed`, or the part that failed at boot: `flash` or `network`."""
    stack: int
    """Largest number of stack bytes used so far."""
    inference: int
    """Milliseconds that the self-test's image took at boot; 0 if the firmware does not report it."""

    @classmethod
    def from_message(cls, message: Message) -> "Info":
        """Reads an @info line.

        Raises `UnsupportedVersion` for another version of the link, `CorruptAnswer` for a missing field.
        """
        if message.number("link") != VERSION:  # the other fields of that version may differ
            raise UnsupportedVersion({"version": message.text("link")})
        return cls(
            link=message.number("link"),
            firmware=message.text("firmware"),
            model=message.text("model"),
            checksum=message.hexadecimal("checksum"),
            clock=message.number("clock"),
            source=message.text("source"),
            rows=message.number("rows"),
            cols=message.number("cols"),
            classes=message.number("classes"),
            reset=message.text("reset"),
            selftest=message.text("selftest"),
            stack=message.number("stack"),
            inference=message.number("inference") if "inference" in message.fields else 0,
        )


@dataclass(frozen=True)
class Prediction:
    """The board's answer to an image."""

    label: int
    """The class with the largest logit; the lowest class if several are equal."""
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
    def from_message(cls, message: Message, image_checksum: int) -> "Prediction":
        """Reads a @result line.

        `image_checksum`: the checksum of the frame that the line answers. Raises `CorruptAnswer` for a line
        that arrived undamaged but cannot be the answer to that frame.
        """
        if message.hexadecimal("image") != image_checksum:
            raise CorruptAnswer("The board answered with the checksum of another image.")
        label, logits = message.number("label"), message.numbers("logits")
        if len(logits) != CLASSES:
            raise CorruptAnswer(f"The board answered with {len(logits)} logits instead of {CLASSES}.")
        if label != logits.index(max(logits)):
            raise CorruptAnswer(f"The board answered with class {label}, but its logits are {logits}.")
        cycles, finish = (
            message.number(key) if key in message.fields else None for key in ("cycles", "finish")
        )
        return cls(label, logits, cycles, finish, sequence=message.number("seq"))
