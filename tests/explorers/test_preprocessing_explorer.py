"""The preprocessing explorer, driven through its widgets without a browser."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import synthviz
from synthviz.explorers import PreprocessingExplorer
from synthviz.explorers.preprocessing import CONTOUR, HEATMAP, SURFACE
from synthviz.shipped_pictures import shipped_pictures

WAIT = 30  # seconds


@pytest.fixture
def explorer(tmp_path):
    explorer = PreprocessingExplorer(tmp_path)
    assert explorer.background.wait(WAIT)
    return explorer


def shown(image) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(image.value)).convert("RGB"))


def upload(explorer, name: str, content: bytes) -> None:
    file = {"name": name, "content": memoryview(content), "type": "image/png", "size": len(content)}
    explorer.upload.value = ({**file, "last_modified": datetime.now(UTC)},)
    assert explorer.background.wait(WAIT)


def png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def test_the_first_shipped_picture_is_chosen_at_the_start(explorer):
    expected = synthviz.preprocess_image(shipped_pictures()[0]).tensor[0, 0].numpy()
    assert explorer.picture.value == str(shipped_pictures()[0])
    assert np.array_equal(explorer._values(), expected)
    assert all("<b>" in text.value for _, text in explorer.stages)


def test_the_settings_of_the_notebook_are_used(tmp_path):
    linear = PngInfo()
    linear.add(b"gAMA", (100_000).to_bytes(4, "big"))
    Image.new("RGB", (8, 8), (50, 100, 150)).save(tmp_path / "linear.png", pnginfo=linear)
    explorer = PreprocessingExplorer(tmp_path, tmp_path / "linear.png", max_pixels=64, color_managed=True)
    assert explorer.background.wait(WAIT)
    expected = synthviz.preprocess_image(tmp_path / "linear.png", color_managed=True).tensor[0, 0].numpy()
    assert np.array_equal(explorer._values(), expected)
    explorer.picture.value = str(shipped_pictures()[0])
    assert explorer.background.wait(WAIT)
    assert "64 pixels" in explorer.message.value or "max_pixels" in explorer.message.value


def test_pictures_of_the_run_come_before_shipped_ones(tmp_path):
    for number in (1, 2, 10):
        Image.new("RGB", (8, 8)).save(tmp_path / f"generated_image_{number}.png")
    explorer = PreprocessingExplorer(tmp_path, tmp_path / "my <b>.png")
    labels = [label for label, _ in explorer.picture.options]
    assert labels[:2] == ["yours: my <b>.png", "this run: generated_image_1.png"]
    assert labels[3] == "this run: generated_image_10.png"
    explorer.background.wait(WAIT)
    assert "there is no such file" in explorer.message.value
    assert "<b>.png" not in explorer.message.value


def test_the_controls_set_the_parameters_of_preprocess_image(explorer):
    explorer.side.value, explorer.fit.value, explorer.interpolation.value = 64, "crop", "nearest"
    explorer.red.value, explorer.green.value, explorer.blue.value = 0.5, 0.0, 0.5
    assert explorer.background.wait(WAIT)
    expected = synthviz.preprocess_image(
        explorer.picture.value, size=64, fit="crop", interpolation="nearest", grey_weights=(0.5, 0, 0.5)
    )
    assert np.array_equal(explorer._values(), expected.tensor[0, 0].numpy())
    assert explorer.row.max == explorer.column.max == 63


def test_shares_that_are_all_0_are_reported(explorer):
    explorer.red.value = explorer.green.value = explorer.blue.value = 0
    assert "all 0" in explorer.message.value


def test_the_caption_of_each_view_explains_its_colours(explorer):
    captions = set()
    for view in (CONTOUR, SURFACE, HEATMAP):
        explorer.view.value = view
        captions.add(explorer.view_caption.value)
        assert "dark violet" in explorer.view_caption.value
        assert "yellow" in explorer.view_caption.value
    assert len(captions) == 3


def test_black_is_violet_and_white_is_yellow_as_the_caption_says(explorer):
    upload(explorer, "gradient.png", png(Image.linear_gradient("L").resize((224, 224))))
    top, bottom = shown(explorer.view_image)[[5, -5], 5].astype(int)
    assert top[2] > top[1] + 40  # black is dark violet
    assert min(bottom[0], bottom[1]) > bottom[2] + 100  # white is yellow


@pytest.mark.parametrize("view", [HEATMAP, CONTOUR, SURFACE])
def test_views_are_not_blank_and_differ(explorer, view):
    explorer.view.value = view
    picture = shown(explorer.view_image)
    assert picture.std() > 10
    for other in {HEATMAP, CONTOUR, SURFACE} - {view}:
        explorer.view.value = other
        assert not np.array_equal(shown(explorer.view_image), picture)


def test_the_surface_can_be_turned(explorer):
    explorer.view.value = SURFACE
    before = shown(explorer.view_image)
    explorer.azimuth.value += 40
    assert not np.array_equal(shown(explorer.view_image), before)
    assert not explorer.azimuth.disabled
    explorer.view.value = HEATMAP
    assert explorer.azimuth.disabled


def test_the_numbers_around_a_pixel_are_shown(explorer):
    explorer.row.value, explorer.column.value = 0, 223
    value = explorer._values()[0, 223]
    assert f"Row 0, column 223: {value:.3f}" in explorer.numbers.value
    assert explorer.numbers.value.count("<td") == 4 * 4  # 4 rows and 4 columns remain at a corner


def test_an_uploaded_picture_is_preprocessed(explorer):
    upload(explorer, "holiday.PNG", png(Image.new("RGB", (20, 10), (255, 255, 255))))
    assert explorer.picture.options[-1][0] == "yours: holiday.PNG"
    assert (explorer._values() == 1).all()
    assert "blank" in explorer.message.value


@pytest.mark.parametrize("name", ["../../etc/passwd.png", "C:\\x\\nul.png", "", "a\0b.p\0g", "<script>.png"])
def test_uploads_with_any_name_stay_in_the_temporary_folder(explorer, name):
    before = len(explorer.picture.options)
    upload(explorer, name, png(Image.new("L", (4, 4), 128)))
    assert len(explorer.picture.options) == before + 1
    assert explorer.picture.value.startswith(explorer._uploads.name)
    assert "<script>" not in explorer.message.value


def test_a_file_that_is_not_a_picture_is_reported_in_one_sentence(explorer):
    upload(explorer, "notes.png", b"not a picture")
    assert "⚠" in explorer.message.value
    assert "not a picture" in explorer.message.value
    assert "Traceback" not in explorer.message.value


def test_a_bad_file_replaces_the_picture_before_it(explorer):
    finished = explorer.stages[0][0].value
    upload(explorer, "notes.png", b"not a picture")
    assert all(image.value != finished and text.value == "" for image, text in explorer.stages)
    assert explorer.numbers.value == explorer.verdict.value == ""
    explorer.picture.value = str(shipped_pictures()[0])
    assert explorer.background.wait(WAIT)
    assert explorer.stages[0][0].value == finished


def test_kept_pictures_can_be_chosen(tmp_path):
    Image.new("RGB", (8, 8), (90, 20, 200)).save(tmp_path / "kept_picture_1.png")
    explorer = PreprocessingExplorer(tmp_path)
    assert ("kept: kept_picture_1.png", str(tmp_path / "kept_picture_1.png")) in explorer.picture.options
    assert explorer.background.wait(WAIT)


def test_the_network_says_what_it_takes_the_picture_for(explorer):
    prediction = synthviz.cnn.predict(synthviz.SceneCNN.pretrained(), explorer._loaded)
    assert prediction.class_name in explorer.verdict.value
    explorer.side.value = 64
    assert explorer.background.wait(WAIT)
    assert "224" in explorer.verdict.value


def test_sliders_for_the_pixel_are_new_when_the_side_changes(explorer):
    before = explorer.row
    explorer.side.value = 300
    assert explorer.background.wait(WAIT)
    assert explorer.row is not before
    assert explorer.row.max == explorer.column.max == 299
    explorer.row.value = 299
    assert "Row 299" in explorer.numbers.value


def test_a_full_disk_is_reported(explorer, monkeypatch):
    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    upload(explorer, "holiday.png", png(Image.new("L", (4, 4), 128)))
    assert "⚠" in explorer.message.value
    assert "No space left on device" in explorer.message.value


def test_an_error_while_drawing_a_view_is_reported(explorer, monkeypatch):
    monkeypatch.setattr("synthviz.explorers.preprocessing.contour_view", lambda tensor: 1 / 0)
    explorer.view.value = CONTOUR
    assert "⚠ division by zero." in explorer.message.value
