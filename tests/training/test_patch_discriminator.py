"""The discriminator sees patches, and its loss is balanced."""

from __future__ import annotations

import pytest
import torch

from training.patch_discriminator import PatchDiscriminator, balance


def test_balanced_losses_have_gradients_of_the_same_length():
    weights = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
    first, second = (3 * weights).sum(), (weights.square() * 50).sum()
    factor = balance(first, second, weights)
    lengths = [torch.autograd.grad(loss, weights)[0].norm() for loss in (first, factor * second)]
    assert lengths[0].item() == pytest.approx(lengths[1].item(), rel=1e-4)


def test_the_discriminator_sees_patches_of_54_pixels():
    discriminator = PatchDiscriminator().eval()
    picture = torch.zeros(1, 3, 128, 128, requires_grad=True)
    discriminator(picture)[0, 0, 8, 8].backward()
    rows = picture.grad.abs().sum(dim=(0, 1, 3)).nonzero()
    assert rows.max() - rows.min() + 1 == 54
