"""Import a float network from an ONNX file and write its model file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from common.errors import UserError
from common.paths import MODELS, shown
from compiler import model_file, reference, resources
from compiler.network import Model
from data import sample
from data.examples import Dataset, Examples
from data.split import hold_out
from training.images.training_set import load
from training.importing import graph as graphs
from training.importing import layers
from training.importing.graph import Graph
from training.importing.layers import Layer, Weighted
from training.importing.network import ImportedNetwork, InputRange, image_shape, import_graph
from training.loop.device import deterministic_device
from training.loop.evaluation import accuracy
from training.loop.trainer import Trainer
from training.models import Network
from training.quantise.network import quantised
from training.recipe import Quantisation, Recipe
from training.settings import description

_USUAL_RANGES = ("0-1", "0-255", "-1-1")
_TRIED_IMAGES = 500  # with each of these ranges
_CLEARLY_BETTER = 0.03  # of these images


@dataclass(frozen=True)
class ImportResult:
    """An imported model. Accuracies are those on the test set, 0 to 1. notes: what the user should know."""

    name: str
    output: Path
    integer_accuracy: float
    float_accuracy: float
    images: int
    notes: tuple[str, ...]

    def __str__(self) -> str:
        text = (
            f"{self.name} recognises {self.integer_accuracy:.2%} of {self.images:,} test images in integers "
            f"({self.float_accuracy:.2%} in float). The model is {shown(self.output)}."
        )
        return "\n".join([text, *self.notes])


def import_network(
    file: Path,
    source: str,
    name: str,
    fine_tune: int = 0,
    input_range: str = "",
    fast: bool = False,
    output: Path | None = None,
) -> ImportResult:
    """Import an ONNX file for the data of a source as the model `name`.

    fine_tune: epochs of training in integers. fast: quantise for the fastest kernels.
    input_range: as InputRange.parse() takes it; by default 0-1, or 0-255 if the file takes integers.
    output: the model file, by default models/NAME.npz. Raises UserError.
    """
    if name in Network.known:
        raise UserError(f"{name} is the name of a network in training/models.py: choose another --name.")
    if fine_tune < 0:
        raise UserError(f"--fine-tune takes a number of epochs, 0 or more, not {fine_tune}.")
    graph = graphs.read(file)
    chosen = InputRange.parse(input_range or ("0-255" if graph.takes_integers else "0-1"))
    network = import_graph(graph, image_shape(graph), chosen)
    rule = _quantisation(network.layers, fast)
    dataset = load(source, None, image_shape(graph))
    _fit_classes(network, dataset, graph)

    device = deterministic_device()
    torch.manual_seed(0)
    float_network = layers.network(network.layers).to(device)
    resources.check_fits(quantised(float_network, name, rule).model(name, dataset.interface))
    training, held_out = hold_out(dataset.train, dataset.split_seed)
    recipe = _recipe(fine_tune, rule, source)
    trainer = Trainer(name, float_network, recipe, training, held_out, dataset.interface)
    model = _best(trainer)

    exact = layers.network(network.layers, exact=True).to(device)
    accuracies = _accuracies(trainer, exact, model, dataset.test)
    metadata = {
        "accuracy": accuracies,
        "architecture": str(float_network),
        "data": description(dataset),
        "epochs": len(trainer.history),
        "held-out images": len(held_out),
        "imported": {
            "file": file.name,
            "SHA-256": hashlib.sha256(file.read_bytes()).hexdigest(),
            "input range": chosen.text,
        },
        "recipe": recipe.as_json(),
        "torch": torch.__version__,
        "training images": len(training),
    }
    output = output or MODELS / f"{name}.npz"
    sample.write(output, sample.choose(dataset.test, dataset.split_seed))
    model_file.save(replace(model, metadata=metadata), output)
    return ImportResult(
        name,
        output,
        accuracies["test, integer"],
        accuracies["test, float"],
        len(dataset.test),
        (*_border_note(network), *_range_note(graph, chosen, training[:_TRIED_IMAGES], device)),
    )


def _quantisation(network: Sequence[Layer], fast: bool) -> Quantisation:
    """8 bits for weights and activations, or, for the fastest kernels, what the recipe of `cnn` has."""
    if not fast:
        return Quantisation(weight_bits=8, activation_maximum=255)
    count = sum(isinstance(layer, Weighted) for layer in network)
    bits = (8, *[4] * (count - 2), 8)[:count]
    # A pooling takes pixels unchanged.
    shift = 1 if isinstance(network[0], Weighted) else 0
    return Quantisation(weight_bits=bits, activation_maximum=63, input_shift=shift, lanes=True)


def _recipe(epochs: int, rule: Quantisation, source: str) -> Recipe:
    """Training in integers only."""
    return Recipe(
        epochs=0,
        batch_size=128,
        learning_rate=0.0,
        weight_decay=0.0,
        average=0.998,
        integer_epochs=epochs,
        integer_learning_rate=3e-4,
        quantisation=rule,
        data=source,
    )


def _fit_classes(network: ImportedNetwork, dataset: Dataset, graph: Graph) -> None:
    """Give the network the logits of the data's classes, in their order. Raises UserError."""
    names = dataset.interface.class_names
    if network.classes == 1 and len(names) == 2:
        network.with_two_classes()
    if network.classes != len(names):
        raise UserError(
            f"{graph.source} distinguishes {network.classes} classes, and the data {dataset.source} "
            f"have {len(names)}."
        )
    if network.labels and set(network.labels) == set(names):
        network.reorder([network.labels.index(name) for name in names])


