"""A painting is exposed and developed like a photograph."""

from __future__ import annotations

import torch

from synthviz.world.exposure import develop


def test_developing_widens_a_dull_picture_and_keeps_a_full_one():
    dull = torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(0)) * 0.2 + 0.4
    ramp = torch.linspace(0.02, 1, 64).expand(3, 64, 64)
    widened = develop(dull, "day")
    assert float(widened.mean(0).std()) > 1.5 * float(dull.mean(0).std())
    assert torch.allclose(develop(ramp, "day"), ramp, atol=0.03)


def test_developing_keeps_the_drawing_of_the_moon():
    night = torch.full((3, 128, 128), 0.1)
    night[:, 40:50, 40:50] = torch.linspace(0.85, 0.98, 10)
    developed = develop(night, "night")
    moon = developed[0, 45, 40:50]
    assert float(developed[0, 100, 100]) > 0.15
    assert bool((moon.diff() > 0.001).all())
