"""Keywords: power, boot, and what the board reports about itself."""

import contextlib
from itertools import pairwise

from robot.api import SkipExecution, logger
from robot.api.deco import keyword

from host.errors import NoAnswer
from keywords.bench import Bench, compare_fields

# Seconds between two changes of the LED while the main loop runs.
HEARTBEAT = 0.5

CLOCKS = {
    "crystal": {"source": "hse", "clock": "72000000"},
    "internal": {"source": "hsi", "clock": "8000000"},
}


class PowerKeywords(Bench):
    @keyword
    def power_on(self, crystal: str = "any") -> None:
        """Starts the board and waits until it has booted. `crystal`: fitted, dead or any."""
        if crystal == "fitted" and not self.hardware.has_crystal:
            raise SkipExecution("This board has no crystal.")
        if crystal == "dead" and not self.hardware.can_lose_crystal:
            raise SkipExecution("The crystal of this board cannot be removed.")
        self.connect(crystal != "dead")

    @keyword
    def power_off(self) -> None:
        """Ends the board. Fails if the simulated chip saw the firmware misuse it."""
        self.disconnect()

    @keyword
    def boot_line_should_say(self, **expected: str) -> None:
        """The @boot line has these fields. A board that cannot read why it was reset says `unknown`."""
        if not self.hardware.knows_reset_cause and "reset" in expected:
            expected["reset"] = "unknown"
        if self.boot_message is None:
            raise SkipExecution("This board booted before the test, so its boot line was not seen.")
        compare_fields(expected, self.boot_message.fields)

    @keyword
    def board_should_report(self, **expected: str) -> None:
        """The answer to an info request has these fields."""
        info = self.board().info()
        compare_fields(expected, {key: str(getattr(info, key)) for key in expected})

    @keyword
    def board_should_run_from(self, oscillator: str) -> None:
        """The board runs from its crystal at 72 MHz, or from its internal oscillator at 8 MHz."""
        self.board_should_report(**CLOCKS[oscillator])

    @keyword
    def board_should_run_the_model(self) -> None:
        """The board reports the name, the checksum, the images and the classes of the model file."""
        model = self.model()
        self.board_should_report(
            model=model.name,
            checksum=str(model.checksum),
            shape=str(model.input.shape),
            class_names=str(model.class_names),
        )

    @keyword
    def stack_should_stay_below(self, limit: int) -> None:
        """The board has never used more than `limit` bytes of stack."""
        used = self.board().info().stack
        logger.info(f"{used} bytes of stack used")
        if used > limit:
            raise AssertionError(f"The firmware used {used} bytes of stack, more than {limit}.")

    @keyword
    def led_should_blink(self) -> None:
        """The LED changes every half second."""
        if not hasattr(self.hardware, "led_is_lit"):
            raise SkipExecution("The LED of this board cannot be observed.")
        states = []
        for _ in range(20):
            with contextlib.suppress(NoAnswer):
                self.board().connection.read_line(HEARTBEAT / 5)
            states.append(self.hardware.led_is_lit())
        changes = sum(state != following for state, following in pairwise(states))
        if changes not in (3, 4):  # in 19 fifths of a heartbeat
            raise AssertionError(f"The LED changed {changes} times in {19 * HEARTBEAT / 5:g} s.")
