"""The package as a whole: light to import, its files agree with one another."""

from __future__ import annotations

import importlib
import inspect
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

import synthviz
from synthviz.runs.chain import NOTEBOOKS

ROOT = Path(__file__).parents[1]
HEAVY = ("torch", "diffusers", "transformers", "matplotlib", "numpy", "PIL")


def test_import_is_light():
    program = f"import sys, synthviz; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", synthviz.__all__)
def test_the_front_door_opens(name):
    assert getattr(synthviz, name).__name__.split(".")[-1] == name


def test_no_name_of_a_room_is_also_one_of_its_files():
    for front in (ROOT / "synthviz").rglob("__init__.py"):
        room = importlib.import_module(".".join(front.parent.relative_to(ROOT).parts))
        for name in getattr(room, "__all__", ()):
            getattr(room, name)
        files = {path.stem for path in front.parent.iterdir()}
        shadowing = {name for name in vars(room) if name in files and not inspect.ismodule(getattr(room, name))}
        assert not shadowing, room.__name__


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="genrate"):
        synthviz.genrate  # noqa: B018


def test_the_changelog_knows_the_version():
    assert f"## {synthviz.__version__}" in (ROOT / "CHANGELOG.md").read_text()


def test_every_dependency_is_pinned_above_its_floor():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pins = {}
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        match = re.fullmatch(r"([A-Za-z0-9._-]+)==([0-9][0-9A-Za-z.]*)", line)
        assert match, f"{line!r} is not a plain name==version"
        pins[re.sub(r"[-_.]+", "-", match[1]).lower()] = tuple(
            int(part) for part in match[2].split(".") if part.isdigit()
        )
    for requirement in [*project["dependencies"], *project["optional-dependencies"]["dev"]]:
        name, floor = requirement.split(">=")
        assert pins[name] >= tuple(int(part) for part in floor.split(".")), requirement


def test_the_wheel_holds_notebooks_weights_pictures_and_types(tmp_path):
    (built,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    with zipfile.ZipFile(built) as wheel:
        names = set(wheel.namelist())
    assert {f"synthviz/notebooks/{name}.ipynb" for name in NOTEBOOKS} <= names
    assert {"synthviz/models/embedded/model_index.json", "synthviz/models/scene-cnn/model.safetensors"} <= names
    assert {"synthviz/pictures/picture_1.png", "synthviz/py.typed", "synthviz/__init__.pyi"} <= names
    assert "synthviz/runs/sweeps/report.html.j2" in names
    assert all(name.startswith("synthviz") for name in names)
