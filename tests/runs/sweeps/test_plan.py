"""The keys of planned runs: they change with everything that a result depends on, and with nothing else."""

from __future__ import annotations

import json
import re

import pytest
from small_notebooks import WORK, write_notebook

from synthviz.runs.chain import NOTEBOOKS


def test_each_run_has_its_own_key_of_sixteen_hexadecimal_digits(plan):
    keys = [run.key for run in plan("grid:\n  prompt: [a, b]\n  seed: [1, 2]").runs]
    assert len(set(keys)) == 4
    assert all(re.fullmatch("[0-9a-f]{16}", key) for key in keys)


def test_the_order_of_the_parameters_does_not_change_the_key(plan):
    there = plan("runs: [{prompt: a, seed: 1}]").runs[0].key
    assert plan("runs: [{seed: 1, prompt: a}]").runs[0].key == there


def test_setting_a_default_does_not_change_the_key_and_is_a_duplicate(plan):
    found = plan("runs: [{}, {seed: 0}, {scale: 1.5}, {seed: 1}]")
    assert len(found.runs) == 2
    assert found.duplicates == 2


def test_a_changed_cell_changes_the_key_but_a_changed_lesson_or_output_does_not(plan, notebooks):
    file = notebooks / f"{NOTEBOOKS[1]}.ipynb"
    before = plan("runs: [{}]").runs[0].key
    write_notebook(file, "print('done')", lessons=("print('lesson')",))
    content = json.loads(file.read_text())
    content["cells"][1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "done"}]
    file.write_text(json.dumps(content))
    assert plan("runs: [{}]").runs[0].key == before
    write_notebook(file, "print('otherwise')")
    assert plan("runs: [{}]").runs[0].key != before


def test_another_version_changes_the_key(plan, monkeypatch):
    before = plan("runs: [{}]").runs[0].key
    monkeypatch.setattr("synthviz.__version__", "99.0")
    assert plan("runs: [{}]").runs[0].key != before


@pytest.fixture
def with_models(notebooks):
    """Gives the first notebook a parameter for a model."""
    write_notebook(notebooks / f"{NOTEBOOKS[0]}.ipynb", WORK, more_parameters='model: str = "auto"  # which\n')


def test_the_content_of_a_model_folder_changes_the_key(plan, with_models, tmp_path):
    for index, content in enumerate((b"weights", b"others")):
        (tmp_path / f"m{index}").mkdir()
        (tmp_path / f"m{index}" / "unet.safetensors").write_bytes(content)
    found = plan("runs: [{model: m0}]")
    assert found.runs[0].parameters == {"model": str(tmp_path / "m0")}
    assert plan("runs: [{model: m1}]").runs[0].key != found.runs[0].key


@pytest.mark.parametrize("name", ["auto", "embedded", "embedded-teacher"])
def test_a_folder_with_the_name_of_a_shipped_model_does_not_change_the_key(plan, with_models, tmp_path, name):
    before = plan(f"runs: [{{model: {name}}}]").runs[0]
    (tmp_path / name).mkdir()
    (tmp_path / name / "unet.safetensors").write_bytes(b"others")
    found = plan(f"runs: [{{model: {name}}}]").runs[0]
    assert found == before
    assert found.parameters == {"model": name}


def test_the_classifiers_weights_change_the_key_of_runs_that_classify(plan, tmp_path, monkeypatch):
    files = {0: "runs: [{}]", 1: "notebooks: [01_generation, 02_preprocessing]\nruns: [{}]"}
    before = {number: plan(text).runs[0].key for number, text in files.items()}
    (tmp_path / "scene-cnn").mkdir()
    (tmp_path / "scene-cnn" / "model.safetensors").write_bytes(b"trained again")
    monkeypatch.setattr("synthviz.runs.sweeps.plan.MODELS", tmp_path)
    assert plan(files[0]).runs[0].key != before[0]
    assert plan(files[1]).runs[0].key == before[1]
