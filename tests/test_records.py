"""records.py: files whole or not at all, records that survive, results that reach the manifest."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from synthviz import records


def picture() -> Image.Image:
    return Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3))


@pytest.mark.parametrize(
    "prompt", ["a boat", "ein Böötchen 🚤", "line\nbreak", "nul\0inside", "lone \ud800 surrogate", "<b>&amp;"]
)
def test_a_record_survives_in_the_png(tmp_path, prompt):
    record = {"prompt": prompt, "seed": 7, "steps": 4, "ai_generated": True}
    path = records.write_png(tmp_path / "a.png", picture(), record)
    assert records.read_record(path) == record
    with Image.open(path) as image:
        assert np.array_equal(np.asarray(image), np.asarray(picture()))
        assert "Seed: 7" in image.info["parameters"]
        assert "trainedAlgorithmicMedia" in str(image.info["XML:com.adobe.xmp"])


def test_a_picture_not_made_by_a_model_does_not_say_so(tmp_path):
    path = records.write_png(tmp_path / "a.png", picture(), {"ai_generated": False})
    with Image.open(path) as image:
        assert "XML:com.adobe.xmp" not in image.info


def test_a_foreign_picture_has_no_record(tmp_path):
    picture().save(tmp_path / "a.png")
    assert records.read_record(tmp_path / "a.png") is None


def test_the_same_picture_gives_the_same_bytes(tmp_path):
    first, second = (records.write_png(tmp_path / name, picture(), {"seed": 1}) for name in ("a.png", "b.png"))
    assert first.read_bytes() == second.read_bytes()


def test_reported_results_are_found_again(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    records.report("prediction", {"class_name": "city"})
    records.report("prediction", {"class_name": "forest"})
    cells = [{"outputs": [{"data": data} for data in shown]}, {"outputs": [{"name": "stdout"}]}, {}]
    assert records.reported_results(cells) == {"prediction": {"class_name": "forest"}}
    json.dumps(shown)


def test_a_result_that_is_not_json_is_refused():
    with pytest.raises(ValueError, match="'psnr' cannot be recorded"):
        records.report("psnr", float("inf"))


@pytest.mark.parametrize("text", ["{", "[]", "[" * 100_000, "1" * 5000, None, 7])
def test_what_is_no_record_is_none(text):
    assert records.record_in({records.RECORD_KEY: text}) is None
