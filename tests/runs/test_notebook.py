"""One executed notebook: all cells verified, failures kept, no temporary files left."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import papermill
import pytest
from small_notebooks import write_notebook

from synthviz.runs.errors import CellError, RunError
from synthviz.runs.notebook import execute


@pytest.fixture
def run(tmp_path):
    """Execute a notebook of these cells in a folder, and return its code cells."""

    def run(*cells: str, folder: str = "out", taught: tuple[str, ...] = (), **options):
        write_notebook(tmp_path / "small.ipynb", *cells, lessons=taught)
        (tmp_path / folder).mkdir()
        return execute(tmp_path / "small.ipynb", tmp_path / folder, {"seed": 7}, **options)

    return run


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def test_the_executed_notebook_is_stored_and_its_cells_returned(run, tmp_path):
    cells = run("print(seed, output_dir, interactive)")
    assert cells[-1].outputs[0].text == "7 . False\n"
    assert names(tmp_path / "out") == ["small.ipynb"]
    assert nbformat.read(tmp_path / "out" / "small.ipynb", as_version=4).cells[-1].outputs == cells[-1].outputs


def test_the_error_of_a_cell_has_its_source_and_traceback(run, tmp_path):
    with pytest.raises(CellError, match=r"small\.ipynb.* cell 4 .*ValueError: no such colour") as caught:
        run("1 + 1", "raise ValueError('no such colour')")
    assert (caught.value.notebook, caught.value.cell) == ("small", 4)
    assert caught.value.source == "raise ValueError('no such colour')"
    assert "ValueError: no such colour" in caught.value.traceback
    assert "\x1b" not in caught.value.traceback
    assert names(tmp_path / "out") == ["small.failed.ipynb"]


def test_lessons_can_be_left_out(run):
    assert len(run("1 + 1", taught=("raise ValueError",), lessons=False)) == 3


def test_a_dead_kernel_is_a_failure(run, tmp_path):
    with pytest.raises(RunError, match=r"cell [34] did not run to its end; Kernel died"):
        run("import os; os._exit(0)", "print('after')")
    assert names(tmp_path / "out") == ["small.failed.ipynb"]


def test_cells_that_papermill_calls_completed_must_have_run(run, monkeypatch):
    def pretend(source, target, **_):
        notebook = nbformat.read(source, as_version=4)
        for cell in notebook.cells:
            cell.metadata["papermill"] = {"status": "completed"}
        nbformat.write(notebook, target)

    monkeypatch.setattr(papermill, "execute_notebook", pretend)
    with pytest.raises(RunError, match="cell 1 did not run"):
        run("1 + 1")


def test_a_clean_early_exit_is_a_success(run):
    assert run("print(seed)", "import sys; sys.exit(0)", "raise ValueError")[2].outputs[0].text == "7\n"


def test_a_kernel_that_cannot_start_is_named(run, monkeypatch, tmp_path):
    monkeypatch.setattr("sys.executable", str(tmp_path / "no-python"))
    with pytest.raises(RunError, match="no-python"):
        run("1 + 1")
    assert names(tmp_path / "out") == ["small.failed.ipynb"]


def test_braces_in_the_name_of_the_folder_are_kept(run, tmp_path):
    run("1 + 1", folder="a {seed} b")
    assert names(tmp_path / "a {seed} b") == ["small.ipynb"]


@pytest.mark.parametrize("progress", [True, False])
def test_a_terminal_shows_a_bar_only_if_asked_to(run, monkeypatch, progress):
    asked = []
    monkeypatch.setattr(papermill, "execute_notebook", lambda *_, **options: asked.append(options["progress_bar"]))
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with pytest.raises(RunError):
        run("1 + 1", progress=progress)
    assert asked == [progress]


def test_ctrl_c_leaves_no_half_written_file(run, tmp_path, monkeypatch):
    def interrupted(source, target, **_):
        Path(target).write_text("half")
        raise KeyboardInterrupt

    monkeypatch.setattr(papermill, "execute_notebook", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run("1 + 1")
    assert names(tmp_path / "out") == []


def test_no_stale_progress_bar_is_stored(run):
    by_hand = "import sys, time\nfor text in ('\\rstep 1', '\\rstep 2', '\\r      ', '\\rdone\\n'):\n"
    by_hand += "    sys.stdout.write(text)\n    sys.stdout.flush()\n    time.sleep(0.3)"
    by_tqdm = "from tqdm import tqdm\nfor _ in tqdm(range(3), file=sys.stdout, leave=False): time.sleep(0.3)\n"
    cells = run(by_hand, f"{by_tqdm}print('done')")
    assert [[output.text.strip(" ") for output in cell.outputs] for cell in cells[2:]] == [["done\n"], ["done\n"]]


def test_the_first_line_of_an_error_that_says_something_is_shown(run, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("\n-----\nno room for sockets\n-----")

    monkeypatch.setattr(papermill, "execute_notebook", fail)
    with pytest.raises(RunError, match="no room for sockets"):
        run("1 + 1")
