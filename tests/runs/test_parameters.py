"""Parameters of notebooks: read with their types, and given values checked."""

from __future__ import annotations

import pytest
from small_notebooks import write_notebook

from synthviz.runs.errors import RunError
from synthviz.runs.parameters import Parameter, check_parameters, read_parameters, with_absolute_path

KNOWN = {
    name: Parameter(name, kind, default, "")
    for name, kind, default in (
        ("prompt", "str", "'a city'"),
        ("seed", "int", "0"),
        ("scale", "float", "1.5"),
        ("quick", "bool", "False"),
        ("output_dir", "str", "'outputs'"),
        ("interactive", "bool", "True"),
    )
}


def test_values_get_the_declared_type():
    given = [("prompt", "7"), ("seed", "7"), ("scale", "2"), ("quick", "TRUE")]
    assert check_parameters(given, KNOWN) == {"prompt": "7", "seed": 7, "scale": 2.0, "quick": True}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([("promt", "x")], "'promt'; did you mean prompt"),
        ([("zzz", "x")], "'zzz'; there are: prompt, quick, scale, seed"),
        ([("seed", "7.5")], "seed is '7.5'; .* a whole number"),
        ([("scale", "much")], "scale is 'much'; .* a number"),
        ([("quick", "1")], "quick is '1'; .* true or false"),
        ([("output_dir", "x")], "--output-dir"),
        ([("interactive", "true")], "interactive"),
        ([("seed", "1"), ("seed", "2")], "seed is given twice"),
    ],
)
def test_a_wrong_parameter_is_named(given, words):
    with pytest.raises(RunError, match=words):
        check_parameters(given, KNOWN)


def test_all_types_are_read_from_a_notebook(tmp_path):
    write_notebook(tmp_path / "small.ipynb")
    found = read_parameters(tmp_path / "small.ipynb")
    assert {name: parameter.type_name for name, parameter in found.items()} == {
        "output_dir": "str",
        "prompt": "str",
        "seed": "int",
        "scale": "float",
        "interactive": "bool",
    }
    assert found["scale"] == Parameter("scale", "float", "1.5", "how much")


def test_only_existing_models_and_pictures_become_absolute_paths(tmp_path):
    for name in ("embedded", "mine"):
        (tmp_path / name).mkdir()
    assert with_absolute_path("model", "mine", tmp_path) == str(tmp_path / "mine")
    assert with_absolute_path("model", "embedded", tmp_path) == "embedded"  # a shipped model
    assert with_absolute_path("model", "owner/name", tmp_path) == "owner/name"
    assert with_absolute_path("prompt", "mine", tmp_path) == "mine"
