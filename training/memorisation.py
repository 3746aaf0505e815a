"""Memorisation: compare the distance to the training set of generated pictures and of fresh paintings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

SIDE = 32  # of the small pictures that are compared


@dataclass(frozen=True)
class Memorisation:
    """Distances to the nearest training picture: root mean squares over small pictures, 0 to 1.

    Attributes:
        generated: the median distance of generated pictures.
        fresh: the median distance of fresh paintings.
        limit: the first percentile of the fresh paintings' distances.
        closer: the share of generated pictures below the limit; for fresh paintings it is 0.01.
    """

    generated: float
    fresh: float
    limit: float
    closer: float


def compare_with_training(generated: np.ndarray, fresh: np.ndarray, training: np.ndarray) -> Memorisation:
    """Measure memorisation on small pictures from `shrink`: (N, 3072), (M, 3072) and (K, 3072) float32."""
    of_generated, of_fresh = nearest_distances(generated, training), nearest_distances(fresh, training)
    limit = float(np.percentile(of_fresh, 1))
    closer = float((of_generated < limit).mean())
    return Memorisation(float(np.median(of_generated)), float(np.median(of_fresh)), limit, closer)


def shrink(pictures: np.ndarray) -> np.ndarray:
    """Average pictures (N, S, S, 3) uint8 down to 32×32 pixels: (N, 3072) float32 in [0, 1]."""
    pixels = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
    return F.interpolate(pixels, (SIDE, SIDE), mode="area").flatten(1).numpy()


def nearest_distances(pictures: np.ndarray, training: np.ndarray, chunk: int = 256) -> np.ndarray:
    """Return the distance of each of (N, D) to the nearest of (K, D): (N,) root mean squares."""
    lengths = (training**2).sum(axis=1)
    nearest = [
        (lengths - 2 * pictures[start : start + chunk] @ training.T).argmin(axis=1)
        for start in range(0, len(pictures), chunk)
    ]
    # The product above only finds the nearest; its rounding errors are too large for short distances.
    distances: np.ndarray = np.sqrt(((pictures - training[np.concatenate(nearest)]) ** 2).mean(axis=1))
    return distances
