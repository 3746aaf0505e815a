"""How time grows with size: `python -m benchmarks.growth`.

Measured are 1 to 64 pictures in one call; pictures with sides of 224 to 2048 pixels, through `preprocess_image` and, as
a ResNet-18's input, through `capture`; and 3 to 500 captured layers, all the layers of a stack of small convolutions.
An exponent of 1 is linear. `benchmarks/sweep_growth.py` measures sweeps.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn
from torchvision.models import resnet18

from benchmarks.side_by_side import Growth, command_line, growth, in_turns
from synthviz.cnn.features import capture
from synthviz.diffusion.config import GenerationConfig
from synthviz.diffusion.generation import generate
from synthviz.diffusion.pipelines import load_pipeline
from synthviz.preprocessing.image import preprocess_image
from synthviz.scenes import paint, sample_scene

COUNTS = (1, 4, 16, 64)
SIDES = (224, 512, 1024, 2048)
LAYERS = (3, 20, 100, 500)


def of_pictures(repeats: int, counts: tuple[int, ...] = COUNTS) -> Growth:
    """Measure `generate` for growing numbers of pictures."""
    pipeline = load_pipeline("embedded", "cpu")

    def make(count: int) -> None:
        generate(pipeline, GenerationConfig("a quiet village at dusk", count=count, seed=0))

    return growth("`generate`", "pictures", make, counts, repeats)


def of_files(repeats: int) -> Growth:
    """Measure `preprocess_image` over the number of pixels: twice the side is four times the work."""
    painting = Image.fromarray(paint(sample_scene(np.random.default_rng(0)), 1024).image)
    with tempfile.TemporaryDirectory() as folder:
        paths = {}
        for side in SIDES:
            paths[side**2] = Path(folder, f"{side}.png")
            painting.resize((side, side)).save(paths[side**2])
        sides = f"sides of {SIDES[0]} to {SIDES[-1]} pixels"
        return growth(
            "`preprocess_image`", "pixels", lambda pixels: preprocess_image(paths[pixels]), list(paths), repeats, sides
        )


@torch.no_grad()
def of_inputs(repeats: int) -> Growth:
    """Measure `capture` over the number of pixels, and the model alone, which is itself more than linear."""
    torch.manual_seed(0)
    model = resnet18(weights=None).eval()
    inputs = {side**2: torch.rand(1, 3, side, side) for side in SIDES}

    def run_captured(pixels: int) -> None:
        with capture(model, ["layer1", "layer2", "layer3"]):
            model(inputs[pixels])

    def run(pixels: int) -> None:
        model(inputs[pixels])

    ways = {
        (way, pixels): lambda way=way, pixels=pixels: way(pixels) for pixels in inputs for way in (run_captured, run)
    }
    seconds = in_turns(ways, repeats)
    captured, alone = (
        Growth("`capture`, larger inputs", "pixels", tuple(inputs), tuple(zip(*rounds, strict=True)))
        for rounds in ([seconds[way, pixels] for pixels in inputs] for way in (run_captured, run))
    )
    note = f"three layers of a ResNet-18, sides of {SIDES[0]} to {SIDES[-1]} pixels; the model alone: exponent "
    note += f"{alone.exponent:.2f}, {alone.last_exponent:.2f} between the two largest"
    return replace(captured, note=note)


@torch.no_grad()
def of_layers(repeats: int) -> Growth:
    """Measure `capture` for growing numbers of layers."""
    torch.manual_seed(0)
    x = torch.rand(1, 8, 32, 32)
    stacks = {count: nn.Sequential(*(nn.Conv2d(8, 8, 3, padding=1) for _ in range(count))) for count in LAYERS}

    def run_captured(count: int) -> None:
        with capture(stacks[count], [str(number) for number in range(count)]):
            stacks[count](x)

    return growth(
        "`capture`, more layers", "layers", run_captured, LAYERS, repeats, "all layers of a stack of small convolutions"
    )


def measure(repeats: int) -> list[Growth]:
    """Measure all four."""
    return [of_pictures(repeats), *(grown(4 * repeats) for grown in (of_files, of_inputs, of_layers))]


def main() -> None:
    """Measure from the command line."""
    command_line(measure, __doc__, repeats=5)


if __name__ == "__main__":
    main()
