"""The vocabulary of the suites: what one does to a board and what one expects of it, whatever board it is."""

import contextlib
import inspect
import random
from collections.abc import Callable, Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from damage import DAMAGE, on_the_wire
from port_board import PortBoard
from process_board import NativeBoard, QemuBoard
from readable_answer import check_readable_answer
from renode_board import RenodeBoard
from robot.api import SkipExecution, logger
from robot.api.deco import keyword, library

from compiler import model_file, network, reference, schedule
from data.mnist import Digits, load_test_set
from host import link
from host.board import Board, Info, Prediction
from host.errors import NoAnswer, SelfTestFailed

# In seconds, virtual ones on Renode, where the boot line comes after 17 ms, or 40 ms with a dead crystal.
BOOT_TIMEOUT = 5.0
ANSWER_TIMEOUT = 5.0
# LINK.md: a broken frame is forgotten within this time.
FORGOTTEN_AFTER = 0.1
# The LED changes at this pace while the main loop turns.
HEARTBEAT = 0.5
# A busy computer may leave QEMU without a turn for a while, in the middle of what it still has to read.
FLOOD_IS_OVER_AFTER = 2.0


CLOCKS = {
    "crystal": {"source": "hse", "clock": "72000000"},
    "internal": {"source": "hsi", "clock": "8000000"},
}


