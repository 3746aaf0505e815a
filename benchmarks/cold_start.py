"""The cost of a new process: `python -m benchmarks.cold_start`.

The time from starting Python to the first picture in memory is compared with diffusers alone, which loads the same
folder and takes the same steps; and `import synthviz` is compared with `import torch`. Each measurement is the whole
time of a separate process. The files are already in the operating system's cache.
"""

from __future__ import annotations

import subprocess
import sys

from benchmarks.side_by_side import Row, command_line, in_turns, row
from synthviz.shipped_models import MODELS

PROMPT = "a quiet village at dusk with two yellow lanterns"
WITH_SYNTHVIZ = """
import sys, synthviz
config = synthviz.GenerationConfig(sys.argv[2], count=1, seed=0)
synthviz.generate(synthviz.load_pipeline("embedded", "cpu"), config)[0].image.load()
"""
WITH_DIFFUSERS = """
import sys, torch
from diffusers import DiffusionPipeline
pipeline = DiffusionPipeline.from_pretrained(sys.argv[1], dtype=torch.float32, use_safetensors=True)
pipeline.set_progress_bar_config(disable=True)
generator = torch.Generator().manual_seed(0)
pipeline(sys.argv[2], num_inference_steps=4, guidance_scale=3.0, generator=generator).images[0].load()
"""


def run(program: str) -> None:
    """Run a program in a new process, with the embedded model's folder and a prompt as arguments."""
    subprocess.run([sys.executable, "-c", program, MODELS / "embedded", PROMPT], check=True, capture_output=True)


def measure(repeats: int) -> list[Row]:
    """Measure the first picture and the import."""
    picture = in_turns({"here": lambda: run(WITH_SYNTHVIZ), "there": lambda: run(WITH_DIFFUSERS)}, repeats)
    imports = in_turns({"here": lambda: run("import synthviz"), "there": lambda: run("import torch")}, repeats)
    return [
        row(
            "first picture of a new process",
            "diffusers alone: import, load, the same four steps",
            1.05,
            picture["here"],
            picture["there"],
        ),
        row("`import synthviz`", "`import torch`", 0.1, imports["here"], imports["there"]),
    ]


def main() -> None:
    """Measure from the command line."""
    command_line(measure, __doc__, repeats=20)


if __name__ == "__main__":
    main()
