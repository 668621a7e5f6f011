"""What the keywords need of a board, whichever back end provides it."""

from typing import Protocol

from host.streams import Stream


class Hardware(Protocol):
    """A board's power and its abilities. A test that needs an ability which is False is skipped."""

    boots: bool
    """`power_on` starts the firmware, so its boot line can be read."""
    knows_reset_cause: bool
    """The firmware can read why it was reset."""
    has_crystal: bool
    can_lose_crystal: bool
    """`power_on(crystal=False)` starts it with a dead crystal."""
    has_a_speed: bool
    """Its wire has a baud rate, so bytes can arrive too fast."""
    can_be_broken: bool
    """It has methods that inject faults, as `RenodeBoard` has."""

    def power_on(self, *, crystal: bool) -> Stream:
        """Starts the board. Returns its serial port."""

    def power_off(self) -> None:
        """Ends the board. Raises AssertionError if the simulated chip saw the firmware misuse it."""
