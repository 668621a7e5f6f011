"""Flash is written as the flash interface does: keys, half-words, pages, protection and errors, PM0075."""

import pytest
from chip_registers import Core, Flash, Rcc
from simulated_chip import ENDLESS_LOOP, SimulatedChip

KEY1, KEY2 = 0x45670123, 0xCDEF89AB
PG, PER, MER, OPTPG, OPTER, STRT, LOCK, OPTWRE = (1 << bit for bit in (0, 1, 2, 4, 5, 6, 7, 9))
BSY, PGERR, WRPRTERR, EOP = 1 << 0, 1 << 2, 1 << 4, 1 << 5
PROGRAM_TIME, ERASE_TIME = 52.5e-6, 20e-3
PAGE = 0x0800_FC00  # the last
WRP1 = 0x1FFF_F80A  # the option byte that protects the last pages

STR_R0_R1, STRH_R0_R1, STRB_R0_R1 = 0x6008, 0x8008, 0x7008
IMPRECISERR = 1 << 10


@pytest.fixture
def flash(program: SimulatedChip) -> SimulatedChip:
    return program


def unlock(chip: SimulatedChip) -> None:
    chip.write(Flash.KEYR, KEY1)
    chip.write(Flash.KEYR, KEY2)


def store(chip: SimulatedChip, instruction: int, value: int, address: int) -> None:
    """By the processor, from SRAM, whose bus the flash does not hold up."""
    chip.execute(instruction, registers={0: value, 1: address})


def erase_page(chip: SimulatedChip, address: int) -> None:
    chip.write(Flash.CR, PER)
    chip.write(Flash.AR, address)
    chip.write(Flash.CR, PER | STRT)
    chip.run(1.1 * ERASE_TIME)
    chip.write(Flash.CR, 0)


def halfword(chip: SimulatedChip, address: int) -> int:
    return int(chip.command(f"sysbus ReadWord {address:#x}"), 16)


def test_erased_flash_reads_ones(flash: SimulatedChip) -> None:
    assert flash.read(PAGE) == 0xFFFFFFFF


def test_a_half_word_is_programmed_and_takes_its_time(flash: SimulatedChip) -> None:
    unlock(flash)
    flash.write(Flash.CR, PG)
    store(flash, STRH_R0_R1, 0x1234, PAGE)
    assert flash.read(Flash.SR) & (BSY | EOP) == BSY
    flash.run(PROGRAM_TIME)
    assert flash.read(Flash.SR) & (BSY | EOP) == EOP
    assert halfword(flash, PAGE) == 0x1234
    flash.write(Flash.SR, EOP)
    assert flash.read(Flash.SR) == 0


def test_the_alias_at_zero_is_programmed_too(flash: SimulatedChip) -> None:
    unlock(flash)
    flash.write(Flash.CR, PG)
    store(flash, STRH_R0_R1, 0x1234, PAGE - 0x0800_0000)
    assert halfword(flash, PAGE) == 0x1234


def test_a_half_word_that_is_not_erased_is_a_programming_error(flash: SimulatedChip) -> None:
    unlock(flash)
    flash.write(Flash.CR, PG)
    store(flash, STRH_R0_R1, 0x1234, PAGE)
    flash.run(PROGRAM_TIME)
    store(flash, STRH_R0_R1, 0x1230, PAGE)
    assert flash.read(Flash.SR) & PGERR
    assert halfword(flash, PAGE) == 0x1234
    flash.write(Flash.SR, PGERR)
    store(flash, STRH_R0_R1, 0x0000, PAGE)
    assert not flash.read(Flash.SR) & PGERR
    assert halfword(flash, PAGE) == 0


@pytest.mark.parametrize("instruction", [STR_R0_R1, STRB_R0_R1])
def test_only_half_words_can_be_written(flash: SimulatedChip, instruction: int) -> None:
    unlock(flash)
    flash.write(Flash.CR, PG)
    store(flash, instruction, 0x12345678, PAGE)
    assert flash.read(Core.CFSR) == IMPRECISERR
    assert flash.read(PAGE) == 0xFFFFFFFF


def test_a_locked_controller_writes_nothing(flash: SimulatedChip) -> None:
    flash.write(Flash.CR, PG)
    assert flash.read(Flash.CR) == LOCK
    store(flash, STRH_R0_R1, 0x1234, PAGE)
    assert flash.read(Core.CFSR) == IMPRECISERR
    assert halfword(flash, PAGE) == 0xFFFF


def test_a_wrong_key_locks_until_the_next_reset(flash: SimulatedChip) -> None:
    flash.write(Flash.KEYR, KEY1)
    flash.write(Flash.KEYR, 0)
    assert "wrong key" in flash.log()
    flash.write(Flash.CR, LOCK)
    unlock(flash)
    assert flash.read(Flash.CR) & LOCK
    flash.command("rcc PressReset")
    flash.run(1e-3)
    unlock(flash)
    assert not flash.read(Flash.CR) & LOCK


def test_the_lock_takes_the_keys_again(flash: SimulatedChip) -> None:
    unlock(flash)
    flash.write(Flash.CR, LOCK)
    assert flash.read(Flash.CR) & LOCK
    unlock(flash)
    assert not flash.read(Flash.CR) & LOCK


