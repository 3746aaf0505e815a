"""Folders of pictures: each file gives its tensor or its reason, and none stops the rest."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from PIL import Image

from synthviz.preprocessing.folder import preprocess_folder
from synthviz.preprocessing.image import preprocess_image
from synthviz.preprocessing.image_files import PreprocessingError
from synthviz.preprocessing.loaded_image import LoadedImage


@pytest.fixture
def folder(tmp_path):
    """Three pictures, one of them in a subfolder, and a file that is none; hidden ones and a link are not for us."""
    rng = np.random.default_rng(0)
    (tmp_path / "b").mkdir()
    (tmp_path / ".hidden").mkdir()
    for name in ("a.png", "b/b.jpg", "d.png", ".hidden.png", ".hidden/e.png"):
        Image.fromarray(rng.integers(0, 255, (32, 48, 3), dtype=np.uint8)).save(tmp_path / name)
    (tmp_path / "c.png").write_text("no picture")
    (tmp_path / "link.png").symlink_to(tmp_path / "a.png")
    return tmp_path


def load_unless_evil(path: Path) -> LoadedImage:
    """What a hostile file could do to a decoder."""
    if path.name == "c.png":
        deed = path.read_text()
        if deed == "hang":
            time.sleep(600)
        elif deed == "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        elif deed == "memory":
            waste = [bytearray(50_000_000) for _ in range(100)]
            time.sleep(600)
            del waste
    return preprocess_image(path)


def test_one_picture_isolated(folder, monkeypatch):
    here = preprocess_image(folder / "a.png", fit="crop")

    def refuse(*arguments):
        raise AssertionError("opened in this process")

    monkeypatch.setattr("synthviz.preprocessing.image.open_picture", refuse)
    alone = preprocess_image(folder / "a.png", fit="crop", isolate=True)
    assert torch.equal(alone.tensor, here.tensor)
    assert alone.record == here.record
    assert preprocess_image(folder / "c.png", isolate=True).fallback_reason
    with pytest.raises(PreprocessingError, match=r"c\.png: it is not a picture"):
        preprocess_image(folder / "c.png", isolate=True, strict=True)


@pytest.mark.skipif(os.name == "nt", reason="names are always text there")
@pytest.mark.parametrize("isolate", [False, True])
def test_a_name_that_is_no_text(folder, isolate):
    os.rename(folder / "a.png", os.fsencode(folder) + b"/a\xff.png")
    os.rename(folder / "c.png", os.fsencode(folder) + b"/c\xff.png")
    by_name = {loaded.name: loaded for loaded in preprocess_folder(folder, isolate=isolate)}
    assert by_name["a\\udcff.png"].fallback_reason is None
    assert by_name["c\\udcff.png"].fallback_reason is not None


def test_every_file_in_the_order_of_their_paths(folder):
    found = list(preprocess_folder(folder))
    assert [loaded.name for loaded in found] == ["a.png", "b.jpg", "c.png", "d.png"]
    assert [loaded.fallback_reason is None for loaded in found] == [True, True, False, True]
    assert torch.equal(found[0].tensor, preprocess_image(folder / "a.png").tensor)


def test_isolated_ones_are_the_same(folder, capsys):
    told = []
    load = partial(preprocess_image, size=64, fit="crop")
    isolated = list(preprocess_folder(folder, load=load, isolate=True, on_progress=lambda *at: told.append(at)))
    for one, other in zip(isolated, preprocess_folder(folder, load=load), strict=True):
        assert torch.equal(one.tensor, other.tensor)
        assert one.record == other.record
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert capsys.readouterr().out.count("Using the test pattern instead of c.png") == 2
    assert not decoders()


def decoders() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "spawn_main" in str(child.cmdline())]


def test_several_workers_keep_the_order(folder, capsys):
    (folder / "c.png").write_text("crash")
    files = preprocess_folder(folder, load=load_unless_evil, isolate=True, workers=3)
    assert [loaded.name for loaded in files] == ["a.png", "b.jpg", "c.png", "d.png"]
    assert capsys.readouterr().out == "Using the test pattern instead of c.png: the decoder crashed\n"
    (folder / "c.png").unlink()
    started = preprocess_folder(folder, isolate=True, workers=2)
    assert next(started).name == "a.png"
    assert len(decoders()) == 2
    started.close()
    assert not decoders()


@pytest.mark.parametrize(
    ("deed", "words"),
    [("hang", "more than 2 s"), ("crash", "the decoder crashed"), ("memory", "memory|MemoryError")],
)
def test_one_that_is_too_much_is_stopped_and_the_rest_goes_on(folder, deed, words):
    (folder / "c.png").write_text(deed)
    if deed == "memory":
        pytest.importorskip("resource")
    settings = {"seconds": 2.0 if deed == "hang" else 30.0, "memory_gb": 1.0}
    found = []
    files = preprocess_folder(folder, load=load_unless_evil, isolate=True, **settings)
    try:
        found.extend(files)
    except MemoryError as error:
        pytest.fail(f"stopped the rest: {error!r}")
    assert [loaded.fallback_reason is None for loaded in found] == [True, True, False, True]
    assert found[2].tensor.shape == (1, 1, 224, 224)


def test_it_is_lazy(folder):
    started = preprocess_folder(folder)
    assert next(started).name == "a.png"
    (folder / "d.png").unlink()
    assert [loaded.fallback_reason is None for loaded in started] == [True, False, False]


@pytest.mark.parametrize("wrong", [{"workers": 2}, {"workers": 0, "isolate": True}, {"workers": 1.5, "isolate": True}])
def test_wrong_numbers_of_workers(folder, wrong):
    with pytest.raises(ValueError, match=r"workers is .*; it must be 1"):
        preprocess_folder(folder, **wrong)


def test_a_wrong_parameter_is_raised_where_it_was_given(folder):
    with pytest.raises(ValueError, match="fit is 'stretched'"):
        next(preprocess_folder(folder, load=partial(preprocess_image, fit="stretched"), isolate=True))


@pytest.mark.parametrize(
    ("given", "words"),
    [({"folder": "nowhere"}, "not a folder"), ({"seconds": 0}, "seconds is 0"), ({"memory_gb": -1}, "memory_gb is -1")],
)
def test_wrong_calls_are_refused_at_once(folder, given, words):
    with pytest.raises(ValueError, match=words):
        preprocess_folder(**{"folder": folder, **given})


@pytest.mark.parametrize("guard", ["", 'if __name__ == "__main__":\n    '])
def test_a_script_without_a_guard_is_told_so(folder, guard):
    script = folder / "script.py"
    script.write_text(
        f"from synthviz.preprocessing import preprocess_image\n{guard}preprocess_image('a.png', isolate=True)"
    )
    ran = subprocess.run([sys.executable, script.name], cwd=folder, capture_output=True, text=True, timeout=120)
    assert (ran.returncode == 0) == bool(guard)
    if not guard:
        last = ran.stderr.strip().splitlines()[-1]
        assert last.startswith("RuntimeError: the process that decodes pictures ended before it began; a script must")
        assert 'if __name__ == "__main__":' in last
        assert "EOFError" not in ran.stderr


def test_an_empty_folder_gives_nothing(tmp_path):
    assert list(preprocess_folder(tmp_path)) == []