def _best(trainer: Trainer) -> Model:
    """The network in integers, fine-tuned if that lowers its loss on the held-out images."""
    rounded = trainer.quantised_float()
    model = rounded.model(trainer.name, trainer.interface)
    trainer.run(lambda progress: None)
    if trainer.best is None or trainer.judge(rounded)[0] <= min(r.held_out_loss for r in trainer.history):
        return model
    return trainer.best


def _accuracies(trainer: Trainer, exact: nn.Module, model: Model, test: Examples) -> dict[str, float]:
    """Accuracies in integers, and of the float network as the file has it."""
    accuracies: dict[str, float] = {}
    for part, examples in (("validation", trainer.held_out), ("test", test)):
        accuracies[f"{part}, integer"] = reference.accuracy(model, examples)
        accuracies[f"{part}, float"] = accuracy(exact, examples, trainer.device)
    return accuracies


def _border_note(network: ImportedNetwork) -> list[str]:
    nodes = ", ".join(layer.node for layer in network.bordered)
    if not nodes:
        return []
    return [
        f"Note: {nodes} pads normalised images with 0, and the chip pads images before normalisation: the "
        "edges of images differ a little. --fine-tune adapts the weights to that."
    ]


def _range_note(graph: Graph, chosen: InputRange, examples: Examples, device: torch.device) -> list[str]:
    """A note if the network recognises clearly more images with another usual input range."""
    found = {}
    for text in dict.fromkeys((chosen.text, *_USUAL_RANGES, _own_range(examples))):
        tried = import_graph(graph, examples.shape, InputRange.parse(text))
        found[text] = accuracy(layers.network(tried.layers, exact=True).to(device), examples, device)
    best = max(found, key=found.__getitem__)
    if found[best] < found[chosen.text] + _CLEARLY_BETTER:
        return []
    return [
        f"Note: of {len(examples)} training images, the network recognises {found[best]:.1%} with "
        f"--input-range {best} and {found[chosen.text]:.1%} with {chosen.text}: use the one that it was "
        "trained with."
    ]


def _own_range(examples: Examples) -> str:
    """The input range of images that are normalised by their own mean and deviation in each channel."""
    pixels = examples.images / 255
    mean, deviation = pixels.mean(axis=(0, 2, 3)), pixels.std(axis=(0, 2, 3)).clip(min=1e-3)
    return "/".join(",".join(f"{value:.4f}" for value in values) for values in (mean, deviation))
