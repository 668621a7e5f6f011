"""What the main loop asks about a frame that is still arriving, and about an empty receive buffer."""

import ctypes
import shutil
import subprocess

import pytest

from common.paths import FIRMWARE
from host import link

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler for this computer")

LINK = FIRMWARE / "link"
SHIM = """
#include "link.h"
#include "receive_buffer.h"
static struct link_receiver receiver;
static struct receive_buffer buffer;
void feed(const uint8_t *bytes, int count)
{
    for (int k = 0; k < count; k++) {
        link_receive(&receiver, bytes[k]);
    }
}
void progress(int *command, int *length, int *bytes, uint8_t *payload)
{
    const struct link_progress found = link_progress(&receiver);
    *command = found.command;
    *length = found.length;
    *bytes = found.payload_bytes;
    for (int k = 0; k < found.payload_bytes; k++) {
        payload[k] = found.payload[k];
    }
}
void put(uint8_t byte) { receive_buffer_put(&buffer, byte); }
void damage(void) { receive_buffer_damage(&buffer, (struct receive_faults){.noise = 1}); }
int get(void)
{
    uint8_t byte;
    struct receive_faults faults;
    return receive_buffer_get(&buffer, &byte, &faults);
}
int is_empty(void) { return receive_buffer_is_empty(&buffer); }
"""
NOTHING, A_BYTE, A_FAULT = range(3)
IMAGE = bytes(range(1, 256)) * 3 + bytes(19)


@pytest.fixture
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The link's C, compiled for this computer, as after a reset."""
    folder = tmp_path_factory.mktemp("receiver")
    (folder / "shim.c").write_text(SHIM)
    (folder / "model.h").write_text(f"#define NETWORK_PIXELS {len(IMAGE)}\n#define NETWORK_CLASSES 10\n")
    sources = [folder / "shim.c", *(LINK / f"{name}.c" for name in ("link", "crc32", "receive_buffer"))]
    made = folder / "libreceiver.so"
    subprocess.run(["cc", "-shared", "-fPIC", f"-I{LINK}", f"-I{folder}", *sources, "-o", made], check=True)
    return ctypes.CDLL(str(made))


def progress(library: ctypes.CDLL) -> tuple[int, int, bytes]:
    """Command, length and payload so far of the frame that is arriving."""
    command, length, count = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
    payload = ctypes.create_string_buffer(link.max_body(len(IMAGE)))
    library.progress(ctypes.byref(command), ctypes.byref(length), ctypes.byref(count), payload)
    return command.value, length.value, payload.raw[: count.value]


def decoded_bytes(encoded: bytes) -> int:
    """How many bytes of the body a COBS decoder has after these bytes: a code adds the zero before it."""
    decoded, left, zero = 0, 0, False
    for byte in encoded:
        if left:
            left, decoded = left - 1, decoded + 1
        else:
            decoded, left, zero = decoded + zero, byte - 1, byte != 0xFF
    return decoded


def test_progress_is_the_payload_so_far(library: ctypes.CDLL) -> None:
    body = link.make_body(link.Command.CLASSIFY, 0x0503, IMAGE)
    frame = link.wrap_body(body)
    assert progress(library) == (0, 0, b"")
    for sent in range(1, len(frame)):
        library.feed(frame[sent - 1 : sent], 1)
        received = decoded_bytes(frame[1:sent])
        if received > link.HEADER_BYTES:
            payload = body[link.HEADER_BYTES : received][: len(IMAGE)]
            assert progress(library) == (link.Command.CLASSIFY, len(IMAGE), payload), sent
        else:
            assert progress(library) == (0, 0, b""), sent
    library.feed(frame[-1:], 1)
    assert progress(library) == (0, 0, b"")


def test_a_buffer_is_empty_if_nothing_is_to_get(library: ctypes.CDLL) -> None:
    assert library.is_empty()
    library.put(ctypes.c_uint8(7))
    assert not library.is_empty()
    assert library.get() == A_BYTE
    assert library.is_empty()
    library.damage()
    assert not library.is_empty()
    assert library.get() == A_FAULT
    assert library.is_empty()
    assert library.get() == NOTHING
