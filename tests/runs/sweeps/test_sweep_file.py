"""Sweep files: how they describe their runs, and which mistakes are refused before anything runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from small_notebooks import write_notebook

from synthviz.runs.chain import NOTEBOOKS
from synthviz.runs.errors import RunError
from synthviz.runs.sweeps import Limits, read_plan


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
        ("grid: {seed: [true]}", "seed is True; .* whole number"),
        ("grid: {scale: [.nan]}", "scale is nan; .* number"),
        ("runs: [{prompt: 7}]", "prompt is 7; .* text, in quotes"),
        ("runs: [{prompt: }]", "prompt is None; .* text"),
        ("fixed: {output_dir: x}\nruns: [{}]", "--output-dir"),
        ("fixed: {interactive: true}\nruns: [{}]", "interactive"),
        ("grid: {seed: 1}", "seed is 1; .* a list"),
        ("fixed: {seed: 1}\ngrid: {seed: [1]}", "seed .*'fixed' and under 'grid'"),
        ("zip: {seed: [1, 2], prompt: [a]}", "different lengths"),
        ("grid: {seed: []}", "no runs"),
        ("runs: []", "no runs"),
        ("runs: [3]", "run 1 is 3"),
        ("runs: nowhere.csv", "nowhere.csv"),
        ("runs: 7", "runs is 7; .* CSV"),
        ("fixed: {seed: 1}", "one of grid, zip and runs; .* none"),
        ("grid: {seed: [1]}\nruns: [{}]", "grid and runs"),
        ("gird: {seed: [1]}", "no setting 'gird'"),
        ("grid: {seed: [1], seed: [2]}", "seed twice, at line 1"),
        ("fixed: {seed: 1}\nruns:\n- {}\n- {prompt: a, prompt: b}", "prompt twice, at line 4"),
        ("runs: &all [*all]", "run 1 is"),
        ("notebooks: [04_more]\nruns: [{}]", "04_more.* 01_generation"),
        ("minutes: 0\nruns: [{}]", "minutes is 0; .* above 0"),
        ("retries: 1.5\nruns: [{}]", "retries is 1.5; .* 0, 1, 2"),
        ("just text", "no settings"),
        ("grid: [", "is not YAML"),
        ("!!python/object/apply:os.system ['true']", "is not YAML"),
    ],
)
def test_a_mistake_in_the_file_is_named(plan, text, words):
    with pytest.raises(RunError, match=words):
        plan(text)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("seed\nx\n", "seed is 'x'; .* whole number"),
        ("sed\n1\n", "did you mean seed"),
        ("seed,prompt\n1\n", "line 2"),
        ("seed\n1,2\n", "line 2"),
    ],
)
def test_a_mistake_in_a_table_is_named(plan, tmp_path, content, words):
    (tmp_path / "class.csv").write_text(content)
    with pytest.raises(RunError, match=words):
        plan("runs: class.csv")


def test_a_missing_file_is_named(tmp_path, notebooks):
    with pytest.raises(RunError, match=r"none\.yaml"):
        read_plan(tmp_path / "none.yaml", notebooks)
