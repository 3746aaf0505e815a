"""cnn/feature_statistics.py."""

from __future__ import annotations

import pytest
import torch

from synthviz.cnn.feature_statistics import channel_statistics, normalize_maps, strongest_channels


def test_a_few_strong_places_do_not_leave_all_others_dark():
    maps = torch.rand(1, 1, 100, 100, generator=torch.Generator().manual_seed(0))
    strong = maps.clone()
    strong[0, 0, :3, 0] = 50
    images = normalize_maps(strong).images
    assert (images == 1).float().mean().item() == pytest.approx(0.01, abs=0.001)
    assert (images - normalize_maps(maps).images).abs().mean() < 0.01


def test_normalize_maps_scales_each_map_or_marks_it():
    maps = torch.zeros(7, 2, 2)
    maps[0] = torch.tensor([[1.0, 2.0], [3.0, 5.0]])
    maps[2] = 4.0
    maps[3, 0, 0] = float("nan")
    maps[4, 1, 1] = float("inf")
    maps[5] = torch.tensor([[-3e38, 3e38], [0.0, 0.0]])
    maps[6] = torch.tensor([[0.0, 1e-30], [0.0, 0.0]])
    normalized = normalize_maps(maps[None])
    assert normalized.status == ("ok", "silent", "constant", "not finite", "not finite", "ok", "ok")
    assert normalized.images.dtype == torch.float32
    assert torch.equal(normalized.images[0], torch.tensor([[0.0, 0.25], [0.5, 1.0]]))
    assert normalized.images[1:5].count_nonzero() == 0
    assert torch.equal(normalized.images[5], torch.tensor([[0.0, 1.0], [0.5, 0.5]]))
    assert normalized.images[6].max() == 1


def test_normalize_maps_does_not_change_its_input():
    maps = torch.rand(3, 4, 4)
    kept = maps.clone()
    normalize_maps(maps)
    assert torch.equal(maps, kept)


@pytest.mark.parametrize("shape", [(2, 3, 4, 4), (4, 4), (0, 4, 4)])
def test_wrong_shapes_are_rejected(shape):
    with pytest.raises(ValueError, match=r"\(C, H, W\)"):
        normalize_maps(torch.zeros(shape))
    with pytest.raises(ValueError, match=r"\(C, H, W\)"):
        channel_statistics(torch.zeros(shape))


def test_channel_statistics():
    maps = torch.zeros(1, 4, 2, 2)
    maps[0, 1] = torch.tensor([[0.0, 2.0], [0.0, 0.0]])
    maps[0, 2] = 1.0
    statistics = channel_statistics(maps)
    assert statistics.mean.tolist() == [0, 0.5, 1, 0]
    assert statistics.active_share.tolist() == [0, 0.25, 1, 0]
    assert statistics.silent_share == 0.5


def test_strongest_channels_are_sorted_by_their_means():
    maps = torch.tensor([0.1, 3.0, 0.0, 2.0])[None, :, None, None].expand(1, 4, 2, 2)
    assert strongest_channels(maps, 3) == [1, 3, 0]
