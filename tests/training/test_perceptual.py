"""The photo network sees differences and does not learn."""

from __future__ import annotations

import pytest
import torch

from training.perceptual import PhotoFeatures, perceptual_loss


@pytest.fixture(scope="module")
def network():
    return PhotoFeatures().train()


class TestPhotoFeatures:
    def test_equal_pictures_do_not_differ_and_a_blur_differs_less_than_another_picture(self, network):
        picture, other = (torch.rand((1, 3, 64, 64), generator=torch.Generator().manual_seed(n)) for n in (0, 1))
        blurred = torch.nn.functional.avg_pool2d(picture, 3, stride=1, padding=1)
        assert perceptual_loss(network, picture, picture).item() == 0
        assert 0 < perceptual_loss(network, blurred, picture) < 2
        assert perceptual_loss(network, 0.9 * picture + 0.1 * other, picture) < perceptual_loss(network, other, picture)

    def test_levels_shrink_and_nothing_in_it_learns(self, network):
        sizes = [features.shape[-1] for features in network(torch.zeros(1, 3, 64, 64))]
        assert sizes == [32, 16, 8]
        assert not any(weights.requires_grad for weights in network.parameters())
        assert not any(part.training for part in network.modules())
