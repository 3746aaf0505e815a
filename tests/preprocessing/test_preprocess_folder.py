"""Folders of pictures: each file gives its tensor or a reason, and no file stops the rest."""

from __future__ import annotations

import os
import re
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
from synthviz.preprocessing.loaded_image import LoadedImage, test_pattern as pattern


@pytest.fixture
def folder(tmp_path):
    """Three pictures, one of them in a subfolder, a file that is not a picture, hidden files, and a link."""
    rng = np.random.default_rng(0)
    (tmp_path / "b").mkdir()
    (tmp_path / ".hidden").mkdir()
    for name in ("a.png", "b/b.jpg", "d.png", ".hidden.png", ".hidden/e.png"):
        Image.fromarray(rng.integers(0, 255, (32, 48, 3), dtype=np.uint8)).save(tmp_path / name)
    (tmp_path / "c.png").write_text("no picture")
    (tmp_path / "link.png").symlink_to(tmp_path / "a.png")
    return tmp_path


def load_unless_evil(path: Path) -> LoadedImage:
    """Act as a decoder that c.png makes hang, crash or waste memory."""
    if path.name == "c.png":
        deed = path.read_text()
        if deed == "hang":
            while True:
                pass
        elif deed == "wait":
            time.sleep(600)
        elif deed == "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        elif deed == "memory":
            waste = [bytearray(50_000_000) for _ in range(100)]
            time.sleep(600)
            del waste
    return preprocess_image(path)


def test_one_isolated_picture_is_the_same_and_not_opened_in_this_process(folder, monkeypatch):
    here = preprocess_image(folder / "a.png", fit="crop")

    def refuse(*arguments):
        raise AssertionError("opened in this process")

    monkeypatch.setattr("synthviz.preprocessing.image.open_picture", refuse)
    alone = preprocess_image(folder / "a.png", fit="crop", isolate=True)
    assert torch.equal(alone.tensor, here.tensor)
    assert alone.record == here.record


def test_an_unusable_isolated_picture_is_logged_once_or_raises(folder, caplog, capfd):
    with pytest.raises(PreprocessingError, match=r"^c\.png: "):
        preprocess_image(folder / "c.png", isolate=True, strict=True)
    assert caplog.messages == []
    alone = preprocess_image(folder / "c.png", fit="crop", isolate=True)
    (message,) = caplog.messages
    assert "c.png" in message
    assert alone.fallback_reason in message
    assert alone.record == preprocess_image(folder / "c.png", fit="crop").record
    assert "c.png" not in "".join(capfd.readouterr())  # the process that decodes writes nothing


@pytest.mark.parametrize("strict", [False, True])
def test_a_crash_of_the_isolated_decoder_is_the_reason(folder, monkeypatch, strict):
    monkeypatch.setattr("synthviz.preprocessing.image.load_picture", crash)
    if strict:
        with pytest.raises(PreprocessingError, match=r"^c\.png: the decoder crashed"):
            preprocess_image(folder / "c.png", isolate=True, strict=True)
    else:
        loaded = preprocess_image(folder / "c.png", size=32, fit="pad", isolate=True)
        assert loaded.fallback_reason == "the decoder crashed"
        assert torch.equal(loaded.tensor, pattern(32))
        assert loaded.record["fit"] == "pad"
    assert not decoders()


def crash(path: Path, settings: object) -> LoadedImage:
    os.kill(os.getpid(), signal.SIGSEGV)
    raise AssertionError("not reached")


@pytest.mark.skipif(os.name == "nt", reason="names are always text there")
@pytest.mark.parametrize("isolate", [False, True])
def test_a_file_name_that_is_not_valid_text(folder, isolate):
    os.rename(folder / "a.png", os.fsencode(folder) + b"/a\xff.png")
    os.rename(folder / "c.png", os.fsencode(folder) + b"/c\xff.png")
    by_name = {loaded.name: loaded for loaded in preprocess_folder(folder, isolate=isolate)}
    assert by_name["a\\udcff.png"].fallback_reason is None
    assert by_name["c\\udcff.png"].fallback_reason is not None


def test_files_come_in_the_order_of_their_paths(folder):
    found = list(preprocess_folder(folder))
    assert [loaded.name for loaded in found] == ["a.png", "b.jpg", "c.png", "d.png"]
    assert [loaded.fallback_reason is None for loaded in found] == [True, True, False, True]
    assert torch.equal(found[0].tensor, preprocess_image(folder / "a.png").tensor)


