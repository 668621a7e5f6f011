"""Pictures read from files."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from data.mnist import load_test_set
from host.errors import PictureError
from host.show import pictures
from host.show.pictures import read_png


def seven(
    size: int = 200,
    ink: Any = 0,
    paper: Any = 255,
    mode: str = "L",
    at: tuple[float, float] = (0.3, 0.2),
) -> Image.Image:
    """A 7 drawn somewhere on a sheet."""
    picture = Image.new(mode, (size, size), paper)
    x, y, side, pen = int(at[0] * size), int(at[1] * size), size // 3, max(2, size // 16)
    draw = ImageDraw.Draw(picture)
    draw.line([(x, y), (x + side, y), (x + side // 3, y + int(side * 1.4))], fill=ink, width=pen)
    return picture


Save = Callable[..., Path]


@pytest.fixture
def saved(tmp_path: Path) -> Save:
    """Saves a picture as a PNG."""

    def save(picture: Image.Image, **options: Any) -> Path:
        path = tmp_path / "digit.png"
        picture.save(path, **options)
        return path

    return save


def assert_like_mnist(image: pictures.Grey) -> None:
    assert image.shape == (28, 28) and image.dtype == np.uint8
    assert image.max() == 255 and np.median(image) == 0
    rows, cols = np.nonzero(image > 40)
    assert max(np.ptp(rows), np.ptp(cols)) + 1 in (19, 20)
    mass = image.astype(float)
    for axis in (0, 1):
        centre = (mass.sum(axis=1 - axis) * np.arange(28)).sum() / mass.sum()
        assert abs(centre - 14) <= 0.5001


def rgba(ink: tuple[int, ...], paper: tuple[int, ...]) -> Image.Image:
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
    "sixteen bits": Image.fromarray(np.asarray(seven(ink=90, paper=170)).astype(np.uint16) * 257),
    "transparent paper, dark ink": rgba((0, 0, 0, 255), (0, 0, 0, 0)),
    "transparent paper, light ink": rgba((255, 255, 255, 255), (255, 255, 255, 0)),
    "opaque with alpha": rgba((0, 0, 0, 255), (255, 255, 255, 255)),
    "grey with alpha": rgba((0, 0, 0, 255), (255, 255, 255, 255)).convert("LA"),
    "large": seven(size=2400),
    "tiny": seven(size=24),
}


@pytest.mark.parametrize("picture", PICTURES.values(), ids=PICTURES)
def test_each_kind_of_picture_becomes_an_image_like_mnist(saved: Save, picture: Image.Image) -> None:
    image = read_png(saved(picture))
    assert_like_mnist(image)
    if picture.width >= 200:
        assert np.abs(image.astype(int) - read_png(saved(seven()))).mean() < 4


@pytest.mark.parametrize("paper", [255, 0])
def test_a_picture_of_an_mnist_digit_becomes_that_digit(saved: Save, paper: int) -> None:
    for digit in load_test_set().images[:40]:
        enlarged = np.kron(digit, np.ones((10, 10), np.uint8))
        image = read_png(saved(Image.fromarray(255 - enlarged if paper else enlarged)))
        assert np.abs(image.astype(int) - digit).mean() < 4  # 3.8 at most; 0.3 % of them are drawn otherwise


@pytest.mark.parametrize("at", [(0.1, 0.1), (0.6, 0.5), (0.6, 0.1)])
def test_the_position_of_the_digit_does_not_matter(saved: Save, at: tuple[float, float]) -> None:
    centred, moved = read_png(saved(seven())), read_png(saved(seven(at=at)))
    assert np.abs(centred.astype(int) - moved).mean() < 3


@pytest.mark.parametrize("size", [(300, 2), (2, 300), (1, 400)])
def test_a_stroke_of_any_shape_fits(saved: Save, size: tuple[int, int]) -> None:
    picture = Image.new("L", (500, 500), 255)
    picture.paste(0, (100, 50, 100 + size[0], 50 + size[1]))
    assert read_png(saved(picture)).max() == 255


def test_a_thin_stroke_stays_one_pixel_wide(saved: Save) -> None:
    picture = Image.new("L", (500, 500), 255)
    picture.paste(0, (100, 50, 101, 350))
    rows, cols = np.nonzero(read_png(saved(picture)))
    assert len(set(cols)) == 1 and len(set(rows)) == 20


def test_a_digit_with_its_mass_at_one_end_stays_inside(saved: Save) -> None:
    picture = Image.new("L", (100, 100), 255)
    picture.paste(0, (49, 10, 50, 90))
    picture.paste(0, (10, 80, 90, 90))
    upright = read_png(saved(picture))
    assert upright[0].any() and not upright[20:].any()
    turned = read_png(saved(picture.rotate(180)))
    assert turned[27].any() and not turned[:8].any()


def test_the_larger_contrast_is_ink_and_the_other_side_is_paper(saved: Save) -> None:
    sheet = np.full((100, 100), 128, np.uint8)
    sheet[20:80, 40:50] = 0
    sheet[40:60, 70:75] = 255  # one less from the paper
    assert not read_png(saved(Image.fromarray(sheet)))[:, 20:].any()
    sheet[20:80, 40:50], sheet[:, 90:] = 10, 129
    assert read_png(saved(Image.fromarray(sheet))).any()


def test_equal_contrasts_are_dark_ink(saved: Save) -> None:
    sheet = np.full((100, 100), 128, np.uint8)
    sheet[20:80, 10:16], sheet[20:80, 40:90] = 28, 228  # 60 x 6 and 60 x 50 pixels
    assert len(set(np.nonzero(read_png(saved(Image.fromarray(sheet))))[1])) == 2


@pytest.mark.parametrize(("contrast", "readable"), [(24, True), (23, False)])
def test_faint_ink_is_read_down_to_a_contrast_of_24(saved: Save, contrast: int, readable: bool) -> None:
    path = saved(seven(ink=200 - contrast, paper=200))
    if readable:
        assert read_png(path).max() == 255
    else:
        with pytest.raises(PictureError, match=f"{path} shows an empty sheet"):
            read_png(path)


@pytest.mark.parametrize(("ink", "paper"), [(0, 255), (255, 0), (100, 255), (150, 0)])
def test_half_transparent_ink_is_mixed_with_the_paper(ink: int, paper: int) -> None:
    picture = Image.new("LA", (3, 1), (ink, 0))
    picture.putpixel((1, 0), (ink, 128))
    picture.putpixel((2, 0), (ink, 255))
    mixed = round(ink * 128 / 255 + paper * 127 / 255)
    assert pictures._grey(picture).tolist() == [[paper, mixed, ink]]


def test_sixteen_bits_keep_their_upper_half() -> None:
    picture = Image.fromarray(np.array([[0, 255, 256, 0x7FFF, 0xFFFF]], np.uint16))
    assert pictures._grey(picture).tolist() == [[0, 0, 1, 0x7F, 0xFF]]


def test_a_transparent_palette_colour_is_paper(saved: Save) -> None:
    picture = Image.new("P", (50, 50), 0)
    picture.putpalette([0, 0, 0, 10, 10, 10])
    picture.paste(1, (20, 10, 24, 40))
    assert read_png(saved(picture, transparency=0)).max() == 255


def test_small_dots_far_apart_are_refused(saved: Save) -> None:
    sheet = np.full((2000, 2000), 255, np.uint8)
    sheet[500, 500] = sheet[1500, 1500] = 0
    with pytest.raises(PictureError, match="only small dots"):
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
def test_an_empty_sheet_is_refused(saved: Save, picture: Image.Image) -> None:
    with pytest.raises(PictureError, match="empty sheet"):
        read_png(saved(picture))


def header_only(width: int, height: int) -> bytes:
    """A PNG with a size in its header and no pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [(4001, 4000), (20_000, 5_000), (0x7FFFFFFF, 0x7FFFFFFF)])
