"""Sweep files: how they describe their runs, and which mistakes are refused before anything runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from small_notebooks import write_notebook

from synthviz.runs.chain import NOTEBOOKS
from synthviz.runs.errors import RunError
from synthviz.runs.limits import Limits
from synthviz.runs.sweeps import read_plan


def parameters(plan) -> list[dict]:
    return [run.parameters for run in plan.runs]


def test_a_grid_is_every_combination(plan):
    found = plan("fixed: {scale: 2}\ngrid:\n  prompt: [a, b]\n  seed: [1, 2, 3]\n")
    assert parameters(found) == [
        {"scale": 2.0, "prompt": prompt, "seed": seed} for prompt in "ab" for seed in (1, 2, 3)
    ]


def test_a_zip_takes_its_lists_side_by_side(plan):
    found = plan("zip:\n  prompt: [a, b]\n  seed: [1, 2]\n")
    assert parameters(found) == [{"prompt": "a", "seed": 1}, {"prompt": "b", "seed": 2}]


def test_a_list_has_one_entry_per_run(plan):
    assert parameters(plan("runs:\n  - prompt: a\n  - {prompt: b, seed: 5}\n  - {}\n")) == [
        {"prompt": "a"},
        {"prompt": "b", "seed": 5},
        {},
    ]


def test_a_table_has_one_row_per_run_and_empty_fields_are_not_set(plan, tmp_path):
    (tmp_path / "class.csv").write_text('prompt,seed,scale\n"a ""red"" boat, at dusk",7,2\nü,,\n', "utf-8-sig")
    assert parameters(plan("runs: class.csv")) == [
        {"prompt": 'a "red" boat, at dusk', "seed": 7, "scale": 2.0},
        {"prompt": "ü"},
    ]


def test_chosen_notebooks_run_in_their_order(plan):
    found = plan("notebooks: [03_feature_visualization, 01_generation.ipynb]\nruns: [{}]")
    assert found.notebooks == (NOTEBOOKS[0], NOTEBOOKS[2])


def test_pictures_are_opened_in_isolation_by_default(plan, notebooks):
    assert "isolate" not in plan("runs: [{}]").runs[0].parameters
    write_notebook(
        notebooks / f"{NOTEBOOKS[0]}.ipynb", more_parameters="isolate: bool = False  # open pictures apart\n"
    )
    assert plan("runs: [{}]").runs[0].parameters == {"isolate": True}
    assert plan("fixed: {isolate: false}\nruns: [{}]").runs[0].parameters == {"isolate": False}


def test_limits_are_read(plan):
    assert plan("minutes: 5\nmemory_gb: 2.5\nretries: 0\nruns: [{}]").limits == Limits(5, 2.5, 0)


def test_the_lesson_plan_in_the_documentation_is_a_valid_sweep(tmp_path):
    text = (Path(__file__).parents[3] / "docs" / "teaching.md").read_text(encoding="utf-8")
    for name, kind in (("class.csv", "csv"), ("class.yaml", "yaml")):
        (block,) = re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL)
        (tmp_path / name).write_text(block, encoding="utf-8")
    found = parameters(read_plan(tmp_path / "class.yaml"))
    assert [(run["prompt"], run.get("seed"), run["count"]) for run in found] == [
        ("a red boat at dusk", 1, 1),
        ("a village in the rain, in watercolor", 2, 1),
        ("three yellow lanterns over the ocean", None, 1),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("grid: {promt: [a]}", "'promt'; did you mean prompt"),
        ("grid: {seed: [1, x]}", "seed is 'x'; .* whole number"),
        ("grid: {seed: [true]}", "seed is 'true'; .* whole number"),
        ("grid: {scale: [nan]}", "scale is 'nan'; .* number"),
        ("grid: {scale: ['7,5']}", "scale is '7,5'; .* a point"),
        ("grid: {seed: [1:30]}", "seed is '1:30'; .* whole number"),
        ("grid: {seed: [2024-05-01]}", "seed is '2024-05-01'; .* whole number"),
        ("grid: {seed: [1e3]}", "seed is '1e3'; .* whole number"),
        ("grid: {seed: [[1]]}", "seed is a list; .* single value"),
        ("grid: {seed: [!!int '1']}", "seed is 1; .* as it is typed"),
        ("runs: [{prompt: }]", "prompt is empty"),
        ("runs: [{prompt: null}]", "prompt is empty"),
        ("fixed: {output_dir: x}\nruns: [{}]", "--output-dir"),
        ("fixed: {interactive: true}\nruns: [{}]", "interactive"),
        ("grid: {seed: 1}", "seed is 1; .* a list"),
        ("fixed: {seed: 1}\ngrid: {seed: [1]}", "seed .*'fixed' and under 'grid'"),
        ("zip: {seed: [1, 2], prompt: [a]}", "different lengths"),
        ("grid: {seed: []}", "no runs"),
        ("runs: []", "no runs"),
        ("runs: [3]", "run 1 is 3"),
        ("runs: nowhere.csv", "nowhere.csv"),
        ("runs: {seed: 7}", "runs is a mapping; .* CSV"),
        ("minutes: 1:30\nruns: [{}]", "minutes is 1:30; .* above 0"),
        ("minutes:\nruns: [{}]", "minutes is empty; .* above 0"),
        ("minutes: .inf\nruns: [{}]", "minutes is .inf; .* above 0"),
        ("notebooks: 01_generation\nruns: [{}]", "must be a list"),
        ("notebooks: [[1]]\nruns: [{}]", "notebooks is a list; .* 01_generation"),
        ("x: " + "[" * 3000, "nested too deeply"),
        ("fixed: {seed: 1}", "one of grid, zip and runs; .* none"),
        ("grid: {seed: [1]}\nruns: [{}]", "grid and runs"),
        ("gird: {seed: [1]}", "no setting 'gird'"),
        ("grid: {seed: [1], seed: [2]}", "seed twice, at line 1"),
        ("fixed: {seed: 1}\nruns:\n- {}\n- {prompt: a, prompt: b}", "prompt twice, at line 4"),
        ("runs: &all [*all]", "run 1 is"),
        ("notebooks: [04_more]\nruns: [{}]", "04_more.* 01_generation"),
        ("minutes: 0\nruns: [{}]", "minutes is 0; .* above 0"),
        ("retries: -1\nruns: [{}]", "retries is -1; .* 0, 1, 2"),
        ("retries: 1.5\nruns: [{}]", "retries is 1.5; .* 0, 1, 2"),
        ("just text", "no settings"),
        ("grid: [", "is not YAML"),
        ("!!python/object/apply:os.system ['true']", "is not YAML"),
    ],
)
def test_a_mistake_in_the_file_is_named(plan, text, words):
    with pytest.raises(RunError, match=words):
        plan(text)


VALUES_AS_TYPED = [
    ("prompt", "yes", "yes"),
    ("prompt", "no", "no"),
    ("prompt", "on", "on"),
    ("prompt", "7", "7"),
    ("prompt", "010", "010"),
    ("prompt", "1:30", "1:30"),
    ("prompt", "2024-05-01", "2024-05-01"),
    ("prompt", "1.50", "1.50"),
    ("prompt", "1_000", "1_000"),
    ("prompt", "''", ""),
    ("prompt", "' a '", " a "),
    ("prompt", "'null'", "null"),
    ("seed", "010", 10),
    ("seed", "'7'", 7),
    ("seed", "+7", 7),
    ("scale", "1e-3", 0.001),
    ("scale", "1E+2", 100.0),
    ("scale", "2", 2.0),
    ("isolate", "off", False),
    ("isolate", "Yes", True),
    ("isolate", "FALSE", False),
]


@pytest.mark.parametrize(("name", "typed", "value"), VALUES_AS_TYPED)
def test_a_value_is_what_was_typed(plan, notebooks, name, typed, value):
    write_notebook(
        notebooks / f"{NOTEBOOKS[0]}.ipynb", more_parameters="isolate: bool = False  # open pictures apart\n"
    )
    (run,) = plan(f"runs:\n  - {{{name}: {typed}}}\n").runs
    assert run.parameters[name] == value
    assert type(run.parameters[name]) is type(value)


@pytest.mark.parametrize(
    "text", ["runs: [&a {seed: 1}, {<<: *a, scale: 2}]", "runs:\n- &a\n  seed: 1\n- {<<: [*a], scale: 2}"]
)
def test_a_run_may_take_over_the_parameters_of_another(plan, text):
    assert parameters(plan(text)) == [{"seed": 1}, {"seed": 1, "scale": 2.0}]


def test_a_sweep_file_may_be_saved_by_any_editor(tmp_path, notebooks):
    text = "runs:\r\n  - {prompt: ü, seed: 1}\r\n"
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        (tmp_path / "sweep.yaml").write_bytes(text.encode(encoding))
        assert parameters(read_plan(tmp_path / "sweep.yaml", notebooks)) == [{"prompt": "ü", "seed": 1}]
    for encoding in ("cp1252", "utf-16-le"):
        (tmp_path / "sweep.yaml").write_bytes(text.encode(encoding))
        with pytest.raises(RunError, match=r"sweep\.yaml is not UTF-8"):
            read_plan(tmp_path / "sweep.yaml", notebooks)


def test_an_endless_list_of_aliases_is_refused_at_once(plan):
    doubled = ", ".join(f"&a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60))
    with pytest.raises(RunError, match="run 1 is a list"):
        plan(f"runs: [&a0 [x], {doubled}]")


def test_a_missing_file_is_named(tmp_path, notebooks):
    with pytest.raises(RunError, match=r"none\.yaml"):
        read_plan(tmp_path / "none.yaml", notebooks)
