"""A painting of the world with light, compared with a limit: `python -m benchmarks.world_painting`.

A painting of 256×256 pixels is antialiased and has whatever its random scene asks for: water, things, weather, a style.
It is painted on one thread. All ten places take turns, and the value of a round is the median over the places.
"""

from __future__ import annotations

from time import perf_counter

import numpy as np
import torch

from benchmarks.side_by_side import Row, command_line, row
from synthviz.world import NATURAL, PLACES, Scene, paint, sample_scene

LIMIT = 0.25  # seconds


def scenes_of_all_places(rng: np.random.Generator) -> list[Scene]:
    """Draw one random scene of each place."""
    found: dict[str, Scene] = {}
    while len(found) < len(PLACES):
        scene = sample_scene(rng, plain=NATURAL)
        found.setdefault(scene.place, scene)
    return list(found.values())


def measure(repeats: int) -> list[Row]:
    """Measure rounds of ten paintings each."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    medians = []
    try:
        for number in range(repeats + 1):
            seconds = []
            for scene in scenes_of_all_places(np.random.default_rng(number)):
                started = perf_counter()
                paint(scene)
                seconds.append(perf_counter() - started)
            medians.append(float(np.median(seconds)))
    finally:
        torch.set_num_threads(threads)
    return [row("a painting, one thread, median of ten places", "a limit", 1.0, medians[1:], [LIMIT] * repeats)]


def main() -> None:
    """Measure from the command line."""
    command_line(measure, __doc__, repeats=8)


if __name__ == "__main__":
    main()
