"""The model file: round trip, the same bytes every time, and one clear sentence for every damage."""

from __future__ import annotations

import io
import json
import os
import random
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import random_networks
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import UserError
from common.paths import MODELS, model_files
from compiler import model_file, reference, untrained
from compiler.network import DIGITS, IMAGE, Linear, Model, image
from pictures.preparation import Preparation


def random_model(seed: int = 0, **changes: Any) -> Model:
    generator = np.random.default_rng(seed)
    layer = Linear(
        generator.integers(-128, 128, (10, 784), dtype=np.int8),
        generator.integers(-(10**6), 10**6, 10, dtype=np.int32),
    )
    fields: dict[str, Any] = {
        "name": "random",
        "layers": (layer,),
        "logit_scale": 1e-5,
        "metadata": {"seed": seed},
    }
    return Model(**(fields | changes))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "random.npz"
    model_file.save(random_model(), path)
    return path


def rewrite(path: Path, **changes: Any) -> None:
    """Writes the model file anew with some of its arrays replaced, or removed where None."""
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    for name, array in changes.items():
        name = name.replace("__", ".")
        if array is None:
            del arrays[name]
        else:
            arrays[name] = array
    np.savez(path, **arrays)


def rewrite_header(path: Path, **changes: Any) -> None:
    """Writes the model file anew with some fields of its JSON replaced, or removed where None."""
    with np.load(path) as archive:
        header = json.loads(archive["metadata"].tobytes()) | changes
    header = {name: value for name, value in header.items() if value is not None}
    rewrite(path, metadata=np.frombuffer(json.dumps(header).encode(), np.uint8))


def refusal(path: Path) -> str:
    """The sentence with which a file is refused."""
    with pytest.raises(UserError) as caught:
        model_file.load(path)
    sentence = str(caught.value)
    assert "random.npz" in sentence and sentence.endswith(".") and "\n" not in sentence
    return sentence


def test_a_model_comes_back_as_it_was_saved(path: Path) -> None:
    model, loaded = random_model(), model_file.load(path)
    assert (loaded.name, loaded.logit_scale, loaded.metadata) == ("random", 1e-5, {"seed": 0})
    (saved_layer,), (layer,) = model.layers, loaded.layers
    assert isinstance(saved_layer, Linear) and isinstance(layer, Linear)
    np.testing.assert_array_equal(layer.weights, saved_layer.weights)
    np.testing.assert_array_equal(layer.bias, saved_layer.bias)
    assert layer.weights.dtype == np.int8 and layer.bias.dtype == np.int32
    assert loaded.checksum == model.checksum


def test_images_classes_and_preparation_come_back_as_they_were_saved(tmp_path: Path) -> None:
    for saved in untrained.save(tmp_path):
        shape, class_names = untrained.SHAPES[saved.stem]
        model = model_file.load(saved)
        assert model.input == image(shape) and model.class_names == class_names
        assert model.preparation == Preparation("fit", "light")


def test_a_file_of_format_1_is_for_mnist(path: Path) -> None:
    rewrite_header(path, format=1, input=None, class_names=None, preparation=None)
    model = model_file.load(path)
    assert (model.input, model.class_names, model.preparation) == (IMAGE, DIGITS, Preparation("mnist"))
    assert model.checksum == random_model().checksum


def test_the_same_model_gives_the_same_bytes(path: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.npz"
    model_file.save(model_file.load(path), again)
    assert again.read_bytes() == path.read_bytes()


def test_nothing_is_left_beside_a_saved_model(path: Path) -> None:
    assert list(path.parent.iterdir()) == [path]


def test_numpy_alone_can_read_the_file(path: Path) -> None:
    with np.load(path, allow_pickle=False) as archive:
        assert archive["layer0.weights"].shape == (10, 784)


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"There is no model file .*none\.npz: make it with `invoke train`"):
        model_file.load(tmp_path / "none.npz")


def test_a_folder_is_no_model_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        model_file.load(tmp_path)


