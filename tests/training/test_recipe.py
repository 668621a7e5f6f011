"""Recipes: their phases, changes and ranges."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from common.errors import UserError
from training.recipe import Augmentation, Phase, Quantisation, Recipe

RECIPE = Recipe(
    epochs=48,
    batch_size=128,
    learning_rate=4e-3,
    weight_decay=0.3,
    integer_epochs=12,
    integer_learning_rate=3e-4,
    quantisation=Quantisation(weight_bits=(8, 4)),
)


def test_the_phases_follow_each_other_and_only_the_first_has_weight_decay() -> None:
    assert RECIPE.float_phase == Phase(first_epoch=0, epochs=48, learning_rate=4e-3, weight_decay=0.3)
    assert RECIPE.integer_phase == Phase(first_epoch=48, epochs=12, learning_rate=3e-4, weight_decay=0)
    assert RECIPE.all_epochs == 60


@pytest.mark.parametrize(
    ("epochs", "in_float", "in_integers"), [(60, 48, 12), (10, 8, 2), (5, 4, 1), (1, 1, 0), (600, 480, 120)]
)
def test_another_length_keeps_the_share_of_float_epochs(epochs: int, in_float: int, in_integers: int) -> None:
    changed = RECIPE.changed(epochs=epochs)
    assert (changed.epochs, changed.integer_epochs) == (in_float, in_integers)
    assert changed == replace(RECIPE, epochs=in_float, integer_epochs=in_integers)


def test_another_length_has_at_least_one_float_epoch() -> None:
    mostly_integers = replace(RECIPE, epochs=1, integer_epochs=99)
    assert mostly_integers.changed(epochs=2) == replace(RECIPE, epochs=1, integer_epochs=1)


def test_another_seed_changes_nothing_else() -> None:
    assert RECIPE.changed(seed=7) == replace(RECIPE, seed=7)
    assert RECIPE.changed() == RECIPE


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_out_of_range_is_refused(seed: int) -> None:
    with pytest.raises(UserError, match=f"A seed is a number from 0 to 4294967295, not {seed}"):
        RECIPE.changed(seed=seed)


def test_the_smallest_and_largest_seed_are_allowed() -> None:
    assert RECIPE.changed(seed=0).seed == 0 and RECIPE.changed(seed=2**32 - 1).seed == 2**32 - 1


@pytest.mark.parametrize("epochs", [0, -3])
def test_a_length_below_one_epoch_is_refused(epochs: int) -> None:
    with pytest.raises(UserError, match=f"at least 1 epoch, not {epochs}"):
        RECIPE.changed(epochs=epochs)


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("epochs", 0, "1 or more"),
        ("batch_size", 0, "1 or more"),
        ("learning_rate", 1e38, "0 to 10"),
        ("learning_rate", -1e-3, "0 to 10"),
        ("learning_rate", float("nan"), "0 to 10"),
        ("weight_decay", 1001, "0 to 1000"),
        ("warmup_steps", -1, "0 or more"),
        ("label_smoothing", 1.1, "0 to 1"),
        ("average", 1.1, "0 to 1"),
        ("integer_epochs", -1, "0 or more"),
        ("integer_learning_rate", 11, "0 to 10"),
    ],
)
def test_a_value_out_of_range_is_named(name: str, value: float, allowed: str) -> None:
    changes: dict[str, Any] = {name: value}
    with pytest.raises(UserError) as caught:
        replace(RECIPE, **changes).check()
    assert str(caught.value) == f"its recipe has {name} {value:g}, but the range is {allowed}"


@pytest.mark.parametrize("learning_rate", [0, 10])
def test_values_at_the_ends_of_their_ranges_are_allowed(learning_rate: float) -> None:
    replace(
        RECIPE,
        epochs=1,
        batch_size=1,
        learning_rate=learning_rate,
        weight_decay=1000,
        average=1,
        label_smoothing=1,
    ).check()


def test_json_has_lists_instead_of_tuples() -> None:
    recipe = replace(RECIPE, augmentation=Augmentation(shift=2)).as_json()
    assert recipe["quantisation"]["weight_bits"] == [8, 4]
    assert recipe["augmentation"] == {"rotation": 0.0, "scale": 0.0, "shear": 0.0, "shift": 2}
    assert recipe["epochs"] == 48 and recipe["seed"] == 1


def test_one_number_of_bits_is_meant_for_all_layers() -> None:
    rule = Quantisation(weight_bits=4, activation_maximum=(7, 255))
    assert rule.bits_of_layers(3) == [4, 4, 4] and rule.maxima_of_layers(2) == [7, 255]


def test_a_setting_newer_than_the_committed_networks_is_recorded_only_if_it_is_used() -> None:
    plain, flipped = (
        Recipe(1, 2, 0.1, 0, augmentation=Augmentation(flip=flip)).as_json() for flip in (False, True)
    )
    assert "flip" not in plain["augmentation"] and flipped["augmentation"]["flip"] is True


@pytest.mark.parametrize(
    "augmentation, complaint",
    [
        (Augmentation(corrupted=1.5), "its recipe has corrupted 1.5, but the range is 0 to 1"),
        (Augmentation(parts=("pen",)), "the part 'pen', but there are only pose, ink, paper, camera"),
    ],
)
def test_an_augmentation_that_does_not_exist_is_refused(augmentation: Augmentation, complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        replace(Recipe(1, 1, 0.1, 0.1), augmentation=augmentation).check()
