"""The README's Python blocks run as they stand, one after another."""

from __future__ import annotations

import importlib.util
import re
import shutil
from pathlib import Path

import pytest

from synthviz.shipped_pictures import shipped_pictures

README = Path(__file__).parents[1] / "README.md"
# A block that begins with one of these comments runs only if the condition holds.
CONDITIONS = {
    "# needs the network": False,
    "# needs a file of yours": False,
    "# needs pip install synthviz[openvino]": importlib.util.find_spec("openvino") is not None,
}


def python_blocks(text: str) -> list[tuple[int, str]]:
    """Return each Python block with the number of its first line."""
    return [
        (text.count("\n", 0, found.start(1)) + 1, found[1])
        for found in re.finditer(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    ]


def run_blocks(text: str) -> list[int]:
    """Run the blocks in one namespace and return the first lines of those that ran; an error names its block."""
    namespace: dict[str, object] = {"__name__": "readme"}
    ran = []
    for line, source in python_blocks(text):
        first_line = source.splitlines()[0]
        if first_line.startswith("# needs") and not CONDITIONS[first_line]:
            continue
        # Empty lines in front, so that a traceback shows the lines of the README.
        program = compile("\n" * (line - 1) + source, str(README), "exec")
        try:
            exec(program, namespace)
        except Exception as error:
            error.add_note(f"in the Python block of README.md that begins in line {line}:\n{source}")
            raise
        ran.append(line)
    return ran


def test_every_block_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photographs").mkdir()
    for picture in shipped_pictures():
        shutil.copy(picture, tmp_path / "photographs")
    text = README.read_text(encoding="utf-8")
    ran = run_blocks(text)
    assert len(ran) >= 3
    assert len(python_blocks(text)) - len(ran) <= 3  # hardly any block may be skipped
    assert len(list((tmp_path / "outputs").glob("generated_image_*.png"))) == 3


def test_a_block_that_fails_is_named():
    with pytest.raises(ZeroDivisionError) as caught:
        run_blocks(
            "# Title\n\n```python\nx = 1\n```\n\n```python\n# needs the network\n1 / 0\n```\n\n```python\nx / 0\n```\n"
        )
    assert "line 13" in caught.value.__notes__[0]


def test_an_unknown_condition_is_not_skipped():
    with pytest.raises(KeyError, match="needs luck"):
        run_blocks("```python\n# needs luck\n```\n")
