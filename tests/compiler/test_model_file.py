"""The model file: round trip, the same bytes every time, and one clear sentence for every damage."""

import io
import json
import random
import re
import zipfile

import numpy as np
import pytest
import random_networks

from common.errors import UserError
from common.paths import MODELS
from compiler import model_file, reference
from compiler.model_file import AvgPool2d, Conv2d, Linear, MaxPool2d, Model, Requantisation, Tensor


def random_model(seed=0, **changes):
    generator = np.random.default_rng(seed)
    layer = Linear(
        generator.integers(-128, 128, (10, 784), dtype=np.int8),
        generator.integers(-(10**6), 10**6, 10, dtype=np.int32),
    )
    fields = {"name": "random", "layers": (layer,), "logit_scale": 1e-5, "metadata": {"seed": seed}}
    return Model(**(fields | changes))


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "random.npz"
    model_file.save(random_model(), path)
    return path


def rewrite(path, **changes):
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


def rewrite_header(path, **changes):
    """Writes the model file anew with some fields of its JSON replaced, or removed where None."""
    with np.load(path) as archive:
        header = json.loads(archive["metadata"].tobytes()) | changes
    header = {name: value for name, value in header.items() if value is not None}
    rewrite(path, metadata=np.frombuffer(json.dumps(header).encode(), np.uint8))


def refusal(path):
    """The sentence with which a file is refused."""
    with pytest.raises(UserError) as caught:
        model_file.load(path)
    sentence = str(caught.value)
    assert "random.npz" in sentence and sentence.endswith(".") and "\n" not in sentence
    return sentence


def test_a_model_comes_back_as_it_was_saved(path):
    model, loaded = random_model(), model_file.load(path)
    assert (loaded.name, loaded.logit_scale, loaded.metadata) == ("random", 1e-5, {"seed": 0})
    np.testing.assert_array_equal(loaded.layers[0].weights, model.layers[0].weights)
    np.testing.assert_array_equal(loaded.layers[0].bias, model.layers[0].bias)
    assert loaded.layers[0].weights.dtype == np.int8 and loaded.layers[0].bias.dtype == np.int32
    assert loaded.checksum == model.checksum


def test_the_same_model_gives_the_same_bytes(path, tmp_path):
    again = tmp_path / "again.npz"
    model_file.save(model_file.load(path), again)
    assert again.read_bytes() == path.read_bytes()


def test_nothing_is_left_beside_a_saved_model(path):
    assert list(path.parent.iterdir()) == [path]


def test_numpy_alone_can_read_the_file(path):
    with np.load(path, allow_pickle=False) as archive:
        assert archive["layer0.weights"].shape == (10, 784)


def test_the_checksum_knows_weights_and_biases_but_not_the_name():
    model = random_model()
    weights, bias = model.layers[0].weights, model.layers[0].bias
    one_weight, one_bias = weights.copy(), bias.copy()
    one_weight[9, 783] ^= 1
    one_bias[0] ^= 1
    assert random_model(name="other", metadata={}).checksum == model.checksum
    assert random_model(layers=(Linear(one_weight, bias),)).checksum != model.checksum
    assert random_model(layers=(Linear(weights, one_bias),)).checksum != model.checksum


def test_a_missing_file_says_how_to_make_one(tmp_path):
    with pytest.raises(UserError, match=r"There is no model file .*none\.npz: make it with `invoke train`"):
        model_file.load(tmp_path / "none.npz")


