"""The sizes of the model's images, as variables of the suites."""

from pathlib import Path

from compiler import model_file
from host import link


def get_variables(model: str) -> dict[str, int]:
    """The bytes of an image, of the body of its frame, and of the payload in half a body.

    `model`: the model file.
    """
    image = model_file.load(Path(model)).input.count
    body = link.max_body(image)
    return {
        "IMAGE_BYTES": image,
        "BODY_BYTES": body,
        "HALF_BODY_PAYLOAD": body // 2 - link.HEADER_BYTES - link.CHECKSUM_BYTES,
    }
