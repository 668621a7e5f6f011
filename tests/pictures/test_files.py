"""Pictures read from files."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawings import seven, seven_with_alpha
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from pictures import PictureError, decode, files, read

Save = Callable[..., Path]


@pytest.fixture
def saved(tmp_path: Path) -> Save:
    """Saves a picture in a file, by default as a PNG."""

    def save(picture: Image.Image, name: str = "digit.png", **options: Any) -> Path:
        path = tmp_path / name
        picture.save(path, **options)
        return path

    return save


def encoded(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, format=kind, **options)
    return file.getvalue()


def test_grey_stays_grey_and_colour_stays_rgb(saved: Save) -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert read(saved(Image.fromarray(pixels))).tolist() == pixels.tolist()
    colours = np.arange(36, dtype=np.uint8).reshape(3, 4, 3)
    assert read(saved(Image.fromarray(colours))).tolist() == colours.tolist()
    assert read(saved(Image.fromarray(pixels > 5))).tolist() == (255 * (pixels > 5)).tolist()


def test_sixteen_bits_keep_their_upper_half(saved: Save) -> None:
    picture = Image.fromarray(np.array([[0, 255, 256, 0x7FFF, 0xFFFF]], np.uint16))
    assert read(saved(picture)).tolist() == [[0, 0, 1, 0x7F, 0xFF]]


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_jpeg(saved: Save, mode: str) -> None:
    path = saved(seven().convert(mode), "digit.JPG", format="JPEG", quality=95)
    assert np.abs(files.grey(read(path)).astype(int) - np.asarray(seven())).mean() < 2


def test_the_orientation_that_a_camera_recorded_is_undone(saved: Save) -> None:
    turned = seven().transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held so that the picture must be turned clockwise
    path = saved(turned, "digit.jpg", exif=exif, quality=95)
    assert np.abs(read(path).astype(int) - np.asarray(seven())).mean() < 2


@pytest.mark.parametrize(("ink", "paper"), [(0, 255), (255, 0), (100, 255), (150, 0)])
def test_half_transparent_ink_is_mixed_with_the_paper(ink: int, paper: int) -> None:
    picture = Image.new("LA", (3, 1), (ink, 0))
    picture.putpixel((1, 0), (ink, 128))
    picture.putpixel((2, 0), (ink, 255))
    mixed = round(ink * 128 / 255 + paper * 127 / 255)
    assert files.grey(decode(encoded(picture))).tolist() == [[paper, mixed, ink]]


def test_a_transparent_palette_colour_is_paper() -> None:
    picture = Image.new("P", (50, 50), 0)
    picture.putpalette([0, 0, 0, 10, 10, 10])
    picture.paste(1, (20, 10, 24, 40))
    pixels = decode(encoded(picture, transparency=0))
    assert (pixels[0, 0] == 255).all() and (pixels[20, 22] == 10).all()


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


@pytest.mark.parametrize("size", [(8001, 8000), (40_000, 5_000), (0x7FFFFFFF, 0x7FFFFFFF)])
def test_too_many_pixels_are_refused_before_decoding(size: tuple[int, int]) -> None:
    with pytest.raises(PictureError, match=r"64,000,000.*shrink it"):
        decode(header_only(*size))


def test_too_large_a_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    with path.open("wb") as file:
        file.truncate(files.MAX_FILE_BYTES + 1)
    with pytest.raises(PictureError, match="the limit is 67,108,864"):
        read(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="does not exist: check its name"):
        read(tmp_path / "missing.png")
    with pytest.raises(PictureError, match="This is a folder"):
        read(tmp_path)
    with pytest.raises(PictureError, match="cannot be read"):
        read(Path("digit.png\0"))


@pytest.mark.parametrize("kind", ["BMP", "GIF", "TIFF"])
def test_other_formats_are_refused(saved: Save, kind: str) -> None:
    with pytest.raises(PictureError, match="neither a PNG nor a JPEG"):
        read(saved(seven(), format=kind))


def test_a_text_file_and_an_empty_file_are_refused() -> None:
    for content in (b"", b"seven\n"):
        with pytest.raises(PictureError, match="neither a PNG nor a JPEG"):
            decode(content)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_truncated_file_is_refused(kind: str) -> None:
    content = encoded(seven(), kind)
    with pytest.raises(PictureError, match="damaged or incomplete"):
        decode(content[: len(content) * 2 // 3])


SMALL = {
    "palette": seven(mode="RGB").convert("P", palette=Image.Palette.ADAPTIVE),
    "transparent": seven_with_alpha((0, 0, 0, 255), (0, 0, 0, 0)),
}
VALID = [
    *(encoded(picture.resize((40, 40))) for picture in SMALL.values()),
    encoded(seven(40, mode="RGB"), "JPEG"),
]


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_malformed_file_is_refused_in_one_sentence(data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from(VALID)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 5))] = data.draw(st.binary(max_size=5))
    content = content[: data.draw(st.integers(0, len(content)) | st.just(len(content)))]
    try:
        assert decode(bytes(content)).dtype == np.uint8
    except PictureError as error:
        assert str(error).endswith(".") and "\n" not in str(error)


def test_an_unreadable_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    path = tmp_path / "digit.png"
    path.write_bytes(b"")
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(PictureError, match="no permission to read"):
        read(path)
