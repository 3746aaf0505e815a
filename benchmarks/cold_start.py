"""What a fresh process pays: `python -m benchmarks.cold_start`.

The first picture, from starting Python to having it in memory, against diffusers alone loading the same folder and
taking the same steps; and `import synthviz` against `import torch`. Each is a process of its own, timed from outside
from its start to its end. The files are in the operating system's cache by then.
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
    """A program in a process of its own; its arguments are the embedded model's folder and a prompt."""
    subprocess.run([sys.executable, "-c", program, MODELS / "embedded", PROMPT], check=True, capture_output=True)


def measure(repeats: int) -> list[Row]:
    picture = in_turns({"here": lambda: run(WITH_SYNTHVIZ), "there": lambda: run(WITH_DIFFUSERS)}, repeats)
    imports = in_turns({"here": lambda: run("import synthviz"), "there": lambda: run("import torch")}, repeats)
    return [
        row(
            "first picture of a cold process",
            "diffusers alone: import, load, the same four steps",
            1.05,
            picture["here"],
            picture["there"],
        ),
        row("`import synthviz`", "`import torch`", 0.1, imports["here"], imports["there"]),
    ]


def main() -> None:
    command_line(measure, __doc__, repeats=20)


if __name__ == "__main__":
    main()
