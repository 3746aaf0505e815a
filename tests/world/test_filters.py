"""filters.py against PyTorch's pooling."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from synthviz.world.filters import box_blur, enlarge, halve


@pytest.mark.parametrize("reach", [1, 4, 11])
def test_a_box_blur_is_a_pooling_with_repeated_edges(reach):
    picture = torch.rand(3, 40, 50, generator=torch.Generator().manual_seed(reach))
    padded = F.pad(picture[None], (reach,) * 4, mode="replicate")
    expected = F.avg_pool2d(padded, 2 * reach + 1, 1)[0]
    assert torch.allclose(box_blur(picture, reach), expected, atol=1e-4)


def test_enlarging_is_bilinear():
    picture = torch.rand(3, 5, 8, generator=torch.Generator().manual_seed(1))
    expected = F.interpolate(picture[None], scale_factor=2, mode="bilinear", align_corners=False)[0]
    assert torch.allclose(enlarge(picture), expected, atol=1e-5)


def test_halving_is_pooling():
    picture = torch.rand(3, 6, 8, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(halve(picture), F.avg_pool2d(picture, 2), atol=1e-6)
