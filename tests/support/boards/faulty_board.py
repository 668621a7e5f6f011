"""A simulated board whose wire and power fail at chosen moments."""

from pathlib import Path

from simulated_board import SimulatedBoard


class FaultyBoard(SimulatedBoard):
    """A `SimulatedBoard` with faults for the next exchanges; `heal` removes those that have not come yet."""

    def __init__(self, library: Path) -> None:
        self.input_damage: tuple[int, int] | None = None
        """Of a character from the host: how many others come before it, and its inverted bits."""
        self.lost_writes = 0
        """How many of the host's next writes the wire loses."""
        self.reset_at: float | None = None
        """When the board is reset, by the stream's clock."""
        super().__init__(library)

    def heal(self) -> None:
        self.input_damage, self.lost_writes, self.reset_at = None, 0, None
        self.damage_output(0, 0)

    def write(self, data: bytes) -> int:
        if self.lost_writes:
            self.lost_writes -= 1
            self.silence(10_000 * len(data) / (self.baudrate or self.board_baud))
        elif self.input_damage is None and self.reset_at is None:
            self.send(data)
        else:
            for byte in data:
                self.silence(0)
                self.send_damaged(byte, self._next_damage())
        return len(data)

    def silence(self, milliseconds: float) -> None:
        if self.reset_at is not None and self.now() + milliseconds / 1000 >= self.reset_at:
            before = max(0.0, (self.reset_at - self.now()) * 1000)
            super().silence(before)
            self.reset_at = None
            self.reset()
            milliseconds -= before
        super().silence(milliseconds)

    def _next_damage(self) -> int:
        if self.input_damage is None:
            return 0
        skip, bits = self.input_damage
        self.input_damage = (skip - 1, bits) if skip else None
        return 0 if skip else bits
