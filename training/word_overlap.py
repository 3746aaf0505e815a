"""How well word maps agree with the painter's masks.

For each word of a painting's prompt that names a thing or the place, the model computes the word map of the painting.
The map is thresholded (Otsu 1979) and compared with the mask: intersection over union.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from diffusers import DiffusionPipeline
from PIL import Image

from synthviz.diffusion.word_maps import word_maps_of_picture
from synthviz.scenes import KINDS, Painting
from synthviz.world.wordings import BODY_WORDS, COUNT_WORDS, KIND_WORDS, PLACE_WORDS
from training.estimates import Estimate, estimate_mean

NOISE = 0.5  # noise added to a painting, as a share of the noise schedule


@dataclass(frozen=True)
class WordOverlap:
    """Intersections over union, 0 to 1.

    Attributes:
        each: the mean over the counted things, the places, and the suns and moons.
        together: the mean over all nouns.
        nouns: how many there are.
    """

    each: dict[str, Estimate]
    together: Estimate
    nouns: int


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


def measure_word_overlap(pipeline: DiffusionPipeline, paintings: Sequence[Painting]) -> WordOverlap:
    """Compare the word maps of paintings with their masks."""
    overlaps: dict[str, list[float]] = defaultdict(list)
    for painting in paintings:
        prompt, nouns = prompt_and_nouns(painting)
        maps = word_maps_of_picture(pipeline, Image.fromarray(painting.image), prompt, NOISE)
        for noun, thing in nouns.items():
            kind = "counted things" if thing in KINDS else "places" if thing == "place" else "sun and moon"
            overlaps[kind].append(overlap(maps.heatmap(noun).cpu(), painting.masks[thing]))
    each = {kind: estimate_mean(found) for kind, found in sorted(overlaps.items())}
    every = [one for found in overlaps.values() for one in found]
    return WordOverlap(each, estimate_mean(every), len(every))
