"""Small things count more."""

from __future__ import annotations

import pytest
import torch

from synthviz.world.labels import THINGS
from training.diffusion_losses import weigh_cells


def test_small_things_and_their_neighbours_weigh_more_in_the_loss():
    layouts = torch.zeros(2, 8, 8, dtype=torch.long)
    layouts[0, 4, 4] = THINGS.index("boat")
    weights = weigh_cells(layouts, small_thing_weight=3.0)
    assert weights.shape == (2, 1, 8, 8)
    assert weights.mean().item() == pytest.approx(1)
    assert (weights[0, 0, 3:6, 3:6] / weights[0, 0, 0, 0]).unique().tolist() == pytest.approx([3.0])
    assert weights[1].unique().numel() == 1
