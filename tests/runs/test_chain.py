"""The chain of notebooks, on small ones: parameters checked first, files listed, the manifest written last."""

from __future__ import annotations

import json
import os

import pytest
from small_notebooks import write_notebook, write_notebooks

from synthviz import runs
from synthviz.files import sha256
from synthviz.runs.chain import NOTEBOOKS
from synthviz.runs.errors import RunError


@pytest.fixture
def folder(tmp_path):
    return write_notebooks(tmp_path / "notebooks")


def test_a_whole_run(folder, tmp_path, caplog):
    caplog.set_level("INFO", logger="synthviz")
    finished = runs.run_notebooks(tmp_path / "out", [("seed", "7"), ("prompt", "a 'quoted' ü")], folder)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest == finished.manifest
    assert manifest["results"]["seen"] == {"prompt": "a 'quoted' ü", "seed": 7, "interactive": False}
    assert manifest["parameters"] == {"seed": 7, "prompt": "a 'quoted' ü"}
    assert set(manifest["files"]) == {"generated_image_7.png", *(f"{name}.ipynb" for name in NOTEBOOKS)}
    for name, entry in manifest["files"].items():
        assert entry["sha256"] == sha256(tmp_path / "out" / name)
    assert str(tmp_path) not in json.dumps(manifest)
    assert sorted(os.listdir(tmp_path / "out")) == sorted([*manifest["files"], "manifest.json"])
    assert any("[3/3]" in message for message in caplog.messages)
    table = runs.describe(finished)
    assert "generated_image_7.png" in table
    assert str(tmp_path / "out") in table


def test_a_wrong_parameter_stops_before_any_work(folder, tmp_path):
    with pytest.raises(RunError, match="promt"):
        runs.run_notebooks(tmp_path / "out", [("promt", "x")], folder)
    assert not (tmp_path / "out").exists()


def test_a_failing_cell_leaves_no_manifest(folder, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "manifest.json").write_text("{}")
    write_notebook(folder / f"{NOTEBOOKS[1]}.ipynb", "raise ValueError('no such colour')")
    with pytest.raises(RunError, match=r"02_preprocessing\.ipynb .*ValueError: no such colour"):
        runs.run_notebooks(out, (), folder)
    assert sorted(os.listdir(out)) == ["01_generation.ipynb", "02_preprocessing.failed.ipynb", "generated_image_0.png"]


def test_the_next_run_removes_a_failed_notebook(folder, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "01_generation.failed.ipynb").write_text("{}")
    runs.run_notebooks(tmp_path / "out", (), folder, NOTEBOOKS[:1])
    assert "01_generation.failed.ipynb" not in os.listdir(tmp_path / "out")


def test_one_notebook_without_its_lessons(folder, tmp_path):
    write_notebook(folder / f"{NOTEBOOKS[0]}.ipynb", "1 + 1", lessons=("raise ValueError",))
    finished = runs.run_notebooks(tmp_path / "out", (), folder, NOTEBOOKS[:1], lessons=False)
    assert finished.files == (f"{NOTEBOOKS[0]}.ipynb", "manifest.json")


def test_files_of_this_run_are_found_even_if_the_clock_goes_back(folder, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "old.png").write_bytes(b"of an earlier run")
    work = "import os\nopen('generated_image_1.png', 'w').close()\nos.utime('generated_image_1.png', (1e9, 1e9))"
    write_notebook(folder / f"{NOTEBOOKS[0]}.ipynb", work)
    finished = runs.run_notebooks(out, (), folder)
    assert "generated_image_1.png" in finished.files
    assert "old.png" not in finished.files


def test_a_relative_model_folder_is_found_from_the_output_folder(folder, tmp_path, monkeypatch):
    write_notebook(
        folder / f"{NOTEBOOKS[0]}.ipynb",
        "import os\nfrom synthviz import records\nrecords.report('found', os.path.isdir(model))",
        more_parameters='model: str = "auto"  # which\n',
    )
    monkeypatch.chdir(tmp_path)
    (tmp_path / "checkpoint").mkdir()
    finished = runs.run_notebooks(tmp_path / "out", [("model", "checkpoint")], folder, NOTEBOOKS[:1])
    assert finished.manifest["parameters"]["model"] == str(tmp_path / "checkpoint")
    assert finished.manifest["results"]["found"] is True


def test_fallbacks_are_in_the_manifest_and_in_the_table(folder, tmp_path):
    report = "from synthviz import records\nrecords.report('pictures', [{'fallback_reason': 'no model'}])"
    write_notebook(folder / f"{NOTEBOOKS[0]}.ipynb", report)
    finished = runs.run_notebooks(tmp_path / "out", (), folder, NOTEBOOKS[:1])
    assert finished.manifest["fallbacks"] == ["pictures: no model"]
    assert "pictures: no model" in runs.describe(finished)


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="a folder in which not even root can write")
def test_a_folder_that_cannot_be_written_to_is_named_before_any_work(folder):
    with pytest.raises(RunError, match=r"'/proc/self' cannot be made or written to: "):
        runs.run_notebooks("/proc/self", (), folder)


def test_an_output_folder_that_is_a_file_is_named(folder, tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(RunError, match=r"out.* cannot be made"):
        runs.run_notebooks(tmp_path / "out", (), folder)
