"""One picture of a webcam."""

from __future__ import annotations

import numpy as np

from common.errors import UserError
from pictures import Picture

_SKIPPED = 10  # pictures, until most cameras have set their exposure


def take(number: int = 0) -> Picture:
    """The picture of a webcam, RGB. Raises UserError without OpenCV or without a camera."""
    try:
        import cv2
    except ImportError:
        raise UserError("--camera needs OpenCV: type 'pip install opencv-python-headless'.") from None
    camera = cv2.VideoCapture(number)
    try:
        for _ in range(_SKIPPED):
            camera.read()
        is_read, frame = camera.read()
    finally:
        camera.release()
    if not is_read:
        raise UserError("No camera answered: plug one in, and close other programs that use it.")
    return np.ascontiguousarray(frame[..., ::-1])
