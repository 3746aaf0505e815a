"""runs.py on small notebooks made here: parameters checked, cells verified, the manifest last."""

from __future__ import annotations

import json
import os
from pathlib import Path

import nbformat
import papermill
import pytest
from small_notebooks import WORK, write_notebook, write_notebooks

from synthviz import runs
from synthviz.__main__ import main
from synthviz.files import sha256
from synthviz.runs import chain, parameters
from synthviz.runs.chain import NOTEBOOKS
from synthviz.runs.errors import CellError, RunError
from synthviz.runs.parameters import Parameter


@pytest.fixture
def folder(tmp_path):
    """Three notebooks that need no heavy import; the second and third only hold parameters."""
    return write_notebooks(tmp_path / "notebooks")


def known() -> dict[str, Parameter]:
    return {
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


class TestParameters:
    def test_values_become_what_the_notebook_declares(self):
        given = [("prompt", "7"), ("seed", "7"), ("scale", "2"), ("quick", "TRUE")]
        assert runs.check_parameters(given, known()) == {"prompt": "7", "seed": 7, "scale": 2.0, "quick": True}

    @pytest.mark.parametrize(
        ("given", "words"),
        [
            ([("promt", "x")], "no notebook has a parameter 'promt'; did you mean prompt"),
            ([("zzz", "x")], "there are: prompt, quick, scale, seed"),
            ([("seed", "7.5")], "seed is '7.5'; it must be a whole number"),
            ([("scale", "much")], "scale is 'much'; it must be a number"),
            ([("quick", "1")], "quick is '1'; it must be true or false"),
            ([("output_dir", "x")], "use --output-dir"),
            ([("interactive", "true")], "never interactive"),
            ([("seed", "1"), ("seed", "2")], "given twice"),
        ],
    )
    def test_a_wrong_one_is_named(self, given, words):
        with pytest.raises(RunError, match=words):
            runs.check_parameters(given, known())

    def test_a_wrong_one_stops_before_any_work(self, folder, tmp_path):
        with pytest.raises(RunError, match="promt"):
            runs.run_notebooks(tmp_path / "out", [("promt", "x")], folder)
        assert not (tmp_path / "out").exists()

    def test_all_types_are_read_from_the_notebook(self, folder):
        found = runs.read_parameters(folder / f"{NOTEBOOKS[0]}.ipynb")
        assert {name: parameter.type_name for name, parameter in found.items()} == {
            "output_dir": "str",
            "prompt": "str",
            "seed": "int",
            "scale": "float",
            "interactive": "bool",
        }


class TestRun:
    def test_a_whole_run(self, folder, tmp_path):
        lines = []
        finished = runs.run_notebooks(
            tmp_path / "out", [("seed", "7"), ("prompt", "a 'quoted' ü")], folder, lines.append
        )
        manifest = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
        assert manifest == finished.manifest
        assert manifest["results"]["seen"] == {"prompt": "a 'quoted' ü", "seed": 7, "interactive": False}
        assert manifest["parameters"] == {"seed": 7, "prompt": "a 'quoted' ü"}
        assert set(manifest["files"]) == {"generated_image_7.png", *(f"{name}.ipynb" for name in NOTEBOOKS)}
        for name, entry in manifest["files"].items():
            assert entry["sha256"] == sha256(tmp_path / "out" / name)
        assert str(tmp_path) not in json.dumps(manifest)
        assert sorted(os.listdir(tmp_path / "out")) == sorted([*manifest["files"], "manifest.json"])
        assert any("[3/3]" in line for line in lines)
        table = runs.describe(finished)
        assert "generated_image_7.png" in table
        assert str(tmp_path / "out") in table

    def test_a_failing_cell_is_named_and_leaves_no_manifest(self, folder, tmp_path):
        out = tmp_path / "out"
        out.mkdir()
        (out / "manifest.json").write_text("{}")
        write_notebook(folder / f"{NOTEBOOKS[1]}.ipynb", "1 + 1", "raise ValueError('no such colour')")
        with pytest.raises(
            RunError, match=r"02_preprocessing\.ipynb failed: code cell 4 raised ValueError: no such colour"
        ):
            runs.run_notebooks(out, (), folder, str)
        names = os.listdir(out)
        assert "manifest.json" not in names
        assert "02_preprocessing.failed.ipynb" in names
        assert "02_preprocessing.ipynb" not in names
        assert not [name for name in names if name.startswith(".")]

    def test_what_a_cell_raised_can_be_asked_for(self, folder, tmp_path):
        write_notebook(folder / f"{NOTEBOOKS[1]}.ipynb", "1 + 1", "raise ValueError('no such colour')")
        with pytest.raises(CellError) as caught:
            runs.run_notebooks(tmp_path / "out", (), folder, str)
        assert (caught.value.notebook, caught.value.cell) == (NOTEBOOKS[1], 4)
        assert caught.value.source == "raise ValueError('no such colour')"
        assert "ValueError: no such colour" in caught.value.traceback
        assert "\x1b" not in caught.value.traceback

    def test_lessons_can_be_left_out(self, folder, tmp_path):
        write_notebook(folder / f"{NOTEBOOKS[0]}.ipynb", "1 + 1", lessons=("raise ValueError",))
        finished = runs.run_notebooks(tmp_path / "out", (), folder, str, NOTEBOOKS[:1], lessons=False)
        assert finished.files == (f"{NOTEBOOKS[0]}.ipynb", "manifest.json")

    def test_a_clock_that_jumps_back_loses_no_file(self, folder, tmp_path):
        out = tmp_path / "out"
        out.mkdir()
        (out / "old.png").write_bytes(b"of an earlier run")
        work = "import os\nopen('generated_image_1.png', 'w').close()\nos.utime('generated_image_1.png', (1e9, 1e9))"
        write_notebook(folder / f"{NOTEBOOKS[0]}.ipynb", work)
        finished = runs.run_notebooks(out, (), folder, str)
        assert "generated_image_1.png" in finished.files
        assert "old.png" not in finished.files

    def test_a_dead_kernel_is_never_a_success(self, folder, tmp_path):
        write_notebook(folder / f"{NOTEBOOKS[0]}.ipynb", "import os; os._exit(0)", "print('after')")
        with pytest.raises(RunError, match="did not run to its end; Kernel died"):
            runs.run_notebooks(tmp_path / "out", (), folder, str)
        assert "manifest.json" not in os.listdir(tmp_path / "out")

    def test_papermill_cannot_talk_it_into_a_success(self, folder, tmp_path, monkeypatch):
        """An engine that returns without running the cells, all marked completed, is found out."""

        def pretend(source, target, **_):
            notebook = nbformat.read(source, as_version=4)
            for cell in notebook.cells:
                cell.metadata["papermill"] = {"status": "completed"}
            nbformat.write(notebook, target)

        monkeypatch.setattr(papermill, "execute_notebook", pretend)
        with pytest.raises(RunError, match="code cell 1 did not run"):
            runs.run_notebooks(tmp_path / "out", (), folder, str)

    def test_a_clean_early_exit_is_a_success(self, folder, tmp_path):
        write_notebook(folder / f"{NOTEBOOKS[0]}.ipynb", WORK, "import sys; sys.exit(0)", "raise ValueError")
        assert runs.run_notebooks(tmp_path / "out", (), folder, str).manifest["results"]["seen"]["seed"] == 0

    def test_a_kernel_that_cannot_start_says_why(self, folder, tmp_path, monkeypatch):
        start = papermill.execute_notebook

        def unknown_kernel(*paths, **options):
            return start(*paths, **{**options, "kernel_name": "cobol"})

        monkeypatch.setattr(papermill, "execute_notebook", unknown_kernel)
        with pytest.raises(RunError, match="cobol"):
            runs.run_notebooks(tmp_path / "out", (), folder, str)

    def test_braces_in_the_folders_name_are_only_braces(self, folder, tmp_path):
        finished = runs.run_notebooks(tmp_path / "a {seed} b", [("seed", "7")], folder, str)
        assert (tmp_path / "a {seed} b" / "manifest.json").exists()
        assert "generated_image_7.png" in finished.files

    def test_a_relative_model_folder_is_found_from_the_output_folder(self, folder, tmp_path, monkeypatch):
        write_notebook(
            folder / f"{NOTEBOOKS[0]}.ipynb", "from synthviz import records\nrecords.report('prompt', prompt)"
        )
        monkeypatch.chdir(tmp_path)
        known = runs.read_parameters(folder / f"{NOTEBOOKS[0]}.ipynb")
        monkeypatch.setattr(chain, "read_parameters", lambda _: {**known, "model": Parameter("model", "str", "''", "")})
        (tmp_path / "checkpoint").mkdir()
        finished = runs.run_notebooks(tmp_path / "out", [("model", "checkpoint")], folder, str)
        assert finished.manifest["parameters"]["model"] == str(tmp_path / "checkpoint")

    def test_a_shipped_models_name_is_never_a_folder(self, tmp_path):
        for name in ("embedded", "mine"):
            (tmp_path / name).mkdir()
        assert parameters.with_whole_path("model", "embedded", tmp_path) == "embedded"
        assert parameters.with_whole_path("model", "mine", tmp_path) == str(tmp_path / "mine")
        assert parameters.with_whole_path("model", "owner/name", tmp_path) == "owner/name"
        assert parameters.with_whole_path("prompt", "mine", tmp_path) == "mine"

    @pytest.mark.parametrize("progress", [True, False])
    def test_a_bar_is_drawn_on_a_terminal_unless_it_would_disturb(self, folder, tmp_path, monkeypatch, progress):
        asked = []
        monkeypatch.setattr(papermill, "execute_notebook", lambda *_, **options: asked.append(options["progress_bar"]))
        monkeypatch.setattr("sys.stderr.isatty", lambda: True)
        with pytest.raises(RunError):
            runs.run_notebooks(tmp_path / "out", (), folder, str, progress=progress)
        assert asked == [progress]

    def test_ctrl_c_leaves_nothing_half_written(self, folder, tmp_path, monkeypatch):
        def interrupted(source, target, **_):
            Path(target).write_text("half")
            raise KeyboardInterrupt

        monkeypatch.setattr(papermill, "execute_notebook", interrupted)
        with pytest.raises(KeyboardInterrupt):
            runs.run_notebooks(tmp_path / "out", (), folder, str)
        assert os.listdir(tmp_path / "out") == []

    def test_an_output_folder_that_is_a_file(self, folder, tmp_path):
        (tmp_path / "out").write_text("")
        with pytest.raises(RunError, match="cannot be made"):
            runs.run_notebooks(tmp_path / "out", (), folder, str)


class TestCommandLine:
    def test_an_error_is_one_sentence_and_a_status(self, tmp_path, capsys):
        assert main(["run", "--output-dir", str(tmp_path / "out"), "-p", "promt", "x"]) == 1
        captured = capsys.readouterr()
        assert captured.err.startswith("error: no notebook has a parameter 'promt'; did you mean prompt")
        assert "Traceback" not in captured.err

    def test_version(self, capsys):
        with pytest.raises(SystemExit):
            main(["--version"])
        assert "synthviz" in capsys.readouterr().out
