"""The cost and the accuracy of word maps: `python -m benchmarks.word_maps`.

The cost is the time of a recorded generation divided by that of a plain one, in four steps of the embedded model.

The accuracy is the teacher's on new paintings, whose masks say where everything is (`training.word_overlap`). There is
no alternative to compare with, so this is only a check.
"""

from __future__ import annotations

import numpy as np

from benchmarks.side_by_side import Check, Row, command_line, in_turns, row
from synthviz.diffusion.config import GenerationConfig
from synthviz.diffusion.generation import generate
from synthviz.diffusion.pipelines import load_pipeline
from synthviz.diffusion.word_maps import generate_with_word_maps
from synthviz.scenes import paint, sample_scene
from training.targets import TARGETS
from training.word_overlap import measure_word_overlap

FIRST_SEED = 9_000_000  # of the paintings; no training set has them


def check_overlaps(paintings: int) -> Check:
    """Check the mean intersection over union on this number of new paintings."""
    painted = [paint(sample_scene(np.random.default_rng([FIRST_SEED, index]))) for index in range(paintings)]
    found = measure_word_overlap(load_pipeline("embedded-teacher"), painted)
    each = ", ".join(f"{kind} {mean.value:.2f}" for kind, mean in found.each.items())
    target, mean = TARGETS["word maps"], found.together.value
    text = f"mean IoU of {found.nouns} nouns with the painter's masks {mean:.2f} ({each}), goal {target}"
    return Check(text, target.reached(mean))


def measure(repeats: int, paintings: int = 100) -> list[Row]:
    """Measure the cost and check the accuracy."""
    pipeline = load_pipeline("embedded", "cpu")
    config = GenerationConfig("a red boat on the ocean at sunset with two white birds", count=1, seed=0)
    seconds = in_turns(
        {"on": lambda: generate_with_word_maps(pipeline, config), "off": lambda: generate(pipeline, config)}, repeats
    )
    return [
        row("a picture with word maps", "without", 1.15, seconds["on"], seconds["off"], [check_overlaps(paintings)])
    ]


def main() -> None:
    """Measure from the command line."""
    command_line(measure, __doc__, repeats=20)


if __name__ == "__main__":
    main()