@library(scope="SUITE", auto_keywords=False)
class BoardLibrary:
    """Keywords over `host.board.Board`.

    `kind`: renode, qemu, native or port. `model`: the model file that the firmware was built from. `port`:
    the URL of a real board. `firmware`: the file that a simulator runs, by default the default model's.
    """

    def __init__(self, kind: str, model: str, port: str = "", firmware: str = "") -> None:
        program = Path(firmware) if firmware else None
        makers: dict[str, Callable[[], Any]] = {
            "renode": lambda: RenodeBoard(program),
            "qemu": lambda: QemuBoard(program),
            "native": lambda: NativeBoard(program),
            "port": lambda: PortBoard(port),
        }
        self._hardware = makers[kind]()
        self._model_path = Path(model)
        self._stream: Any = None
        self._running: Board | None = None
        self._boot: link.Message | None = None
        self._lines: list[str] = []

    # --- Power ------------------------------------------------------------------------------------

    @keyword
    def power_on(self, crystal: str = "any") -> None:
        """Starts the board and waits until it has booted. `crystal`: fitted, dead or any."""
        if crystal == "fitted" and not self._hardware.has_crystal:
            raise SkipExecution("This board has no crystal.")
        if crystal == "dead" and not self._hardware.can_lose_crystal:
            raise SkipExecution("The crystal of this board cannot be taken away.")
        self._stream = self._hardware.power_on(crystal=crystal != "dead")
        self._lines = []
        self._running = Board(self._stream, timeout=ANSWER_TIMEOUT, attempts=1, on_line=self._hear)
        self._boot = self._running.read_message(BOOT_TIMEOUT) if self._hardware.boots else None
        self._running.greet(BOOT_TIMEOUT)

    @keyword
    def power_on_a_board_to_break(self) -> None:
        """As `Power On`, for tests that do to the board what only a simulator can."""
        if not self._hardware.can_be_broken:
            raise SkipExecution("This board cannot be broken on purpose.")
        self.power_on()

    @keyword
    def power_off(self) -> None:
        """Ends the board. Fails when a simulated one saw the firmware do what silicon would not forgive."""
        if self._running:
            self._running.close()
        self._running = None
        self._hardware.power_off()

    # --- What the board says ----------------------------------------------------------------------

    @keyword
    def boot_line_should_say(self, **expected: str) -> None:
        """The @boot line has these fields; a board that cannot know why it started says `unknown`."""
        if not self._hardware.knows_reset_cause and "reset" in expected:
            expected["reset"] = "unknown"
        if self._boot is None:
            raise SkipExecution("This board was running before the test, so its boot line is gone.")
        _compare(expected, self._boot.fields)

    @keyword
    def board_should_report(self, **expected: str) -> None:
        """The answer to an info request has these fields."""
        info = self._board().info()
        _compare(expected, {key: str(getattr(info, key)) for key in Info.__dataclass_fields__})

    @keyword
    def board_should_run_from(self, oscillator: str) -> None:
        """The board's clock is the crystal's 72 MHz, or the internal oscillator's 8 MHz."""
        self.board_should_report(**CLOCKS[oscillator])

    @keyword
    def board_should_hold_the_model(self) -> None:
        """Name and checksum of the board's network are those of the model file."""
        model = self._model()
        self.board_should_report(model=model.name, checksum=str(model.checksum))

    @keyword
    def stack_should_stay_below(self, limit: int) -> None:
        """The board's stack never took more than so many bytes."""
        used = self._board().info().stack
        logger.info(f"{used} bytes of stack used")
        if used > limit:
            raise AssertionError(f"The stack took {used} bytes, more than {limit}.")

    @keyword
    def answer_should_be_readable(self, prediction: Prediction) -> None:
        """The lines of the latest answer show its class and each logit, in the documented order."""
        with contextlib.suppress(NoAnswer):
            while True:
                self._board().read_line(FORGOTTEN_AFTER)
        check_readable_answer(self._lines, prediction, self._model().logit_scale)

    @keyword
    def led_should_blink(self) -> None:
        """The LED is lit and dark in turn, twice a second each."""
        if not hasattr(self._hardware, "led_is_lit"):
            raise SkipExecution("Nobody sees this board's LED.")
        states = []
        for _ in range(20):
            with contextlib.suppress(NoAnswer):
                self._board().read_line(HEARTBEAT / 5)
            states.append(self._hardware.led_is_lit())
        changes = sum(state != following for state, following in pairwise(states))
        if changes not in (3, 4):  # in 20 fifths of a heartbeat
            raise AssertionError(f"The LED changed {changes} times in {20 * HEARTBEAT / 5:g} s.")

    # --- Images -----------------------------------------------------------------------------------

    @keyword
    def classify_digit(self, index: int) -> Prediction:
        """What the board says to an image of the test set: it must be what the reference says, to the bit."""
        image = _digits().images[index]
        self._lines = []
        prediction = self._board().classify(image)
        expected = reference.run(self._model(), image[np.newaxis])[0]
        if list(prediction.logits) != expected.tolist():
            raise AssertionError(
                f"Image {index}: the board's logits are {list(prediction.logits)}, "
                f"the reference's {expected.tolist()}."
            )
        return prediction

    @keyword
    def classify_digits_of_every_class(self, count: int) -> float:
        """Classifies the first `count` digits of each class; the share that was recognised."""
        labels = _digits().labels
        return self._classify_all(
            np.concatenate([np.flatnonzero(labels == label)[:count] for label in range(link.CLASSES)])
        )

    @keyword
    def classify_the_first_digits(self, count: int) -> float:
        """Classifies the first `count` digits of the test set; the share that was recognised."""
        return self._classify_all(np.arange(count))

    @keyword
    def classify_image_of(self, value: int) -> None:
        """Classifies an image with the same value everywhere; the logits must be the reference's."""
        image = np.full((link.IMAGE_ROWS, link.IMAGE_COLS), value, np.uint8)
        expected = reference.run(self._model(), image[np.newaxis])[0]
        if list(self._board().classify(image).logits) != expected.tolist():
            raise AssertionError(f"The logits of an image full of {value} are not the reference's.")

    @keyword
    def classify_digits_sent_at_once(self, count: int) -> None:
        """Sends the first `count` digits without a pause: each is answered, in order, as by the reference."""
        images = _digits().images[:count]
        self._board().send_raw(
            b"".join(
                link.encode_frame(link.Command.CLASSIFY, number, image.tobytes())
                for number, image in enumerate(images)
            )
        )
        for number, logits in enumerate(reference.run(self._model(), images)):
            expected = {"seq": str(number), "logits": ",".join(map(str, logits))}
            self._next_message_should_be("result", expected)

    @keyword
    def less_than_all_should_be_left_to_compute_after_the_image(self) -> None:
        """A part of what the network takes for an image is computed before the image has arrived."""
        if not schedule.plan(_load_model(self._model_path)).starts_while_receiving:
            raise SkipExecution("This network needs the whole image before it can begin.")
        prediction = self.classify_digit(2)
        if prediction.cycles is None or prediction.finish is None:
            raise SkipExecution("This board does not count the network's cycles.")
        logger.info(f"{prediction.finish:,} of {prediction.cycles:,} after the image")
        if prediction.finish >= prediction.cycles:
            raise AssertionError(f"All of {prediction.cycles:,} were left to compute.")

    # --- Damage -----------------------------------------------------------------------------------

    @keyword
    def damage_should_be_named_and_forgotten(self, damage: str, error: str, **parameters: str) -> None:
        """A classify frame with one of the damages of damage.py is answered by that @error and nothing else,
        and the next image is classified. Parameters that the damage does not take are details of the error.
        """
        damaged = DAMAGE[damage]
        taken = {
            name: parameters.pop(name) for name in inspect.signature(damaged).parameters if name in parameters
        }
        body = link.make_body(link.Command.CLASSIFY, 0x1234, _digits().images[0].tobytes())
        self._board().send_raw(damaged(body, **taken))
        messages = self._messages_until_silence()
        if [(message.name, message.fields.get("name")) for message in messages] != [("error", error)]:
            raise AssertionError(f"The board answered {messages} instead of the error '{error}'.")
        _compare(parameters, messages[0].fields)
        self.classify_digit(1)

    @keyword
    def send_randomly_damaged_frames(self, count: int) -> None:
        """Damages `count` frames at random places: each is answered by an error, the next image is right."""
        frame = link.encode_frame(link.Command.CLASSIFY, 0x1234, _digits().images[0].tobytes())
        for seed in range(count):
            self._board().send_raw(on_the_wire(frame, seed))
            messages = self._messages_until_silence()
            if {message.name for message in messages} != {"error"}:
                raise AssertionError(f"To the damage of seed {seed} the board answered {messages}.")
            self.classify_digit(seed)

    # --- The baud rate ----------------------------------------------------------------------------

    @keyword
    def change_the_baud_rate(self, baud: int) -> None:
        """Both sides change to this rate, and hear each other at it."""
        used = self._board().change_baud(baud)
        if used != baud:
            raise AssertionError(f"The link runs at {used} baud.")

    @keyword
    def ask_for_a_baud_rate_and_stay(self, baud: int) -> None:
        """Asks the board to change its rate, and does not follow; the board must say that it is back."""
        if not self._hardware.has_a_speed:
            raise SkipExecution("This board's line has no speed.")
        self._ask_for_the_baud_rate(baud)
        self._next_message_should_be("baud", {"baud": str(baud)})
        self._next_message_should_be("baud", {"baud": str(link.DEFAULT_BAUD)})

    @keyword
    def begin_anew_at_the_default_rate(self) -> None:
        """Another host, which knows nothing of a changed rate, opens the port."""
        if self._hardware.has_a_speed:
            self._stream.baudrate = link.DEFAULT_BAUD
        self._board().greet(BOOT_TIMEOUT)

    @keyword
    def board_should_refuse_the_baud_rate(self, baud: int) -> None:
        """The board answers that it has no such rate, even where the host asks for it."""
        self._ask_for_the_baud_rate(baud)
        self._next_message_should_be("error", {"name": "baud", "baud": str(baud)})

    # --- Breaking it ------------------------------------------------------------------------------

    @keyword
    def start_sending_an_image(self, share: float = 0.5) -> None:
        """Puts a classify frame on the wire and returns when this share of it has arrived."""
        frame = link.encode_frame(link.Command.CLASSIFY, 0x1234, _digits().images[0].tobytes())
        self._board().send_raw(frame)
        with contextlib.suppress(NoAnswer):
            message = self._board().read_message(share * len(frame) * 10 / link.DEFAULT_BAUD)
            raise AssertionError(f"The board said {message} before the frame was there.")

    @keyword
    def break_the_board(self, method: str, *arguments: Any, **named: Any) -> None:
        """Does one of the things that only a simulator can do to a board: a method of RenodeBoard."""
        getattr(self._hardware, method.replace(" ", "_"))(*arguments, **named)

    @keyword
    def alter_a_byte_of(self, symbol: str, offset: int = 0) -> None:
        """Inverts a byte of a variable or constant of the firmware."""
        self.break_the_board("alter byte", self._hardware.address_of(symbol) + offset)

    @keyword
    def alter_weights(self, count: int = 1) -> None:
        """Inverts bytes all over the last layer's weights, which no ReLU hides from the logits.

        Of many some count for every image; a single one may be multiplied by zero.
        """
        weighted = {
            index: layer for index, layer in enumerate(self._model().layers) if hasattr(layer, "weights")
        }
        last = max(weighted)
        stored = weighted[last].weights.size * weighted[last].weight_bits // 8
        for part in range(count):
            self.alter_a_byte_of(f"layer{last}_weights", part * stored // count)

    @keyword
    def board_should_restart(self, **expected: str) -> None:
        """The next message is a boot line with these fields."""
        self._next_message_should_be("boot", expected)

    @keyword
    def board_should_report_a_fault(self, **expected: str) -> None:
        """The next message is a fault line with these fields."""
        self._next_message_should_be("fault", expected)

    @keyword
    def board_should_report_the_error(self, name: str, **details: str) -> None:
        """The next message is that error line."""
        self._next_message_should_be("error", {"name": name, **details})

    @keyword
    def board_should_refuse_to_classify(self, failed: str) -> None:
        """A classify request gets the error `selftest`, with what failed at boot."""
        try:
            prediction = self._board().classify(_digits().images[0])
        except SelfTestFailed as error:
            if failed not in str(error):
                raise AssertionError(f"The board refused for another reason: {error}") from error
        else:
            raise AssertionError(f"The board classified all the same: {prediction}.")

    @keyword
    def flood_the_wire(self, count: int) -> None:
        """Sends so many random bytes without a pause, and waits until the board is quiet again."""
        dice = random.Random(1)
        self._board().send_raw(dice.randbytes(count))
        messages = self._messages_until_silence(FLOOD_IS_OVER_AFTER)
        logger.info(f"{len(messages)} messages")
        if {message.name for message in messages} != {"error"}:
            raise AssertionError(f"The board answered a flood with {messages}.")

    @keyword
    def ask_without_a_pause(self, count: int) -> None:
        """Sends so many info requests at once: more than the board stores, and faster than it answers.

        Those that it answers it answers in order, and where some are missing it names an error; if its line
        has a speed, that bytes were lost.
        """
        questions = (link.encode_frame(link.Command.INFO, number) for number in range(count))
        self._board().send_raw(b"".join(questions))
        messages = self._messages_until_silence(FLOOD_IS_OVER_AFTER)
        errors = {message.text("name") for message in messages if message.name == "error"}
        answered = [message.number("seq") for message in messages if message.name == "info"]
        logger.info(f"{len(answered)} of {count} answered, errors {sorted(errors)}")
        told = "overrun" in errors if self._hardware.has_a_speed else bool(errors)
        if answered != sorted(set(answered)) or (len(answered) < count and not told):
            raise AssertionError(
                f"Asked {count} times, the board answered {answered}, errors {sorted(errors)}."
            )

    # --- Inside -----------------------------------------------------------------------------------

    # Robot Framework looks at every attribute to find the keywords, so none of these is a property.

    def _model(self) -> network.Model:
        return _load_model(self._model_path)

    def _board(self) -> Board:
        if self._running is None:
            raise AssertionError("The board is off: the test must begin with Power On.")
        return self._running

    def _classify_all(self, indices: np.ndarray) -> float:
        labels = _digits().labels
        recognised = sum(self.classify_digit(int(index)).label == labels[index] for index in indices)
        logger.info(f"{recognised} of {len(indices)} digits recognised")
        return recognised / len(indices)

    def _messages_until_silence(self, silence: float = FORGOTTEN_AFTER) -> list[link.Message]:
        messages = [self._board().read_message(ANSWER_TIMEOUT)]
        with contextlib.suppress(NoAnswer):
            while True:
                messages.append(self._board().read_message(silence))
        return messages

    def _ask_for_the_baud_rate(self, baud: int) -> None:
        self._board().send_raw(link.encode_frame(link.Command.BAUD, 0x1234, baud.to_bytes(4, "little")))

    def _next_message_should_be(self, name: str, expected: dict[str, str]) -> None:
        message = self._board().read_message(ANSWER_TIMEOUT)
        if message.name != name:
            raise AssertionError(f"The board said {message} instead of @{name} with {expected}.")
        _compare(expected, message.fields)

    def _hear(self, line: str) -> None:
        self._lines.append(line)
        logger.debug(f"The board: {line}")  # never empty: an empty message breaks renode-test 1.16.1


@cache
def _load_model(path: Path) -> network.Model:
    return model_file.load(path)


@cache
def _digits() -> Digits:
    return load_test_set()


def _compare(expected: dict[str, str], actual: Mapping[str, str]) -> None:
    different = {key: actual.get(key) for key, value in expected.items() if actual.get(key) != str(value)}
    if different:
        raise AssertionError(f"The board said {different} instead of {expected}.")
