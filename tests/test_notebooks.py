"""The notebooks: their outputs belong to their cells, and they run headless, as a chain and alone."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import nbformat
import papermill
import pytest
from PIL import Image, ImageChops, ImageStat

from synthviz import runs
from synthviz.preprocessing.image_files import MAX_PIXELS
from synthviz.records import RESULT_MIME, read_record, reported_results
from synthviz.runs.parameters import read_parameters

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
# Numbers from 100 on or with decimals: small ones are mostly counts of what the reader sees.
NUMBER = re.compile(r"(?<![\w.])\d{1,3}(?:,\d{3})+|(?<![\w.])\d+\.\d+|(?<![\w.])\d{3,}")
# Exercises, code, formulas, links, and a year, which may stand in brackets with the names of authors.
WITHOUT_NUMBERS = re.compile(
    r"\*\*Exercise.*?</details>|```.*?```|\$\$.*?\$\$|\$[^$\n]*\$|`[^`\n]*`|\]\([^)]*\)"
    r"|\([^()]*\b(?:19|20)\d\d\b[^()]*\)|\b(?:19|20)\d\d\b",
    re.DOTALL,
)
FACTS = {"65535", "180", "1000"}  # the largest 16-bit number, half a turn, the classes of ImageNet


@pytest.fixture(scope="module", params=runs.NOTEBOOKS)
def committed(request):
    return nbformat.read(FOLDER / f"{request.param}.ipynb", as_version=4)


def code_cells(notebook) -> list:
    return [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]


def has_tag(cell, tag: str) -> bool:
    return tag in cell.metadata.get("tags", [])


def printed(cells) -> str:
    """Return what the cells wrote to stdout."""
    return "".join(output.text for cell in cells for output in cell.outputs if output.get("name") == "stdout")


def plain_text(cell) -> str:
    """Return the results of a cell as plain text."""
    return "".join(output.get("data", {}).get("text/plain", "") for output in cell.outputs)


class TestCommitted:
    def test_outputs_belong_to_the_cells(self, committed):
        recorded = committed.metadata.get("synthviz", {}).get("sources_sha256")
        assert recorded == hash_sources(committed), "the cells are newer than the outputs; run `make notebooks`"

    def test_cells_ran_once_from_top_to_bottom(self, committed):
        counts = [cell.execution_count for cell in code_cells(committed)]
        assert counts == list(range(1, len(counts) + 1))

    def test_outputs_have_no_error_no_warning_and_no_path_of_this_machine(self, committed):
        for cell in code_cells(committed):
            for output in cell.outputs:
                assert output.output_type != "error"
                assert output.get("name") != "stderr", output.text
                shown = json.dumps({key: value for key, value in output.items() if key != "data"})
                data = output.get("data", {})
                shown += json.dumps({kind: value for kind, value in data.items() if not kind.startswith("image/")})
                assert not MACHINE_PATH.search(shown)

    def test_students_see_neither_results_for_the_manifest_nor_old_progress(self, committed):
        for cell in code_cells(committed):
            assert not re.search(r"\r|\bstep \d+ of \d+, about\b", printed([cell]))
            for output in cell.outputs:
                if RESULT_MIME in output.get("data", {}):
                    assert not output.data.get("text/plain")

    def test_parameters_are_plain_literals_with_help(self, committed):
        tagged = [cell for cell in code_cells(committed) if has_tag(cell, "parameters")]
        assert len(tagged) == 1
        lines = [line for line in tagged[0].source.splitlines() if not line.startswith("#")]
        assert len(lines) > 5
        for line in lines:
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

    def test_numbers_in_the_text_come_from_cells(self, committed):
        text = "\n".join(cell.source for cell in committed.cells if cell.cell_type == "markdown")
        stated = set(NUMBER.findall(WITHOUT_NUMBERS.sub("", text)))
        shown = "\n".join([cell.source + printed([cell]) + plain_text(cell) for cell in code_cells(committed)])
        known = set(re.findall(r"\d+(?:\.\d+)?", shown.replace("_", "").replace(",", "")))
        assert {number.replace(",", "") for number in stated} <= known | FACTS

    def test_the_file_is_smaller_than_3_megabytes(self, committed):
        assert len(nbformat.writes(committed)) < 3_000_000


def run_alone(name: str, folder: Path, *, lessons: bool = True, **parameters) -> list:
    """Run one notebook with plain papermill, with or without its lesson cells; returns the executed code cells."""
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


def test_the_chain_makes_all_named_files(tmp_path):
    finished = runs.run_notebooks(tmp_path, [("seed", "7"), ("prompt", "mountains at night")])
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
def test_alone_it_takes_a_shipped_picture_and_reports_it(name, tmp_path):
    assert "ships with synthviz" in printed(run_alone(name, tmp_path, lessons=False))


@pytest.mark.parametrize("name", runs.NOTEBOOKS[1:])
def test_a_file_that_is_not_a_picture_becomes_the_test_pattern_and_an_invalid_prediction(name, tmp_path):
    (tmp_path / "notes.png").write_text("not a picture")
    cells = run_alone(name, tmp_path, lessons=False, image_path=str(tmp_path / "notes.png"), isolate=True)
    assert printed(cells).count("test pattern instead of notes.png") == 1
    results = reported_results(cells)
    if name == "03_feature_visualization":
        assert results["prediction"]["valid"] is False
        assert results["prediction"]["reason"]
        assert results["network_input"]["fallback_reason"]
    else:
        assert results["preprocessing"]["fallback_reason"]


@pytest.mark.parametrize("name", runs.NOTEBOOKS[1:])
def test_the_limit_of_pixels_and_colour_management_are_parameters(name, tmp_path):
    assert read_parameters(FOLDER / f"{name}.ipynb")["max_pixels"].default == str(MAX_PIXELS)
    Image.new("RGB", (40, 30), (90, 180, 80)).save(tmp_path / "a.png")
    given = {"image_path": str(tmp_path / "a.png"), "max_pixels": 1199, "color_managed": True}
    results = reported_results(run_alone(name, tmp_path, lessons=False, **given))
    loaded = results["preprocessing" if name == "02_preprocessing" else "network_input"]
    assert "40×30 pixels" in loaded["fallback_reason"]
    assert loaded["color_managed"] is True


@pytest.mark.parametrize("engine", ["torch", "openvino"])
def test_the_first_notebook_without_its_lessons(engine, tmp_path):
    if engine == "openvino":
        pytest.importorskip("openvino")
    cells = run_alone("01_generation", tmp_path, lessons=False, engine=engine, prompt="a spaceship", count=1, steps=2)
    record = read_record(tmp_path / "outputs" / "generated_image_1.png")
    assert record["steps"] == 2
    assert record["engine"].split()[0] == engine
    notes = [line for line in printed(cells).splitlines() if "spaceship" in line and line.startswith("Note: ")]
    assert len(notes) == 1  # a log line of the library appears once


def test_the_steps_of_the_first_picture_are_saved_if_wanted(tmp_path):
    given = [("count", "1"), ("steps", "3"), ("film", "true")]
    finished = runs.run_notebooks(tmp_path, given, notebooks=["01_generation"], lessons=False)
    assert "denoising_film.webp" in finished.files
    with (
        Image.open(tmp_path / "denoising_film.webp") as film,
        Image.open(tmp_path / "generated_image_1.png") as picture,
    ):
        assert film.n_frames == 3
        film.seek(2)
        difference = ImageChops.difference(film.convert("RGB"), picture.convert("RGB"))
        assert max(ImageStat.Stat(difference).rms) < 12


def test_without_the_model_the_first_notebook_saves_shipped_pictures_and_ends_without_an_error(tmp_path):
    (tmp_path / "diffusers.py").write_text("raise ImportError('diffusers is broken here')")
    shown = printed(run_alone("01_generation", tmp_path, count=3))
    assert shown.count("diffusers is broken here") == 1
    assert (tmp_path / "outputs" / "generated_image_3.png").exists()
    assert "Traceback" not in shown


@pytest.mark.parametrize(
    ("name", "parameters", "words"),
    [
        ("01_generation", {"count": 0}, "count is 0"),
        ("02_preprocessing", {"fit": "strech"}, "stretch"),
        ("02_preprocessing", {"max_pixels": 0}, "max_pixels is 0"),
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
    """Every solution's code runs as a cell directly below its exercise."""
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
    parameters = {"interactive": False} | ({"train_yourself": True} if name == runs.NOTEBOOKS[2] else {})
    target = str(tmp_path / "executed.ipynb")
    papermill.execute_notebook(
        str(tmp_path / "solved.ipynb"), target, parameters=parameters, cwd=str(tmp_path), progress_bar=False
    )
    if name == runs.NOTEBOOKS[2]:  # what the network never saw, it names worse; one that saw everything does not
        right = re.findall(r"(\d+)% right", printed(code_cells(nbformat.read(target, as_version=4))))
        usual, hidden, fair_usual, fair_hidden = map(int, right)
        assert usual - hidden > 20 > fair_usual - fair_hidden
