"""DMA1: widths, addresses, circular and half-way marks, errors, priorities, locks, and USART1's requests."""

from itertools import pairwise

import pytest
from chip_registers import Channel, Core, Dma1, Rcc, Usart1, UsartStatus, dma_channel
from simulated_chip import SimulatedChip
from simulated_line import CHARACTER, SimulatedLine

EN, TCIE, HTIE, TEIE, DIR, CIRC, PINC, MINC, MEM2MEM = (1 << bit for bit in (0, 1, 2, 3, 4, 5, 6, 7, 14))
GIF, TCIF, HTIF, TEIF = 1, 2, 4, 8
SOURCE, TARGET = 0x20001000, 0x20002000
DMAR, DMAT = 1 << 6, 1 << 7


@pytest.fixture
def dma(chip: SimulatedChip) -> SimulatedChip:
    chip.write(Rcc.AHBENR, 0x15)
    return chip


def set_up(
    chip: SimulatedChip, channel: int, *, peripheral: int, memory: int, count: int, control: int
) -> None:
    base = dma_channel(channel)
    chip.write(base + Channel.CPAR, peripheral)
    chip.write(base + Channel.CMAR, memory)
    chip.write(base + Channel.CNDTR, count)
    chip.write(base + Channel.CCR, control)


def flags(chip: SimulatedChip, channel: int) -> int:
    return chip.read(Dma1.ISR) >> 4 * (channel - 1) & 0xF


def count(chip: SimulatedChip, channel: int) -> int:
    return chip.read(dma_channel(channel) + Channel.CNDTR)


def irq_pends(chip: SimulatedChip, channel: int) -> bool:
    return bool(chip.read(Core.NVIC_ISPR0) >> 10 + channel & 1)


def copy(chip: SimulatedChip, channel: int, items: int, sizes: int = 0, extra: int = 0) -> None:
    """From SOURCE to TARGET; in memory to memory the peripheral's side is the source."""
    control = MEM2MEM | PINC | MINC | sizes | extra | EN
    set_up(chip, channel, peripheral=SOURCE, memory=TARGET, count=items, control=control)


def fill(chip: SimulatedChip) -> None:
    for k in range(0, 16, 4):
        chip.write(SOURCE + k, 0x03020100 + 0x04040404 * (k // 4) + 0xB0B0B0B0)
        chip.write(TARGET + k, 0)


def target_bytes(chip: SimulatedChip, number: int) -> bytes:
    words = [chip.read(TARGET + k) for k in range(0, number, 4)]
    return b"".join(word.to_bytes(4, "little") for word in words)[:number]


B = bytes(range(0xB0, 0xC0))


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        (0, 0, B[:4]),
        (0, 1, bytes([B[0], 0, B[1], 0, B[2], 0, B[3], 0])),
        (0, 2, bytes([B[0], 0, 0, 0, B[1], 0, 0, 0, B[2], 0, 0, 0, B[3], 0, 0, 0])),
        (1, 0, bytes([B[0], B[2], B[4], B[6]])),
        (1, 1, B[:8]),
        (1, 2, bytes([B[0], B[1], 0, 0, B[2], B[3], 0, 0, B[4], B[5], 0, 0, B[6], B[7], 0, 0])),
        (2, 0, bytes([B[0], B[4], B[8], B[12]])),
        (2, 1, bytes([B[0], B[1], B[4], B[5], B[8], B[9], B[12], B[13]])),
        (2, 2, B),
    ],
)
def test_widths_are_cut_or_widened(dma: SimulatedChip, source: int, target: int, expected: bytes) -> None:
    """RM0008 table 76, four items."""
    fill(dma)
    copy(dma, 1, 4, sizes=source << 8 | target << 10)
    dma.run(1e-4)
    assert target_bytes(dma, len(expected)) == expected
    assert count(dma, 1) == 0


