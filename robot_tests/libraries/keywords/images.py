"""Keywords: images, whose logits must equal the integer reference bit for bit."""

import contextlib

import numpy as np
import numpy.typing as npt
from robot.api import SkipExecution, logger
from robot.api.deco import keyword

from compiler import schedule
from data.examples import Examples
from host import link
from host.errors import NoAnswer
from host.records import Prediction
from keywords.bench import FORGOTTEN_AFTER, Bench
from keywords.readable_answer import check_readable_answer

# LINK.md: a frame that arrives during a computation waits in the receive buffer if it is no longer than this.
WAITING_BYTES = 1020


class ImageKeywords(Bench):
    @keyword
    def classify_image(self, index: int) -> Prediction:
        """Classifies an image of the test set and compares every logit with the reference."""
        return self._classify(self.examples().images[index], f"image {index}")

    @keyword
    def classify_image_full_of(self, value: int) -> Prediction:
        """Classifies an image with the same value everywhere and compares every logit with the reference."""
        image = np.full(self.model().input.shape, value, np.uint8)
        return self._classify(image, f"an image full of {value}")

    @keyword
    def classify_images_of_every_class(self, count: int) -> float:
        """Classifies the first `count` images of each class. Returns the share that was recognised."""
        examples = self.examples()
        chosen = [np.flatnonzero(examples.labels == label)[:count] for label in range(self.model().classes)]
        return self._classify_all(examples[np.concatenate(chosen)])

    @keyword
    def classify_the_first_images(self, count: int) -> float:
        """Classifies `count` images of the test set. Returns the share that was recognised."""
        return self._classify_all(self.many_examples(count))

    @keyword
    def classify_images_without_a_pause(self, count: int) -> None:
        """Sends each image as soon as the one before has its result. All answers are the reference's."""
        images = self.examples().images[:count]
        for number, logits in enumerate(self.reference_logits(images)):
            self._send_image(images[number], number)
            self._expect_result(number, logits)

    @keyword
    def classify_an_image_that_arrives_during_the_computation(self) -> None:
        """Sends two images back to back. Both are answered, in order, as by the reference."""
        images = self.examples().images[:2]
        if len(self._frame(images[0], 0)) > WAITING_BYTES:
            raise SkipExecution("The board stores no frame of this length while it computes.")
        self.send(b"".join(self._frame(image, number) for number, image in enumerate(images)))
        for number, logits in enumerate(self.reference_logits(images)):
            self._expect_result(number, logits)

    @keyword
    def network_should_start_before_the_image_is_complete(self) -> None:
        """The network spends a part of its cycles while the image arrives."""
        if not schedule.plan(self.model()).starts_while_receiving:
            raise SkipExecution("This network needs the whole image before it can start.")
        prediction = self.classify_image(2)
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
        model = self.model()
        check_readable_answer(self.lines, prediction, model.class_names, model.logit_scale)

    @staticmethod
    def _frame(image: npt.NDArray[np.uint8], number: int) -> bytes:
        return link.encode_frame(link.Command.CLASSIFY, number, image.tobytes())

    def _send_image(self, image: npt.NDArray[np.uint8], number: int) -> None:
        self.send(self._frame(image, number))

    def _expect_result(self, number: int, logits: tuple[int, ...]) -> None:
        self.expect_message("result", {"seq": str(number), "logits": ",".join(map(str, logits))})

    def _classify(self, image: npt.NDArray[np.uint8], name: str) -> Prediction:
        self.lines = []
        prediction = self.board().classify(image)
        (expected,) = self.reference_logits(image[np.newaxis])
        if prediction.logits != expected:
            raise AssertionError(
                f"The board's logits of {name} are {prediction.logits}, the reference's {expected}."
            )
        if prediction.name != self.model().class_names[prediction.label]:
            raise AssertionError(f"The board calls class {prediction.label} {prediction.name}.")
        return prediction

    def _classify_all(self, examples: Examples) -> float:
        predictions = [self._classify(image, f"image {n}") for n, image in enumerate(examples.images)]
        recognised = sum(p.label == label for p, label in zip(predictions, examples.labels, strict=True))
        logger.info(f"{recognised} of {len(examples)} images recognised")
        return float(recognised / len(examples))
