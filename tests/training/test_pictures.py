"""The montage and the gallery of pictures.py."""

from __future__ import annotations

import numpy as np
from PIL import Image

from training.pictures import make_gallery, make_montage

COLORS = ("red", "lime", "blue")


def squares() -> list[Image.Image]:
    return [Image.new("RGB", (64, 64), color) for color in COLORS]


def test_a_montage_keeps_the_order_of_the_pictures():
    montage = make_montage(squares(), columns=2, side=10, gap=2)
    assert montage.size == (22, 22)
    assert [montage.getpixel(where) for where in ((5, 5), (17, 5), (5, 17), (17, 17))] == [
        (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255),
    ]  # fmt: skip


def test_a_gallery_has_each_prompt_above_its_pictures():
    gallery = make_gallery({"a boat": squares(), "a very different boat": squares()}, side=100, gap=4)
    rows = np.asarray(gallery).astype(int)
    assert gallery.width == 308
    top = next(row for row in range(len(rows)) if (rows[row, 50] == (255, 0, 0)).all())
    assert (rows[:top] < 128).any()  # the prompt
    assert (rows[top : top + 100, 50] == (255, 0, 0)).all()
    assert (rows[top + 20, 204 + 50 + 4] == (0, 0, 255)).all()