def test_isolated_pictures_are_the_same(folder, caplog, capfd):
    progress = []
    load = partial(preprocess_image, size=64, fit="crop")
    isolated = list(preprocess_folder(folder, load=load, isolate=True, on_progress=lambda *at: progress.append(at)))
    for one, other in zip(isolated, preprocess_folder(folder, load=load), strict=True):
        assert torch.equal(one.tensor, other.tensor)
        assert one.record == other.record
    assert progress == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert ["c.png" in message for message in caplog.messages] == [True, True]  # isolated and not
    assert "c.png" not in "".join(capfd.readouterr())  # the process that decodes writes nothing
    assert not decoders()


def decoders() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "spawn_main" in str(child.cmdline())]


def test_several_workers_keep_the_order(folder, caplog):
    (folder / "c.png").write_text("crash")
    files = preprocess_folder(folder, load=load_unless_evil, isolate=True, workers=3)
    assert [loaded.name for loaded in files] == ["a.png", "b.jpg", "c.png", "d.png"]
    assert caplog.messages == ["Using the test pattern instead of c.png: the decoder crashed"]
    (folder / "c.png").unlink()
    started = preprocess_folder(folder, isolate=True, workers=2)
    assert next(started).name == "a.png"
    assert len(decoders()) == 2
    started.close()
    assert not decoders()


@pytest.mark.parametrize(
    ("deed", "words"),
    [
        ("hang", "more than 1 s"),
        ("wait", "more than 2 s"),
        ("crash", "the decoder crashed"),
        ("memory", "memory|MemoryError"),
    ],
)
def test_a_hostile_file_is_stopped_and_the_rest_is_loaded(folder, monkeypatch, deed, words):
    (folder / "c.png").write_text(deed)
    if deed == "memory":
        pytest.importorskip("resource")
    monkeypatch.setattr("synthviz.preprocessing.isolation.WAITING", 20 if deed == "hang" else 2)
    settings = {"seconds": 1.0 if deed in ("hang", "wait") else 30.0, "memory_gb": 1.0}
    found = []
    files = preprocess_folder(folder, load=load_unless_evil, isolate=True, **settings)
    try:
        found.extend(files)
    except MemoryError as error:
        pytest.fail(f"the rest was not loaded: {error!r}")
    assert [loaded.fallback_reason is None for loaded in found] == [True, True, False, True]
    assert re.search(words, found[2].fallback_reason)
    assert torch.equal(found[2].tensor, pattern())


def load_beside_other_programs(path: Path) -> LoadedImage:
    """Act as a decoder that seldom gets the processor."""
    time.sleep(0.7)
    return preprocess_image(path)


def test_time_in_which_other_programs_compute_does_not_count(folder):
    found = preprocess_folder(folder, load=load_beside_other_programs, isolate=True, seconds=0.5)
    assert [loaded.fallback_reason is None for loaded in found] == [True, True, False, True]  # c.png is no picture


def test_files_are_loaded_while_iterating(folder):
    started = preprocess_folder(folder)
    assert next(started).name == "a.png"
    (folder / "d.png").unlink()
    assert [loaded.fallback_reason is None for loaded in started] == [True, False, False]


@pytest.mark.parametrize("wrong", [{"workers": 2}, {"workers": 0, "isolate": True}, {"workers": 1.5, "isolate": True}])
def test_wrong_numbers_of_workers_raise(folder, wrong):
    with pytest.raises(ValueError, match="workers is"):
        preprocess_folder(folder, **wrong)


def test_a_wrong_parameter_raises_from_the_isolated_process(folder):
    with pytest.raises(ValueError, match="fit is 'stretched'"):
        next(preprocess_folder(folder, load=partial(preprocess_image, fit="stretched"), isolate=True))


@pytest.mark.parametrize(
    ("given", "words"),
    [({"folder": "nowhere"}, "not a folder"), ({"seconds": 0}, "seconds is 0"), ({"memory_gb": -1}, "memory_gb is -1")],
)
def test_wrong_calls_raise_at_once(folder, given, words):
    with pytest.raises(ValueError, match=words):
        preprocess_folder(**{"folder": folder, **given})


@pytest.mark.parametrize("guard", ["", 'if __name__ == "__main__":\n    '])
def test_a_script_without_a_main_guard_gets_a_clear_error(folder, guard):
    script = folder / "script.py"
    script.write_text(
        f"from synthviz.preprocessing import preprocess_image\n{guard}preprocess_image('a.png', isolate=True)"
    )
    ran = subprocess.run([sys.executable, script.name], cwd=folder, capture_output=True, text=True, timeout=120)
    assert (ran.returncode == 0) == bool(guard)
    if not guard:
        last = ran.stderr.strip().splitlines()[-1]
        assert last.startswith("RuntimeError: ")
        assert 'if __name__ == "__main__":' in last
        assert "EOFError" not in ran.stderr


def test_an_empty_folder_gives_nothing(tmp_path):
    assert list(preprocess_folder(tmp_path)) == []
