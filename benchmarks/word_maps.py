"""How well word maps find things, and what recording costs: `python benchmarks/word_maps.py`.

On fresh paintings the painter's masks say where everything is. Each word that names a thing or the place is looked for
in the painting (`word_maps_of_picture`), its map is cut at the level that splits it best (Otsu 1979), and compared with
the mask: intersection over union. The cost is the time of a recorded generation over that of a plain one, in turns, in
one process.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import defaultdict

import numpy as np
import torch
from PIL import Image

from synthviz.generation import GenerationConfig, generate
from synthviz.pipelines import load_pipeline
from synthviz.scenes import KINDS, paint, sample_scene
from synthviz.scenes.captions import BODY_WORDS, KIND_WORDS, PLACE_WORDS
from synthviz.word_maps import generate_with_word_maps, word_maps_of_picture


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="embedded-teacher")
    parser.add_argument("--paintings", type=int, default=100)
    parser.add_argument("--noise", type=float, default=0.5)
    parser.add_argument("--rounds", type=int, default=7, help="of timing")
    arguments = parser.parse_args()
    pipeline = load_pipeline(arguments.model)
    scores: dict[str, list[float]] = defaultdict(list)
    for index in range(arguments.paintings):
        painting = paint(sample_scene(np.random.default_rng([9_000_000, index])))
        scene = painting.scene
        nouns = {PLACE_WORDS[scene.place][0].split()[-1]: "place"}
        prompt = PLACE_WORDS[scene.place][0]
        if scene.body:
            words = BODY_WORDS[scene.body][0]
            nouns[words.split()[-1]] = scene.body
            prompt += f" with {words}"
        for group in scene.things:
            singular, plural = KIND_WORDS[group.kind][0]
            noun = singular if group.count == 1 else plural
            nouns[noun.split()[-1]] = group.kind
            prompt += f" and a {group.color} {noun}"
        maps = word_maps_of_picture(pipeline, Image.fromarray(painting.image), prompt, arguments.noise)
        for noun, thing in nouns.items():
            if thing in painting.masks:
                kind = "counted things" if thing in KINDS else "places" if thing == "place" else "sun and moon"
                scores[kind].append(overlap(maps.heatmap(noun), painting.masks[thing]))
    everything = [score for kind in scores.values() for score in kind]
    print(f"{arguments.model}, {arguments.paintings} paintings, noise {arguments.noise:g}")
    print(f"mean IoU of {len(everything)} nouns: {statistics.fmean(everything):.3f}")
    for kind, found in sorted(scores.items()):
        print(f"  {kind}: {statistics.fmean(found):.3f} ({len(found)})")
    ratios = []
    for seed in range(arguments.rounds + 1):
        config = GenerationConfig("a red boat on the ocean at sunset with two white birds", count=1, seed=seed)
        seconds = []
        for make in (generate, generate_with_word_maps):
            started = time.perf_counter()
            make(pipeline, config)
            seconds.append(time.perf_counter() - started)
        ratios.append(seconds[1] / seconds[0])
    print(f"recording costs {statistics.median(ratios[1:]) - 1:+.1%} of the time (median of {arguments.rounds} rounds)")


if __name__ == "__main__":
    main()
