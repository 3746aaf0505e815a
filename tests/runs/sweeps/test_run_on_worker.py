"""One run on a worker: finished and in its place, or a stored failure; nothing in between."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import psutil
import pytest
from small_notebooks import WORK, write_notebook

from synthviz.files import sha256
from synthviz.runs.chain import NOTEBOOKS
from synthviz.runs.errors import WorkerUnfit
from synthviz.runs.limits import Limits
from synthviz.runs.sweeps import PlannedRun
from synthviz.runs.sweeps.folder import verified_manifest
from synthviz.runs.sweeps.plan import hash_sources
from synthviz.runs.sweeps.run_on_worker import Orders, execute_run

RUN = PlannedRun("0123456789abcdef", {"seed": 7, "prompt": "a 'red' boat", "scale": 0.1})


@pytest.fixture
def orders(tmp_path, notebooks):
    """Returns orders for a sweep's folder that is ready for them."""
    sweep = tmp_path / "sweep"
    for name in ("runs", "failures", ".unfinished"):
        (sweep / name).mkdir(parents=True)
    (sweep / ".unfinished" / "token").write_text("here")

    def make(**limits) -> Orders:
        sources = hash_sources(notebooks, NOTEBOOKS)
        return Orders(str(sweep), "here", NOTEBOOKS, sources, Limits(**limits), 1, str(notebooks))

    return make


def kernels() -> list[int]:
    return [child.pid for child in psutil.Process().children(recursive=True) if "ipykernel" in str(child.cmdline())]


def left_in(folder) -> list[str]:
    return sorted(os.listdir(folder / ".unfinished"))


def test_a_finished_run_is_in_its_place_and_verifies(orders, tmp_path):
    assert execute_run(RUN, orders()).failure is None
    folder = tmp_path / "sweep" / "runs" / RUN.key
    manifest = verified_manifest(folder)
    assert manifest["results"]["seen"] == {"prompt": "a 'red' boat", "seed": 7, "interactive": False}
    assert manifest["parameters"] == RUN.parameters
    assert sha256(folder / "generated_image_7.png") == manifest["files"]["generated_image_7.png"]["sha256"]
    assert left_in(tmp_path / "sweep") == ["token"]


def test_a_kernel_computes_with_the_given_number_of_threads(orders, notebooks, tmp_path):
    before = os.environ.get("OMP_NUM_THREADS")
    work = "import os\nfrom synthviz import records\nrecords.report('threads', os.environ['OMP_NUM_THREADS'])"
    write_notebook(notebooks / f"{NOTEBOOKS[0]}.ipynb", work)
    execute_run(RUN, orders())
    assert verified_manifest(tmp_path / "sweep" / "runs" / RUN.key)["results"]["threads"] == "1"
    assert os.environ.get("OMP_NUM_THREADS") == before


@pytest.mark.parametrize("harm", ["remove", "change", "grow", "no manifest", "half a manifest"])
def test_a_damaged_run_does_not_verify(orders, tmp_path, harm):
    execute_run(RUN, orders())
    folder = tmp_path / "sweep" / "runs" / RUN.key
    picture = folder / "generated_image_7.png"
    if harm == "remove":
        picture.unlink()
    elif harm == "change":
        picture.write_bytes(b"gnp")
    elif harm == "grow":
        picture.write_bytes(b"pngs")
    elif harm == "no manifest":
        (folder / "manifest.json").unlink()
    else:
        (folder / "manifest.json").write_text((folder / "manifest.json").read_text()[:-20])
    assert verified_manifest(folder) is None


def test_a_failing_cell_is_stored_after_one_attempt_with_the_files_so_far(orders, notebooks, tmp_path):
    write_notebook(notebooks / f"{NOTEBOOKS[1]}.ipynb", "raise ValueError('<no such colour>')")
    failure = execute_run(RUN, orders()).failure
    assert (failure["kind"], failure["notebook"], failure["cell"], failure["attempts"]) == ("cell", NOTEBOOKS[1], 3, 1)
    assert failure["source"] == "raise ValueError('<no such colour>')"
    assert "ValueError: <no such colour>" in failure["traceback"]
    place = tmp_path / "sweep" / "failures" / RUN.key
    assert json.loads((place / "failure.json").read_text()) == failure
    assert (place / "generated_image_7.png").exists()
    assert (place / f"{NOTEBOOKS[1]}.failed.ipynb").exists()
    assert not (tmp_path / "sweep" / "runs" / RUN.key).exists()
    assert left_in(tmp_path / "sweep") == ["token"]


