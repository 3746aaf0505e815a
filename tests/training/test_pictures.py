"""The montage and the gallery of pictures.py."""

from __future__ import annotations

import numpy as np
from PIL import Image

from training.pictures import make_gallery, make_hero, make_montage

COLORS = ("red", "lime", "blue")


def squares() -> list[Image.Image]:
    return [Image.new("RGB", (64, 64), color) for color in COLORS]


def test_a_montage_keeps_the_order_of_the_pictures():
    montage = make_montage(squares(), columns=2, side=10, gap=2)
    assert montage.size == (22, 22)
    assert [montage.getpixel(where) for where in ((5, 5), (17, 5), (5, 17), (17, 17))] == [
        (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255),
    ]  # fmt: skip


def test_the_hero_has_each_prompt_below_its_picture():
    prompts = ("a boat", "a boat under a long row of very white clouds", "a balloon")
    hero = make_hero(dict(zip(prompts, squares(), strict=True)), columns=2, side=200, gap=4)
    pixels = np.asarray(hero).astype(int)
    assert hero.width == 408
    row = hero.height // 2
    for left, top, color in ((0, 0, (255, 0, 0)), (208, 0, (0, 255, 0)), (0, row, (0, 0, 255))):
        assert (pixels[top : top + 200, left : left + 200] == color).all()
        assert (pixels[top + 200 : top + row, left : left + 200] < 128).any()
    assert (pixels[row:, 208:] == 255).all()


def test_a_gallery_has_each_prompt_above_its_pictures():
    gallery = make_gallery({"a boat": squares(), "a very different boat": squares()}, side=100, gap=4)
    rows = np.asarray(gallery).astype(int)
    assert gallery.width == 308
    top = next(row for row in range(len(rows)) if (rows[row, 50] == (255, 0, 0)).all())
    assert (rows[:top] < 128).any()  # the prompt
    assert (rows[top : top + 100, 50] == (255, 0, 0)).all()
    assert (rows[top + 20, 204 + 50 + 4] == (0, 0, 255)).all()
