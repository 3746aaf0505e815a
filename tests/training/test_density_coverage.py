"""Density and coverage agree with naive loops and with cases that one can count by hand."""

from __future__ import annotations

import numpy as np
import pytest

from training.density_coverage import density_and_coverage


def naive(drawn, painted, neighbours):
    radii = [sorted(np.linalg.norm(one - other) for other in painted)[neighbours] for one in painted]
    inside = [
        [np.linalg.norm(one - each) < radius for each in drawn] for one, radius in zip(painted, radii, strict=True)
    ]
    return np.sum(inside) / neighbours / len(drawn), np.any(inside, axis=1).mean()


def test_naive_loops_find_the_same():
    rng = np.random.default_rng(0)
    drawn, painted = rng.normal(size=(30, 4)) * 0.8 + 0.3, rng.normal(size=(40, 4))
    found = density_and_coverage(drawn, painted)
    assert (found.density.value, found.coverage.accuracy) == pytest.approx(naive(drawn, painted, 5))
    assert found.coverage.count == 40


def test_a_case_counted_by_hand():
    painted = np.array([[0.0], [1.0], [2.0], [10.0], [11.0]])  # distances to the nearest: 1, 1, 1, 1, 1
    drawn = np.array([[0.5], [0.6], [50.0]])  # the first two lie in two balls each, the last one in none
    found = density_and_coverage(drawn, painted, neighbours=1)
    assert found.density.value == pytest.approx(4 / 3)
    assert (found.coverage.right, found.coverage.count) == (2, 5)


def test_the_same_distribution_has_a_density_near_1_and_few_kinds_a_low_coverage():
    rng = np.random.default_rng(1)
    painted, drawn = rng.normal(size=(2, 400, 8))
    same = density_and_coverage(drawn, painted)
    assert abs(same.density.value - 1) < 4 * same.density.standard_error
    assert same.coverage.accuracy > 0.9
    alike = density_and_coverage(0.1 * drawn, painted)  # every picture looks like the most usual painting
    assert alike.density.value > 1
    assert alike.coverage.accuracy < 0.6


def test_too_few_paintings_are_refused():
    with pytest.raises(ValueError, match="5 paintings"):
        density_and_coverage(np.ones((9, 2)), np.ones((5, 2)))