def test_a_success_removes_the_earlier_failure(orders, notebooks, tmp_path):
    write_notebook(notebooks / f"{NOTEBOOKS[1]}.ipynb", "raise ValueError")
    execute_run(RUN, orders())
    write_notebook(notebooks / f"{NOTEBOOKS[1]}.ipynb", "1")
    assert execute_run(RUN, orders()).failure is None
    assert os.listdir(tmp_path / "sweep" / "failures") == []


def test_a_dead_kernel_is_started_again(orders, notebooks, tmp_path):
    mark = tmp_path / "died"
    die_once = f"import os, pathlib\nmark = pathlib.Path({str(mark)!r})\n"
    die_once += "if not mark.exists():\n    mark.touch()\n    os._exit(1)"
    write_notebook(notebooks / f"{NOTEBOOKS[0]}.ipynb", die_once, WORK)
    assert execute_run(RUN, orders(retries=1)).failure is None
    assert mark.exists()


def test_a_kernel_that_dies_at_every_attempt_is_a_failure(orders, notebooks, tmp_path):
    write_notebook(notebooks / f"{NOTEBOOKS[0]}.ipynb", "import os; os._exit(1)")
    failure = execute_run(RUN, orders(retries=1)).failure
    assert (failure["kind"], failure["attempts"]) == ("kernel", 2)
    assert left_in(tmp_path / "sweep") == ["token"]


def test_a_run_that_takes_too_long_fails_and_its_kernel_is_killed(orders, notebooks):
    write_notebook(notebooks / f"{NOTEBOOKS[0]}.ipynb", "import time; time.sleep(600)")
    started = time.monotonic()
    failure = execute_run(RUN, orders(minutes=0.1)).failure
    assert time.monotonic() - started < 60
    assert (failure["kind"], failure["attempts"]) == ("limit", 1)
    assert "more than 0.1 minutes" in failure["error"]
    assert kernels() == []


def test_a_run_that_takes_too_much_memory_fails_and_its_kernel_is_killed(orders, notebooks):
    write_notebook(notebooks / f"{NOTEBOOKS[0]}.ipynb", "data = bytearray(600_000_000)\nimport time; time.sleep(600)")
    failure = execute_run(RUN, orders(memory_gb=0.5)).failure
    assert failure["kind"] == "limit"
    assert "more than 0.5 GB" in failure["error"]
    assert kernels() == []


def test_a_worker_that_sees_another_folder_refuses_and_writes_nothing(orders, tmp_path):
    (tmp_path / "sweep" / ".unfinished" / "token").write_text("there")
    with pytest.raises(WorkerUnfit, match="shared"):
        execute_run(RUN, orders())
    assert os.listdir(tmp_path / "sweep" / "failures") == []
    assert left_in(tmp_path / "sweep") == ["token"]


def test_a_worker_with_other_notebooks_or_none_refuses(orders, notebooks):
    made = orders()
    write_notebook(notebooks / f"{NOTEBOOKS[0]}.ipynb", "2")
    with pytest.raises(WorkerUnfit, match="other notebooks"):
        execute_run(RUN, made)
    (notebooks / f"{NOTEBOOKS[0]}.ipynb").unlink()
    with pytest.raises(WorkerUnfit, match="other notebooks"):
        execute_run(RUN, made)


def test_a_worker_that_cannot_write_refuses(orders, monkeypatch):
    def denied(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "touch", denied)
    with pytest.raises(WorkerUnfit, match=r"cannot write .*: Permission denied"):
        execute_run(RUN, orders())


def test_a_run_whose_sweep_was_started_again_has_not_failed(orders, notebooks, tmp_path):
    """The other driver has emptied the folder during the run, and has written its own token."""
    sweep = tmp_path / "sweep"
    work = f"import pathlib, shutil\nsweep = pathlib.Path({str(sweep)!r})\n"
    work += "shutil.rmtree(sweep / '.unfinished')\n(sweep / '.unfinished').mkdir()\n"
    work += "(sweep / '.unfinished' / 'token').write_text('anew')"
    write_notebook(notebooks / f"{NOTEBOOKS[0]}.ipynb", work)
    with pytest.raises(WorkerUnfit):
        execute_run(RUN, orders(retries=0))
    assert os.listdir(sweep / "failures") == []


def test_if_two_workers_do_the_same_run_the_first_result_stays(orders, tmp_path):
    execute_run(RUN, orders())
    manifest = tmp_path / "sweep" / "runs" / RUN.key / "manifest.json"
    first = manifest.stat().st_mtime_ns
    assert execute_run(RUN, orders()).failure is None
    assert manifest.stat().st_mtime_ns == first
    assert left_in(tmp_path / "sweep") == ["token"]
