"""The command line: exit statuses, results on stdout, errors in one sentence on stderr."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from synthviz.__main__ import main


def test_an_error_is_one_sentence_on_stderr(tmp_path, capsys):
    assert main(["run", "--output-dir", str(tmp_path / "out"), "-p", "promt", "x"]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert "did you mean prompt" in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""


def test_ctrl_c_gives_the_status_130(monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("synthviz.runs.run_within", interrupted)
    assert main(["run"]) == 130
    assert "stopped" in capsys.readouterr().err


@pytest.mark.parametrize("minutes", ["0", "-1", "nan", "inf"])
def test_minutes_of_a_run_are_checked_before_it_starts(tmp_path, capsys, minutes):
    assert main(["run", "--output-dir", str(tmp_path / "out"), f"--minutes={minutes}"]) == 1
    assert "it must be a number above 0" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such limit")
@pytest.mark.parametrize("command", [["run"], ["sweep", "sweep.yaml"]])
def test_too_few_open_files_are_named_before_any_work(tmp_path, command):
    import resource

    (tmp_path / "sweep.yaml").write_text("notebooks: [02_preprocessing]\nruns: [{}]")
    ended = subprocess.run(
        [sys.executable, "-m", "synthviz", *command, "--output-dir", "out"],
        cwd=tmp_path,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)),
        capture_output=True,
        text=True,
    )
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert "only 64 files may be open at a time" in ended.stderr
    assert not (tmp_path / "out" / "runs").exists() or os.listdir(tmp_path / "out" / "runs") == []


@pytest.mark.parametrize(
    "arguments",
    [["run", "--output-dir="], ["sweep", ""], ["sweep", "s.yaml", "--output-dir="], ["inspect", ""], ["html", ""]],
)
def test_an_empty_name_is_not_the_current_folder(arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "'' names nothing" in capsys.readouterr().err
    assert os.listdir(tmp_path) == []


def test_a_sweep_needs_a_folder(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["sweep", "sweep.yaml"])
    assert stopped.value.code == 2
    assert "--output-dir" in capsys.readouterr().err


def test_version(capsys):
    import synthviz

    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"synthviz {synthviz.__version__}\n"


def test_a_character_that_the_terminal_lacks_is_printed_as_its_code(tmp_path):
    sweep = tmp_path / "sweep.yaml"
    sweep.write_text('notebooks: [01_generation]\nruns: [{prompt: "a boat \u2713"}]\n', encoding="utf-8")
    listed = subprocess.run(
        [sys.executable, "-m", "synthviz", "sweep", str(sweep), "--dry-run"],
        env={**os.environ, "PYTHONIOENCODING": "cp1251"},
        capture_output=True,
        encoding="cp1251",
    )
    assert (listed.returncode, listed.stderr) == (0, "")
    assert r"a boat \u2713" in listed.stdout


@pytest.mark.skipif(os.name == "nt", reason="Windows reports a closed pipe in another way")
def test_a_reader_that_reads_no_further_ends_a_command_quietly(tmp_path):
    read, write = os.pipe()
    os.close(read)
    sweep = tmp_path / "sweep.yaml"
    sweep.write_text("notebooks: [02_preprocessing]\ngrid: {fit: [pad]}\n")
    command = [sys.executable, "-m", "synthviz", "sweep", str(sweep), "--dry-run"]
    ended = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert (ended.returncode, ended.stderr) == (1, "")


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps a folder that a process is in")
def test_a_current_folder_that_was_removed_is_named(tmp_path, monkeypatch, capsys):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert main(["run", "--output-dir", str(tmp_path / "out")]) == 1
    assert "current folder" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
