"""paint() on another device: nothing is left on the CPU, and the picture is the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from strict_device import strict_device

from synthviz.shipped_models import MODELS
from synthviz.world import Group, Painting, Scene, paint, sample_scene

# Every place, hour, weather, style and body, and every kind of thing.
SCENES = (
    Scene("city", "night", "rain", style="neon", things=(Group("lantern", "red", 2), Group("tower", "white", 2))),
    Scene("city", "day", "snowfall", style="natural", seed=1),
    Scene("mountains", "sunrise", "fog", style="ink", things=(Group("bird", "white", 4), Group("tree", "white", 2))),
    Scene("ocean", "sunset", "clouds", "sun", "left", style="natural", water=True, things=(Group("boat", "red", 3),)),
    Scene("desert", "dusk", "clear", "moon", "right", stars=True, style="flat", things=(Group("balloon", "blue", 2),)),
    Scene("forest", "golden hour", "thunderstorm", style="watercolor", water=True),
    Scene("snowy hills", "night", "snowfall", style="flat", things=(Group("lantern", "yellow", 1, "left"),)),
    Scene("beach", "night", "clear", "crescent moon", "center", True, True, (Group("boat", "white", 2),), "natural"),
    Scene("village", "dusk", "rain", style="natural", things=(Group("tree", "green", 3),)),
    Scene("canyon", "day", "clear", "sun", "right", style="watercolor", water=True),
    Scene("volcano", "night", "clouds", style="natural", things=(Group("tower", "purple", 1, "right"),)),
)


@pytest.fixture(autouse=True)
def one_thread():  # small tensors gain nothing from several
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def paint_strictly(scene: Scene) -> Painting:
    with strict_device() as device:
        return paint(scene, 32, device=device)


def assert_equal(one: Painting, other: Painting) -> None:
    assert np.array_equal(one.image, other.image)
    assert one.masks.keys() == other.masks.keys()
    assert all(np.array_equal(mask, other.masks[name]) for name, mask in one.masks.items())


@pytest.mark.parametrize(
    "refused",
    [
        lambda far, near: far + near,
        lambda far, near: near + far,
        lambda far, near: near * far[0],
        lambda far, near: far.add_(near),
        lambda far, near: torch.stack([far, near]),
        lambda far, near: torch.stack([far[0], near[0]]),
        lambda far, near: torch.where(far > 1, far, near),
        lambda far, near: near[far.long()],
        lambda far, near: near[far > 1],
        lambda far, near: far.index_put_((torch.tensor([0, 1, 2]),), near),
        lambda far, near: far.numpy(),
        lambda far, near: np.asarray(far),
        lambda far, near: np.abs(far),
        lambda far, near: np.ones(3) * far,
        lambda far, near: torch.rand(3, generator=torch.Generator()),
        lambda far, near: torch.randint(5, (3,), generator=torch.Generator()),
        lambda far, near: far.uniform_(generator=torch.Generator()),
    ],
)
def test_the_strict_device_refuses_what_a_gpu_refuses(refused):
    with strict_device() as device, torch.device(device):
        far, near = torch.tensor([0.0, 1.0, 2.0]), torch.zeros(3, device="cpu")
        with pytest.raises((RuntimeError, TypeError)):
            refused(far, near)


def test_the_strict_device_allows_what_a_gpu_allows():
    with strict_device() as device, torch.device(device):
        far, near = torch.arange(3.0), torch.ones(3, device="cpu")
        far[1:] = near[1:]
        assert (far * near[0]).tolist() == [0, 1, 1]
        assert far[near.long()].cpu().numpy().tolist() == [1, 1, 1]
        assert torch.as_tensor(near).device == torch.as_tensor(near.numpy()).device == far.device
        assert float(far[1]) == 1


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.place)
def test_nothing_is_left_on_the_cpu(scene):
    assert_equal(paint_strictly(scene), paint(scene, 32))


AFTER_LOADING = """
import sys
from transformers import CLIPTextModel
CLIPTextModel.from_pretrained(sys.argv[1])
from test_painting_devices import SCENES, paint_strictly
paint_strictly(SCENES[0])
"""


def test_a_model_that_was_loaded_before_changes_nothing():
    """Transformers replaces functions of torch for a moment; torch may then no longer know them."""
    folders = [str(Path(__file__).parent), *sys.path]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(folders)}
    command = [sys.executable, "-c", AFTER_LOADING, str(MODELS / "embedded" / "text_encoder")]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100))
def test_nothing_is_left_on_the_cpu_in_any_scene(seed):
    scene = sample_scene(np.random.default_rng(seed), held_out=True)
    assert_equal(paint_strictly(scene), paint(scene, 32))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.place)
def test_a_gpu_paints_the_same_picture(scene):
    on_gpu, on_cpu = paint(scene, 64, device="cuda"), paint(scene, 64)
    assert np.abs(on_gpu.image.astype(int) - on_cpu.image).mean() < 2
    for name in on_gpu.masks.keys() | on_cpu.masks.keys():
        masks = (painting.masks.get(name, np.zeros((64, 64), bool)) for painting in (on_gpu, on_cpu))
        assert np.equal(*masks).mean() > 0.99
