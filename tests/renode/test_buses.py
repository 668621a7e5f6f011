"""SPI and I2C: characters at their pace, what their flags say, and what silicon loses."""

import pytest
from chip_registers import I2C1, SPI1, SPI2, Apb1, Apb2, I2c, Rcc, Spi
from simulated_chip import SimulatedChip

RXNE, TXE, MODF, OVR, BSY = 1 << 0, 1 << 1, 1 << 5, 1 << 6, 1 << 7
MASTER = 0x0344  # SSM, SSI, SPE, MSTR; half the bus's clock: 8 bits in 2 us
SLAVE = 0x0240

SB, ADDR, BTF, I2C_RXNE, I2C_TXE, AF = 1 << 0, 1 << 1, 1 << 2, 1 << 6, 1 << 7, 1 << 10
PE, START, STOP, ACK = 1 << 0, 1 << 8, 1 << 9, 1 << 10
BYTE = 9 / 100e3
ECHO, DUMMY = 0x42, 0x43  # the first answers what was written to it


@pytest.fixture
def buses(chip: SimulatedChip) -> SimulatedChip:
    chip.write(Rcc.AHBENR, 0x15)
    chip.write(Rcc.APB2ENR, Apb2.AFIO | Apb2.GPIOA | Apb2.GPIOB | Apb2.SPI1)
    chip.write(Rcc.APB1ENR, Apb1.SPI2 | Apb1.I2C1)
    return chip


def test_a_character_takes_its_time(buses: SimulatedChip) -> None:
    buses.command("spi1 LoopbackWire true")
    buses.write(SPI1 + Spi.CR1, MASTER)
    buses.write(SPI1 + Spi.DR, 0xA5)
    assert buses.read(SPI1 + Spi.SR) == TXE | BSY
    buses.run(1.9e-6)
    assert buses.read(SPI1 + Spi.SR) == TXE | BSY
    buses.run(0.2e-6)
    assert buses.read(SPI1 + Spi.SR) == TXE | RXNE
    assert buses.read(SPI1 + Spi.DR) == 0xA5
    assert buses.read(SPI1 + Spi.SR) == TXE


def test_an_unread_character_is_kept_and_the_next_is_lost(buses: SimulatedChip) -> None:
    buses.command("spi1 LoopbackWire true")
    buses.write(SPI1 + Spi.CR1, MASTER)
    for value in (0x11, 0x22):
        buses.write(SPI1 + Spi.DR, value)
        buses.run(3e-6)
    assert buses.read(SPI1 + Spi.SR) == TXE | RXNE | OVR
    assert buses.read(SPI1 + Spi.DR) == 0x11
    assert buses.read(SPI1 + Spi.SR) & OVR
    assert not buses.read(SPI1 + Spi.SR) & OVR


def test_a_full_data_register_loses_what_is_written(buses: SimulatedChip) -> None:
    buses.write(SPI1 + Spi.CR1, MASTER)
    for value in (1, 2, 3):
        buses.write(SPI1 + Spi.DR, value)
    assert "one is lost" in buses.log()


def test_software_slave_select_must_be_high_in_a_master(buses: SimulatedChip) -> None:
    buses.write(SPI1 + Spi.CR1, MASTER & ~0x100)
    assert buses.read(SPI1 + Spi.SR) & MODF
    assert buses.read(SPI1 + Spi.CR1) == 0x0200


def test_two_spis_exchange_their_characters(buses: SimulatedChip) -> None:
    buses.command("spi1 ConnectSlave sysbus.spi2")
    buses.write(SPI2 + Spi.CR1, SLAVE)
    buses.write(SPI2 + Spi.DR, 0x5A)
    buses.write(SPI1 + Spi.CR1, MASTER)
    buses.write(SPI1 + Spi.DR, 0xC3)
    buses.run(3e-6)
    assert (buses.read(SPI1 + Spi.DR), buses.read(SPI2 + Spi.DR)) == (0x5A, 0xC3)


def start_i2c(chip: SimulatedChip) -> None:
    for device, place in (("echo: Mocks.EchoI2CDevice", ECHO), ("dummy: Mocks.DummyI2CSlave", DUMMY)):
        chip.command(f'machine LoadPlatformDescriptionFromString "{device} @ i2c1 {place:#x}"')
    chip.write(I2C1 + I2c.CR2, 8)
    chip.write(I2C1 + I2c.CCR, 40)
    chip.write(I2C1 + I2c.TRISE, 9)
    chip.write(I2C1 + I2c.CR1, PE | ACK)


def address(chip: SimulatedChip, value: int) -> int:
    chip.set_bits(I2C1 + I2c.CR1, START)
    chip.run(BYTE)
    assert chip.read(I2C1 + I2c.SR1) & SB
    chip.write(I2C1 + I2c.DR, value)
    chip.run(1.1 * BYTE)
    return chip.read(I2C1 + I2c.SR1)


def test_an_address_without_a_device_is_not_acknowledged(buses: SimulatedChip) -> None:
    start_i2c(buses)
    assert address(buses, 0x50 << 1) == AF


def test_bytes_are_sent_each_after_the_other(buses: SimulatedChip) -> None:
    start_i2c(buses)
    assert address(buses, ECHO << 1) == ADDR
    assert buses.read(I2C1 + I2c.SR2) == 7
    assert buses.read(I2C1 + I2c.SR1) == I2C_TXE
    for value in (0x12, 0x34):
        buses.write(I2C1 + I2c.DR, value)
        buses.run(0.5 * BYTE)
        assert buses.read(I2C1 + I2c.SR1) == I2C_TXE
        buses.run(0.6 * BYTE)
        assert buses.read(I2C1 + I2c.SR1) == I2C_TXE | BTF
    assert address(buses, ECHO << 1 | 1) & ADDR
    assert buses.read(I2C1 + I2c.SR2) == 3
    buses.run(1.1 * BYTE)
    assert buses.read(I2C1 + I2c.DR) == 0x12


def test_the_byte_after_stop_is_the_last(buses: SimulatedChip) -> None:
    start_i2c(buses)
    for value in (0x12, 0x34, 0x56):
        buses.command(f"sysbus.i2c1.dummy EnqueueResponseByte {value}")
    assert address(buses, DUMMY << 1 | 1) & ADDR
    assert buses.read(I2C1 + I2c.SR2) == 3
    buses.run(1.1 * BYTE)
    assert buses.read(I2C1 + I2c.SR1) == I2C_RXNE
    buses.write(I2C1 + I2c.CR1, PE | STOP)  # a second byte is on its way
    assert buses.read(I2C1 + I2c.DR) == 0x12
    buses.run(3 * BYTE)
    assert buses.read(I2C1 + I2c.SR1) == I2C_RXNE
    assert buses.read(I2C1 + I2c.DR) == 0x34
    assert buses.read(I2C1 + I2c.SR2) == 0
