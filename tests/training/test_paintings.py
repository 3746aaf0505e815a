"""Painted training sets are complete, deterministic, and go on where painting stopped."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from synthviz.scenes import PLACES, Group, Painting, Scene
from synthviz.world.labels import THINGS
from training.paintings import LAYOUT_CLASSES, coarse_layout, load_paintings, paint_training_set


def test_paintings_are_complete_and_deterministic(paintings_dir, tmp_path):
    paintings = load_paintings(paintings_dir)
    assert paintings.images.shape == (24, 64, 64, 3)
    assert all(len(captions) == 4 for captions in paintings.captions)
    assert set(paintings.places) <= set(range(len(PLACES)))
    assert [scene["place"] for scene in paintings.scenes] == [PLACES[place] for place in paintings.places]
    assert paintings.layouts.shape == (24, 8, 8)
    assert paintings.layouts.max() < LAYOUT_CLASSES
    paint_training_set(tmp_path, count=4, size=64, processes=1)
    fewer = load_paintings(tmp_path)
    assert np.array_equal(fewer.images, paintings.images[:4])
    assert np.array_equal(fewer.layouts, paintings.layouts[:4])
    assert fewer.captions == paintings.captions[:4]


def test_processes_for_another_device_paint_the_same(paintings_dir, tmp_path):
    paint_training_set(tmp_path, count=2, size=64, processes=1, device="cpu")
    assert np.array_equal(load_paintings(tmp_path).images, load_paintings(paintings_dir).images[:2])


def test_painting_goes_on_where_it_was_interrupted(paintings_dir, tmp_path):
    paint_training_set(tmp_path, count=24, size=64, processes=1)
    lines = (tmp_path / "scenes.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "scenes.jsonl").write_text("".join(lines[:20]) + lines[20][:30])  # cut off in a line
    images = np.lib.format.open_memmap(tmp_path / "images.npy", "r+")
    images[20:] = 0
    images.flush()
    assert len(load_paintings(tmp_path).images) == 20
    paint_training_set(tmp_path, count=24, size=64, processes=1)
    whole, resumed = load_paintings(paintings_dir), load_paintings(tmp_path)
    assert np.array_equal(whole.images, resumed.images)
    assert whole.captions == resumed.captions
    with pytest.raises(ValueError, match=r"\(24, 64, 64, 3\), not \(30"):
        paint_training_set(tmp_path, count=30, size=64)


def test_both_worlds_can_be_painted_from_a_process_that_has_used_torch(tmp_path):
    torch.rand(400, 400) @ torch.rand(400, 400)
    for world in ("flat", "light"):
        paint_training_set(tmp_path / world, count=4, size=64, processes=2, world=world)
    flat, light = (load_paintings(tmp_path / world) for world in ("flat", "light"))
    assert light.images.std() > 10
    assert not np.array_equal(flat.images, light.images)
    assert all(scene["style"] != "natural" for scene in flat.scenes)
    assert light.layouts.max() < LAYOUT_CLASSES


def test_layouts_name_the_largest_thing_per_cell_and_prefer_counted_things():
    labels = np.full((16, 16), THINGS.index("sky"))
    labels[8:] = THINGS.index("place")
    labels[:8, :3] = THINGS.index("bird")  # 3 of 8 columns: less than the sky beside it
    labels[8:, 8:10] = THINGS.index("tree")  # 2 of 8: too little
    masks = {THINGS[index]: labels == index for index in np.unique(labels)}
    scene = Scene("forest", "day", things=(Group("bird", "red", 2), Group("tree", "green", 2)))
    layout = coarse_layout(Painting(scene, np.zeros((16, 16, 3), np.uint8), masks))
    forest = len(THINGS) + PLACES.index("forest")
    assert layout.tolist() == [[THINGS.index("bird"), THINGS.index("sky")], [forest, forest]]
