"""How well word maps find things, and what recording costs: `python -m benchmarks.word_maps`.

The cost is the time of a recorded generation over that of a plain one, in four steps by the embedded model.

On fresh paintings the painter's masks say where everything is. Each word that names a thing or the place is looked for
in the painting (`word_maps_of_picture`, by the teacher), its map is cut at the level that splits it best (Otsu 1979),
and compared with the mask: intersection over union. That has no alternative to stand against; it is a check beside.
"""

from __future__ import annotations

import statistics
from collections import defaultdict

import numpy as np
import torch
from PIL import Image

from benchmarks.side_by_side import Check, Row, command_line, in_turns, row
from synthviz.diffusion.config import GenerationConfig
from synthviz.diffusion.generation import generate
from synthviz.diffusion.pipelines import load_pipeline
from synthviz.diffusion.word_maps import generate_with_word_maps, word_maps_of_picture
from synthviz.scenes import KINDS, Painting, paint, sample_scene
from synthviz.scenes.captions import BODY_WORDS, COUNT_WORDS, KIND_WORDS, PLACE_WORDS

LEAST_OVERLAP = 0.6
NOISE = 0.5  # how far up the noise schedule a painting is taken


def otsu(values: np.ndarray) -> float:
    """The level that splits values into two groups with the least variance within (Otsu 1979)."""
    levels = np.linspace(values.min(), values.max(), 64)[1:-1]
    spreads = []
    for level in levels:
        above = values > level
        share = above.mean()
        low, high = (values[~above].var() if share < 1 else 0.0), (values[above].var() if share > 0 else 0.0)
        spreads.append((1 - share) * low + share * high)
    return float(levels[int(np.argmin(spreads))])


def overlap(heatmap: torch.Tensor, mask: np.ndarray) -> float:
    """Intersection over union of a heatmap (h, w), enlarged and cut, and a mask (H, W)."""
    large = torch.nn.functional.interpolate(heatmap[None, None], mask.shape, mode="bilinear")[0, 0].numpy()
    found = large > otsu(large)
    return float((found & mask).sum() / max(1, (found | mask).sum()))


def prompt_and_nouns(painting: Painting) -> tuple[str, dict[str, str]]:
    """A prompt for a painting, and which of its masks each noun of the prompt names."""
    scene = painting.scene
    prompt = PLACE_WORDS[scene.place][0]
    nouns = {prompt.split()[-1]: "place"}
    if scene.body:
        words = BODY_WORDS[scene.body][0]
        nouns[words.split()[-1]] = scene.body
        prompt += f" with {words}"
    for group in scene.things:
        singular, plural = KIND_WORDS[group.kind][0]
        noun = singular if group.count == 1 else plural
        nouns[noun.split()[-1]] = group.kind
        prompt += f" and {COUNT_WORDS[group.count][0]} {group.color} {noun}"
    return prompt, {noun: thing for noun, thing in nouns.items() if thing in painting.masks}


def overlaps(paintings: int) -> Check:
    """Whether the mean intersection over union on so many fresh paintings is what it should be."""
    teacher = load_pipeline("embedded-teacher")
    scores: dict[str, list[float]] = defaultdict(list)
    for index in range(paintings):
        painting = paint(sample_scene(np.random.default_rng([9_000_000, index])))
        prompt, nouns = prompt_and_nouns(painting)
        maps = word_maps_of_picture(teacher, Image.fromarray(painting.image), prompt, NOISE)
        for noun, thing in nouns.items():
            kind = "counted things" if thing in KINDS else "places" if thing == "place" else "sun and moon"
            scores[kind].append(overlap(maps.heatmap(noun), painting.masks[thing]))
    everything = [score for kind in scores.values() for score in kind]
    each = ", ".join(f"{kind} {statistics.fmean(found):.2f}" for kind, found in sorted(scores.items()))
    mean = statistics.fmean(everything)
    return Check(
        f"IoU with the painter's masks of {len(everything)} nouns {mean:.2f} ({each}), {LEAST_OVERLAP:g} wanted",
        mean >= LEAST_OVERLAP,
    )


def measure(repeats: int, paintings: int = 100) -> list[Row]:
    pipeline = load_pipeline("embedded", "cpu")
    config = GenerationConfig("a red boat on the ocean at sunset with two white birds", count=1, seed=0)
    seconds = in_turns(
        {"on": lambda: generate_with_word_maps(pipeline, config), "off": lambda: generate(pipeline, config)}, repeats
    )
    return [row("a picture with word maps", "without", 1.15, seconds["on"], seconds["off"], [overlaps(paintings)])]


def main() -> None:
    command_line(measure, __doc__, repeats=20)


if __name__ == "__main__":
    main()
