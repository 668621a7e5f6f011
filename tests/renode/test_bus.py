"""What the bus answers to: bus faults and their addresses, bit-band aliases, signature and debug unit."""

import pytest
from chip_registers import DBGMCU_CR, DBGMCU_IDCODE, GPIOA, Apb2, Core, Gpio, Rcc
from simulated_chip import SimulatedChip, handler_address

# Thumb instructions: r0 and r1 hold the value and the address.
LDR_R0_R1 = 0x6808
LDRB_R0_R1 = 0x7808
STR_R0_R1 = 0x6008
STRH_R0_R1 = 0x8008
BX_R1 = 0x4708
MOVS_R2_1 = 0x2201
CPSID_I = 0xB672
NOP = 0xBF00

IBUSERR, PRECISERR, IMPRECISERR, BFARVALID = 1 << 8, 1 << 9, 1 << 10, 1 << 15
FORCED = 1 << 30
HARD_FAULT, BUS_FAULT = 3, 5


def active_exception(chip: SimulatedChip) -> int:
    return chip.read(Core.ICSR) & 0x1FF


def stacked_pc(chip: SimulatedChip) -> int:
    return chip.read(chip.core_register(13) + 24)


PROGRAM = 0x20002000

UNMAPPED = [0x0801_0000, 0x1FFF_0000, 0x2000_5000, 0x4000_0C00, 0x4002_3400, 0x6000_0000, 0x9000_0000]


@pytest.mark.parametrize("address", UNMAPPED)
def test_a_read_of_nothing_is_a_precise_bus_fault(program: SimulatedChip, address: int) -> None:
    program.execute(NOP, LDR_R0_R1, MOVS_R2_1, registers={0: 7, 1: address, 2: 0})
    assert active_exception(program) == BUS_FAULT
    assert program.read(Core.CFSR) == PRECISERR | BFARVALID
    assert program.read(Core.BFAR) == address
    assert stacked_pc(program) == PROGRAM + 2
    assert (program.core_register(0), program.core_register(2)) == (7, 0)


def test_the_fault_address_is_that_of_the_byte(program: SimulatedChip) -> None:
    program.execute(LDRB_R0_R1, registers={1: 0x2000_5003})
    assert program.read(Core.BFAR) == 0x2000_5003


@pytest.mark.parametrize("address", UNMAPPED)
def test_a_write_to_nothing_is_an_imprecise_bus_fault(program: SimulatedChip, address: int) -> None:
    program.execute(STR_R0_R1, MOVS_R2_1, registers={0: 7, 1: address, 2: 0})
    assert active_exception(program) == BUS_FAULT
    assert program.read(Core.CFSR) == IMPRECISERR
    assert program.core_register(2) == 1


def test_each_write_to_nothing_is_a_fault(program: SimulatedChip) -> None:
    """The handler returns, and the next write to the same place is again a fault."""
    bx_lr = 0x4770
    adds_r4_1 = 0x3401
    for k, halfword in enumerate((adds_r4_1, bx_lr)):
        program.command(f"sysbus WriteWord {handler_address(BUS_FAULT) + 2 * k:#x} {halfword:#x}")
    b_next = 0xE7FF  # Renode takes exceptions between blocks, which end with a branch
    wait = [b_next] * 100
    program.execute(STR_R0_R1, *wait, STR_R0_R1, *wait, registers={1: 0x2000_5000, 4: 0}, seconds=1e-3)
    assert program.core_register(4) == 2


def test_a_jump_to_nothing_is_an_instruction_bus_error(program: SimulatedChip) -> None:
    program.execute(BX_R1, registers={1: 0x6000_0001})
    assert active_exception(program) == BUS_FAULT
    assert program.read(Core.CFSR) == IBUSERR
    assert stacked_pc(program) == 0x6000_0000


def test_a_bus_fault_that_is_not_enabled_is_a_hard_fault(program: SimulatedChip) -> None:
    program.write(Core.SHCSR, 0)
    program.execute(LDR_R0_R1, registers={1: 0x2000_5000})
    assert active_exception(program) == HARD_FAULT
    assert program.read(Core.HFSR) == FORCED
    assert program.read(Core.CFSR) == PRECISERR | BFARVALID


def test_a_bus_fault_without_interrupts_is_a_hard_fault(program: SimulatedChip) -> None:
    program.execute(CPSID_I, LDR_R0_R1, registers={1: 0x2000_5000})
    assert active_exception(program) == HARD_FAULT


