"""Density and coverage (Naeem et al. 2020): whether pictures look like paintings, and whether they show all kinds.

Around every painting lies a ball that reaches to its fifth nearest painting. Density tells in how many balls a drawn
picture lies, so it is low if pictures look unlike any painting. Coverage is the share of balls with a drawn picture in
them, so it is low if the pictures show a part of the paintings' variety.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from training.estimates import Estimate, Score, estimate_mean, score

NEIGHBOURS = 5


@dataclass(frozen=True)
class DensityCoverage:
    """How pictures lie among paintings.

    Attributes:
        density: about 1 if pictures and paintings have the same distribution; it may be larger. The standard error is
            that of other pictures against the same paintings.
        coverage: the paintings that have a picture in their ball, of all.
    """

    density: Estimate
    coverage: Score


def density_and_coverage(drawn: np.ndarray, painted: np.ndarray, neighbours: int = NEIGHBOURS) -> DensityCoverage:
    """Compare the features of drawn pictures, (M, d), with those of paintings, (N, d).

    Raises:
        ValueError: if there are no more than `neighbours` paintings.
    """
    if len(painted) <= neighbours:
        raise ValueError(f"there are {len(painted)} paintings; at least {neighbours + 1} are needed")
    # A painting is nearest to itself, so the fifth neighbour is the sixth nearest.
    radii = _distances(painted, painted).kthvalue(neighbours + 1, dim=1).values
    inside = _distances(painted, drawn) < radii[:, None]  # (N, M)
    return DensityCoverage(estimate_mean((inside.sum(dim=0) / neighbours).numpy()), score(inside.any(dim=1).tolist()))


def _distances(first: np.ndarray, second: np.ndarray) -> torch.Tensor:
    """Return the distances between all rows of (N, d) and (M, d): (N, M)."""
    one, other = (torch.from_numpy(each.astype(np.float64)) for each in (first, second))
    return torch.cdist(one, other, compute_mode="donot_use_mm_for_euclid_dist")  # products lose short distances
