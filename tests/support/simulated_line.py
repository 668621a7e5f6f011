"""USART1 of the simulated chip, set up by registers, and the far end of its line."""

from chip_registers import GPIOA, Apb2, Gpio, Rcc, Usart1
from simulated_chip import SimulatedChip

from common.paths import ROOT

HOST_LINK = ROOT / "renode" / "host_link.py"
PCLK2 = 8_000_000  # after a reset
BAUD = 100_000  # divides it
BIT = 1 / BAUD
CHARACTER = 10 * BIT

CR1_ON = 0x200C  # UE, TE, RE
PINS = 0x444448B4  # of CRH: PA9 an alternate output at 50 MHz, PA10 a pulled input, the others floating


class SimulatedLine:
    """A far end that keeps what it hears."""

    def __init__(self, chip: SimulatedChip) -> None:
        self.chip = chip
        chip.command(f"include @{HOST_LINK}")
        chip.command("host_link_open sysbus.usart1")
        self.set_rate(BAUD)

    def start_usart(self, *, divider: int = PCLK2 // BAUD, cr1: int = CR1_ON, cr3: int = 0) -> None:
        """Clocks, USART1 and then its pins; returns when the idle frames of both are over."""
        self.chip.write(Rcc.APB2ENR, Apb2.GPIOA | Apb2.USART1)
        self.chip.write(GPIOA + Gpio.ODR, 1 << 10)
        self.chip.write(Usart1.BRR, divider)
        self.chip.write(Usart1.CR3, cr3)
        self.chip.write(Usart1.CR1, cr1)
        self.chip.write(GPIOA + Gpio.CRH, PINS)
        self.chip.run(20 * divider / PCLK2)

    def set_rate(self, baud: float) -> None:
        self.chip.command(f"sysbus.usart1 LineBaudRate {baud:.0f}")

    def send(self, data: bytes) -> None:
        """The far end sends; the bytes are on the line one after the other from now on."""
        self.chip.command(f'host_link_send "{data.hex()}"')

    def heard(self, seconds: float) -> bytes:
        """What the far end hears within so long."""
        answer = self.chip.command(f"host_link_receive {seconds:.9f}")
        return bytes.fromhex(answer.split('"')[1])
