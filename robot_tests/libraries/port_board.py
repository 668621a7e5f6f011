"""A real board at a serial port. Nobody can cut its power from here: it is asked, not booted."""

import serial

from host.streams import open_port


class PortBoard:
    boots = False
    knows_reset_cause = True
    has_crystal = True
    can_lose_crystal = False
    has_a_speed = True
    can_be_broken = False

    def __init__(self, url: str) -> None:
        self._url = url

    def power_on(self, *, crystal: bool) -> serial.SerialBase:
        return open_port(self._url)

    def power_off(self) -> None:
        """The board keeps its power."""