def test_addresses_increment_only_where_told(dma: SimulatedChip) -> None:
    fill(dma)
    set_up(dma, 1, peripheral=SOURCE, memory=TARGET, count=4, control=MEM2MEM | MINC | EN)
    dma.run(1e-4)
    assert target_bytes(dma, 4) == bytes([B[0]] * 4)


def test_memory_to_memory_takes_the_buses_time(dma: SimulatedChip) -> None:
    """800 items of five cycles at 8 MHz are 0.5 ms."""
    copy(dma, 1, 800, extra=TCIE | HTIE)
    dma.run(0.24e-3)
    assert flags(dma, 1) == 0
    assert not irq_pends(dma, 1)
    dma.run(0.02e-3)
    assert flags(dma, 1) == GIF | HTIF
    assert irq_pends(dma, 1)
    dma.run(0.23e-3)
    assert not flags(dma, 1) & TCIF
    dma.run(0.02e-3)
    assert flags(dma, 1) == GIF | HTIF | TCIF


def test_flags_are_cleared_one_by_one_or_together(dma: SimulatedChip) -> None:
    for channel in (1, 7):
        copy(dma, channel, 4)
    dma.run(1e-4)
    dma.write(Dma1.IFCR, HTIF << 24)
    assert flags(dma, 7) == GIF | TCIF
    assert flags(dma, 1) == GIF | TCIF | HTIF
    dma.write(Dma1.IFCR, GIF)
    assert flags(dma, 1) == 0


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (0x20005000, TARGET),
        (SOURCE, 0x20005000),
        (0xE000ED00, TARGET),
        (SOURCE, 0x08000000),
        (SOURCE, 0x22000000),
    ],
)
def test_an_address_that_does_not_answer_is_a_transfer_error(
    dma: SimulatedChip, source: int, target: int
) -> None:
    set_up(dma, 3, peripheral=source, memory=target, count=4, control=MEM2MEM | TEIE | EN)
    dma.run(1e-4)
    assert flags(dma, 3) == GIF | TEIF
    assert irq_pends(dma, 3)
    assert not dma.read(dma_channel(3) + Channel.CCR) & EN
    assert count(dma, 3) == 4


def test_an_enabled_channel_keeps_its_registers(dma: SimulatedChip) -> None:
    base = dma_channel(2)
    set_up(dma, 2, peripheral=SOURCE, memory=TARGET, count=4, control=EN)
    for register in (Channel.CPAR, Channel.CMAR, Channel.CNDTR):
        before = dma.read(base + register)
        dma.write(base + register, 0x20003000)
        assert dma.read(base + register) == before
    assert dma.log().count("was written while it is enabled") == 3


def test_priority_and_then_the_lower_channel_go_first(dma: SimulatedChip) -> None:
    """Three copies that would take 0.5 ms each."""
    for channel, priority in ((1, 0), (2, 0), (3, 2)):
        copy(dma, channel, 800, extra=priority << 12)
    finished: list[int] = []
    for _ in range(8):
        dma.run(0.2e-3)
        done = [channel for channel in (1, 2, 3) if flags(dma, channel) & TCIF]
        finished += [channel for channel in done if channel not in finished]
    assert finished == [3, 1, 2]


def test_a_channel_resumes_with_the_items_that_were_left(dma: SimulatedChip) -> None:
    copy(dma, 1, 800)
    dma.run(0.25e-3)
    dma.write(dma_channel(1) + Channel.CCR, 0)
    left = count(dma, 1)
    assert 0 < left < 800
    dma.run(1e-3)
    assert count(dma, 1) == left
    dma.write(dma_channel(1) + Channel.CCR, MEM2MEM | PINC | MINC | EN)
    dma.run(1e-3)
    assert count(dma, 1) == 0


def test_without_its_clock_dma_does_nothing(chip: SimulatedChip) -> None:
    copy(chip, 1, 4)
    assert chip.read(dma_channel(1) + Channel.CCR) == 0


