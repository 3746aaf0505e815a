"""How sure a measured figure is: shares and their ratios with 95% intervals, means with standard errors."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

NORMAL_95 = 1.959964  # 95% of a normal distribution lie within this many standard deviations


@dataclass(frozen=True)
class Score:
    """The number of right verdicts and the number of all."""

    right: int
    count: int

    @property
    def accuracy(self) -> float:
        """Share of right verdicts, 0 to 1; NaN if there are none."""
        return self.right / self.count if self.count else math.nan

    def record(self) -> dict[str, Any]:
        """Return values for JSON: the share, its 95% interval and the counts."""
        low, high = wilson_interval(self.right, self.count)
        return {"value": self.accuracy, "low": low, "high": high, "right": self.right, "count": self.count}


@dataclass(frozen=True)
class Ratio:
    """A share divided by another, with its 95% interval."""

    value: float
    low: float
    high: float

    def record(self) -> dict[str, float]:
        """Return values for JSON."""
        return {"value": self.value, "low": self.low, "high": self.high}


@dataclass(frozen=True)
class Estimate:
    """An estimated value and its standard error, NaN if there is too little to tell."""

    value: float
    standard_error: float

    def record(self) -> dict[str, float]:
        """Return values for JSON."""
        return {"value": self.value, "standard error": self.standard_error}


def score(verdicts: Iterable[bool]) -> Score:
    """Count the right verdicts."""
    verdicts = list(verdicts)
    return Score(sum(verdicts), len(verdicts))


def wilson_interval(right: int, count: int) -> tuple[float, float]:
    """Return the 95% confidence interval of a share (Wilson 1927), which is valid near 0 and 1 too."""
    if count == 0:
        return 0.0, 1.0
    share, z2 = right / count, NORMAL_95**2
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = NORMAL_95 * math.sqrt(share * (1 - share) / count + z2 / (4 * count**2)) / (1 + z2 / count)
    return max(0.0, middle - half), min(1.0, middle + half)


def ratio(first: Score, second: Score) -> Ratio:
    """Divide two independent shares; the interval joins their Wilson intervals (Donner & Zou 2012).

    All values are NaN if there is no first share, or the second one is 0 or missing.
    """
    if not first.count or not second.right:
        return Ratio(math.nan, math.nan, math.nan)
    one, other = first.accuracy, second.accuracy
    (low, high), (other_low, other_high) = (wilson_interval(each.right, each.count) for each in (first, second))
    # x (2 share - x) is at most share², so that both roots exist.
    below, above = low * (2 * one - low), high * (2 * one - high)
    other_below, other_above = other_low * (2 * other - other_low), other_high * (2 * other - other_high)
    product = one * other
    smallest = below / (product + math.sqrt(product**2 - below * other_above)) if below else 0.0
    return Ratio(one / other, smallest, (product + math.sqrt(product**2 - above * other_below)) / other_below)


def estimate_mean(values: Sequence[float] | np.ndarray) -> Estimate:
    """Return the mean of independent values and its standard error."""
    count = len(values)
    error = float(np.std(values, ddof=1) / math.sqrt(count)) if count > 1 else math.nan
    return Estimate(float(np.mean(values)) if count else math.nan, error)
