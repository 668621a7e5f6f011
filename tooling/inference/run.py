"""Sends images to a board over one connection, and shows its answers."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from tqdm import tqdm

from common.errors import UserError
from common.paths import shown
from host.board import Board
from host.records import Info, Prediction
from host.show import answers, photo
from host.show.terminal import draw_bars, draw_digit, is_plain, make_console
from host.show.window import DigitWindow
from tooling import tables
from tooling.inference import boards, images, models
from tooling.inference.images import Image, Loaded, Source
from tooling.inference.models import Knowledge

DOUBTFUL = "?"  # stands for what does not look like a digit


@dataclass(frozen=True)
class Settings:
    """How `infer` shows answers.

    window: one image in a window. as_json: one object per image. output: a file for the picture with marks.
    """

    window: bool = False
    as_json: bool = False
    output: Path | None = None


@dataclass
class Outcome:
    """What was answered. pairs: the expected and the predicted class of images whose class is known."""

    answered: int = 0
    failed: int = 0
    pairs: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class _Session:
    """A board, and what is known about it. counted: the unit of its cycle counter."""

    board: Board
    info: Info
    model: Knowledge
    counted: str
    settings: Settings


def run(
    arguments: Sequence[str],
    choice: boards.Choice,
    baud: int,
    settings: Settings,
    taken: Sequence[Source] = (),
) -> bool:
    """Have the chosen board answer the images that the arguments name; False if any could not be read.

    taken: what is read besides the arguments. Raises UserError or BoardError if the board cannot be used.
    """
    found, problems = images.sources(arguments)
    found += taken
    outcome = Outcome(failed=len(problems))
    for problem in problems:
        _complain(problem)
    _check(settings, found)
    if not found:
        return False
    if choice.model and len(found) == 1:
        images.check_numbers(found, models.of_file(choice.model))  # before the board is started
    with ExitStack() as stack:
        with redirect_stdout(sys.stderr if settings.as_json else sys.stdout):
            ready = stack.enter_context(boards.ready(choice))
        board = stack.enter_context(Board.open(ready.url, baud, ready.timeout, on_retry=_complain))
        info = board.info()
        session = _Session(board, info, models.of_board(info), ready.counted, settings)
        for source in images.with_progress(found):
            try:
                loaded = images.load(source, session.model)
            except UserError as error:
                outcome.failed += 1
                _complain(f"{source.title}: {error}")
                continue
            predictions = _answer(loaded, session, alone=len(found) == 1)
            outcome.answered += 1
            outcome.pairs += [
                (image.expected, prediction.name)
                for image, prediction in zip(loaded.images, predictions, strict=True)
                if image.expected
            ]
            if settings.output and loaded.picture is not None:
                photo.write(settings.output, loaded.picture, _marks(loaded, predictions))
                _complain(f"{shown(settings.output)} shows the answers.")
    many = len(arguments) > 1 or len(found) > 1
    _summarise(outcome, session.model, sys.stderr if settings.as_json else sys.stdout, many=many)
    return outcome.failed == 0


def _check(settings: Settings, found: Sequence[Source]) -> None:
    """Raises UserError if these sources cannot be shown so."""
    if settings.window and len(found) > 1:
        raise UserError("--window shows one image: name one, or leave --window out.")
    if settings.output:
        photo.check_format(settings.output)
        if len(found) > 1 or any(source.is_number for source in found):
            raise UserError("--output draws the answers into one picture: name one file, or leave it out.")


def _complain(sentence: str) -> None:
    tqdm.write(sentence, file=sys.stderr)


def _say(text: str) -> None:
    tqdm.write(text, file=sys.stdout)
    sys.stdout.flush()


def _answer(loaded: Loaded, session: _Session, *, alone: bool) -> list[Prediction]:
    """Has the board classify the images of a source and shows the answers."""
    if alone and loaded.sheet is None and not session.settings.as_json:
        return [_show_one(loaded.images[0], session)]
    predictions = []
    for image in loaded.images:
        prediction = session.board.classify(image.pixels)
        predictions.append(prediction)
        if session.settings.as_json:
            fields = answers.as_json(image.source.name, image.box, prediction, session.model.scale)
            _say(json.dumps({**fields, "sure": False} if image.doubt else fields))
        elif loaded.sheet is None:
            _say(f"{image.title}: {answers.line(prediction, image.expected, session.model.scale)}")
    if loaded.sheet and not session.settings.as_json:
        _say(_as_text(loaded, predictions))
    return predictions


def _as_text(loaded: Loaded, predictions: Sequence[Prediction]) -> str:
    """The lines of a sheet, and below them a line for each doubt."""
    assert loaded.sheet
    names = [
        DOUBTFUL if image.doubt else prediction.name
        for image, prediction in zip(loaded.images, predictions, strict=True)
    ]
    lines = [f"{loaded.images[0].title}:", loaded.sheet.text(names)]
    for image, prediction in zip(loaded.images, predictions, strict=True):
        assert image.box
        where = "at {}, {}, {} x {} pixels".format(*image.box)
        if image.doubt:
            lines.append(f"{DOUBTFUL} {where}: {image.doubt}")
        elif answers.sure(prediction) is False:
            lines.append(f"{prediction.name} {where}: not sure")
    return "\n".join(lines)


def _marks(loaded: Loaded, predictions: Sequence[Prediction]) -> list[photo.Mark]:
    return [
        photo.Mark(
            image.box,
            DOUBTFUL if image.doubt else prediction.name,
            bool(image.doubt) or answers.sure(prediction) is False,
        )
        for image, prediction in zip(loaded.images, predictions, strict=True)
        if image.box
    ]


def _show_one(image: Image, session: _Session) -> Prediction:
    """Shows the image before it is sent, then the prediction and a bar for each class."""
    console, model = make_console(), session.model
    with ExitStack() as stack:
        window = None
        if session.settings.window:
            window = DigitWindow(image.pixels, image.title)
            stack.callback(window.close)
        else:
            console.print(f"{image.title}:")
            console.print(draw_digit(image.pixels, console))
        prediction = session.board.classify(image.pixels)
        if model.scale is None:
            console.print(
                f"No file in models/ has the checksum of the board's network {session.info.model}, so the "
                "bars show logits instead of probabilities."
            )
        console.print(answers.describe(prediction, session.info, model.scale, session.counted))
        if answers.sure(prediction) is False:
            console.print("The board is not sure.")
        bars = draw_bars(
            prediction.logits, prediction.label, model.class_names, model.scale, plain=is_plain(console)
        )
        console.print(bars)
        if window:
            window.show(prediction, model.class_names, model.scale)
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