def test_too_many_pixels_are_refused_before_decoding(tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(header_only(*size))
    with pytest.raises(PictureError, match="limit of 16000000: shrink it"):
        read_png(path)


def test_too_large_a_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    with path.open("wb") as file:
        file.truncate(pictures.MAX_FILE_BYTES + 1)
    with pytest.raises(PictureError, match="more than the limit of 16777216"):
        read_png(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="does not exist: check its name"):
        read_png(tmp_path / "missing.png")
    with pytest.raises(PictureError, match="cannot be read as a PNG"):
        read_png(tmp_path)


@pytest.mark.parametrize("kind", ["JPEG", "BMP", "GIF"])
def test_other_formats_are_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "digit.png"
    seven().save(path, format=kind)
    with pytest.raises(PictureError, match="cannot be read as a PNG"):
        read_png(path)


def png_bytes(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, format="PNG")
    return file.getvalue()


VALID = [png_bytes(PICTURES[name].resize((40, 40))) for name in ("palette", "transparent paper, dark ink")]


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_malformed_file_is_refused_in_one_sentence(tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from(VALID)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 5))] = data.draw(st.binary(max_size=5))
    content = content[: data.draw(st.integers(0, len(content)) | st.just(len(content)))]
    path = tmp_path / "malformed.png"
    path.write_bytes(content)
    try:
        assert read_png(path).shape == (28, 28)
    except PictureError as error:
        assert str(error).endswith(".") and "\n" not in str(error)


def test_an_unreadable_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    path = tmp_path / "digit.png"
    path.write_bytes(png_bytes(seven()))
    monkeypatch.setattr(Image, "open", refuse)
    with pytest.raises(PictureError, match="no permission to read"):
        read_png(path)
