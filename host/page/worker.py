"""The thread that owns the board: it connects, classifies the newest picture, and finds the board again."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from common.errors import UserError
from host import link
from host.board import Board
from host.errors import BoardError, PortError
from host.page.damage import EXPERIMENTS
from host.page.events import (
    Answer,
    Event,
    Experiment,
    Failed,
    Gone,
    Ready,
    Skipped,
    Starting,
)
from host.page.interfaces import Inspector, Supply
from host.page.tap import Tap
from host.records import Info, Prediction
from host.show.answers import sure
from host.show.terminal import softmax
from host.streams import open_port

_POLL = 0.1  # seconds; a board that is gone is noticed within a second
_RETRY = 1.0  # seconds between two attempts to find a board that is gone
_MOST_COMMANDS = 8
_MILLISECONDS = 1000.0


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture to classify: uint8 (channels, rows, columns), and the number the page gave it."""

    id: int
    pixels: npt.NDArray[np.uint8]


class BoardWorker(threading.Thread):
    """Serves one page. publish: called in this thread with each event.

    Of the pictures that wait, the newest is sent and the others are reported as skipped, so each picture ends
    in exactly one Answer, Skipped or Failed.
    """

    def __init__(self, supply: Supply, inspector: Inspector, publish: Callable[[Event], None]) -> None:
        super().__init__(name="board", daemon=True)
        self._supply = supply
        self._inspector = inspector
        self._publish = publish
        self._commands: queue.Queue[Callable[[], None]] = queue.Queue(_MOST_COMMANDS)
        self._newest: Picture | None = None
        self._newest_lock = threading.Lock()
        self._wake = threading.Event()
        self._ending = False
        self._unplugged = False
        self._plugged_at: float | None = None
        self._last: Picture | None = None  # the last picture that was answered
        self._state: Event = Starting(supply.name)
        self._board: Board | None = None
        self._tap: Tap | None = None
        self._info: Info | None = None

    # --- Called by the server ---------------------------------------------------------------------

    @property
    def state(self) -> Event:
        """The last Starting, Ready or Gone."""
        return self._state

    @property
    def shape(self) -> tuple[int, int, int] | None:
        """Channels, rows and columns of the board's images; None before a board has answered."""
        return self._info.shape if self._info else None

    @property
    def last(self) -> Picture | None:
        """The picture of the last answer."""
        return self._last

    def submit(self, picture: Picture) -> None:
        """Have a picture classified, unless a newer one comes first."""
        with self._newest_lock:
            skipped, self._newest = self._newest, picture
        if skipped:
            self._publish(Skipped(skipped.id))
        self._wake.set()

    def experiment(self, name: str) -> None:
        """Damage the wire in one of the ways of EXPERIMENTS, with the picture that was answered last."""
        self._command(lambda: self._run_experiment(name))

    def unplug(self) -> None:
        """Pull the plug of the board."""
        if not self._supply.cannot_unplug:
            self._command(self._pull)

    def plug_in(self) -> None:
        """Connect the board again after `unplug`."""
        self._command(self._push)

    def end(self) -> None:
        """End the thread and the board."""
        self._ending = True
        self._wake.set()
        self.join()

    def _command(self, command: Callable[[], None]) -> None:
        # When the queue is full the page has asked for more than a person can press; drop the rest.
        try:
            self._commands.put_nowait(command)
        except queue.Full:
            return
        self._wake.set()

    # --- In the thread ----------------------------------------------------------------------------

    def run(self) -> None:
        while not self._ending:
            try:
                self._connect()
                while not self._ending and not self._unplugged:
                    self._step()
            except (UserError, BoardError) as problem:
                self._say(Gone(str(problem), unplugged=False))
            finally:
                self._disconnect()
            self._wait_until_plugged()

    def _connect(self) -> None:
        self._say(Starting(self._supply.name))
        url = self._supply.start()
        self._tap = Tap(open_port(url), self._publish)
        self._board = Board(self._tap, name=self._supply.name, timeout=self._supply.answer_limit)
        info = self._info = self._board.greet(self._supply.answer_limit)
        recovered = None
        if self._plugged_at is not None:
            recovered = (time.monotonic() - self._plugged_at) * _MILLISECONDS
            self._plugged_at = None
        self._say(
            Ready(
                board=self._supply.name,
                model=info.model,
                firmware=info.firmware,
                clock=info.clock,
                baud=self._board.baud,
                shape=info.shape,
                class_names=info.class_names,
                centred=self._inspector.preparation.method == "mnist",
                unavailable={"unplug": reason} if (reason := self._supply.cannot_unplug) else {},
                recovered=recovered,
            )
        )

    def _disconnect(self) -> None:
        if self._board:
            self._board.close()
        elif self._tap:
            self._tap.close()
        self._board = self._tap = None
        self._supply.stop()

    def _step(self) -> None:
        """Do what waits, or look whether the board is still there. Raises PortError if it is not."""
        assert self._board
        self._wake.wait(_POLL)
        self._wake.clear()
        while self._do_command():
            if self._unplugged:
                return
        with self._newest_lock:
            picture, self._newest = self._newest, None
        if picture:
            self._answer(picture)
        elif not self._supply.is_alive():
            raise PortError(f"{self._supply.name} ended by itself and is being started again.")
        else:
            self._board.connection.discard_pending()

    def _do_command(self) -> bool:
        try:
            self._commands.get_nowait()()
        except queue.Empty:
            return False
        return True

    def _answer(self, picture: Picture) -> None:
        assert self._board and self._tap
        try:
            prediction = self._board.classify(picture.pixels)
        except BoardError as problem:
            self._publish(Failed(picture.id, str(problem)))
            return  # a port that is gone is noticed in the next step
        self._last = picture
        self._publish(self._answer_event(picture.id, prediction))

    def _answer_event(self, identity: int, prediction: Prediction) -> Answer:
        assert self._board and self._tap and self._info
        info, sent = self._info, self._tap.sent
        per_byte = link.BITS_PER_BYTE / self._board.baud * _MILLISECONDS
        known = info.checksum == self._inspector.checksum
        return Answer(
            id=identity,
            image=link.decode_frame(sent.strip(link.DELIMITER), info.image_bytes).payload,
            label=prediction.label,
            name=prediction.name,
            sure=sure(prediction),
            logits=prediction.logits,
            shares=softmax(prediction.logits, self._inspector.scale) if known else None,
            wire_out=len(sent) * per_byte,
            network=None if prediction.finish is None else prediction.finish / info.clock * _MILLISECONDS,
            wire_back=self._tap.answer_bytes * per_byte,
            measured=prediction.seconds * _MILLISECONDS,
            retries=prediction.retries,
        )

    def _run_experiment(self, name: str) -> None:
        """Send the last picture again over a damaged wire and report what happened."""
        assert self._board and self._tap
        if self._last is None:
            return
        reported: list[str] = []

        def note_error(line: str) -> None:
            if line.startswith("@error"):
                reported.append(link.parse_line(line).fields.get("name", ""))

        self._tap.damage_next(EXPERIMENTS[name])
        before, self._board.connection.on_line = self._board.connection.on_line, note_error
        begin = time.monotonic()
        try:
            prediction = self._board.classify(self._last.pixels)
            seconds = time.monotonic() - begin
            self._board.connection.discard_pending()
        except BoardError as problem:
            self._publish(Failed(self._last.id, str(problem)))
            return
        finally:
            self._board.connection.on_line = before
        damaged = self._tap.damaged
        assert damaged and self._info
        expected, actual = damaged.expected_error(self._info.image_bytes), reported[0] if reported else ""
        self._publish(
            Experiment(
                name=name,
                altered=damaged.altered,
                expected=expected,
                actual=actual,
                milliseconds=seconds * _MILLISECONDS,
                passed=expected == actual,
            )
        )
        self._publish(self._answer_event(self._last.id, prediction))

    def _pull(self) -> None:
        self._unplugged = True
        self._say(Gone("You pulled the plug: the board is gone until you put it in again.", unplugged=True))

    def _push(self) -> None:
        if self._unplugged:
            self._unplugged = False
            self._plugged_at = time.monotonic()

    def _wait_until_plugged(self) -> None:
        """Wait until it is worth looking for a board again; meanwhile each picture fails at once."""
        again = time.monotonic() + _RETRY
        while not self._ending and (self._unplugged or time.monotonic() < again):
            if self._plugged_at is not None:
                return
            self._wake.wait(_POLL)
            self._wake.clear()
            self._do_command()
            with self._newest_lock:
                picture, self._newest = self._newest, None
            if picture:
                self._publish(Failed(picture.id, "There is no board at the moment, so nothing was sent."))

    def _say(self, state: Event) -> None:
        self._state = state
        self._publish(state)
