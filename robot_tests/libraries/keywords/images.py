"""Keywords: images, whose logits must equal the integer reference bit for bit."""

import contextlib

import numpy as np
import numpy.typing as npt
from robot.api import SkipExecution, logger
from robot.api.deco import keyword

from compiler import schedule
from host import link
from host.errors import NoAnswer
from host.records import Prediction
from keywords.bench import FORGOTTEN_AFTER, Bench
from keywords.readable_answer import check_readable_answer


class ImageKeywords(Bench):
    @keyword
    def classify_digit(self, index: int) -> Prediction:
        """Classifies an image of the test set and compares every logit with the reference."""
        return self._classify(self.digits().images[index], f"image {index}")

    @keyword
    def classify_image_of(self, value: int) -> Prediction:
        """Classifies an image with the same value everywhere and compares every logit with the reference."""
        image = np.full((link.IMAGE_ROWS, link.IMAGE_COLS), value, np.uint8)
        return self._classify(image, f"an image of {value}")

    @keyword
    def classify_digits_of_every_class(self, count: int) -> float:
        """Classifies the first `count` digits of each class. Returns the share that was recognised."""
        labels = self.digits().labels
        return self._classify_all(
            np.concatenate([np.flatnonzero(labels == label)[:count] for label in range(link.CLASSES)])
        )

    @keyword
    def classify_the_first_digits(self, count: int) -> float:
        """Classifies the first `count` digits of the test set. Returns the share that was recognised."""
        return self._classify_all(np.arange(count))

    @keyword
    def classify_digits_without_a_pause(self, count: int) -> None:
        """Sends the first `count` digits back to back. All are answered, in order, as by the reference."""
        images = self.digits().images[:count]
        self.send(
            b"".join(
                link.encode_frame(link.Command.CLASSIFY, number, image.tobytes())
                for number, image in enumerate(images)
            )
        )
        for number, logits in enumerate(self.reference_logits(images)):
            self.expect_message("result", {"seq": str(number), "logits": ",".join(map(str, logits))})

    @keyword
    def network_should_start_before_the_image_is_complete(self) -> None:
        """The network spends a part of its cycles while the image arrives."""
        if not schedule.plan(self.model()).starts_while_receiving:
            raise SkipExecution("This network needs the whole image before it can start.")
        prediction = self.classify_digit(2)
        if prediction.cycles is None or prediction.finish is None:
            raise SkipExecution("This board does not count cycles.")
        logger.info(f"{prediction.finish:,} of {prediction.cycles:,} after the image")
        if prediction.finish >= prediction.cycles:
            raise AssertionError(
                f"The network spent all of its {prediction.cycles:,} cycles after the image."
            )

    @keyword
    def answer_should_be_readable(self, prediction: Prediction) -> None:
        """The lines of the last answer show its class and each logit, in the documented order."""
        with contextlib.suppress(NoAnswer):
            while True:
                self.board().connection.read_line(FORGOTTEN_AFTER)
        check_readable_answer(self.lines, prediction, self.model().logit_scale)

    def _classify(self, image: npt.NDArray[np.uint8], name: str) -> Prediction:
        self.lines = []
        prediction = self.board().classify(image)
        (expected,) = self.reference_logits(image[np.newaxis])
        if prediction.logits != expected:
            raise AssertionError(
                f"The board's logits of {name} are {prediction.logits}, the reference's {expected}."
            )
        return prediction

    def _classify_all(self, indices: npt.NDArray[np.intp]) -> float:
        labels = self.digits().labels
        recognised = sum(self.classify_digit(int(index)).label == labels[index] for index in indices)
        logger.info(f"{recognised} of {len(indices)} digits recognised")
        return float(recognised / len(indices))
