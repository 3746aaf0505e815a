"""Crops, errors and edges are right, and sharpening leaves the encoder alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from training.autoencoder import AutoencoderTraining, edges, psnr, random_crops, train_autoencoder

MOMENT = 0.03  # minutes


def test_edges_are_slopes():
    ramp = torch.arange(8.0).expand(1, 1, 8, 8)  # rises by 1 from column to column
    slopes = edges(ramp)
    assert torch.allclose(slopes[:, 0], torch.tensor(1.0))
    assert torch.allclose(slopes[:, 1], torch.tensor(0.0))


def test_psnr_of_a_constant_error():
    images = np.full((2, 8, 8, 3), 100, np.uint8)
    assert psnr(images + 1, images) == pytest.approx(20 * np.log10(255))


def test_crops_of_small_pictures_are_whole_pictures():
    images = torch.arange(2 * 8 * 8 * 3, dtype=torch.uint8).reshape(2, 8, 8, 3)
    assert random_crops(images, 3, 128, torch.Generator()).shape == (3, 3, 8, 8)


def test_crops_are_parts_of_pictures_some_of_them_mirrored():
    images = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), dtype=np.uint8))
    parts = images.unfold(1, 6, 1).unfold(2, 6, 1).flatten(0, 2).float() / 127.5 - 1  # (many, 3, 6, 6)
    crops = random_crops(images, 40, 6, torch.Generator().manual_seed(1))
    as_painted, mirrored = (
        [any(torch.equal(crop, part) for part in parts) for crop in several] for several in (crops, crops.flip(3))
    )
    assert all(one != other for one, other in zip(as_painted, mirrored, strict=True))
    assert 8 < sum(mirrored) < 32


def test_sharpening_leaves_the_latents_as_they_are(paintings_dir, tmp_path):
    before = train_autoencoder(paintings_dir, tmp_path, AutoencoderTraining(minutes=MOMENT)).state_dict()
    settings = AutoencoderTraining(minutes=3 * MOMENT, adversarial_start=0.0, sharpening_start=0.0)
    after = train_autoencoder(paintings_dir, tmp_path, settings).state_dict()
    changed = {name for name, value in after.items() if not torch.equal(value, before[name])}
    assert changed
    assert all(name.startswith("decoder.") for name in changed)
