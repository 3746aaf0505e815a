"""The lines of `python -m synthviz inspect`, for pictures of synthviz and of other programs."""

from __future__ import annotations

import os

import pytest
from handmade_pictures import chunk
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from synthviz.__main__ import main
from synthviz.inspection import NOT_READ, InspectionError, describe_picture
from synthviz.records import AI_MADE_XMP, write_png

RECORD = {"ai_generated": True, "prompt": "a \x1b[31mred\x1b[0m boat\nü", "seed": 7, "notes": ["black"], "model": None}


@pytest.fixture
def picture(tmp_path):
    return write_png(tmp_path / "ours.png", Image.new("RGB", (8, 6)), RECORD)


def test_all_of_a_synthviz_record_is_shown(picture):
    text = describe_picture(picture)
    assert "ours.png: 8×6 pixels, PNG" in text
    assert "labelled as made by AI (IPTC digital source type): yes" in text
    assert "seed: 7" in text
    assert "notes: ['black']" in text
    assert "model" not in text


def test_control_characters_are_shown_as_their_codes(picture):
    text = describe_picture(picture)
    assert "\x1b" not in text
    assert r"prompt: a \x1b[31mred\x1b[0m boat\nü" in text


def test_the_label_survives_saving_and_opening_again(picture, tmp_path):
    with Image.open(picture) as image:
        info = PngInfo()
        for name, value in image.info.items():
            info.add_itxt(name, str(value))
        image.save(tmp_path / "again.png", pnginfo=info)
    assert "(IPTC digital source type): yes" in describe_picture(tmp_path / "again.png")


def after_the_pixels(content: bytes, *texts: tuple[str, str]) -> bytes:
    """Return a PNG with more texts just before its end, where some programs write them."""
    chunks = [chunk(b"iTXt", key.encode() + b"\0\0\0\0\0" + text.encode()) for key, text in texts]
    return content[:-12] + b"".join(chunks) + content[-12:]


def test_labels_after_the_pixels_are_read(tmp_path):
    Image.new("L", (300, 300)).save(tmp_path / "plain.png")
    plain = (tmp_path / "plain.png").read_bytes()
    texts = [("XML:com.adobe.xmp", AI_MADE_XMP), ("synthviz", '{"prompt": "a boat"}')]
    (tmp_path / "after.png").write_bytes(after_the_pixels(plain, *texts))
    assert "(IPTC digital source type): no" in describe_picture(tmp_path / "plain.png")
    text = describe_picture(tmp_path / "after.png")
    assert "(IPTC digital source type): yes" in text
    assert "prompt: a boat" in text


def test_unread_trailing_labels_are_not_reported_as_absent(tmp_path, monkeypatch, picture):
    Image.effect_noise((300, 300), 50).save(tmp_path / "cut.png")
    whole = (tmp_path / "cut.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    assert f"(IPTC digital source type): {NOT_READ}" in describe_picture(tmp_path / "cut.png")
    monkeypatch.setattr("synthviz.inspection.MAX_PIXELS", 40)  # the picture has 8×6
    text = describe_picture(picture)
    assert "(IPTC digital source type): yes" in text  # this label comes before the pixels
    (tmp_path / "large.png").write_bytes(after_the_pixels(whole, ("XML:com.adobe.xmp", AI_MADE_XMP)))
    text = describe_picture(tmp_path / "large.png")
    assert f"(IPTC digital source type): {NOT_READ}" in text
    assert f"synthviz's record: {NOT_READ}" in text


def test_the_parameters_of_other_programs_are_shown(tmp_path):
    info = PngInfo()
    info.add_text("parameters", "a cat\nSteps: 20")
    Image.new("L", (3, 3)).save(tmp_path / "other.png", pnginfo=info)
    text = describe_picture(tmp_path / "other.png")
    assert "digital source type): no" in text
    assert "synthviz's record: none" in text
    assert r"parameters: a cat\nSteps: 20" in text


def test_a_file_that_is_not_a_picture_is_an_error_of_one_line(tmp_path, capsys):
    (tmp_path / "text.png").write_text("not a picture")
    with pytest.raises(InspectionError, match=r"text\.png .*not a picture"):
        describe_picture(tmp_path / "text.png")
    assert main(["inspect", str(tmp_path / "none.png")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: none.png ")
    assert "No such file" in line


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such pipes")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(InspectionError, match=r"pipe\.png .*no file of a disk"):
        describe_picture(tmp_path / "pipe.png")
