"""Keywords: damaged frames, floods and baud rates."""

import inspect
import random
from typing import Any

from robot.api import SkipExecution, logger
from robot.api.deco import keyword

from host import link
from host.link.errors import suggested_rates
from keywords.bench import BOOT_TIMEOUT, compare_fields
from keywords.damage import DAMAGE, damage_at_random
from keywords.images import ImageKeywords

# Seconds of silence that end a flood. A busy computer may suspend QEMU in the middle of reading one.
FLOOD_IS_OVER_AFTER = 2.0


class WireKeywords(ImageKeywords):
    # --- Damage -----------------------------------------------------------------------------------

    @keyword
    def damage_should_be_reported_and_forgotten(self, damage: str, error: str, **parameters: str) -> None:
        """The board answers a damaged classify frame with exactly that @error, and then classifies an image.

        `damage`: a function of damage.py. `parameters`: its parameters; all others are fields of the error.
        """
        function = DAMAGE[damage]
        accepted: dict[str, Any] = {
            name: parameters.pop(name)
            for name in inspect.signature(function).parameters
            if name in parameters
        }
        image = self.examples().images[0]
        if "columns" in inspect.signature(function).parameters:
            accepted["columns"] = image.shape[-1]
        self.send(function(link.make_body(link.Command.CLASSIFY, 0x1234, image.tobytes()), **accepted))
        messages = self.messages_until_silence()
        if [(message.name, message.fields.get("name")) for message in messages] != [("error", error)]:
            raise AssertionError(f"The board answered {messages} instead of the error '{error}'.")
        compare_fields(parameters, messages[0].fields)
        self.classify_image(1)

    @keyword
    def send_randomly_damaged_frames(self, count: int) -> None:
        """Each of `count` randomly damaged frames is answered by an error; the next image is classified."""
        frame = link.encode_frame(link.Command.CLASSIFY, 0x1234, self.examples().images[0].tobytes())
        for seed in range(count):
            self.send(damage_at_random(frame, seed))
            messages = self.messages_until_silence()
            if {message.name for message in messages} != {"error"}:
                raise AssertionError(f"The board answered the damage of seed {seed} with {messages}.")
            self.classify_image(seed)

    # --- Floods -----------------------------------------------------------------------------------

    @keyword
    def flood_the_wire(self, count: int) -> None:
        """Sends `count` random bytes without a pause. The board answers with errors only."""
        self.send(random.Random(1).randbytes(count))
        messages = self.messages_until_silence(FLOOD_IS_OVER_AFTER)
        logger.info(f"{len(messages)} messages")
        if {message.name for message in messages} != {"error"}:
            raise AssertionError(f"The board answered a flood with {messages}.")

    @keyword
    def send_requests_without_a_pause(self, count: int) -> None:
        """Sends `count` info requests back to back: more than the board stores, faster than it answers.

        It answers in order. If answers are missing it reports an error; an overrun if its wire has a speed.
        """
        self.send(b"".join(link.encode_frame(link.Command.INFO, number) for number in range(count)))
        messages = self.messages_until_silence(FLOOD_IS_OVER_AFTER)
        errors = {message.text("name") for message in messages if message.name == "error"}
        answered = [message.number("seq") for message in messages if message.name == "info"]
        logger.info(f"{len(answered)} of {count} answered, errors {sorted(errors)}")
        reported = "overrun" in errors if self.hardware.has_a_speed else bool(errors)
        if answered != sorted(set(answered)) or (len(answered) < count and not reported):
            raise AssertionError(
                f"Of {count} requests the board answered {answered}, errors {sorted(errors)}."
            )

    # --- The baud rate ----------------------------------------------------------------------------

    @keyword
    def change_the_baud_rate(self, baud: int) -> None:
        """Both sides change to this rate and hear each other."""
        used = self.board().change_baud(baud)
        if used != baud:
            raise AssertionError(f"The link runs at {used} baud instead of {baud}.")

    @keyword
    def request_a_baud_rate_without_following(self, baud: int) -> None:
        """Asks the board to change its rate and stays at the old one. The board reports its fall-back."""
        if not self.hardware.has_a_speed:
            raise SkipExecution("The wire of this board has no speed.")
        self._request_baud(baud)
        self.expect_message("baud", {"baud": str(baud)})
        self.expect_message("baud", {"baud": str(link.DEFAULT_BAUD)})

    @keyword
    def greet_at_the_default_rate(self) -> None:
        """A host that missed the change of the rate opens the port."""
        if self.hardware.has_a_speed:
            self.board().connection.set_baud(link.DEFAULT_BAUD)
        self.board().greet(BOOT_TIMEOUT)

    @keyword
    def board_should_refuse_the_baud_rate(self, baud: int) -> None:
        """The board answers a request for this rate, which the host's own check would stop, with an error."""
        self._request_baud(baud)
        self.expect_message("error", {"name": "baud", "baud": str(baud)})

    @keyword
    def board_should_accept_the_suggested_baud_rates(self) -> None:
        """The board runs at each rate that the host suggests after a refusal."""
        if not self.hardware.has_a_speed:
            raise SkipExecution("The wire of this board has no speed.")
        for baud in suggested_rates(self.board().info().clock):
            logger.info(f"{baud} baud")
            self.change_the_baud_rate(baud)
            self.classify_image(1)

    @keyword
    def image_should_be_classified_with_a_retry_at(self, baud: int) -> None:
        """A classify request that fails is answered within a second, at this rate."""
        board = self.board()
        board.attempts = 3
        prediction = self.classify_image(1)
        logger.info(f"{prediction.seconds:.3f} s, {prediction.retries}")
        if not prediction.retries:
            raise AssertionError("The first request was answered, so nothing was recovered.")
        if board.baud != baud or prediction.seconds > 1:
            raise AssertionError(f"The answer came after {prediction.seconds:.2f} s at {board.baud} baud.")

    def _request_baud(self, baud: int) -> None:
        self.send(link.encode_frame(link.Command.BAUD, 0x1234, baud.to_bytes(4, "little")))
