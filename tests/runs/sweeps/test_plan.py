"""Sweep files: what they may say, and what is refused before anything runs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from small_notebooks import write_notebook, write_notebooks

from synthviz.runs.chain import NOTEBOOKS
from synthviz.runs.errors import RunError
from synthviz.runs.sweeps import Limits, read_plan


@pytest.fixture
def notebooks(tmp_path):
    return write_notebooks(tmp_path / "notebooks")


@pytest.fixture
def plan(tmp_path, notebooks):
    def read(text: str):
        file = tmp_path / "sweep.yaml"
        file.write_text(text, encoding="utf-8")
        return read_plan(file, notebooks)

    return read


def parameters(plan) -> list[dict]:
    return [run.parameters for run in plan.runs]


class TestShapes:
    def test_a_grid_is_every_combination(self, plan):
        found = plan("fixed: {scale: 2}\ngrid:\n  prompt: [a, b]\n  seed: [1, 2, 3]\n")
        assert parameters(found) == [
            {"scale": 2.0, "prompt": prompt, "seed": seed} for prompt in "ab" for seed in (1, 2, 3)
        ]

    def test_a_zip_goes_side_by_side(self, plan):
        found = plan("zip:\n  prompt: [a, b]\n  seed: [1, 2]\n")
        assert parameters(found) == [{"prompt": "a", "seed": 1}, {"prompt": "b", "seed": 2}]

    def test_a_list_says_each_run(self, plan):
        assert parameters(plan("runs:\n  - prompt: a\n  - {prompt: b, seed: 5}\n  - {}\n")) == [
            {"prompt": "a"},
            {"prompt": "b", "seed": 5},
            {},
        ]

    def test_a_table_is_a_list_and_empty_fields_are_not_said(self, plan, tmp_path):
        (tmp_path / "class.csv").write_text('prompt,seed,scale\n"a ""red"" boat, at dusk",7,2\nü,,\n', "utf-8-sig")
        assert parameters(plan("runs: class.csv")) == [
            {"prompt": 'a "red" boat, at dusk', "seed": 7, "scale": 2.0},
            {"prompt": "ü"},
        ]

    def test_some_notebooks_in_their_order(self, plan):
        found = plan("notebooks: [03_feature_visualization, 01_generation.ipynb]\nruns: [{}]")
        assert found.notebooks == (NOTEBOOKS[0], NOTEBOOKS[2])

    def test_pictures_are_opened_in_isolation_unless_one_says_otherwise(self, plan, notebooks):
        assert "isolate" not in plan("runs: [{}]").runs[0].parameters
        file = notebooks / f"{NOTEBOOKS[0]}.ipynb"
        content = json.loads(file.read_text())
        content["cells"][0]["source"] += "isolate: bool = False  # open pictures apart\n"
        file.write_text(json.dumps(content))
        assert plan("runs: [{}]").runs[0].parameters == {"isolate": True}
        assert plan("fixed: {isolate: false}\nruns: [{}]").runs[0].parameters == {"isolate": False}

    def test_limits(self, plan):
        assert plan("minutes: 5\nmemory_gb: 2.5\nretries: 0\nruns: [{}]").limits == Limits(5, 2.5, 0)


def test_the_lesson_plan_for_a_class_is_a_sweep(tmp_path):
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


class TestKeys:
    def test_each_is_sixteen_hexadecimal_digits_of_its_own(self, plan):
        keys = [run.key for run in plan("grid:\n  prompt: [a, b]\n  seed: [1, 2]").runs]
        assert len(set(keys)) == 4
        assert all(re.fullmatch("[0-9a-f]{16}", key) for key in keys)

    def test_the_order_of_names_does_not_matter(self, plan):
        there = plan("runs: [{prompt: a, seed: 1}]").runs[0].key
        assert plan("runs: [{seed: 1, prompt: a}]").runs[0].key == there

    def test_saying_the_default_changes_nothing_and_is_a_duplicate(self, plan):
        found = plan("runs: [{}, {seed: 0}, {scale: 1.5}, {seed: 1}]")
        assert len(found.runs) == 2
        assert found.duplicates == 2

    def test_a_changed_cell_changes_them_but_a_changed_lesson_or_output_does_not(self, plan, notebooks):
        file = notebooks / f"{NOTEBOOKS[1]}.ipynb"
        before = plan("runs: [{}]").runs[0].key
        write_notebook(file, "print('done')", lessons=("print('lesson')",))
        content = json.loads(file.read_text())
        content["cells"][1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "done"}]
        file.write_text(json.dumps(content))
        assert plan("runs: [{}]").runs[0].key == before
        write_notebook(file, "print('otherwise')")
        assert plan("runs: [{}]").runs[0].key != before

    def test_another_version_changes_them(self, plan, monkeypatch):
        before = plan("runs: [{}]").runs[0].key
        monkeypatch.setattr("synthviz.__version__", "99.0")
        assert plan("runs: [{}]").runs[0].key != before

    @pytest.fixture
    def with_models(self, notebooks):
        """A first notebook that takes a model."""
        file = notebooks / f"{NOTEBOOKS[0]}.ipynb"
        content = json.loads(file.read_text())
        content["cells"][0]["source"] += 'model: str = "auto"  # which\n'
        file.write_text(json.dumps(content))

    def test_so_does_what_a_model_folder_or_a_picture_holds(self, plan, with_models, tmp_path):
        for index, content in enumerate((b"weights", b"others")):
            (tmp_path / f"m{index}").mkdir()
            (tmp_path / f"m{index}" / "unet.safetensors").write_bytes(content)
        found = plan("runs: [{model: m0}]")
        assert found.runs[0].parameters == {"model": str(tmp_path / "m0")}
        assert plan("runs: [{model: m1}]").runs[0].key != found.runs[0].key

    @pytest.mark.parametrize("name", ["auto", "embedded", "embedded-teacher"])
    def test_a_shipped_models_name_is_never_a_folder(self, plan, with_models, tmp_path, name):
        before = plan(f"runs: [{{model: {name}}}]").runs[0]
        (tmp_path / name).mkdir()
        (tmp_path / name / "unet.safetensors").write_bytes(b"others")
        found = plan(f"runs: [{{model: {name}}}]").runs[0]
        assert found == before
        assert found.parameters == {"model": name}

    def test_so_do_the_classifiers_weights_where_it_classifies(self, plan, tmp_path, monkeypatch):
        files = {0: "runs: [{}]", 1: "notebooks: [01_generation, 02_preprocessing]\nruns: [{}]"}
        before = {number: plan(text).runs[0].key for number, text in files.items()}
        (tmp_path / "scene-cnn").mkdir()
        (tmp_path / "scene-cnn" / "model.safetensors").write_bytes(b"trained again")
        monkeypatch.setattr("synthviz.runs.sweeps.plan.MODELS", tmp_path)
        assert plan(files[0]).runs[0].key != before[0]
        assert plan(files[1]).runs[0].key == before[1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("grid: {promt: [a]}", "no notebook has a parameter 'promt'; did you mean prompt"),
        ("grid: {seed: [1, x]}", "seed is 'x'; it must be a whole number"),
        ("grid: {seed: [true]}", "seed is True; it must be a whole number"),
        ("grid: {scale: [.nan]}", "scale is nan; it must be a number"),
        ("runs: [{prompt: 7}]", "prompt is 7; it must be text, in quotes"),
        ("runs: [{prompt: }]", "prompt is None; it must be text"),
        ("fixed: {output_dir: x}\nruns: [{}]", "use --output-dir"),
        ("fixed: {interactive: true}\nruns: [{}]", "never interactive"),
        ("grid: {seed: 1}", "seed is 1; it must be a list, or stand under 'fixed'"),
        ("fixed: {seed: 1}\ngrid: {seed: [1]}", "seed stands under 'fixed' and under 'grid'"),
        ("zip: {seed: [1, 2], prompt: [a]}", "different lengths"),
        ("grid: {seed: []}", "describes no runs"),
        ("runs: []", "describes no runs"),
        ("runs: [3]", "run 1 is 3"),
        ("runs: nowhere.csv", "nowhere.csv' cannot be read"),
        ("runs: 7", "a list of parameter sets, or the name of a CSV file"),
        ("fixed: {seed: 1}", "one of grid, zip and runs; this one has none"),
        ("grid: {seed: [1]}\nruns: [{}]", "has grid and runs"),
        ("gird: {seed: [1]}", "no setting 'gird'"),
        ("grid: {seed: [1], seed: [2]}", "says seed twice, at line 1"),
        ("notebooks: [04_more]\nruns: [{}]", "must be a list of some of: 01_generation"),
        ("minutes: 0\nruns: [{}]", "minutes is 0; it must be a number above 0"),
        ("retries: 1.5\nruns: [{}]", "retries is 1.5; it must be 0, 1, 2"),
        ("just text", "holds no settings"),
        ("grid: [", "is not YAML"),
        ("!!python/object/apply:os.system ['true']", "is not YAML"),
    ],
)
def test_what_is_wrong_is_named(plan, text, words):
    with pytest.raises(RunError, match=words):
        plan(text)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("seed\nx\n", "seed is 'x'; it must be a whole number"),
        ("sed\n1\n", "did you mean seed"),
        ("seed,prompt\n1\n", "line 2 has not as many fields"),
        ("seed\n1,2\n", "line 2 has not as many fields"),
    ],
)
def test_what_is_wrong_in_a_table_is_named(plan, tmp_path, content, words):
    (tmp_path / "class.csv").write_text(content)
    with pytest.raises(RunError, match=words):
        plan("runs: class.csv")


def test_no_file(tmp_path, notebooks):
    with pytest.raises(RunError, match="cannot be read"):
        read_plan(tmp_path / "none.yaml", notebooks)
