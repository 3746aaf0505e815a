"""progress.py: one line that updates in place and disappears, unless somebody else shows the progress."""

from __future__ import annotations

import time

import pytest

from synthviz.diffusion import progress
from synthviz.diffusion.progress import GenerationProgress


@pytest.fixture
def slow(monkeypatch):
    """Pretend that a person looks on, and that every generation is slow."""
    monkeypatch.setattr(progress, "shows_progress", lambda: True)
    monkeypatch.setattr(progress, "SLOW_SECONDS", 0.01)


def generate(on_step=None, seconds: float = 0.0) -> None:
    with GenerationProgress(on_step) as shown:
        for batches_left in (2, 1):
            shown.start_batch(batches_left)
            for _ in range(2):
                time.sleep(seconds)
                shown.step(2)


def visible(text: str) -> str:
    """Return what is left of a line after all carriage returns, as a terminal shows it."""
    line = ""
    for part in text.split("\r"):
        line = part + line[len(part) :]
    return line.strip()


def test_the_line_shows_the_steps_of_all_batches_and_disappears(slow, capsys):
    generate(seconds=0.12)  # tqdm draws at most every tenth of a second
    out = capsys.readouterr().out
    assert "of 4" in out
    assert "\n" not in out
    assert visible(out) == ""


def test_no_line_if_the_caller_shows_the_progress(slow, capsys):
    steps = []
    generate(lambda done, total: steps.append((done, total)))
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert capsys.readouterr() == ("", "")


def test_no_line_if_nobody_looks_on(slow, monkeypatch, capsys):
    monkeypatch.setattr(progress, "shows_progress", lambda: False)
    generate(seconds=0.12)
    assert capsys.readouterr() == ("", "")


def test_no_line_for_a_fast_generation(monkeypatch, capsys):
    monkeypatch.setattr(progress, "shows_progress", lambda: True)
    generate()
    assert capsys.readouterr() == ("", "")
