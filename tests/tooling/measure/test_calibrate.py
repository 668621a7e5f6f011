"""The cost model: its prices are those of the calibration, and no call takes longer than it allows."""

from pathlib import Path

import fast_networks
import network_builds
import numpy as np
import pytest
import random_networks

from common.paths import model_files
from compiler import lower, model_file, schedule, untrained
from compiler.kernels import candidates, costs

pytest.importorskip("unicorn", exc_type=ImportError)

from tooling.measure import network_elf
from tooling.measure.calibration import calibrate, fit, grid

# Networks of each kernel that are measured again.
AGAIN = 4

# Cycles of network_compute() around the kernel: they only show in the shortest calls.
OVERHEAD = 40

NETWORKS = {
    **{f"any {name}": network for name, network in random_networks.networks().items()},
    **{f"fast {name}": network for name, network in fast_networks.networks(extreme=True).items()},
    **{f"untrained {name}": untrained.network(name, *of) for name, of in untrained.SHAPES.items()},
    **{f"shapes {seed}": fast_networks.random_shapes(seed) for seed in range(30, 34)},
}


@pytest.fixture(scope="module")
def samples() -> list[grid.Sample]:
    return list(grid.samples())


def test_the_committed_prices_follow_from_the_committed_measurements(samples: list[grid.Sample]) -> None:
    fits = fit.fit_all(calibrate.measurements(samples, calibrate.committed_calls()))
    assert {found.kernel: found.margin for found in fits} == pytest.approx(costs.MARGINS, abs=0.011)
    assert {found.kernel for found in fits} == costs.CYCLES.keys()
    for found in fits:
        assert found.prices == pytest.approx(costs.CYCLES[found.kernel], abs=0.11)


def test_the_committed_measurements_repeat(samples: list[grid.Sample], firmware_command: None) -> None:
    version = network_elf.compiler_version()
    if version != costs.COMPILER:
        pytest.skip(f"{version} compiles other code than {costs.COMPILER}, whose cycles are committed")
    committed = calibrate.committed_calls()
    assert {call.sample for call in committed} == set(range(len(samples)))
    again = set()
    for kernel in costs.CYCLES:
        numbers = sorted({call.sample for call in committed if call.kernel == kernel})
        again.update(numbers[:: -(-len(numbers) // AGAIN)])
    measured = list(calibrate.measure(samples, sorted(again)))
    assert measured == [call for call in committed if call.sample in again]


@pytest.mark.parametrize("name", NETWORKS)
def test_no_call_takes_longer_than_its_estimate_and_margin(name: str, tmp_path: Path) -> None:
    planned = schedule.plan(NETWORKS[name])
    machine = network_builds.arm_machine(NETWORKS[name], tmp_path)
    for index, stage in enumerate(planned.stages):
        for rows in {1, stage.rows.max_rows_while_receiving, stage.kernel.rows or 1} - {0}:
            measured = calibrate.cycles_of_call(machine, planned, index, rows)
            allowed = stage.kernel.cost.at_most(rows) + OVERHEAD
            assert measured <= allowed, (stage.step.title, stage.kernel.name, rows)


@pytest.mark.parametrize("path", model_files(), ids=lambda path: path.stem)
def test_parts_of_a_committed_model_stay_within_the_schedules_limits(path: Path, tmp_path: Path) -> None:
    model = model_file.load(path)
    planned = schedule.plan(model)
    machine = network_builds.arm_machine(model, tmp_path)
    for index, stage in enumerate(planned.stages):
        for rows, limit in (
            (stage.rows.max_rows_while_receiving, schedule.CYCLES_WHILE_RECEIVING),
            (stage.rows.max_rows_per_call, schedule.CYCLES_PER_CALL),
        ):
            if rows and stage.kernel.cost.cycles(rows) < 1_000_000:  # a larger part takes seconds here
                assert calibrate.cycles_of_call(machine, planned, index, rows) <= limit


@pytest.mark.parametrize("name", NETWORKS)
def test_every_piece_of_work_has_a_price(name: str) -> None:
    for step in lower.steps(NETWORKS[name]):
        for kernel in candidates(step):
            assert kernel.cost.pieces(1).keys() <= costs.CYCLES[kernel.name].keys()
            assert kernel.cost.cycles(1) > 0


def test_the_fit_finds_prices_and_none_is_negative() -> None:
    generator = np.random.default_rng(1)
    prices = {"call": 50.0, "row": 12.5, "pixel": 3.0, "free": 0.0}
    measurements = []
    for _ in range(40):
        pieces = {name: int(generator.integers(1, 50)) for name in prices}
        cycles = sum(prices[name] * count for name, count in pieces.items())
        measurements.append(fit.Measurement("made-up", pieces, round(cycles)))
    (found,) = fit.fit_all(measurements)
    assert found.prices == pytest.approx(prices, abs=0.3)
    assert min(found.prices.values()) >= 0 and found.margin == pytest.approx(1.05, abs=0.02)
    assert '"made-up": {\n        "call": ' in fit.costs_text([found], "some compiler")
