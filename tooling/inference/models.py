"""What this clone knows about the network on a board: the scale of its logits, and its test images."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from common.errors import UserError
from common.paths import model_files
from compiler.model_file import load
from data import mnist, sample, sources
from data.examples import Examples
from host.records import Info
from pictures import Preparation
from tooling import build


@dataclass
class Knowledge:
    """The network on a board, by its file in this clone if there is one.

    scale: the real logit of an integer logit 1, None if the file is not known.
    """

    shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    preparation: Preparation
    scale: float | None = None
    file: Path | None = None
    source: str = "mnist"
    _examples: Examples | None = field(default=None, repr=False)

    def test_images(self) -> Examples:
        """The test part of the model's data, or the sample beside the file where the data are not here.

        Raises UserError if neither is.
        """
        if self._examples is None:
            self._examples = self._load()
        return self._examples

    @property
    def reads_digits(self) -> bool:
        """Whether a picture may show several digits to be read one by one."""
        return self.preparation.method == "mnist"

    def _load(self) -> Examples:
        if self.file is None and self.shape != (1, mnist.ROWS, mnist.COLS):
            raise UserError(
                "No file in models/ has the board's network, so its test images are not known: name a "
                "picture."
            )
        if self.file is None or self.source == "mnist":
            return mnist.load_test_set()
        if not self.source.startswith(sources.TORCHVISION):
            with suppress(UserError, ImportError):
                examples = sources.load_test(self.source)
                if examples.shape == self.shape:
                    return examples
        return sample.read(self.file)


def of_file(path: Path) -> Knowledge:
    """What a model file says about its network. Raises UserError if it is damaged."""
    model = load(path)
    described = model.metadata.get("data")
    source = described.get("source", "mnist") if isinstance(described, dict) else "mnist"
    channels, rows, columns = model.input.shape
    return Knowledge(
        (channels, rows, columns), model.class_names, model.preparation, model.logit_scale, path, str(source)
    )


def of_board(info: Info) -> Knowledge:
    """What is known about the network on a board, from the model file with the same checksum."""
    for path in (*model_files(), *build.exported_models()):
        with suppress(UserError):  # a build of it reports a broken file
            if load(path).checksum == info.checksum:
                return of_file(path)
    method = "mnist" if info.channels == 1 and info.class_names == tuple("0123456789") else "fit"
    return Knowledge(info.shape, info.class_names, Preparation(method))
