"""Networks that other programs exported give the same logits after the import."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: invoke setup --train")
pytest.importorskip("onnx", reason="onnx is not installed: invoke setup --train")

import torch
from onnx_imports import logits, require_equal
from torch import Tensor, nn
from torch.nn import functional

pytestmark = pytest.mark.train

KERAS = Path(__file__).with_name("keras")


class Forward(nn.Module):
    """A network with a forward() as people write it."""

    def __init__(self, padding: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 8, 3, padding=padding, bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.second = nn.Conv2d(8, 16, 3, stride=2)
        self.dropout = nn.Dropout()
        self.last = nn.Linear((24 + 2 * padding) // 4 // 2 * ((24 + 2 * padding) // 4 // 2) * 16, 10)
        nn.init.uniform_(self.norm.running_mean, -0.2, 0.2)
        nn.init.uniform_(self.norm.running_var, 0.2, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu6(self.norm(self.first((x - 0.1307) / 0.3081)))
        x = functional.relu(functional.max_pool2d(self.second(functional.max_pool2d(x, 2)), 2))
        return functional.log_softmax(self.last(self.dropout(x.view(x.size(0), -1))), 1)


def sequential() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(6, 6, 3, groups=6, stride=2),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Conv2d(6, 8, 1),
        nn.ReLU(),
        nn.Dropout(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 12, bias=False),
        nn.BatchNorm1d(12),
        nn.ReLU(),
        nn.Linear(12, 5),
        nn.Softmax(dim=1),
    )


def fully_convolutional() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 4, 5, stride=2), nn.ReLU(), nn.Conv2d(4, 10, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )


NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, int, int]]] = {
    "forward": (lambda: Forward(0), (1, 28, 28)),
    "padded": (lambda: Forward(1), (1, 28, 28)),
    "sequential": (sequential, (3, 20, 20)),
    "convolutional": (fully_convolutional, (1, 12, 12)),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("exporter", ["TorchScript", "dynamo"])
def test_networks_exported_by_torch(exporter: str, name: str, tmp_path: Path) -> None:
    if exporter == "dynamo":
        pytest.importorskip("onnxscript", reason="onnxscript is not installed: pip install onnxscript")
    torch.manual_seed(2)
    make, shape = NETWORKS[name]
    network, path = make().eval(), tmp_path / "network.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if exporter == "dynamo":
            batch = torch.export.Dim("batch")
            torch.onnx.export(
                network,
                (torch.rand(2, *shape),),
                path,
                dynamo=True,
                dynamic_shapes=({0: batch},),
                verbose=False,
            )
        else:
            torch.onnx.export(
                network, (torch.rand(2, *shape),), path, dynamo=False,
                input_names=["images"], dynamic_axes={"images": {0: "batch"}},
            )  # fmt: skip
    require_equal(path, chip=name != "padded")


@pytest.mark.parametrize(("name", "largest"), [("gray", 255), ("colour", 1)])
def test_networks_exported_from_keras(name: str, largest: int) -> None:
    require_equal(KERAS / f"{name}.onnx", largest=largest)


@pytest.mark.parametrize("classes", [2, 10])
@pytest.mark.parametrize("zipmap", [True, False])
def test_perceptrons_exported_from_scikit_learn(classes: int, zipmap: bool, tmp_path: Path) -> None:
    skl2onnx = pytest.importorskip("skl2onnx", reason="skl2onnx is not installed: pip install skl2onnx")
    from sklearn.datasets import load_digits
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    images, labels = load_digits(n_class=classes, return_X_y=True)
    images = (images / 16).astype(np.float32)
    perceptron = make_pipeline(StandardScaler(), MLPClassifier((16,), max_iter=60, random_state=0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it has not converged
        perceptron.fit(images, labels)
    path = tmp_path / "perceptron.onnx"
    path.write_bytes(skl2onnx.to_onnx(perceptron, images[:1], options={"zipmap": zipmap}).SerializeToString())
    network = require_equal(path)
    assert network.labels == tuple(map(str, range(classes)))
    if classes == 2:
        assert network.classes == 1
        network.with_two_classes()
    predicted = logits(network, images.reshape(-1, 1, 8, 8)).argmax(axis=1)
    np.testing.assert_array_equal(predicted, perceptron.predict(images))
