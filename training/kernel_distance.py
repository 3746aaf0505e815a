"""The kernel inception distance (Binkowski et al. 2018), on the oracle's features instead of Inception's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class KernelDistance:
    """An unbiased estimate, which may fall below 0 where the distributions are the same, and its standard error."""

    value: float
    standard_error: float


def kernel_distance(first: np.ndarray, second: np.ndarray, subsets: int = 10) -> KernelDistance:
    """The squared maximum mean discrepancy under the cubic kernel k(x, y) = (x·y / d + 1)³ (Gretton et al. 2012).

    The value comes from all rows. Its standard error comes from the spread over disjoint subsets, which makes it
    rather too large where the distributions are nearly the same.

    Args:
        first, second: features, (N, d) and (M, d).
        subsets: how many to cut the rows into; fewer where a subset would have fewer than two rows. With room for
            one only, the standard error is NaN.

    Raises:
        ValueError: if there are fewer than two rows in either.
    """
    shortest = min(len(first), len(second))
    if shortest < 2:
        raise ValueError(f"there are {len(first)} and {len(second)} rows of features; at least two of each are needed")
    subsets = min(subsets, shortest // 2)
    pairs = zip(np.array_split(first, subsets), np.array_split(second, subsets), strict=True)
    each = [squared_discrepancy(one, other) for one, other in pairs]
    error = float(np.std(each, ddof=1) / np.sqrt(subsets)) if subsets > 1 else float("nan")
    return KernelDistance(squared_discrepancy(first, second), error)


def squared_discrepancy(first: np.ndarray, second: np.ndarray) -> float:
    """The unbiased estimate from features (N, d) and (M, d), at least two rows each."""
    first, second = first.astype(np.float64), second.astype(np.float64)
    return _mean_of_pairs(first) + _mean_of_pairs(second) - 2 * float(_kernel(first, second).mean())


def _kernel(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return (first @ second.T / first.shape[1] + 1) ** 3


def _mean_of_pairs(rows: np.ndarray) -> float:
    """Of all pairs of different rows."""
    kernel = _kernel(rows, rows)
    return float((kernel.sum() - np.trace(kernel)) / (len(rows) * (len(rows) - 1)))
