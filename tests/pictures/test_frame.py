"""Pictures in the frame of a network."""

import numpy as np
import pytest
from drawings import seven, seven_with_alpha
from photos import photo_of_one
from PIL import Image

from common.errors import UserError
from data.mnist import load_test_set
from pictures import Picture, PictureError, Preparation, prepare

MNIST = Preparation("mnist")
FRAME = (1, 28, 28)


def pixels(picture: Image.Image) -> Picture:
    return np.asarray(picture.convert("RGB") if picture.mode == "RGB" else picture.convert("L"))


def mnist(picture: Image.Image, polarity: str = "detect") -> Picture:
    return prepare(pixels(picture), Preparation("mnist", polarity), FRAME)[0]


def assert_like_mnist(image: Picture) -> None:
    assert image.shape == (28, 28) and image.dtype == np.uint8
    assert image.max() == 255 and np.median(image) == 0
    rows, cols = np.nonzero(image > 40)
    assert max(np.ptp(rows), np.ptp(cols)) + 1 in (19, 20)
    mass = image.astype(float)
    for axis in (0, 1):
        centre = (mass.sum(axis=1 - axis) * np.arange(28)).sum() / mass.sum()
        assert abs(centre - 14) <= 0.5001


PICTURES = {
    "dark on light": seven(),
    "light on dark": seven(ink=255, paper=0),
    "pencil on grey paper": seven(ink=90, paper=170),
    "chalk": seven(ink=200, paper=60),
    "colour": seven(mode="RGB", ink=(20, 20, 160), paper=(250, 240, 200)),
    "large": seven(size=2400),
    "tiny": seven(size=24),
}


@pytest.mark.parametrize("picture", PICTURES.values(), ids=PICTURES)
def test_each_kind_of_picture_becomes_an_image_like_mnist(picture: Image.Image) -> None:
    image = mnist(picture)
    assert_like_mnist(image)
    if picture.width >= 200:
        assert np.abs(image.astype(int) - mnist(seven())).mean() < 4


@pytest.mark.parametrize("paper", [255, 0])
def test_an_enlarged_mnist_digit_becomes_that_digit(paper: int) -> None:
    for digit in load_test_set().images[:40, 0]:
        digit = digit.reshape(28, 28)
        enlarged = np.kron(digit, np.ones((10, 10), np.uint8))
        image = mnist(Image.fromarray(255 - enlarged if paper else enlarged))
        assert np.abs(image.astype(int) - digit).mean() < 4


@pytest.mark.parametrize("at", [(0.1, 0.1), (0.6, 0.5), (0.6, 0.1)])
def test_the_position_of_the_digit_does_not_matter(at: tuple[float, float]) -> None:
    centred, moved = mnist(seven()), mnist(seven(at=at))
    assert np.abs(centred.astype(int) - moved).mean() < 3


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 20, 44), (1, 64, 64)])
def test_other_frames_are_filled_in_proportion(shape: tuple[int, int, int]) -> None:
    image = prepare(pixels(seven()), MNIST, shape)
    rows, cols = np.nonzero(image[0] > 40)
    assert image.shape == shape
    box = [round(side * 20 / 28) for side in shape[1:]]
    assert np.ptp(rows) + 1 <= box[0] and np.ptp(cols) + 1 <= box[1]
    assert np.ptp(rows) + 1 >= box[0] - 1 or np.ptp(cols) + 1 >= box[1] - 1


@pytest.mark.parametrize("size", [(300, 2), (2, 300), (1, 400)])
def test_a_stroke_of_any_shape_fits(size: tuple[int, int]) -> None:
    picture = Image.new("L", (500, 500), 255)
    picture.paste(0, (100, 50, 100 + size[0], 50 + size[1]))
    assert mnist(picture).max() == 255


def test_a_digit_with_its_mass_at_one_end_stays_inside() -> None:
    picture = Image.new("L", (100, 100), 255)
    picture.paste(0, (49, 10, 50, 90))
    picture.paste(0, (10, 80, 90, 90))
    upright = mnist(picture)
    assert upright[0].any() and not upright[20:].any()
    turned = mnist(picture.rotate(180))
    assert turned[27].any() and not turned[:8].any()


def test_a_fixed_polarity_sees_only_its_ink() -> None:
    sheet = np.full((100, 100), 128, np.uint8)
    sheet[20:80, 30:36], sheet[20:80, 60:66] = 40, 240
    dark, light = (mnist(Image.fromarray(sheet), polarity) for polarity in ("dark", "light"))
    assert np.abs(dark.astype(int) - light).mean() < 2
    assert mnist(Image.fromarray(sheet)).tolist() == dark.tolist()  # the rule in doubt


@pytest.mark.parametrize(("contrast", "readable"), [(24, True), (23, False)])
def test_faint_ink_is_read_down_to_a_contrast_of_24(contrast: int, readable: bool) -> None:
    if readable:
        assert mnist(seven(ink=200 - contrast, paper=200)).max() == 255
    else:
        with pytest.raises(PictureError, match="empty sheet"):
            mnist(seven(ink=200 - contrast, paper=200))


