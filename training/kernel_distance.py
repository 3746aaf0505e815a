"""The kernel inception distance, KID (Binkowski et al. 2018), on features of the photo network instead of Inception."""

from __future__ import annotations

import numpy as np

from training.estimates import Estimate


def kernel_distance(first: np.ndarray, second: np.ndarray, subsets: int = 10) -> Estimate:
    """Return the squared maximum mean discrepancy with the kernel k(x, y) = (x·y / d + 1)³ (Gretton et al. 2012).

    The estimate is unbiased, so it can be negative if the distributions are the same.

    The value comes from all rows. The standard error comes from the spread over disjoint subsets, so it is somewhat too
    large if the distributions are nearly the same.

    Args:
        first: features, (N, d).
        second: features, (M, d).
        subsets: the number of subsets, reduced if a subset would have fewer than two rows. With a single subset, the
            standard error is NaN.

    Raises:
        ValueError: if one of them has fewer than two rows.
    """
    shortest = min(len(first), len(second))
    if shortest < 2:
        raise ValueError(f"there are {len(first)} and {len(second)} rows of features; at least two of each are needed")
    subsets = min(subsets, shortest // 2)
    pairs = zip(np.array_split(first, subsets), np.array_split(second, subsets), strict=True)
    each = [squared_discrepancy(one, other) for one, other in pairs]
    error = float(np.std(each, ddof=1) / np.sqrt(subsets)) if subsets > 1 else float("nan")
    return Estimate(squared_discrepancy(first, second), error)


def squared_discrepancy(first: np.ndarray, second: np.ndarray) -> float:
    """Return the unbiased estimate from features (N, d) and (M, d), at least two rows each."""
    first, second = first.astype(np.float64), second.astype(np.float64)
    return _mean_of_pairs(first) + _mean_of_pairs(second) - 2 * float(_kernel(first, second).mean())


def _kernel(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    kernel: np.ndarray = (first @ second.T / first.shape[1] + 1) ** 3
    return kernel


def _mean_of_pairs(rows: np.ndarray) -> float:
    """Return the mean of the kernel over all pairs of different rows."""
    kernel = _kernel(rows, rows)
    return float((kernel.sum() - np.trace(kernel)) / (len(rows) * (len(rows) - 1)))
