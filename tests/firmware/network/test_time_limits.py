"""The schedule's limits leave a reserve to the receive buffer's size and to the watchdog's time-out."""

import re
from pathlib import Path

import pytest

from common.paths import CHIPS, FIRMWARE
from compiler import schedule, target
from host import link

CYCLES_PER_BYTE = link.MIN_CYCLES_PER_BYTE  # at the highest rate
CLOCK_WITHOUT_CRYSTAL = 8_000_000
LSI_AT_MOST = 60_000  # Hz, datasheet DS5319, 5.3.7


def constant(path: Path, name: str) -> int:
    """A number that a C header defines."""
    found = re.search(rf"#define {name}\s+(\d+)u?\b", path.read_text())
    assert found, name
    return int(found[1])


@pytest.mark.parametrize("image_bytes", [16, 64, 480, 600, 784, 1024, 3072, 4096])
def test_the_receive_buffer_holds_what_arrives_during_the_longest_part(image_bytes: int) -> None:
    header = FIRMWARE / "link" / "receive_buffer.h"
    assert constant(header, "RECEIVE_WHILE_COMPUTING") * CYCLES_PER_BYTE >= schedule.CYCLES_WHILE_RECEIVING
    capacity = target.receive_buffer_bytes(image_bytes, 2) - constant(header, "RECEIVE_BUFFER_MARGIN")
    if capacity < link.max_body(image_bytes):  # otherwise it holds the whole frame
        assert 1.5 < capacity * CYCLES_PER_BYTE / schedule.CYCLES_WHILE_RECEIVING < 1.6


def test_the_watchdog_waits_longer_than_the_longest_row_without_a_crystal() -> None:
    header = CHIPS / "stm32f103" / "peripherals" / "watchdog.h"
    assert "IWDG_PR_DIV16" in header.read_text()
    seconds = 16 * (constant(header, "WATCHDOG_RELOAD") + 1) / LSI_AT_MOST
    available = CLOCK_WITHOUT_CRYSTAL * seconds
    assert 1.3 < available / schedule.CYCLES_PER_CALL_LIMIT < 1.4
    assert schedule.CYCLES_PER_CALL < schedule.CYCLES_PER_CALL_LIMIT