def test_a_folder_is_no_model_file(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        model_file.load(tmp_path)


def test_a_file_cut_anywhere_is_refused(path):
    content = path.read_bytes()
    for length in [0, 1, 100, len(content) // 2, len(content) - 1]:
        path.write_bytes(content[:length])
        assert "is cut off, damaged or no .npz at all" in refusal(path)


def test_a_file_too_large_is_refused_without_being_read(path):
    with path.open("wb") as file:
        file.truncate(100 * 1024**3)  # sparse: it takes no room
    assert "it is larger than 1,048,576 bytes" in refusal(path)


def test_a_compressed_archive_is_refused(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metadata.npy", bytes(100_000_000))
    assert "compressed" in refusal(path)


def test_a_pickle_is_never_loaded(path):
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.array([{"an": "object"}]), version=(1, 0))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.npy", stream.getvalue())
    assert "an array of a kind that no layer has" in refusal(path)


def test_a_header_that_promises_a_huge_array_is_refused(path):
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
def test_wrong_contents_are_named(path, changes, complaint):
    rewrite(path, **changes)
    assert complaint in refusal(path)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"format": 2}, "it is of format 2, and this program reads format 1"),
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
def test_wrong_metadata_is_named(path, changes, complaint):
    rewrite_header(path, **changes)
    assert complaint in refusal(path)


def test_random_damage_is_refused_or_changes_nothing(path):
    """2,000 files with a few bytes altered, removed or doubled; the seed is fixed, so a failure repeats."""
    whole, checksum = path.read_bytes(), random_model().checksum
    dice = random.Random(2)
    refused = 0
    for _ in range(2000):
        content = bytearray(whole)
        for _ in range(dice.randint(1, 4)):
            # Half of the damage goes where the structure is, not the weights.
            start = dice.randrange(len(content)) if dice.random() < 0.5 else -dice.randrange(1, 1000)
            kind = dice.randrange(3)
            if kind == 0:
                content[start] = dice.randrange(256)
            elif kind == 1:
                del content[start : start + dice.randint(1, 50) or None]
            else:
                content[start:start] = content[start : start + dice.randint(1, 50) or None]
        try:
            assert model_file.decode(bytes(content)).checksum == checksum
        except UserError:
            refused += 1
    assert refused > 1500


@pytest.mark.parametrize("sign", [1, -1])
def test_an_accumulator_reaches_the_ends_of_32_bits_but_not_past_them(sign):
    """The largest sum of products is 784 * 255 * 127; what is left of 32 bits may be bias."""
    weights = np.full((10, 784), 127 * sign, np.int8)
    room = (2**31 - 1 if sign > 0 else 2**31) - 784 * 255 * 127
    bias = np.full(10, room * sign, np.int32)
    model = random_model(layers=(Linear(weights, bias),))
    assert (model.tensors[-1].high if sign > 0 else model.tensors[-1].low) == (
        2**31 - 1 if sign > 0 else -(2**31)
    )
    bias[3] += sign
    with pytest.raises(UserError, match=r"layer 0 \(linear\): its accumulators could reach .* overflow"):
        random_model(layers=(Linear(weights, bias),))


@pytest.mark.parametrize("name", random_networks.networks())
def test_every_kind_of_layer_comes_back_as_it_was_saved(name, tmp_path):
    model = random_networks.networks()[name]
    path = tmp_path / "random.npz"
    model_file.save(model, path)
    loaded = model_file.load(path)
    assert loaded.checksum == model.checksum and loaded.tensors == model.tensors
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28), np.uint8)
    np.testing.assert_array_equal(reference.run(loaded, images), reference.run(model, images))


def one_convolution(**changes):
    """A convolution's arguments, 2 outputs of 3x3, some of them replaced."""
    rule = Requantisation(np.array([100, 200], np.int16), 8, 127)
    arguments = {
        "weights": np.full((2, 1, 3, 3), 7, np.int8),
        "bias": np.zeros(2, np.int32),
        "requantisation": rule,
        "weight_bits": 4,
    }
    return Conv2d(**(arguments | changes))