def test_fault_flags_are_cleared_by_ones(program: SimulatedChip) -> None:
    program.execute(LDR_R0_R1, registers={1: 0x2000_5000})
    program.write(Core.CFSR, BFARVALID)
    assert program.read(Core.CFSR) == PRECISERR
    program.write(Core.CFSR, 0xFFFFFFFF)
    assert program.read(Core.CFSR) == 0


@pytest.mark.parametrize("address", [0x0800_0000, 0x0000_0000, 0x1FFF_F000])
def test_a_write_to_memory_that_cannot_be_written_is_a_fault(program: SimulatedChip, address: int) -> None:
    before = program.read(address)
    program.execute(STRH_R0_R1, registers={0: 0x1234, 1: address})
    assert active_exception(program) == BUS_FAULT
    assert program.read(Core.CFSR) == IMPRECISERR
    assert program.read(address) == before


def sram_alias(address: int, bit: int) -> int:
    return 0x22000000 + (address - 0x20000000) * 32 + bit * 4


def peripheral_alias(address: int, bit: int) -> int:
    return 0x42000000 + (address - 0x40000000) * 32 + bit * 4


def test_the_processor_reaches_single_bits_of_memory(program: SimulatedChip) -> None:
    program.write(0x20001234, 0xF0F0F0F0)
    program.execute(STR_R0_R1, registers={0: 0xFFFFFFFF, 1: sram_alias(0x20001235, 3)})
    assert program.read(0x20001234) == 0xF0F0F8F0
    program.execute(STR_R0_R1, registers={0: 0xFFFFFFFE, 1: sram_alias(0x20001234, 31)})
    assert program.read(0x20001234) == 0x70F0F8F0
    program.execute(LDR_R0_R1, registers={1: sram_alias(0x20001234, 30)})
    assert program.core_register(0) == 1


def test_the_processor_reaches_single_bits_of_peripherals(program: SimulatedChip) -> None:
    """0x42420060 is the alias of RCC_CR's bit 24, the PLL's enable."""
    assert peripheral_alias(Rcc.CR, 24) == 0x42420060
    program.execute(STR_R0_R1, registers={0: 1, 1: 0x42420060})
    assert program.read(Rcc.CR) & 1 << 24
    program.write(Rcc.APB2ENR, Apb2.GPIOA)
    program.execute(STR_R0_R1, registers={0: 1, 1: peripheral_alias(GPIOA + Gpio.ODR, 5)})
    assert program.read(GPIOA + Gpio.ODR) == 1 << 5


def test_an_alias_of_nothing_is_a_fault(program: SimulatedChip) -> None:
    program.execute(LDR_R0_R1, registers={1: peripheral_alias(0x40000C00, 0)})
    assert program.read(Core.CFSR) == PRECISERR | BFARVALID


def test_the_signature_has_the_flash_size_and_an_id(program: SimulatedChip) -> None:
    ldrh_r0_r1 = 0x8808
    program.execute(ldrh_r0_r1, registers={1: 0x1FFFF7E0})
    assert program.core_register(0) == 64
    assert program.read(0x1FFFF7E8) == 0x06670049


def test_the_debug_unit_is_hidden_from_programs_without_a_debugger(program: SimulatedChip) -> None:
    program.execute(LDR_R0_R1, registers={0: 7, 1: DBGMCU_IDCODE})
    assert program.core_register(0) == 0
    program.execute(STR_R0_R1, registers={0: 1 << 8, 1: DBGMCU_CR})
    assert program.read(DBGMCU_CR) == 0
    program.command("debug DebuggerIsAttached true")
    program.execute(LDR_R0_R1, registers={1: DBGMCU_IDCODE})
    assert program.core_register(0) == 0x20036410
    program.execute(STR_R0_R1, registers={0: 1 << 8, 1: DBGMCU_CR})
    assert program.read(DBGMCU_CR) == 1 << 8


def test_a_register_that_is_not_modelled_keeps_its_bits_and_is_named_once(chip: SimulatedChip) -> None:
    prescaler = 0xE0040010
    chip.write(prescaler, 0xFFFFFFFF)
    assert chip.read(prescaler) == 0x1FFF
    assert chip.log().count("TPIU_ACPR is not modelled.") == 1
