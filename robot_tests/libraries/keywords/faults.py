"""Keywords: faults that only a simulator can inject."""

import contextlib
from typing import Any

from robot.api import SkipExecution
from robot.api.deco import keyword

from compiler import network
from host import link
from host.errors import NoAnswer
from host.link.errors import SelfTestFailed
from keywords.bench import FORGOTTEN_AFTER
from keywords.power import PowerKeywords


class FaultKeywords(PowerKeywords):
    @keyword
    def power_on_for_fault_injection(self) -> None:
        """As `Power On`. Skips the test on a board that cannot inject faults."""
        if not self.hardware.can_be_broken:
            raise SkipExecution("This board cannot inject faults.")
        self.power_on()

    @keyword
    def let_the_simulator(self, method: str, *arguments: Any, **named: Any) -> None:
        """Calls a method of RenodeBoard, given in words: `Let The Simulator    press reset`."""
        getattr(self._simulator(), method.replace(" ", "_"))(*arguments, **named)

    @keyword
    def start_sending_an_image(self, share: float = 0.5) -> None:
        """Puts a classify frame on the wire and returns when `share` of it has arrived."""
        frame = link.encode_frame(link.Command.CLASSIFY, 0x1234, self.examples().images[0].tobytes())
        self.send(frame)
        arriving = share * len(frame) * link.BITS_PER_BYTE / link.DEFAULT_BAUD
        with contextlib.suppress(NoAnswer):
            message = self.board().connection.read_message(arriving)
            raise AssertionError(f"The board sent {message} before the frame had arrived.")

    @keyword
    def alter_a_byte_of(self, symbol: str, offset: int = 0) -> None:
        """Inverts a byte of a variable or constant of the firmware."""
        simulator = self._simulator()
        simulator.alter_byte(simulator.address_of(symbol) + offset)

    @keyword
    def alter_weights(self, count: int = 1) -> None:
        """Inverts `count` bytes spread over the last layer's weights, whose outputs no ReLU clips.

        A single one may have no effect, as its input may be zero; of 100, some affect every image.
        """
        index, layer = next(
            (index, layer)
            for index, layer in reversed(list(enumerate(self.model().layers)))
            if isinstance(layer, network.Weighted)
        )
        stored = layer.weights.size * layer.weight_bits // 8
        for part in range(count):
            self.alter_a_byte_of(f"layer{index}_weights", part * stored // count)

    @keyword
    def board_should_restart(self, **expected: str) -> None:
        """The next message is a @boot line with these fields."""
        self.expect_message("boot", expected)

    @keyword
    def board_should_report_a_fault(self, **expected: str) -> None:
        """The next message is a @fault line with these fields."""
        self.expect_message("fault", expected)

    @keyword
    def board_should_report_the_error(self, name: str, **details: str) -> None:
        """The next message is this @error line."""
        self.expect_message("error", {"name": name, **details})

    @keyword
    def rest_of_the_frame_should_be_refused(self) -> None:
        """A board that was reset in the middle of a frame reports what came after that by at most one error.

        None if the frame was over before the board could receive again; a framing error if the board began to
        listen in the middle of a character.
        """
        with contextlib.suppress(NoAnswer):
            message = self.board().connection.read_message(FORGOTTEN_AFTER)
            if message.name != "error" or message.text("name") not in ("length", "short", "line"):
                raise AssertionError(f"The board answered the rest of a frame with {message}.")
            message = self.board().connection.read_message(FORGOTTEN_AFTER)
            raise AssertionError(f"The board answered the rest of a frame with a second message: {message}.")

    @keyword
    def board_should_refuse_to_classify(self, failed: str) -> None:
        """A classify request gets the error `selftest` with this part as the one that failed at boot."""
        try:
            prediction = self.board().classify(self.examples().images[0])
        except SelfTestFailed as error:
            if error.fields["failed"] != failed:
                raise AssertionError(f"The board refused for another reason: {error}") from error
        else:
            raise AssertionError(f"The board classified in spite of a failed self-test: {prediction}.")

    def _simulator(self) -> Any:
        return self.hardware