# --- USART1 on channels 4 and 5 --------------------------------------------------------------------------


def start(chip: SimulatedChip, requests: int) -> SimulatedLine:
    line = SimulatedLine(chip)
    line.start_usart(cr3=requests)
    chip.read(Usart1.SR)
    chip.read(Usart1.DR)
    return line


def test_received_characters_go_round_the_buffer(dma: SimulatedChip) -> None:
    line = start(dma, DMAR)
    set_up(dma, 5, peripheral=Usart1.DR, memory=TARGET, count=8, control=CIRC | MINC | HTIE | TCIE | EN)
    line.send(b"0123")
    dma.run(4.5 * CHARACTER)
    assert (flags(dma, 5), count(dma, 5)) == (GIF | HTIF, 4)
    assert irq_pends(dma, 5)
    line.send(b"4567ab")
    dma.run(6.5 * CHARACTER)
    assert (flags(dma, 5), count(dma, 5)) == (GIF | HTIF | TCIF, 6)
    assert target_bytes(dma, 8) == b"ab234567"
    assert not dma.read(Usart1.SR) & (UsartStatus.RXNE | UsartStatus.ORE)


def test_the_line_is_idle_after_the_last_character_of_a_burst(dma: SimulatedChip) -> None:
    line = start(dma, DMAR)
    set_up(dma, 5, peripheral=Usart1.DR, memory=TARGET, count=64, control=CIRC | MINC | EN)
    line.send(bytes(range(20)))
    dma.run(20.5 * CHARACTER)
    assert not dma.read(Usart1.SR) & UsartStatus.IDLE
    dma.run(1 * CHARACTER)
    assert dma.read(Usart1.SR) & UsartStatus.IDLE
    assert count(dma, 5) == 44
    assert target_bytes(dma, 20) == bytes(range(20))


def test_a_line_error_stays_until_software_reads_it(dma: SimulatedChip) -> None:
    line = start(dma, DMAR | 1)
    set_up(dma, 5, peripheral=Usart1.DR, memory=TARGET, count=8, control=CIRC | MINC | EN)
    dma.command("sysbus.usart1 DamageNextCharacter true")
    line.send(b"ab")
    dma.run(3 * CHARACTER)
    assert count(dma, 5) == 6
    assert dma.read(Core.NVIC_ISPR1) >> 5 & 1
    assert dma.read(Usart1.SR) & UsartStatus.FE
    dma.read(Usart1.DR)
    assert not dma.read(Usart1.SR) & UsartStatus.FE


def test_a_full_linear_buffer_leaves_the_next_characters_to_overrun(dma: SimulatedChip) -> None:
    line = start(dma, DMAR)
    set_up(dma, 5, peripheral=Usart1.DR, memory=TARGET, count=2, control=MINC | EN)
    line.send(b"abcd")
    dma.run(5 * CHARACTER)
    assert target_bytes(dma, 2) == b"ab"
    assert dma.read(Usart1.SR) & (UsartStatus.RXNE | UsartStatus.ORE) == UsartStatus.RXNE | UsartStatus.ORE
    assert dma.read(Usart1.DR) == ord("c")


def test_characters_are_sent_from_memory_without_a_pause(dma: SimulatedChip) -> None:
    line = start(dma, DMAT)
    for k, value in enumerate(b"hello"):
        dma.command(f"sysbus WriteByte {SOURCE + k:#x} {value:#x}")
    set_up(dma, 4, peripheral=Usart1.DR, memory=SOURCE, count=5, control=DIR | MINC | TCIE | EN)
    heard = [line.heard((k + 0.99) * CHARACTER - k * CHARACTER) for k in range(6)]
    assert b"".join(heard) == b"hello"
    assert flags(dma, 4) & TCIF
    assert irq_pends(dma, 4)
    assert all(len(later) <= 1 for _, later in pairwise(heard))
    assert dma.read(Usart1.SR) & UsartStatus.TC
