"""styles.py: a style changes the picture and keeps the colours of counted things."""

from __future__ import annotations

import pytest
import torch

from synthviz.world.labels import LABELS
from synthviz.world.noise import Noise
from synthviz.world.scene import STYLES
from synthviz.world.styles import apply_style

SIZE = 128


@pytest.fixture(scope="module")
def noise():
    return Noise(torch.Generator().manual_seed(1))


@pytest.fixture
def picture():
    """A blue sky over a green hill, with a red boat."""
    colors = torch.tensor([0.3, 0.5, 0.9])[:, None, None].repeat(1, SIZE, SIZE)
    depth, labels = torch.full((SIZE, SIZE), 1e9), torch.zeros(SIZE, SIZE, dtype=torch.uint8)
    colors[:, 70:] = torch.tensor([0.2, 0.5, 0.2])[:, None, None]
    depth[70:], labels[70:] = 8.0, LABELS["place"]
    colors[:, 80:110, 40:80] = torch.tensor([0.85, 0.15, 0.15])[:, None, None]
    depth[80:110, 40:80], labels[80:110, 40:80] = 4.0, LABELS["boat"]
    return colors, depth, labels


def test_the_natural_style_leaves_the_picture_alone(picture, noise):
    assert apply_style("natural", *picture, noise) is picture[0]


@pytest.mark.parametrize("style", STYLES)
def test_a_style_changes_the_picture_and_stays_in_range(picture, noise, style):
    styled = apply_style(style, *picture, noise)
    assert styled.shape == picture[0].shape
    assert torch.isfinite(styled).all()
    assert styled.min() >= 0
    assert styled.max() <= 1
    assert (styled - picture[0]).abs().mean() > 0.02


@pytest.mark.parametrize("style", STYLES)
def test_counted_things_keep_their_colour(picture, noise, style):
    boat = apply_style(style, *picture, noise)[:, 86:104, 46:74].mean((1, 2))
    red, green, blue = boat.tolist()
    assert red > 0.5
    assert red > 1.8 * max(green, blue)


@pytest.mark.parametrize("style", ["neon", "ink"])
def test_outlines_follow_the_depth_also_without_contrast(noise, style):
    grey = torch.full((3, SIZE, SIZE), 0.5)
    depth = torch.full((SIZE, SIZE), 20.0)
    depth[40:90, 40:90] = 3.0
    labels = torch.full((SIZE, SIZE), LABELS["place"], dtype=torch.uint8)
    styled = apply_style(style, grey, depth, labels, noise).mean(0)
    edge, inside = styled[60:70, 38:43], styled[60:70, 60:70]
    assert (edge - inside.mean()).abs().max() > 0.2
