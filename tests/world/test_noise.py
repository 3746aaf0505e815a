"""noise.py: no seam, right statistics, slopes that are slopes, and nothing finer than a pixel."""

from __future__ import annotations

import pytest
import torch

from synthviz.world.noise import CELLS, Noise, smoothstep


@pytest.fixture(scope="module")
def noise():
    return Noise(torch.Generator().manual_seed(5))


def test_it_has_no_seam(noise):
    across = torch.linspace(-0.05, 0.05, 101)
    along = torch.linspace(0, CELLS, 57)
    x, y = torch.meshgrid(across, along, indexing="ij")
    for first, second in ((x, y), (y, x), (x + CELLS, y)):
        steps = noise.value(first, second).diff(dim=0).abs()
        assert steps.max() < 0.02
    assert torch.allclose(noise.value(x, y), noise.value(x + CELLS, y - CELLS), atol=1e-3)


def test_its_mean_is_0_and_its_deviation_1(noise):
    points = torch.rand(2, 1, 20_000, generator=torch.Generator().manual_seed(1)) * CELLS
    values = noise.value(points[0], points[1])
    assert abs(values.mean()) < 0.05
    assert values.std().item() == pytest.approx(1, abs=0.05)


def test_its_slopes_are_its_slopes(noise):
    x, y = torch.rand(2, 1, 500, generator=torch.Generator().manual_seed(2)) * CELLS
    _, slope_x, slope_y = noise.value_and_slopes(x, y)
    step = 0.06
    for slope, right, up in ((slope_x, step, 0.0), (slope_y, 0.0, step)):
        measured = (noise.value(x + right, y + up) - noise.value(x - right, y - up)) / (2 * step)
        assert (slope - measured).abs().mean() < 0.12
        assert torch.corrcoef(torch.stack([slope[0], measured[0]]))[0, 1] > 0.98


def test_octaves_finer_than_a_pixel_disappear(noise):
    x = torch.linspace(0, 40, 4000)[None]
    y = torch.zeros_like(x)
    near = noise.fbm(x, y, 8, pixel=torch.full_like(x, 0.001))
    far = noise.fbm(x, y, 8, pixel=torch.full_like(x, 0.3))
    assert far.diff().abs().mean() < 0.25 * near.diff().abs().mean()


def test_smoothstep():
    values = smoothstep(1.0, 3.0, torch.tensor([0.0, 1.0, 2.0, 3.0, 4.0]))
    assert values.tolist() == [0.0, 0.0, 0.5, 1.0, 1.0]
    assert smoothstep(3.0, 1.0, torch.tensor([0.0, 4.0])).tolist() == [1.0, 0.0]
