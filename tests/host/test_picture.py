"""The digit in the terminal and in a window, and pictures read from files."""

import io
import struct
import sys
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from host import errors, infer, png, window
from host.board import Info, Prediction
from host.picture import draw_bars, draw_digit, is_plain, shares
from host.png import read_png

LOGITS = (-5, 3, 0, 1, 2, -1, -2, 9, -3, 4)


# --- In the terminal ---------------------------------------------------------------------------------


def test_digit_in_half_blocks():
    image = np.zeros((28, 28), np.uint8)
    image[0, 0] = image[3, 1] = image[4:6, 2] = 255
    lines = draw_digit(image).split("\n")
    assert [len(line) for line in lines] == [28] * 14
    assert lines[0].rstrip() == "▀"
    assert lines[1].rstrip() == " ▄"
    assert lines[2].rstrip() == "  █"


def test_digit_in_plain_ascii():
    image = np.zeros((28, 28), np.uint8)
    image[0, 0], image[3, 1] = 255, 100
    lines = draw_digit(image, plain=True).split("\n")
    assert "".join(lines).isascii() and [len(line) for line in lines] == [28] * 14
    assert lines[0][0] == "@" and lines[1][1] not in " @" and lines[2].isspace()


def test_shares_are_the_softmax():
    assert shares((0, 0), 1.0) == (0.5, 0.5)
    assert sum(shares(LOGITS, 0.3)) == pytest.approx(1)
    assert shares((10**9, 0), 1.0) == (1.0, 0.0)


@pytest.mark.parametrize("scale", [None, 0.5])
@pytest.mark.parametrize("plain", [False, True])
def test_bars(scale, plain):
    lines = draw_bars(LOGITS, 7, scale, plain).split("\n")
    assert [line[0] for line in lines] == list("0123456789")
    assert [number for number, line in enumerate(lines) if "predicted" in line] == [7]
    assert ("%" in lines[7]) == (scale is not None)
    ink = [sum(character in "#█" for character in line) for line in lines]
    assert ink[7] == max(ink) > 30
    assert all(line.isascii() for line in lines) == plain
    assert max(map(len, lines)) < 80


def test_bars_of_equal_logits():
    assert "predicted" in draw_bars((4,) * 10, 0)


@pytest.mark.parametrize(("encoding", "plain"), [("utf-8", False), ("ascii", True), ("latin-1", True)])
def test_plain_where_the_terminal_cannot_show_blocks(encoding, plain):
    assert is_plain(io.TextIOWrapper(io.BytesIO(), encoding=encoding)) == plain


# --- From files --------------------------------------------------------------------------------------


