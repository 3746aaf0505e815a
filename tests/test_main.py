"""The command line: exit statuses, results on stdout, errors in one sentence on stderr."""

from __future__ import annotations

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

    monkeypatch.setattr("synthviz.runs.run_notebooks", interrupted)
    assert main(["run"]) == 130
    assert "stopped" in capsys.readouterr().err


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
