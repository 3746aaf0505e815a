"""What `python -m synthviz inspect` says of pictures, ours and others'."""

from __future__ import annotations

import pytest
from handmade_pictures import chunk
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from synthviz.__main__ import main
from synthviz.inspection import InspectionError, describe_picture
from synthviz.records import AI_MADE_XMP, write_png

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


def after_the_pixels(content: bytes, *texts: tuple[str, str]) -> bytes:
    """A PNG with more texts just before its end, where some programs put them."""
    chunks = [chunk(b"iTXt", key.encode() + b"\0\0\0\0\0" + text.encode()) for key, text in texts]
    return content[:-12] + b"".join(chunks) + content[-12:]


def test_labels_after_the_pixels_count(tmp_path):
    Image.new("L", (300, 300)).save(tmp_path / "plain.png")
    plain = (tmp_path / "plain.png").read_bytes()
    texts = [("XML:com.adobe.xmp", AI_MADE_XMP), ("synthviz", '{"prompt": "a boat"}')]
    (tmp_path / "after.png").write_bytes(after_the_pixels(plain, *texts))
    assert "(IPTC digital source type): no" in describe_picture(tmp_path / "plain.png")
    said = describe_picture(tmp_path / "after.png")
    assert "(IPTC digital source type): yes" in said
    assert "prompt: a boat" in said


def test_an_end_that_is_not_read_is_no_no(tmp_path, monkeypatch, picture):
    Image.effect_noise((300, 300), 50).save(tmp_path / "cut.png")
    whole = (tmp_path / "cut.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    assert "(IPTC digital source type): not in what could be read of it" in describe_picture(tmp_path / "cut.png")
    monkeypatch.setattr("synthviz.inspection.MOST_PIXELS", 40)  # of 8×6
    said = describe_picture(picture)
    assert "(IPTC digital source type): yes" in said  # it stands before the pixels
    (tmp_path / "large.png").write_bytes(after_the_pixels(whole, ("XML:com.adobe.xmp", AI_MADE_XMP)))
    said = describe_picture(tmp_path / "large.png")
    assert "(IPTC digital source type): not in what could be read of it" in said
    assert "synthviz's record: not in what could be read of it" in said


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
