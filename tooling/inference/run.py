"""Sends images to a board over one connection, and shows its answers."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack, redirect_stdout
from dataclasses import dataclass, field
from typing import TextIO

from tqdm import tqdm

from common.errors import UserError
from host.board import Board
from host.records import Info, Prediction
from host.show import answers
from host.show.terminal import draw_bars, draw_digit, is_plain, make_console
from host.show.window import DigitWindow
from tooling import tables
from tooling.inference import boards, images, models
from tooling.inference.images import Image
from tooling.inference.models import Knowledge


@dataclass(frozen=True)
class Settings:
    """How `infer` shows answers. window: one image in a window. as_json: one object per image."""

    window: bool = False
    as_json: bool = False


@dataclass
class Outcome:
    """What was answered. pairs: the expected and the predicted class of images whose class is known."""

    answered: int = 0
    failed: int = 0
    pairs: list[tuple[str, str]] = field(default_factory=list)


def run(arguments: Sequence[str], choice: boards.Choice, baud: int, settings: Settings) -> bool:
    """Have the chosen board answer the images that the arguments name; False if any could not be read.

    Raises UserError or BoardError if the board cannot be used.
    """
    found, problems = images.sources(arguments)
    outcome = Outcome(failed=len(problems))
    for problem in problems:
        _complain(problem)
    if settings.window and len(found) > 1:
        raise UserError("--window shows one image: name one, or leave --window out.")
    if not found:
        return False
    if choice.model and len(found) == 1:
        images.check_numbers(found, models.of_file(choice.model))  # before the board is started
    with ExitStack() as stack:
        with redirect_stdout(sys.stderr if settings.as_json else sys.stdout):
            port, counted = stack.enter_context(boards.opened(choice))
        board = stack.enter_context(Board.open(port, baud, on_retry=_complain))
        info = board.info()
        model = models.of_board(info)
        shower = _show_one if len(found) == 1 and not settings.as_json else _show_line
        for source in images.with_progress(found):
            try:
                image = images.image_of(source, model)
            except UserError as error:
                outcome.failed += 1
                _complain(f"{source.title}: {error}")
                continue
            prediction = shower(image, board, info, model, settings, counted)
            outcome.answered += 1
            if image.expected:
                outcome.pairs.append((image.expected, prediction.name))
    _summarise(
        outcome,
        model,
        sys.stderr if settings.as_json else sys.stdout,
        many=len(arguments) > 1 or len(found) > 1,
    )
    return outcome.failed == 0


def _complain(sentence: str) -> None:
    tqdm.write(sentence, file=sys.stderr)


def _show_one(
    image: Image, board: Board, info: Info, model: Knowledge, settings: Settings, counted: str
) -> Prediction:
    """Shows the image before it is sent, then the prediction and a bar for each class."""
    console = make_console()
    with ExitStack() as stack:
        window = None
        if settings.window:
            window = DigitWindow(image.pixels, image.title)
            stack.callback(window.close)
        else:
            console.print(f"{image.title}:")
            console.print(draw_digit(image.pixels, console))
        prediction = board.classify(image.pixels)
        if model.scale is None:
            console.print(
                f"No file in models/ has the checksum of the board's network {info.model}, so the bars show "
                "logits instead of probabilities."
            )
        console.print(answers.describe(prediction, info, model.scale, counted))
        if answers.sure(prediction) is False:
            console.print("The board is not sure.")
        bars = draw_bars(
            prediction.logits, prediction.label, model.class_names, model.scale, plain=is_plain(console)
        )
        console.print(bars)
        if window:
            window.show(prediction, model.class_names, model.scale)
    return prediction


def _show_line(
    image: Image, board: Board, info: Info, model: Knowledge, settings: Settings, counted: str
) -> Prediction:
    """Shows the prediction on one line, as text or as JSON."""
    prediction = board.classify(image.pixels)
    if settings.as_json:
        text = json.dumps(answers.as_json(image.source.name, None, prediction, model.scale))
    else:
        text = f"{image.title}: {answers.line(prediction, image.expected, model.scale)}"
    tqdm.write(text, file=sys.stdout)
    sys.stdout.flush()
    return prediction


def _summarise(outcome: Outcome, model: Knowledge, file: TextIO, *, many: bool) -> None:
    """Prints accuracy and confusion of images whose class is known, and how many could not be read."""
    if many and outcome.pairs:
        right = sum(expected == predicted for expected, predicted in outcome.pairs)
        total = len(outcome.pairs)
        print(f"\n{right} of {total} right ({tables.percent(right, total)})", file=file)
        print(tables.table(answers.confusion(outcome.pairs, model.class_names), left=1), file=file)
    if outcome.failed and many:
        _complain(f"{outcome.failed} of {outcome.failed + outcome.answered} could not be read.")