def test_a_file_cut_anywhere_is_refused(path: Path) -> None:
    content = path.read_bytes()
    for length in [0, 1, 100, len(content) // 2, len(content) - 1]:
        path.write_bytes(content[:length])
        assert "is cut off, damaged or no .npz at all" in refusal(path)


def test_a_file_too_large_is_refused_without_being_read(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(100 * 1024**3)  # sparse: it takes no room
    assert "it is larger than 1,048,576 bytes" in refusal(path)


def test_a_compressed_archive_is_refused(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metadata.npy", bytes(100_000_000))
    assert "compressed" in refusal(path)


def test_a_pickle_is_never_loaded(path: Path) -> None:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.array([{"an": "object"}]), version=(1, 0))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.npy", stream.getvalue())
    assert "an array of a kind that no layer has" in refusal(path)


def test_a_header_that_promises_a_huge_array_is_refused(path: Path) -> None:
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        stream, {"descr": "|i1", "fortran_order": False, "shape": (2**40, 2**10)}
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.npy", stream.getvalue() + bytes(10))
    assert "not what its header says" in refusal(path)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"metadata": None}, "it has no metadata"),
        ({"metadata": np.zeros((2, 5), np.uint8)}, "it has no metadata"),
        ({"metadata": np.zeros(10, np.uint8)}, "its metadata is no JSON"),
        ({"metadata": np.frombuffer(b"[" * 100_000, np.uint8)}, "its metadata is no JSON"),
        ({"metadata": np.frombuffer(b"[1]", np.uint8)}, "its metadata is no JSON object"),
        ({"layer0__bias": None}, "a linear layer is not made of"),
        ({"layer0__more": np.zeros(3, np.int8)}, "a linear layer is not made of"),
        ({"layer1__bias": np.zeros(3, np.int8)}, "which belongs to no layer"),
        (
            {"layer0__weights": np.zeros((10, 784), np.int16)},
            "its weights are int16 of 2 dimensions, not int8",
        ),
        ({"layer0__weights": np.zeros(7840, np.int8)}, "its weights are int8 of 1 dimensions"),
        ({"layer0__weights": np.zeros((784, 10), np.int8)}, "do not belong together"),
        ({"layer0__weights": np.zeros((10, 783), np.int8)}, "its arrays are not those of"),
        ({"layer0__weights": np.zeros((10, 784), np.float32)}, "an array of a kind that no layer has"),
        ({"layer0__bias": np.zeros(10, np.int64)}, "its bias are int64 of 1 dimensions, not int32"),
        ({"layer0__bias": np.full(10, 2**31 - 1, np.int32)}, "overflow 32 bits"),
    ],
)
def test_wrong_contents_are_named(path: Path, changes: dict[str, Any], complaint: str) -> None:
    rewrite(path, **changes)
    assert complaint in refusal(path)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"format": 3}, "it is of format 3, and this program reads formats 1 and 2"),
        ({"format": True}, "it is of format true"),
        ({"input": None}, "its metadata has no 'input'"),
        ({"input": [1, 28.0, 28]}, "the shape of its images is not made of whole numbers"),
        ({"input": [1, 28]}, "images have channels, rows and columns, not the shape (1, 28):"),
        ({"input": [1, 27, 28]}, "layer 0 (linear): it has 784 inputs, and gets 756 values"),
        ({"input": [2, 14, 28]}, "images of 2 x 14 x 28 have 2 channels"),
        ({"class_names": "0123456789"}, "its metadata has no 'class_names'"),
        ({"class_names": [*range(10)]}, "a name of its classes is no text"),
        ({"class_names": [*"012345678"]}, "the last layer does not give 9 logits"),
        ({"class_names": [*"0123456788"]}, "two classes have the name '8'"),
        ({"preparation": {"method": 1, "polarity": "detect"}}, "a setting of its preparation"),
        ({"preparation": {"method": "cut", "polarity": "detect"}}, "not by 'cut'"),
        ({"preparation": {"method": "fit"}}, "its preparation of pictures is incomplete"),
        ({"preparation": {"size": "20"}}, "are not those of this program"),
        ({"format": None}, "it is of format null"),
        ({"name": None}, "its metadata has no 'name'"),
        ({"name": 'x"; evil'}, "the name 'x\"; evil' is not a lower-case letter"),
        ({"layers": "linear"}, "its metadata has no 'layers' or a malformed one"),
        ({"layers": ["linear"]}, "layer 0: its kind is 'None', and supported is linear"),
        ({"layers": [{"kind": "conv9d"}]}, "layer 0: its kind is 'conv9d', and supported is linear"),
        ({"layers": []}, "which belongs to no layer"),
        ({"logit_scale": 0.0}, "the scale of the logits is 0.0"),
        ({"logit_scale": float("nan")}, "the scale of the logits is nan"),
        ({"logit_scale": "1"}, "its metadata has no 'logit_scale' or a malformed one"),
        ({"metadata": []}, "its metadata has no 'metadata' or a malformed one"),
    ],
)
def test_wrong_metadata_is_named(path: Path, changes: dict[str, Any], complaint: str) -> None:
    rewrite_header(path, **changes)
    assert complaint in refusal(path)


