"""Fixtures of all tests of sweeps."""

from __future__ import annotations

import pytest
from small_notebooks import write_notebooks


@pytest.fixture
def notebooks(tmp_path):
    return write_notebooks(tmp_path / "notebooks")


@pytest.fixture
def plan(tmp_path, notebooks):
    """Reads the text of a sweep file."""
    from synthviz.runs.sweeps import read_plan

    def read(text: str):
        file = tmp_path / "sweep.yaml"
        file.write_text(text, encoding="utf-8")
        return read_plan(file, notebooks)

    return read