def seven(size=200, ink=0, paper=255, mode="L", at=(0.3, 0.2)) -> Image.Image:
    """A 7 drawn somewhere on a sheet."""
    picture = Image.new(mode, (size, size), paper)
    x, y, side, pen = int(at[0] * size), int(at[1] * size), size // 3, max(2, size // 16)
    draw = ImageDraw.Draw(picture)
    draw.line([(x, y), (x + side, y), (x + side // 3, y + int(side * 1.4))], fill=ink, width=pen)
    return picture


@pytest.fixture
def saved(tmp_path):
    def save(picture, **options):
        path = tmp_path / "digit.png"
        picture.save(path, **options)
        return path

    return save


def assert_like_mnist(image):
    assert image.shape == (28, 28) and image.dtype == np.uint8
    assert image.max() == 255 and np.median(image) == 0
    rows, cols = np.nonzero(image > 40)
    assert max(np.ptp(rows), np.ptp(cols)) + 1 in (19, 20)
    mass = image.astype(float)
    for axis in (0, 1):
        centre = (mass.sum(axis=1 - axis) * np.arange(28)).sum() / mass.sum()
        assert abs(centre - 14) <= 0.5001


def rgba(ink, paper):
    picture = Image.new("RGBA", (200, 200), paper)
    picture.paste(Image.new("RGBA", (200, 200), ink), mask=seven(ink=255, paper=0))
    return picture


PICTURES = {
    "dark on light": seven(),
    "light on dark": seven(ink=255, paper=0),
    "pencil on grey paper": seven(ink=90, paper=170),
    "chalk": seven(ink=200, paper=60),
    "colour": seven(mode="RGB", ink=(20, 20, 160), paper=(250, 240, 200)),
    "palette": seven(mode="RGB", ink=(20, 20, 160), paper=(250, 240, 200)).convert(
        "P", palette=Image.Palette.ADAPTIVE
    ),
    "one bit": seven(mode="1", ink=0, paper=1),
    "sixteen bits": Image.fromarray(np.asarray(seven()).astype(np.uint16) * 257),
    "transparent paper, dark ink": rgba((0, 0, 0, 255), (0, 0, 0, 0)),
    "transparent paper, light ink": rgba((255, 255, 255, 255), (255, 255, 255, 0)),
    "opaque with alpha": rgba((0, 0, 0, 255), (255, 255, 255, 255)),
    "grey with alpha": rgba((0, 0, 0, 255), (255, 255, 255, 255)).convert("LA"),
    "large": seven(size=2400),
    "tiny": seven(size=24),
}


@pytest.mark.parametrize("picture", PICTURES.values(), ids=PICTURES)
def test_pictures_of_all_kinds_become_like_mnist(saved, picture):
    image = read_png(saved(picture))
    assert_like_mnist(image)
    expected = png._like_mnist(np.asarray(seven(ink=255, paper=0)))
    if picture.width >= 200:
        assert np.abs(image.astype(int) - expected).mean() < 4


@pytest.mark.parametrize("at", [(0.1, 0.1), (0.6, 0.5), (0.6, 0.1)])
def test_where_the_digit_stands_does_not_matter(saved, at):
    centred, moved = read_png(saved(seven())), read_png(saved(seven(at=at)))
    assert np.abs(centred.astype(int) - moved).mean() < 3


@pytest.mark.parametrize("size", [(300, 2), (2, 300), (1, 400)])
def test_strokes_of_any_shape_fit(saved, size):
    picture = Image.new("L", (500, 500), 255)
    picture.paste(0, (100, 50, 100 + size[0], 50 + size[1]))
    assert read_png(saved(picture)).max() == 255


def test_transparency_of_a_colour(saved):
    picture = Image.new("P", (50, 50), 0)
    picture.putpalette([0, 0, 0, 10, 10, 10])
    picture.paste(1, (20, 10, 24, 40))
    assert read_png(saved(picture, transparency=0)).max() == 255


def test_specks_far_apart(saved):
    sheet = np.full((2000, 2000), 255, np.uint8)
    sheet[500, 500] = sheet[1500, 1500] = 0
    with pytest.raises(errors.PictureError, match="only specks"):
        read_png(saved(Image.fromarray(sheet)))


@pytest.mark.parametrize(
    "picture",
    [
        Image.new("L", (28, 28), 0),
        Image.new("L", (28, 28), 255),
        Image.new("RGBA", (40, 40)),
        Image.new("L", (1, 1)),
        seven(ink=120, paper=128),
    ],
    ids=["black", "white", "transparent", "one pixel", "no contrast"],
)
def test_an_empty_sheet(saved, picture):
    with pytest.raises(errors.PictureError, match="empty sheet"):
        read_png(saved(picture))


def header_only(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [(4001, 4000), (20_000, 5_000), (0x7FFFFFFF, 0x7FFFFFFF)])
def test_too_many_pixels_are_refused_before_decoding(tmp_path, size):
    path = tmp_path / "bomb.png"
    path.write_bytes(header_only(*size))
    with pytest.raises(errors.PictureError, match=r"16000000.* that are read"):
        read_png(path)


def test_too_large_a_file_is_refused_unread(tmp_path):
    path = tmp_path / "large.png"
    with path.open("wb") as file:
        file.truncate(png.MAX_FILE_BYTES + 1)
    with pytest.raises(errors.PictureError, match="more than the 16777216"):
        read_png(path)


def test_what_is_no_file(tmp_path):
    with pytest.raises(errors.PictureError, match="There is no picture"):
        read_png(tmp_path / "missing.png")
    with pytest.raises(errors.PictureError, match="cannot be read as a PNG"):
        read_png(tmp_path)


@pytest.mark.parametrize("kind", ["JPEG", "BMP", "GIF"])
def test_other_formats_are_refused(tmp_path, kind):
    path = tmp_path / "digit.png"
    seven().save(path, format=kind)
    with pytest.raises(errors.PictureError, match="cannot be read as a PNG"):
        read_png(path)


def png_bytes(picture) -> bytes:
    file = io.BytesIO()
    picture.save(file, format="PNG")
    return file.getvalue()


WHOLE = [png_bytes(PICTURES[name].resize((40, 40))) for name in ("palette", "transparent paper, dark ink")]


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_malformed_files_are_one_sentence(tmp_path, data):
    content = bytearray(data.draw(st.sampled_from(WHOLE)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 5))] = data.draw(st.binary(max_size=5))
    content = content[: data.draw(st.integers(0, len(content)) | st.just(len(content)))]
    path = tmp_path / "malformed.png"
    path.write_bytes(content)
    try:
        assert read_png(path).shape == (28, 28)
    except errors.PictureError as error:
        assert str(error).endswith(".") and "\n" not in str(error)


# --- infer -------------------------------------------------------------------------------------------

PREDICTION = Prediction(7, LOGITS, 31845, 12345, sequence=3, seconds=0.1)
INFO = Info(1, "1.2.3", "linear", 0, 72_000_000, "hse", 28, 28, 10, "power", "passed", 512)


class BoardOfPaper:
    def __init__(self, *_, **__):
        self.closed = False

    open = classmethod(lambda cls, *args, **options: cls())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closed = True

    def info(self):
        return INFO

    def classify(self, image):
        return PREDICTION


def test_infer_shows_the_digit_then_the_prediction_and_a_bar_per_class(monkeypatch, capsys):
    monkeypatch.setattr(infer, "Board", BoardOfPaper)
    image = png._like_mnist(np.asarray(seven(ink=255, paper=0)))
    assert infer.infer("loop://", image, "Test image 3, a 7", {INFO.checksum: 0.5}) == PREDICTION
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Test image 3, a 7:"
    assert "\n".join(lines[1:15]) == draw_digit(image)
    assert lines[15].startswith("Predicted class: 7 (")
    assert "31,845 cycles = 0.44 ms at 72 MHz, 12,345 of them after the image had come" in lines[16]
    assert len(lines) == 27


def test_a_network_that_is_not_known_gets_no_shares(monkeypatch, capsys):
    monkeypatch.setattr(infer, "Board", BoardOfPaper)
    infer.infer("loop://", np.zeros((28, 28), np.uint8), "nothing", {INFO.checksum + 1: 0.5})
    said = capsys.readouterr().out
    assert "The board's linear is not one of models/" in said and "%" not in said


def test_a_board_without_clock_or_counter_is_described():
    prediction = Prediction(7, LOGITS, None, None, sequence=3, seconds=0.1)
    assert infer.describe(prediction, INFO).endswith("Answered in 100.0 ms")


# --- In a window -------------------------------------------------------------------------------------


def test_no_display(monkeypatch):
    pytest.importorskip("tkinter")
    monkeypatch.delenv("DISPLAY", raising=False)
    if sys.platform != "linux":
        pytest.skip("only X11 can be without a display")
    with pytest.raises(errors.PictureError, match="no display"):
        window.DigitWindow(np.zeros((28, 28), np.uint8), "nothing")


def test_no_tkinter(monkeypatch):
    monkeypatch.setattr(window, "tkinter", None)
    with pytest.raises(errors.PictureError, match="python3-tk"):
        window.DigitWindow(np.zeros((28, 28), np.uint8), "nothing")


def test_nothing_is_sent_when_no_window_opens(monkeypatch):
    monkeypatch.setattr(window, "tkinter", None)
    monkeypatch.setattr(infer, "Board", None)
    with pytest.raises(errors.PictureError):
        infer.infer("loop://", np.zeros((28, 28), np.uint8), "nothing", {}, window=True)