def test_a_page_is_erased_and_no_other(flash: SimulatedChip) -> None:
    for address in (PAGE - 4, PAGE, PAGE + 0x3FC):
        flash.write(address, 0)
    unlock(flash)
    flash.write(Flash.CR, PER)
    flash.write(Flash.AR, PAGE + 0x123)
    flash.write(Flash.CR, PER | STRT)
    assert flash.read(Flash.SR) & BSY
    assert flash.read(Flash.CR) & STRT
    flash.run(1.1 * ERASE_TIME)
    assert flash.read(Flash.SR) == EOP
    assert [flash.read(address) for address in (PAGE - 4, PAGE, PAGE + 0x3FC)] == [0, 0xFFFFFFFF, 0xFFFFFFFF]


def test_all_pages_are_erased_together(flash: SimulatedChip) -> None:
    flash.write(0x0800_0000, 0)
    flash.write(PAGE, 0)
    unlock(flash)
    flash.write(Flash.CR, MER)
    flash.write(Flash.CR, MER | STRT)
    flash.run(1.1 * ERASE_TIME)
    assert (flash.read(0x0800_0000), flash.read(PAGE)) == (0xFFFFFFFF, 0xFFFFFFFF)


def protect_the_last_pages(chip: SimulatedChip) -> None:
    unlock(chip)
    chip.write(Flash.OPTKEYR, KEY1)
    chip.write(Flash.OPTKEYR, KEY2)
    assert chip.read(Flash.CR) & OPTWRE
    chip.write(Flash.CR, OPTWRE | OPTPG)
    store(chip, STRH_R0_R1, 0x7F, WRP1)
    chip.run(PROGRAM_TIME)


def test_an_option_byte_is_programmed_with_its_complement(flash: SimulatedChip) -> None:
    protect_the_last_pages(flash)
    assert halfword(flash, WRP1) == 0x807F
    assert flash.read(Flash.WRPR) == 0xFFFF7FFF


def test_protected_pages_are_neither_programmed_nor_erased(flash: SimulatedChip) -> None:
    flash.write(PAGE + 4, 0)
    protect_the_last_pages(flash)
    flash.write(Flash.CR, PG)
    store(flash, STRH_R0_R1, 0x1234, PAGE)
    assert flash.read(Flash.SR) & WRPRTERR
    assert halfword(flash, PAGE) == 0xFFFF
    flash.write(Flash.SR, WRPRTERR | EOP)
    erase_page(flash, PAGE)
    assert flash.read(Flash.SR) & WRPRTERR
    assert flash.read(PAGE + 4) == 0


def test_erased_option_bytes_protect_from_reading(flash: SimulatedChip) -> None:
    unlock(flash)
    flash.write(Flash.OPTKEYR, KEY1)
    flash.write(Flash.OPTKEYR, KEY2)
    flash.write(Flash.CR, OPTWRE | OPTER)
    flash.write(Flash.CR, OPTWRE | OPTER | STRT)
    flash.run(1.1 * ERASE_TIME)
    assert flash.read(Flash.OBR) == 0x03FFFFFE


def test_a_program_in_flash_waits_until_it_is_erased(flash: SimulatedChip) -> None:
    """str r0, [r1] starts the erasure of another page; what follows a branch runs 20 ms later."""
    b_next, adds_r2_1 = 0xE7FF, 0x3201
    for k, code in enumerate((STR_R0_R1, b_next, adds_r2_1, *ENDLESS_LOOP)):
        flash.command(f"sysbus WriteWord {0x0800_0000 + 2 * k:#x} {code:#x}")
    unlock(flash)
    flash.write(Flash.CR, PER)
    flash.write(Flash.AR, PAGE)
    for number, value in ((0, PER | STRT), (1, Flash.CR), (2, 0), (13, 0x20005000)):
        flash.command(f"cpu SetRegister {number} {value:#x}")
    flash.command("cpu PC 0x08000000")
    flash.command("cpu IsHalted false")
    flash.run(0.9 * ERASE_TIME)
    assert flash.core_register(2) == 0
    flash.run(0.2 * ERASE_TIME)
    assert flash.core_register(2) == 1


@pytest.mark.parametrize(("enable", "value"), [(1 << 12, 0x1234), (1 << 10, 0x1230)])
def test_the_end_and_errors_raise_the_interrupt(flash: SimulatedChip, enable: int, value: int) -> None:
    flash.write(PAGE, 0xFFFF1234 if value == 0x1230 else 0xFFFFFFFF)
    unlock(flash)
    flash.write(Flash.CR, PG | enable)
    store(flash, STRH_R0_R1, value, PAGE)
    flash.run(PROGRAM_TIME)
    assert flash.read(Core.NVIC_ISPR0) & 1 << 4


def test_flash_keeps_its_contents_over_a_reset(flash: SimulatedChip) -> None:
    flash.write(PAGE, 0x12345678)
    flash.command("rcc CyclePower")
    flash.run(1e-3)
    assert flash.read(PAGE) == 0x12345678
    assert flash.read(Rcc.CR) & 1
