"""A network that learnt from photographs judges pictures of places; it knows nothing of this project.

It is EfficientNet-Lite0, see `synthviz.cnn.photo_network`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from synthviz.cnn.photo_network import photo_tensor

# The classes of ImageNet that name what can be seen at a place: 970 alp, 972 cliff, 975 lakeside, 976 promontory,
# 977 sandbar, 978 seashore, 979 valley, 980 volcano.
CLASSES = {
    "mountains": {970, 972, 975, 976, 979},
    "volcano": {980},
    "beach": {975, 976, 977, 978},
    "ocean": {975, 976, 977, 978},
    "canyon": {972, 976, 979},
}
GUESSES = 5


def _inputs(pictures: Sequence[np.ndarray] | np.ndarray) -> Tensor:
    """Convert (H, W, 3) uint8 arrays to (N, 3, 224, 224)."""
    return torch.cat([photo_tensor(picture) for picture in pictures])


@torch.no_grad()
def named_places(network: nn.Module, pictures: Sequence[np.ndarray], place: str) -> list[bool]:
    """Tell for each picture whether its place is among the network's five best guesses.

    Args:
        network: from `synthviz.cnn.photo_network`.
        pictures: (H, W, 3) uint8 each.
        place: one of `CLASSES`.
    """
    guesses = network(_inputs(pictures)).topk(GUESSES).indices.tolist()
    return [bool(CLASSES[place] & set(guess)) for guess in guesses]


@torch.no_grad()
def pooled_features(network: nn.Module, pictures: Sequence[np.ndarray] | np.ndarray) -> Tensor:
    """Return the network's last feature maps, averaged over the picture: (N, 1280)."""
    features: Tensor = network.extract_features(_inputs(pictures)).mean((2, 3))  # type: ignore[operator]
    return features


def spread(network: nn.Module, pictures: Sequence[np.ndarray] | np.ndarray) -> float:
    """Return the mean distance between the features of any two pictures; 0 if all are alike."""
    return torch.pdist(pooled_features(network, pictures)).mean().item()
