"""How the fuzzers' logs are read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from common.errors import UserError
from common.paths import FIRMWARE
from compiler import untrained
from tooling.fuzz import fuzz


def test_a_failed_check_in_c_is_the_reason() -> None:
    """The message is that of firmware/fuzz/check.h."""
    [check] = FIRMWARE.rglob("check.h")
    found = re.search(r'fprintf\(stderr, "(.*?)"', check.read_text())
    assert found is not None
    message = found.group(1).replace("%d", "7").replace("%s", "x") + "the length is wrong"

    reason = fuzz._reason(77, f"INFO: Seed: 1\n{message}\n==3==ERROR: libFuzzer: deadly signal\n")

    assert reason == message


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ("board.c:3:5: runtime error: shift of negative value\n", "shift of negative value"),
        ("  AssertionError: a refusal without a reason\n", "AssertionError: a refusal without a reason"),
        ("SUMMARY: libFuzzer: timeout\n", "libFuzzer: timeout"),
        ("", "it ended with status 77"),
    ],
)
def test_other_reasons(log: str, reason: str) -> None:
    assert fuzz._reason(77, log) == reason
    assert fuzz._reason(0, log) == ""


def test_a_finding_names_its_input_and_how_to_repeat_it(tmp_path: Path) -> None:
    [fuzzer] = fuzz.named("link-grey-8x8")
    outcome = fuzz.Outcome(fuzzer, executions=12_000, reason="broken", found=(tmp_path / "crash-1",))

    first, second = str(outcome).splitlines()
    assert first.startswith("link-grey-8x8: 12,000 executions in 0 s, ") and "FAILED: broken" in first
    assert str(tmp_path / "crash-1") in second and "fuzz_link" in second


def test_link_and_application_are_fuzzed_with_every_shape() -> None:
    for target in ("link", "app"):
        names = [fuzzer.name for fuzzer in fuzz.named(target)]
        assert names == [f"{target}-{shape}" for shape in untrained.SHAPES]
        assert {fuzzer.seeds.name for fuzzer in fuzz.named(target)} == {target}
    assert [fuzzer.name for fuzzer in fuzz.named("app-rgb-32x32")] == ["app-rgb-32x32"]


def test_times_and_names_are_checked() -> None:
    assert [fuzzer.name for fuzzer in fuzz.choose(1)] == list(fuzz.FUZZERS)
    with pytest.raises(UserError, match="0 is no number of seconds"):
        fuzz.choose(0)
    with pytest.raises(UserError, match="no fuzzer 'typo': choose link, app, model"):
        fuzz.choose(1, "typo")
