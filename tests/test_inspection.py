"""What `python -m synthviz inspect` says of pictures, ours and others'."""

from __future__ import annotations

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from synthviz.__main__ import main
from synthviz.inspection import InspectionError, describe_picture
from synthviz.records import write_png

RECORD = {"ai_generated": True, "prompt": "a \x1b[31mred\x1b[0m boat\nü", "seed": 7, "notes": ["black"], "model": None}


@pytest.fixture
def picture(tmp_path):
    return write_png(tmp_path / "ours.png", Image.new("RGB", (8, 6)), RECORD)


def test_ours_say_all_of_their_record(picture):
    said = describe_picture(picture)
    assert "ours.png: 8×6 pixels, PNG" in said
    assert "labelled as made by AI (IPTC digital source type): yes" in said
    assert "seed: 7" in said
    assert "notes: ['black']" in said
    assert "model" not in said


def test_a_terminal_is_not_steered(picture):
    said = describe_picture(picture)
    assert "\x1b" not in said
    assert r"prompt: a \x1b[31mred\x1b[0m boat\nü" in said


def test_the_label_survives_saving_and_opening_again(picture, tmp_path):
    from PIL import Image

    with Image.open(picture) as image:
        info = PngInfo()
        for name, value in image.info.items():
            info.add_itxt(name, str(value))
        image.save(tmp_path / "again.png", pnginfo=info)
    assert "(IPTC digital source type): yes" in describe_picture(tmp_path / "again.png")


def test_others_say_what_they_have(tmp_path):
    info = PngInfo()
    info.add_text("parameters", "a cat\nSteps: 20")
    Image.new("L", (3, 3)).save(tmp_path / "other.png", pnginfo=info)
    said = describe_picture(tmp_path / "other.png")
    assert "digital source type): no" in said
    assert "synthviz's record: none" in said
    assert r"parameters: a cat\nSteps: 20" in said


def test_what_is_no_picture_is_one_sentence(tmp_path, capsys):
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(InspectionError, match=r"text\.png cannot be inspected: it is not a picture"):
        describe_picture(tmp_path / "text.png")
    assert main(["inspect", str(tmp_path / "none.png")]) == 1
    assert capsys.readouterr().err == "error: none.png cannot be inspected: No such file or directory\n"
