"""Targets tell which values reach them and are written as a reader expects."""

from __future__ import annotations

import pytest

from training.targets import TARGETS, Target, with_unit


@pytest.mark.parametrize(
    ("target", "good", "bad", "text"),
    [
        (Target(least=0.98, unit="%"), (0.98, 1.0), (0.9799, None), "≥ 98%"),
        (Target(most=1 / 8), (0.0, 0.125), (0.126, None), "≤ 0.125"),
        (Target(least=0.9, most=1.1), (0.9, 1.1), (0.89, 1.11, None), "0.9 to 1.1"),
        (Target(least=29, unit=" dB"), (29.0,), (28.9,), "≥ 29 dB"),
    ],
)
def test_a_target_is_reached_up_to_its_limits(target, good, bad, text):
    assert all(target.reached(value) for value in good)
    assert not any(target.reached(value) for value in bad)
    assert str(target) == text


def test_every_target_has_a_limit():
    assert all(target.least is not None or target.most is not None for target in TARGETS.values())


def test_values_are_written_with_three_digits():
    assert with_unit(0.98765, "%") == "98.8%"
    assert with_unit(73.456, " MB") == "73.5 MB"