@pytest.mark.parametrize(
    "picture",
    [
        Image.new("L", (28, 28), 0),
        Image.new("L", (28, 28), 255),
        Image.new("L", (1, 1)),
        seven(ink=120, paper=128),
    ],
    ids=["black", "white", "one pixel", "no contrast"],
)
def test_an_empty_sheet_is_refused(picture: Image.Image) -> None:
    with pytest.raises(PictureError, match="empty sheet"):
        mnist(picture)


def test_mnist_makes_no_rgb() -> None:
    with pytest.raises(UserError, match="choose 'fit' or 'stretch' for RGB"):
        prepare(pixels(seven()), MNIST, (3, 28, 28))


def test_stretch_fills_the_frame() -> None:
    picture = np.zeros((10, 40), np.uint8)
    picture[:, 20:] = 200
    image = prepare(picture, Preparation("stretch", "light"), (1, 20, 8))[0]
    assert not image[:, :3].any() and (image[:, 5:] > 190).all()


def test_fit_keeps_the_aspect_and_fills_with_the_edge() -> None:
    picture = np.full((10, 40), 60, np.uint8)
    picture[2:8, 5:35] = 200
    image = prepare(picture, Preparation("fit", "light"), (1, 20, 20))[0]
    assert (image[:7] == 60).all() and (image[13:] == 60).all() and image[9, 10] > 180
    assert (image[10, 0], image[10, -1]) == (60, 60)


@pytest.mark.parametrize(
    ("polarity", "paper", "ink"), [("dark", 55, 245), ("light", 200, 10), ("detect", 55, 245)]
)
def test_polarity_of_whole_pictures(polarity: str, paper: int, ink: int) -> None:
    picture = np.full((40, 40), 200, np.uint8)
    picture[10:30, 10:30] = 10
    image = prepare(picture, Preparation("stretch", polarity), (1, 20, 20))[0]
    assert (image[0, 0], image[10, 10]) == (paper, ink)
    inverted = prepare(255 - picture, Preparation("stretch", "detect"), (1, 20, 20))[0]
    assert inverted.tolist() == prepare(picture, Preparation("stretch"), (1, 20, 20))[0].tolist()


def test_rgb_is_planar_and_never_inverted() -> None:
    picture = np.zeros((16, 16, 3), np.uint8)
    picture[:] = (250, 240, 230)
    for method in ("fit", "stretch"):
        image = prepare(picture, Preparation(method, "dark"), (3, 8, 8))
        assert image.shape == (3, 8, 8) and image.flags.c_contiguous
        assert image[:, 0, 0].tolist() == [250, 240, 230]
    grey = prepare(picture[..., 0], Preparation("fit", "dark"), (3, 8, 8))
    assert grey[:, 4, 4].tolist() == [250, 250, 250]


def test_transparent_paper_is_read() -> None:
    picture = np.asarray(seven_with_alpha((0, 0, 0, 255), (255, 255, 255, 255)).convert("RGB"))
    assert_like_mnist(prepare(picture, MNIST, FRAME)[0])


def test_photos_on_any_paper_are_read_like_their_images() -> None:
    """Uneven light, shadows, noise, lines: the seeds 0 to 11 have all of them."""
    images = load_test_set().images.reshape(-1, 28, 28)
    for seed in range(12):
        image = prepare(photo_of_one(images[seed], 0, seed).pixels, MNIST, FRAME)[0]
        upright = max(
            _likeness(
                image, np.asarray(Image.fromarray(images[seed]).rotate(angle, Image.Resampling.BILINEAR))
            )
            for angle in range(-10, 11, 2)
        )
        assert upright > 0.8, (seed, upright)


def _likeness(first: Picture, second: Picture) -> float:
    """The largest correlation over shifts by up to two pixels."""
    return max(
        float(np.corrcoef(first.ravel(), np.roll(second, (down, across), (0, 1)).ravel())[0, 1])
        for down in range(-2, 3)
        for across in range(-2, 3)
    )


def test_a_shadow_that_the_edge_cuts_off_is_no_ink() -> None:
    sheet = np.full((200, 200), 220, np.uint8)
    sheet[80:140, 90:98] = 60
    expected = prepare(sheet, MNIST, FRAME)
    sheet[:40, :60] = sheet[:12, :150] = 110
    assert prepare(sheet, MNIST, FRAME).tolist() == expected.tolist()


@pytest.mark.parametrize(("tilt", "grey"), [(0.0, 130), (0.1, 130), (0.0, 45)])
def test_ruled_lines_are_removed_without_cutting_strokes(tilt: float, grey: int) -> None:
    sheet = np.asarray(seven(400, ink=40, paper=220)).copy()
    clean = prepare(sheet, MNIST, FRAME)[0].astype(int)
    across = np.arange(400)
    for top in range(20, 380, 60):
        down = np.rint(top + tilt * across).astype(int)
        for thick in range(2):
            inside = down + thick < 400
            rows, cols = down[inside] + thick, across[inside]
            sheet[rows, cols] = np.minimum(sheet[rows, cols], grey)
    assert np.abs(prepare(sheet, MNIST, FRAME)[0] - clean).mean() < 5
