"""The notebooks: they run headless as a chain and alone, and are committed with outputs that belong to their cells."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import nbformat
import papermill
import pytest
from PIL import Image

from synthviz import runs
from synthviz.records import read_record

FOLDER = Path(__file__).parents[1] / "notebooks"
sys.path.insert(0, str(FOLDER))
from refresh_outputs import MACHINE_PATH, hash_sources  # noqa: E402

NAMED_FILES = {
    "generated_image_1.png",
    "generated_image_2.png",
    "generated_image_3.png",
    "loaded_image_verification.png",
    "model_architecture.txt",
    "conv_layer_1_feature_maps.png",
    "conv_layer_2_feature_maps.png",
    "conv_layer_3_feature_maps.png",
    "input_image_visualizations.png",
    "manifest.json",
    *(f"{name}.ipynb" for name in runs.NOTEBOOKS),
}


@pytest.fixture(scope="module", params=runs.NOTEBOOKS)
def committed(request):
    return nbformat.read(FOLDER / f"{request.param}.ipynb", as_version=4)


def code_cells(notebook) -> list:
    return [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]


def has_tag(cell, tag: str) -> bool:
    return tag in cell.metadata.get("tags", [])


class TestCommitted:
    def test_outputs_belong_to_the_cells(self, committed):
        recorded = committed.metadata.get("synthviz", {}).get("sources_sha256")
        assert recorded == hash_sources(committed), "the cells have changed since the outputs; run `make notebooks`"

    def test_cells_ran_once_from_top_to_bottom(self, committed):
        counts = [cell.execution_count for cell in code_cells(committed)]
        assert counts == list(range(1, len(counts) + 1))

    def test_no_error_no_warning_no_machine_path(self, committed):
        for cell in code_cells(committed):
            for output in cell.outputs:
                assert output.output_type != "error"
                assert output.get("name") != "stderr", output.text
                shown = json.dumps({key: value for key, value in output.items() if key != "data"})
                data = output.get("data", {})
                shown += json.dumps({kind: value for kind, value in data.items() if not kind.startswith("image/")})
                assert not MACHINE_PATH.search(shown)

    def test_parameters_are_plain_literals(self, committed):
        tagged = [cell for cell in code_cells(committed) if has_tag(cell, "parameters")]
        assert len(tagged) == 1
        for line in tagged[0].source.splitlines():
            assert re.fullmatch(r"\w+: (str|int|float|bool) = [^#=]+  # .+", line), line

    def test_cells_are_short_and_words_outnumber_code(self, committed):
        for cell in code_cells(committed):
            assert len(cell.source.splitlines()) <= 25, cell.source
        words = sum(len(cell.source.split()) for cell in committed.cells if cell.cell_type == "markdown")
        code = sum(len(cell.source.split()) for cell in code_cells(committed))
        assert words > code

    def test_lessons_have_exercises_with_solutions(self, committed):
        text = "\n".join(cell.source for cell in committed.cells if cell.cell_type == "markdown")
        assert text.count("**Exercise") >= 3
        assert text.count("<summary>Solution") == text.count("**Exercise")

    def test_small_enough_to_open_anywhere(self, committed):
        assert len(nbformat.writes(committed)) < 3_000_000


def run_alone(name: str, folder: Path, *, lessons: bool = True, **parameters) -> list:
    """Run one notebook under plain papermill, with or without its lesson cells; returns its executed code cells."""
    source = FOLDER / f"{name}.ipynb"
    if not lessons:
        notebook = nbformat.read(source, as_version=4)
        notebook.cells = [cell for cell in notebook.cells if not has_tag(cell, "lesson")]
        source = folder / "without_lessons.ipynb"
        nbformat.write(notebook, source)
    target = folder / "executed.ipynb"
    papermill.execute_notebook(
        str(source), str(target), parameters=parameters, cwd=str(folder), kernel_name="python3", progress_bar=False
    )
    return code_cells(nbformat.read(target, as_version=4))


def test_the_chain_makes_every_named_file(tmp_path):
    finished = runs.run_notebooks(tmp_path, [("seed", "7"), ("prompt", "mountains at night")], say=str)
    assert set(os.listdir(tmp_path)) == NAMED_FILES
    assert set(finished.files) == NAMED_FILES
    assert finished.manifest["fallbacks"] == []
    results = finished.manifest["results"]
    assert [picture["seed"] for picture in results["pictures"]] == [7, 8, 9]
    assert results["prediction"]["class_name"] == "mountains"
    assert results["prediction"]["valid"] is True
    assert read_record(tmp_path / "generated_image_3.png")["seed"] == 9
    for name in NAMED_FILES:
        if name.endswith(".png"):
            with Image.open(tmp_path / name) as image:
                assert max(low != high for low, high in image.convert("RGB").getextrema()), f"{name} is blank"
    assert "5,562,506" in (tmp_path / "model_architecture.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", runs.NOTEBOOKS[1:])
def test_alone_a_shipped_picture_steps_in_and_it_says_so(name, tmp_path):
    cells = run_alone(name, tmp_path, lessons=False)
    said = "".join(output.get("text", "") for cell in cells for output in cell.outputs)
    assert "ships with synthviz" in said


@pytest.mark.parametrize("name", runs.NOTEBOOKS[1:])
def test_a_file_that_is_no_picture_becomes_the_test_pattern_and_an_invalid_prediction(name, tmp_path):
    (tmp_path / "notes.png").write_text("not a picture")
    run_alone(name, tmp_path, lessons=False, image_path=str(tmp_path / "notes.png"), isolate=True)
    executed = nbformat.read(tmp_path / "executed.ipynb", as_version=4)
    from synthviz.records import reported_results

    results = reported_results(executed.cells)
    if name == "03_feature_visualization":
        assert results["prediction"]["valid"] is False
        assert results["prediction"]["reason"]
        assert results["network_input"]["fallback_reason"]
    else:
        assert results["preprocessing"]["fallback_reason"]


def test_plain_papermill_with_lessons_left_out(tmp_path):
    run_alone("01_generation", tmp_path, lessons=False, seed=7, count=1, steps=2)
    assert read_record(tmp_path / "outputs" / "generated_image_1.png")["seed"] == 7


def test_without_the_model_the_first_notebook_ends_politely(tmp_path):
    """With diffusers unimportable the shipped pictures are saved, and the run is a success."""
    (tmp_path / "diffusers.py").write_text("raise ImportError('diffusers is broken here')")
    cells = run_alone("01_generation", tmp_path, count=3)
    said = "".join(output.get("text", "") for cell in cells for output in cell.outputs)
    assert "diffusers is broken here" in said
    assert (tmp_path / "outputs" / "generated_image_3.png").exists()
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("name", "parameters", "words"),
    [
        ("01_generation", {"count": 0}, "count is 0"),
        ("02_preprocessing", {"fit": "strech"}, "stretch"),
    ],
)
def test_a_bad_value_fails_in_the_first_cells(name, parameters, words, tmp_path):
    with pytest.raises(papermill.PapermillExecutionError, match=words):
        run_alone(name, tmp_path, **parameters)
    cells = code_cells(nbformat.read(tmp_path / "executed.ipynb", as_version=4))
    assert sum(cell.execution_count is not None for cell in cells) <= 3


@pytest.mark.long
@pytest.mark.parametrize("name", runs.NOTEBOOKS)
def test_solutions_run_where_they_stand(name, tmp_path):
    """The code in every unfolded solution, as a cell right below its exercise."""
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    cells, solutions = [], 0
    for cell in notebook.cells:
        cells.append(cell)
        for source in re.findall(r"```python\n(.*?)```", cell.source, re.DOTALL) if "<summary>" in cell.source else []:
            cells.append(nbformat.v4.new_code_cell(source))
            solutions += 1
    assert solutions >= 2
    notebook.cells = cells
    nbformat.write(notebook, tmp_path / "solved.ipynb")
    papermill.execute_notebook(
        str(tmp_path / "solved.ipynb"), None, parameters={"interactive": False}, cwd=str(tmp_path), progress_bar=False
    )
