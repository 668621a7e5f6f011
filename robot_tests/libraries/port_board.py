"""A real board at a serial port. It keeps its power, so its boot line is never seen. Host time."""

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
        """Does nothing."""
