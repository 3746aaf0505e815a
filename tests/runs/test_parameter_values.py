"""Values of parameters: what the notebooks would refuse is refused before any of them starts."""

from __future__ import annotations

import ast

import pytest

from synthviz import runs
from synthviz.runs.chain import notebooks_folder
from synthviz.runs.errors import RunError
from synthviz.runs.parameter_values import check_values
from synthviz.runs.parameters import SET_BY_THE_RUNNER, read_parameters
from synthviz.runs.sweeps import read_plan

FOLDER = notebooks_folder()
WRONG = {
    "count": ("0", "count is 0"),
    "seed": ("-1", "seed is -1"),
    "steps": ("-4", "steps is -4"),
    "width": ("8", "width is 8; it must be a whole number from 16"),
    "guidance_scale": ("101", "from 0 to 100"),
    "prompt": ("a" * 10_001, "10001 characters"),
    "engine": ("onnx", "must be one of torch, openvino"),
    "model": ("embeded", "did you mean 'embedded'"),
    "fit": ("strech", "did you mean 'stretch'"),
    "max_pixels": ("0", "max_pixels is 0"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_value_that_a_notebook_would_refuse_stops_before_any_work(name, tmp_path):
    value, words = WRONG[name]
    with pytest.raises(RunError, match=words):
        runs.run_notebooks(tmp_path / "out", [(name, value)])
    assert not (tmp_path / "out").exists()
    (tmp_path / "sweep.yaml").write_text(f"runs: [{{}}, {{{name}: '{value}'}}]")
    with pytest.raises(RunError, match=words):
        read_plan(tmp_path / "sweep.yaml")


def test_the_defaults_of_the_notebooks_and_what_leaves_the_choice_to_the_model_are_right():
    for notebook in runs.NOTEBOOKS:
        known = read_parameters(FOLDER / f"{notebook}.ipynb")
        values = {name: ast.literal_eval(each.default) for name, each in known.items() if name not in SET_BY_THE_RUNNER}
        check_values(values, known)
    check_values({"steps": 0, "width": 0, "scheduler": "", "guidance_scale": -1.0, "model": "owner/name"}, ["count"])


def test_the_seed_of_the_untrained_network_has_its_own_range():
    check_values({"seed": -1}, read_parameters(FOLDER / "03_feature_visualization.ipynb"))
