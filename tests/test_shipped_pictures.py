"""shipped_pictures.py: there is always a picture, and it says why it is this one."""

from __future__ import annotations

import os

import pytest
from PIL import Image

from synthviz import shipped_pictures
from synthviz.shipped_pictures import choose_picture


def test_at_least_three_ship_with_their_own_records():
    pictures = shipped_pictures.open_shipped_pictures()
    assert len(pictures) >= 3
    for image, record in pictures:
        assert image.mode == "RGB"
        assert record["prompt"]
        assert isinstance(record["seed"], int)
        assert record["ai_generated"] is True


def test_nothing_generated_yet_takes_a_shipped_one_and_says_so(tmp_path):
    chosen = choose_picture("", tmp_path)
    assert chosen.shipped
    assert "ships with synthviz" in chosen.reason
    assert str(tmp_path) not in chosen.reason


def test_this_runs_first_picture_comes_before_a_shipped_one(tmp_path):
    for number in (10, 2):
        Image.new("RGB", (8, 8)).save(tmp_path / f"generated_image_{number}.png")
    chosen = choose_picture("", tmp_path)
    assert chosen.path.name == "generated_image_2.png"
    assert not chosen.shipped


def test_a_named_picture_comes_first(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "generated_image_1.png")
    chosen = choose_picture(str(tmp_path / "holiday.jpg"), tmp_path)
    assert chosen.path.name == "holiday.jpg"
    assert chosen.reason == "Using your picture holiday.jpg."


@pytest.mark.skipif(os.name == "nt", reason="such names cannot be there")
def test_a_generated_pictures_name_steers_no_terminal(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "generated_image_\x1b[31m\n1.png")
    assert choose_picture("", tmp_path).reason == r"Using generated_image_\x1b[31m\n1.png, generated in this run."


def test_an_installation_without_pictures_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(shipped_pictures, "FOLDER", tmp_path)
    with pytest.raises(FileNotFoundError, match="came with this installation"):
        choose_picture("", tmp_path)
