"""One rule for every path that a user gives: `files.user_path`, and everything that takes a path."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import synthviz
from synthviz import files, inspection, records, shipped_pictures
from synthviz.diffusion.pipelines import ModelLoadError
from synthviz.runs.parameters import with_absolute_path


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    (tmp_path / "home").mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "home"


@pytest.mark.parametrize("kind", [str, Path])
def test_a_tilde_at_the_beginning_is_the_home_folder(home, kind):
    assert files.user_path(kind("~/x/a.png")) == home / "x" / "a.png"
    assert files.user_path(kind("~")) == home


@pytest.mark.parametrize(
    "name", ["$HOME/x", "a/~/b", "a~", "-x.png", "file:///tmp/x.png", "C:\\pictures\\x.png", "a b", "{seed}", ""]
)
def test_everything_else_stays_as_it_is_typed(name):
    assert files.user_path(name) == Path(name)


@pytest.mark.parametrize("name", ["~nobody-of-this-name/x", "./~x"])
def test_a_name_that_begins_with_a_tilde_is_kept_also_when_it_is_read_again(tmp_path, name):
    found = files.user_path(name)
    assert found == tmp_path / "here" / name
    assert files.user_path(found) == found


def test_a_relative_path_starts_from_the_given_folder(home, tmp_path):
    assert files.user_path("a.png", tmp_path) == tmp_path / "a.png"
    assert files.user_path("./~a.png", tmp_path) == tmp_path / "~a.png"
    assert files.user_path("~/a.png", tmp_path) == home / "a.png"


def test_the_library_writes_and_reads_in_the_home_folder(home):
    record = {"prompt": "a boat", "ai_generated": True, "notes": [], "fallback_reason": None}
    picture = synthviz.diffusion.GeneratedPicture(Image.new("RGB", (8, 8)), record)
    assert synthviz.save_pictures([picture], "~/out") == [home / "out" / "generated_image_1.png"]
    assert synthviz.preprocess_image("~/out/generated_image_1.png", strict=True).tensor.shape == (1, 1, 224, 224)
    assert len(list(synthviz.preprocess_folder("~/out"))) == 1
    assert records.read_record("~/out/generated_image_1.png")["prompt"] == "a boat"
    assert "a boat" in inspection.describe_picture("~/out/generated_image_1.png")
    assert shipped_pictures.choose_picture("", "~/out").path == home / "out" / "generated_image_1.png"
    figure = synthviz.plots.side_by_side({"a": np.zeros((4, 4))}, "Nothing.")
    assert synthviz.plots.save_figure(figure, "~/figure.png") == home / "figure.png"
    assert synthviz.SceneCNN(seed=0).save_weights("~/w.safetensors") == home / "w.safetensors"
    assert synthviz.SceneCNN.pretrained("~/w.safetensors")
    assert {"figure.png", "out", "w.safetensors"} <= set(os.listdir(home))
    assert os.listdir() == []


def test_a_picture_in_the_current_folder_may_be_called_like_a_home_folder():
    Image.new("RGB", (8, 8)).save(Path("~root").absolute(), format="PNG")
    (loaded,) = synthviz.preprocess_folder(".")
    assert loaded.fallback_reason is None


def test_runs_and_sweeps_read_and_write_in_the_home_folder(home, tmp_path):
    Image.new("RGB", (8, 8)).save(home / "a.png")
    (home / "table.csv").write_text("image_path\n~/a.png\n")
    (home / "sweep.yaml").write_text("notebooks: [02_preprocessing]\nruns: ~/table.csv\n")
    (run,) = synthviz.sweeps.read_plan("~/sweep.yaml").runs
    assert run.parameters["image_path"] == str(home / "a.png")
    for name in ("~/a.png", "~nobody-of-this-name/a.png"):
        assert Path(with_absolute_path("image_path", name, tmp_path)).name == "a.png"
    with pytest.raises(ModelLoadError, match="nobody-of-this-name"):
        synthviz.load_pipeline("~nobody-of-this-name/model")
