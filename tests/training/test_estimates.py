"""Intervals agree with published values and with simulations."""

from __future__ import annotations

import math

import numpy as np
import pytest

from training.estimates import Score, estimate_mean, ratio, score, wilson_interval


@pytest.mark.parametrize(
    ("right", "count", "low", "high"),  # Newcombe 1998, table I, method 3
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_interval(right, count, low, high):
    assert wilson_interval(right, count) == pytest.approx((low, high), abs=5e-5)
    mirrored = wilson_interval(count - right, count)
    assert mirrored == pytest.approx((1 - high, 1 - low), abs=5e-5)


def test_an_empty_score_has_the_widest_interval():
    assert wilson_interval(0, 0) == (0.0, 1.0)
    assert math.isnan(Score(0, 0).record()["value"])


def test_scores_count_right_verdicts():
    assert score(iter([True, False, True])) == Score(2, 3)


def test_a_ratio_to_a_certain_share_has_that_shares_interval():
    divided = ratio(Score(81, 263), Score(10**9, 10**9))
    assert (divided.value, divided.low, divided.high) == pytest.approx((81 / 263, 0.2553, 0.3662), abs=5e-5)


def test_a_swapped_ratio_is_the_reciprocal():
    one, other = ratio(Score(30, 100), Score(45, 90)), ratio(Score(45, 90), Score(30, 100))
    assert (one.value, one.low, one.high) == pytest.approx((1 / other.value, 1 / other.high, 1 / other.low))


def test_the_interval_of_a_ratio_holds_the_truth_95_times_of_100():
    rng = np.random.default_rng(0)
    pairs = zip(rng.binomial(60, 0.8, 2000).tolist(), rng.binomial(80, 0.9, 2000).tolist(), strict=True)
    intervals = [ratio(Score(first, 60), Score(second, 80)) for first, second in pairs]
    held = np.mean([one.low <= 0.8 / 0.9 <= one.high for one in intervals])
    assert held == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize("second", [Score(0, 9), Score(0, 0)])
def test_no_share_can_be_divided_by_nothing(second):
    assert math.isnan(ratio(Score(1, 2), second).value)
    assert ratio(Score(0, 9), Score(9, 9)).low == 0


def test_means_have_the_usual_standard_error():
    values = [1.0, 2.0, 4.0]
    estimate = estimate_mean(values)
    assert estimate.value == pytest.approx(7 / 3)
    assert estimate.standard_error == pytest.approx(math.sqrt(((4 / 3) ** 2 + (1 / 3) ** 2 + (5 / 3) ** 2) / 2 / 3))
    assert math.isnan(estimate_mean([1.0]).standard_error)
