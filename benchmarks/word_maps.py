"""The cost and the accuracy of word maps: `python -m benchmarks.word_maps`.

The cost is the time of a recorded generation divided by that of a plain one, in four steps of the embedded model.

The accuracy is measured on new paintings, whose masks say where everything is. For each word that names a thing or the
place, the teacher computes the word map of the painting (`word_maps_of_picture`). The map is thresholded (Otsu 1979)
and compared with the mask: intersection over union. There is no alternative to compare with, so this is only a check.
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
from synthviz.world.captions import BODY_WORDS, COUNT_WORDS, KIND_WORDS, PLACE_WORDS

LEAST_OVERLAP = 0.6
NOISE = 0.5  # noise added to a painting, as a share of the noise schedule


def otsu(values: np.ndarray) -> float:
    """Return the threshold that splits values into two groups with the least variance within (Otsu 1979)."""
    levels = np.linspace(values.min(), values.max(), 64)[1:-1]
    spreads = []
    for level in levels:
        above = values > level
        share = above.mean()
        low, high = (values[~above].var() if share < 1 else 0.0), (values[above].var() if share > 0 else 0.0)
        spreads.append((1 - share) * low + share * high)
    return float(levels[int(np.argmin(spreads))])


def overlap(heatmap: torch.Tensor, mask: np.ndarray) -> float:
    """Return the intersection over union of a heatmap (h, w), enlarged and thresholded, and a mask (H, W)."""
    large = torch.nn.functional.interpolate(heatmap[None, None], mask.shape, mode="bilinear")[0, 0].numpy()
    found = large > otsu(large)
    return float((found & mask).sum() / max(1, (found | mask).sum()))


def prompt_and_nouns(painting: Painting) -> tuple[str, dict[str, str]]:
    """Return a prompt for a painting, and the mask that each noun of the prompt names."""
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


def check_overlaps(paintings: int) -> Check:
    """Check the mean intersection over union on this number of new paintings."""
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
        f"mean IoU of {len(everything)} nouns with the painter's masks {mean:.2f} ({each}), goal {LEAST_OVERLAP:g}",
        mean >= LEAST_OVERLAP,
    )


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
