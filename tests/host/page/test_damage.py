"""Experiments: what they do to a frame, and which error they announce."""

from host import link
from host.page.damage import EXPERIMENTS, flip_bit, lose_byte, repeat_frame

IMAGE_BYTES = 200
FRAME = link.encode_frame(link.Command.CLASSIFY, 7, bytes(range(1, IMAGE_BYTES + 1)))
BODY = FRAME.strip(link.DELIMITER)


def test_an_undamaged_frame_promises_no_error() -> None:
    assert repeat_frame(FRAME).data == FRAME + FRAME
    assert repeat_frame(FRAME).expected_error(IMAGE_BYTES) == ""


def test_a_flipped_bit_changes_one_byte_and_is_always_an_error() -> None:
    for _ in range(200):
        damaged = flip_bit(FRAME)

        differences = [
            before ^ after for before, after in zip(FRAME, damaged.data, strict=True) if before != after
        ]
        assert len(differences) == 1
        assert differences[0].bit_count() == 1
        assert damaged.data.count(link.DELIMITER) == FRAME.count(link.DELIMITER)
        assert damaged.expected_error(IMAGE_BYTES) in link.ERRORS


def test_a_lost_byte_is_always_an_error() -> None:
    for _ in range(50):
        damaged = lose_byte(FRAME)

        assert len(damaged.data) == len(FRAME) - 1
        assert damaged.data.startswith(link.DELIMITER)
        assert damaged.data.endswith(link.DELIMITER)
        assert damaged.expected_error(IMAGE_BYTES) in link.ERRORS


def test_each_experiment_says_what_was_altered() -> None:
    assert all(damage(FRAME).altered.endswith(".") for damage in EXPERIMENTS.values())
