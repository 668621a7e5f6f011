"""The first inputs of the fuzzers of the link and the application: one for each part of LINK.md.

These inputs are scripts (firmware/fuzz/input/script.h): bytes for the wire and, behind an escape, what no
byte on a wire can say. They fit images of every shape. `python -m tooling.fuzz.seeds` writes them to
tests/corpus/, beside what the fuzzers found.
"""

import struct

from common.paths import ROOT
from host import link

CORPUS = ROOT / "tests" / "corpus"
TARGETS = ("link", "app")

_ESCAPE = b"\x1b"
_WHOLE = 255


def silence(milliseconds: int) -> bytes:
    """A pause on the wire, up to 255 ms."""
    return _ESCAPE + b"s" + bytes([milliseconds])


def lost(count: int) -> bytes:
    """Bytes that the USART loses, up to 255."""
    return _ESCAPE + b"l" + bytes([count])


def line_errors(framing: int, noise: int) -> bytes:
    """The USART reports damage, up to 15 of each kind."""
    return _ESCAPE + b"n" + bytes([framing << 4 | noise])


def busy(characters: int) -> bytes:
    """Characters that arrive while the main loop is busy, up to 2040 in steps of 8."""
    return _ESCAPE + b"b" + bytes([characters // 8])


def reset(*, intact: bool = True) -> bytes:
    """A reset; the flash is damaged unless `intact`."""
    return _ESCAPE + b"r" + bytes([not intact])


def frame(command: int, sequence: int, length: int, seed: int = 0, version: int = link.VERSION) -> bytes:
    """A whole frame between borders, its payload a function of `seed`."""
    fields = struct.pack("<BBHHB", version, command, sequence, length, seed)
    return link.DELIMITER + _ESCAPE + b"f" + fields + link.DELIMITER


def image(sequence: int, seed: int = 42, *, more: int = 0, share: int = _WHOLE) -> bytes:
    """A classify frame between borders, its payload an image or `more` bytes longer.

    `share`: how many 255ths of the frame are sent.
    """
    fields = struct.pack("<BBHbBB", link.VERSION, link.Command.CLASSIFY, sequence, more, seed, share)
    return link.DELIMITER + _ESCAPE + b"i" + fields + (link.DELIMITER if share == _WHOLE else b"")


def baud(sequence: int, rate: int) -> bytes:
    """A whole frame that asks for another baud rate."""
    return link.encode_frame(link.Command.BAUD, sequence, struct.pack("<I", rate))


def scripts() -> dict[str, bytes]:
    """The inputs by name."""
    info = link.encode_frame(link.Command.INFO, 0x1234)
    question = frame(link.Command.INFO, 2, 0)
    return {
        "info": info,
        "image": image(1),
        "two-images": image(1) + image(3, 7),
        "shared-border": image(1) + question[1:],
        "full-blocks": image(4, 16),
        "empty-last-block": b"\0" + link.cobs_encode(link.make_body(link.Command.INFO, 5)) + b"\1\0",
        "cut-off": image(7, share=127) + silence(60) + question,
        "cut-off-in-a-row": image(7, share=131) + b"\0" + question,
        "short": b"\0\x03\x01\x02\0" + question,
        "length": link.wrap_body(link.make_body(link.Command.INFO, 6)[:-1] + b"\1\2"),
        "stuffing": info[:-2] + b"\0" + b"\0\x0b" + b"\1" * 9 + b"\0",
        "crc": info[:-3] + b"\x55" + info[-2:],
        "version": frame(link.Command.INFO, 7, 0, version=1),
        "command": frame(99, 8, 0),
        "version-1-image": frame(link.Command.CLASSIFY, 7, 784, version=1) + question,
        "small-image": image(9, more=-1),
        "empty-image": frame(link.Command.CLASSIFY, 9, 0),
        "large-image": image(10, more=1),
        "info-with-payload": frame(link.Command.INFO, 11, 1),
        "overlong": image(12, 3, more=100) + question,
        "lost": info[:5] + lost(1) + info[5:] + question,
        "line": line_errors(1, 0) + info[:5] + line_errors(0, 3) + info[5:] + question,
        "overrun": busy(2040) + image(1) + image(2) + question,
        "flood": question * 40,
        "reset": image(7, share=97) + reset() + image(7, share=10)[1:] + b"\0" + question,
        "damaged-flash": reset(intact=False) + image(1) + question,
        "baud": baud(13, 1_000_000) + image(1) + baud(14, 115_200) + question,
        "image-at-fall-back": baud(15, 500_000) + line_errors(1, 0) + silence(240) * 2 + image(1) + question,
        "baud-not-followed": baud(15, 500_000) + silence(255) * 3 + question,
        "baud-misheard": baud(16, 500_000) + line_errors(1, 0) + silence(60) + question,
        "baud-impossible": baud(17, 0) + baud(18, 50_000_000),
        "baud-size": frame(link.Command.BAUD, 19, 5),
        "pause": info[:5] + silence(40) + info[5:],
    }


def write() -> None:
    """Write the inputs for both targets."""
    for target in TARGETS:
        folder = CORPUS / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, script in scripts().items():
            (folder / name).write_bytes(script)


if __name__ == "__main__":
    write()