def rule(multiplier=100, outputs=2, shift=8, maximum=127):
    return Requantisation(np.full(outputs, multiplier, np.int16), shift, maximum)


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: one_convolution(weights=np.full((2, 1, 3, 3), 8, np.int8)), "do not fit 4 bits"),
        (lambda: one_convolution(weight_bits=2), "do not fit 2 bits"),
        (lambda: one_convolution(weight_bits=5), "weights of 5 bits, not of 8, 4 or 2"),
        (lambda: one_convolution(weight_bits=4.0), "weights of 4.0 bits"),
        (lambda: one_convolution(requantisation=None), "accumulators are not requantised"),
        (lambda: one_convolution(requantisation=rule(outputs=3)), "2 outputs and 3 multipliers"),
        (lambda: one_convolution(stride=0), "its stride is 0, not 1 to 28"),
        (lambda: one_convolution(stride=None), "its stride is None"),
        (lambda: one_convolution(padding=3), "its padding is 3, not 0 to 2"),
        (lambda: one_convolution(groups=3), "its number of groups is 3, not 1 to 2"),
        (lambda: one_convolution(input_shift=8), "its input shift is 8, not 0 to 7"),
        (lambda: rule(multiplier=0), "a multiplier that is not positive"),
        (lambda: rule(shift=31), "its shift is 31, not 1 to 30"),
        (lambda: rule(maximum=256), "its largest activation is 256, not 1 to 255"),
        (lambda: MaxPool2d(0, 1), "its window is 0"),
        (lambda: AvgPool2d(2, 2.0), "its stride is 2.0"),
    ],
)
def test_settings_that_no_layer_can_have_are_named(make, complaint):
    with pytest.raises(UserError, match=re.escape(complaint)):
        make()


def test_a_requantisation_that_could_overflow_is_refused():
    """The largest accumulator is 9 * 7 * 255 = 16,065, and 16,065 * 32,767 is well inside 31 bits."""
    layer = one_convolution(requantisation=rule(32_767))
    assert layer.output(model_file.IMAGE).shape == (2, 26, 26)
    largest = 2**31 - 1 - 2**7
    bias = np.array([0, largest // 32_767 - 16_065], np.int32)
    assert one_convolution(requantisation=rule(32_767), bias=bias).output(model_file.IMAGE)
    for one_more in (bias + np.array([0, 1], np.int32), np.array([-(2**31) // 32_767 - 2, 0], np.int32)):
        with pytest.raises(UserError, match=r"its requantisation could reach .* overflow"):
            one_convolution(requantisation=rule(32_767), bias=one_more).output(model_file.IMAGE)


def test_lanes_take_exactly_sixteen_bits():
    weights = np.array([[[[1, 1, 0], [-2, -1, 0], [0, 0, 0]]]], np.int8)
    source = Tensor((1, 28, 28), 0, 127)
    for bias, fits in [
        (32_767 - 2 * 127, True),
        (32_767 - 2 * 127 + 1, False),
        (3 * 127 - 32_767, True),
        (3 * 127 - 32_768, False),
    ]:
        layer = one_convolution(
            weights=weights, bias=np.array([bias], np.int32), requantisation=rule(outputs=1)
        )
        assert layer.fits_lanes(source) is fits


def test_layers_that_do_not_fit_together_are_refused():
    def linear(outputs, inputs):
        return Linear(np.zeros((outputs, inputs), np.int8), np.zeros(outputs, np.int32))

    with pytest.raises(UserError, match="it has 100 inputs, and gets 784 values"):
        random_model(layers=(linear(10, 100),))
    with pytest.raises(UserError, match="the last layer does not give 10 logits"):
        random_model(layers=(linear(9, 784),))
    with pytest.raises(UserError, match="the last layer does not give 10 logits"):
        random_model(layers=())
    weights = np.ones((16, 784), np.int8)
    with pytest.raises(UserError, match=r"layer 1 \(linear\): it takes values from 0 to 255"):
        random_model(layers=(Linear(weights, np.zeros(16, np.int32)), linear(10, 16)))


@pytest.mark.parametrize("name", ["linear", "cnn", "max"])
def test_a_committed_model_tells_how_it_came_to_be(name):
    model = model_file.load(MODELS / f"{name}.npz")
    assert model.name == name
    assert {"validation, integer", "test, integer", "test, float"} <= set(model.metadata["accuracy"])
    assert {"recipe", "epochs", "best epoch", "data SHA-256", "torch"} <= set(model.metadata)