@pytest.mark.parametrize("name", random_networks.networks())
def test_every_kind_of_layer_comes_back_as_it_was_saved(name: str, tmp_path: Path) -> None:
    model = random_networks.networks()[name]
    path = tmp_path / "random.npz"
    model_file.save(model, path)
    loaded = model_file.load(path)
    assert loaded.checksum == model.checksum and loaded.tensors == model.tensors
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28), np.uint8)
    np.testing.assert_array_equal(reference.run(loaded, images), reference.run(model, images))


@pytest.mark.parametrize("name", ["linear", "cnn", "max"])
def test_a_committed_model_tells_how_it_came_to_be(name: str) -> None:
    model = model_file.load(MODELS / f"{name}.npz")
    assert model.name == name
    assert {"validation, integer", "test, integer", "test, float"} <= set(model.metadata["accuracy"])
    assert {"recipe", "epochs", "best epoch", "data SHA-256", "torch"} <= set(model.metadata)


FILES = int(os.environ.get("DAMAGED_FILES", "1000"))
COMMITTED = {path.stem: path.read_bytes() for path in model_files()}


def damage(data: bytes, kind: str, at: int, size: int, seed: int) -> bytes:
    """The file with one part of it changed; `at` and `size` wrap around."""
    at %= len(data)
    part = data[at : at + size]
    before, after = data[:at], data[at + size :]
    noise = random.Random(seed).randbytes(len(part))
    return {
        "altered": before + noise + after,
        "one bit": before + bytes([data[at] ^ 1 << seed % 8]) + data[at + 1 :],
        "lost": before + after,
        "added": before + noise + part + after,
        "repeated": before + part + part + after,
        "exchanged": before + after[:size] + part + after[size:],
        "cut off": before,
        "cut off in front": part + after,
        "followed by more": data + noise,
        "of zeros": before + bytes(len(part)) + after,
    }[kind]


def content_of(model: Model) -> tuple[object, ...]:
    return model.name, model.checksum, model.logit_scale, model.metadata


KINDS = (
    "altered", "one bit", "lost", "added", "repeated",
    "exchanged", "cut off", "cut off in front", "followed by more", "of zeros",
)  # fmt: skip


@pytest.mark.parametrize("name", COMMITTED)
def test_a_damaged_file_is_refused_or_says_the_same(name: str) -> None:
    data = COMMITTED[name]
    content = content_of(model_file.decode(data))

    @settings(max_examples=FILES // len(COMMITTED), deadline=None)
    @given(st.sampled_from(KINDS), st.integers(0, len(data)), st.integers(1, 600), st.integers(0, 2**16))
    def check(kind: str, at: int, size: int, seed: int) -> None:
        try:
            model = model_file.decode(damage(data, kind, at, size, seed))
        except UserError as error:
            assert str(error)
        else:
            assert content_of(model) == content

    check()


@given(st.binary(max_size=400))
def test_no_bytes_at_all_bring_the_reader_down(data: bytes) -> None:
    with pytest.raises(UserError):
        model_file.decode(data)
