"""Latents are kept for their paintings only, and shrink with their layouts."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from synthviz.world.labels import THINGS
from training.autoencoder import build_autoencoder
from training.latents import encode_paintings, load_latents, shrink


def test_latents_of_other_paintings_are_refused(tmp_path):
    torch.save(torch.zeros(3, 8, 1, 1), tmp_path / "latents.pt")
    with pytest.raises(ValueError, match="3 paintings, not of 2"):
        load_latents(tmp_path, tmp_path, np.zeros((2, 8, 8, 3), np.uint8), torch.device("cpu"))


def test_latents_of_added_paintings_join_those_in_the_folder(tmp_path):
    autoencoder = build_autoencoder()
    autoencoder.save_pretrained(tmp_path / "vae")
    images = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), np.uint8)
    first = load_latents(tmp_path, tmp_path / "vae", images[:1], torch.device("cpu"))
    torch.save(first + 100, tmp_path / "latents.pt")  # so that it shows whether they are encoded again
    grown = load_latents(tmp_path, tmp_path / "vae", images, torch.device("cpu"))
    anew = encode_paintings(autoencoder, images, torch.device("cpu"))
    torch.testing.assert_close(grown, torch.cat([first + 100, anew[1:]]), atol=1e-2, rtol=1e-2)
    assert torch.equal(torch.load(tmp_path / "latents.pt"), grown)


def test_shrunk_layouts_keep_small_things():
    bird, sky, place = THINGS.index("bird"), THINGS.index("sky"), len(THINGS)
    layouts = torch.full((1, 4, 4), sky)
    layouts[0, 2:] = place
    layouts[0, 1, 2] = bird
    latents = torch.arange(16.0).reshape(1, 1, 4, 4)
    small, shrunk = shrink(latents, layouts)
    assert shrunk.tolist() == [[[sky, bird], [place, place]]]
    assert small.flatten().tolist() == [2.5, 4.5, 10.5, 12.5]
