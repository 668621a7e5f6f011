"""`infer` from its arguments to its output, with a board that always answers 7."""

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from drawings import seven
from one_answer import INFO, BoardWithOneAnswer
from photos import photo_of_sheet
from PIL import Image as Picture
from PIL import ImageDraw
from serial.tools import list_ports

from common.errors import UserError
from common.paths import MODELS
from compiler.model_file import load
from data.mnist import load_test_set
from host.show.terminal import draw_digit, make_console
from tooling.inference import boards, camera, models, run
from tooling.inference.boards import Choice
from tooling.inference.images import Source
from tooling.inference.run import Settings
from tooling.simulate import running

TEXT, PORT = Settings(), Choice("loop://")


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> BoardWithOneAnswer:
    made = BoardWithOneAnswer()
    monkeypatch.setattr(run, "Board", made)
    monkeypatch.setattr(models, "of_board", lambda info: models.of_file(MODELS / "linear.npz"))
    return made


def infer(*arguments: str, settings: Settings = TEXT, choice: Choice = PORT) -> bool:
    return run.run(arguments, choice, 500_000, settings)


def test_one_image_is_drawn_and_answered_with_a_bar_per_class(
    board: BoardWithOneAnswer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert infer("0")
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert lines[0] == "Test image 0, a 7:"
    assert "\n".join(lines[1:15]) == draw_digit(board.images[0], make_console()).plain
    assert lines[15].startswith("Predicted class: 7 (") and lines[16].startswith("Answered in 100.0 ms")
    assert len(lines) == 27 and "<-- predicted" in lines[24]
    assert captured.err == "Attempt 1 of 3 failed\n"
    assert board.opened == ("loop://", 500_000, 5.0)


def test_an_unknown_network_gets_logits_instead_of_probabilities(
    board: BoardWithOneAnswer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(run, "Board", board)
    assert infer("0")
    out = capsys.readouterr().out
    assert "the board's network linear, so the bars show logits" in out and "%" not in out


def test_several_images_get_a_line_each_over_one_connection(
    board: BoardWithOneAnswer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert infer("0", "1")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Test image 0, a 7: 7 (")
    assert lines[1].startswith("Test image 1, a 2: 7 (") and lines[1].endswith(", expected 2")
    assert lines[3] == "1 of 2 right (50.0 %)" and lines[4].split() == ["expected", "2", "7", "right"]
    assert len(board.images) == 2


def test_what_cannot_be_read_is_reported_and_the_rest_answered(
    board: BoardWithOneAnswer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.png").write_text("seven")
    seven().save(tmp_path / "z.png")
    assert not infer("missing.png", str(tmp_path))
    captured = capsys.readouterr()
    assert captured.out.startswith(f"{tmp_path}/z.png: 7 (")
    missing, _, text, total = captured.err.splitlines()
    assert missing.startswith("missing.png: ") and text.startswith(
        f"{tmp_path}/text.png: The file is neither"
    )
    assert total == "2 of 3 could not be read."


def test_json_is_alone_on_standard_output(
    board: BoardWithOneAnswer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @contextmanager
    def started(choice: Choice) -> Iterator[boards.Ready]:
        print("Starting linear on native.")
        yield boards.Ready("loop://")

    monkeypatch.setattr(boards, "ready", started)
    assert not infer("0", "1", "missing.png", settings=Settings(as_json=True))
    captured = capsys.readouterr()
    first, second = map(json.loads, captured.out.splitlines())
    assert (first["file"], first["name"], first["box"], second["file"]) == ("0", "7", None, "1")
    assert "Starting linear" in captured.err and "1 of 2 right" in captured.err


def test_without_anything_to_read_no_board_is_used(
    board: BoardWithOneAnswer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not infer("missing.png", choice=Choice(simulator="renode", model=MODELS / "linear.npz"))
    assert capsys.readouterr().err == "missing.png: The file does not exist: check its name.\n"
    with pytest.raises(UserError, match="no image 10000"):
        infer("10000", choice=Choice(simulator="renode", model=MODELS / "linear.npz"))
    assert not board.opened


def test_a_window_shows_one_image(board: BoardWithOneAnswer) -> None:
    with pytest.raises(UserError, match="--window shows one image"):
        infer("0", "1", settings=Settings(window=True))
    assert not board.opened


def test_the_window_is_closed_if_the_board_fails(
    board: BoardWithOneAnswer, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = []

    class Window:
        def __init__(self, image: object, title: str) -> None:
            assert title == "Test image 0, a 7"

        def close(self) -> None:
            closed.append(self)

    monkeypatch.setattr(run, "DigitWindow", Window)
    monkeypatch.setattr(board, "classify", None)
    with pytest.raises(TypeError):
        infer("0", settings=Settings(window=True))
    assert closed


def test_the_network_of_a_board_is_found_by_its_checksum() -> None:
    known = models.of_file(MODELS / "max.npz")
    assert models.of_board(replace(INFO, checksum=load(MODELS / "max.npz").checksum)) == known
    unknown = models.of_board(replace(INFO, checksum=1))
    assert unknown.scale is None and unknown.preparation.method == "mnist"
    garments = replace(INFO, checksum=1, class_names=("shirt", "sneaker"))
    assert models.of_board(garments).preparation.method == "fit"


def test_the_choice_of_a_board(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "url", lambda: "")
    monkeypatch.setattr(boards, "_adapter", lambda: "")
    monkeypatch.setattr(boards, "best_simulator", lambda model: "qemu")
    assert boards.choose("", "", "") == Choice(simulator="qemu", model=MODELS / "cnn.npz")
    assert boards.choose("", "native", "max") == Choice(simulator="native", model=MODELS / "max.npz")
    monkeypatch.setattr(boards, "_adapter", lambda: "/dev/ttyUSB0")
    assert boards.choose("", "", "") == Choice("/dev/ttyUSB0")
    monkeypatch.setattr(running, "url", lambda: "build/usart1")
    assert boards.choose("", "", "") == Choice("build/usart1")
    assert boards.choose("", "", "linear") == Choice(simulator="qemu", model=MODELS / "linear.npz")
    assert boards.choose("socket://a:1", "", "") == Choice("socket://a:1")
    for options in (("p", "qemu", ""), ("p", "", "cnn")):
        with pytest.raises(UserError, match="leave them out"):
            boards.choose(*options)
    with pytest.raises(UserError, match="no simulator 'arduino'"):
        boards.choose("", "arduino", "")


def test_several_adapters_are_not_chosen_from(monkeypatch: pytest.MonkeyPatch) -> None:
    class Port:
        vid = 1

        def __init__(self, device: str) -> None:
            self.device = device

    monkeypatch.setattr(list_ports, "comports", lambda: [Port("/dev/b"), Port("/dev/a")])
    with pytest.raises(UserError, match=r"\(/dev/a, /dev/b\)"):
        boards._adapter()


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A photo of the sheet "7 28 65", "0961 809"."""
    digits = load_test_set()
    path = tmp_path / "sheet.png"
    Picture.fromarray(photo_of_sheet(digits.images[:, 0], digits.labels, 47).pixels).save(path)
    return path


def test_a_sheet_is_read_in_lines_and_marked(
    board: BoardWithOneAnswer, photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    marked = tmp_path / "marked.png"
    assert infer(str(photo), settings=Settings(output=marked))
    captured = capsys.readouterr()
    assert captured.out == f"{photo}:\n7 77 77\n7777 777\n"
    assert captured.err.endswith("marked.png shows the answers.\n")
    assert len(board.images) == 12 and {image.shape for image in board.images} == {(1, 28, 28)}
    before, after = (np.asarray(Picture.open(path).convert("RGB")) for path in (photo, marked))
    assert before.shape == after.shape and ((after == (0, 130, 60)).all(axis=2)).sum() > 1000


def test_each_digit_of_a_sheet_is_a_json_object(
    board: BoardWithOneAnswer, photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert infer(str(photo), settings=Settings(as_json=True))
    objects = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(objects) == 12 and {each["file"] for each in objects} == {str(photo)}
    assert [each["box"][0] for each in objects[:5]] == sorted(each["box"][0] for each in objects[:5])


def test_what_does_not_look_like_a_digit_is_marked(
    board: BoardWithOneAnswer, photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    canvas = Picture.open(photo).convert("L")
    ImageDraw.Draw(canvas).line([(130, 560), (1000, 570)], fill=30, width=9)
    canvas.save(photo)
    assert infer(str(photo), settings=Settings(output=tmp_path / "marked.jpg"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[3] == "?" and re.fullmatch(r"\? at \d+, \d+, \d+ x \d+ pixels: wider than a digit", lines[4])
    assert infer(str(photo), settings=Settings(as_json=True))
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["sure"] is False


def test_output_needs_one_picture_and_a_known_format(board: BoardWithOneAnswer, photo: Path) -> None:
    for arguments in (("0",), (str(photo), str(photo))):
        with pytest.raises(UserError, match="--output draws the answers into one picture"):
            infer(*arguments, settings=Settings(output=Path("marked.png")))
    with pytest.raises(UserError, match=r"ends in \.png or \.jpg"):
        infer(str(photo), settings=Settings(output=Path("marked.gif")))
    assert not board.opened


def test_a_picture_of_the_camera_is_read_like_a_file(
    board: BoardWithOneAnswer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Camera:
        def __init__(self, number: int) -> None:
            self.reads = number

        def read(self) -> tuple[bool, object]:
            self.reads += 1
            return True, np.full((40, 40, 3), self.reads, np.uint8)

        def release(self) -> None:
            Camera.released = True  # type: ignore[attr-defined]

    monkeypatch.setitem(sys.modules, "cv2", SimpleNamespace(VideoCapture=Camera))
    assert camera.take().max() == 11  # later than the first pictures, which are too dark
    assert Camera.released  # type: ignore[attr-defined]
    taken = [Source("camera", picture=np.asarray(seven(mode="RGB")))]
    assert run.run([], PORT, 115_200, TEXT, taken)
    assert capsys.readouterr().out.startswith("camera:\n")
    monkeypatch.setattr(Camera, "read", lambda self: (False, None))
    with pytest.raises(UserError, match="No camera answered"):
        camera.take()
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(UserError, match="needs OpenCV"):
        camera.take()


def test_a_simulated_board_gets_more_time_and_counts_instructions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "url", lambda: "build/usart1")
    with boards.ready(Choice("build/usart1")) as ready:
        assert (ready.counted, ready.timeout) == ("instructions", 30.0)
    with boards.ready(Choice("/dev/ttyUSB0")) as ready:
        assert (ready.counted, ready.timeout) == ("cycles", 5.0)
