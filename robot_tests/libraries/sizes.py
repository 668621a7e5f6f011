"""The sizes of the model's images, as variables of the suites."""

from pathlib import Path

from compiler import model_file
from host import link


def get_variables(model: str) -> dict[str, int]:
    """IMAGE_BYTES, and BODY_BYTES of a frame with an image. `model`: the model file."""
    image = model_file.load(Path(model)).input.count
    return {"IMAGE_BYTES": image, "BODY_BYTES": link.max_body(image)}
