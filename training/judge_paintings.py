"""Let a network that learnt from photographs judge the paintings: `python -m training.judge_paintings`.

It writes `training/paintings_judged.json`: how often the network names the place of a painting among its five best
guesses, and how much twelve paintings of one description differ, beside the world of before.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from synthviz.cnn.photo_network import load_photo_network
from synthviz.files import write_json
from synthviz.world import NATURAL, Scene, paint
from training.photo_judge import CLASSES, named_places, spread
from training.photo_places import place_scenes

OUTPUT = Path(__file__).with_name("paintings_judged.json")
PER_PLACE = 60
PER_DESCRIPTION = 12
# Descriptions, and their spread in the world that the first models learnt from.
DESCRIPTIONS: dict[str, tuple[Scene, float]] = {
    "a city at sunset": (Scene("city", "sunset", style=NATURAL), 9.6),
    "mountains at sunrise": (Scene("mountains", "sunrise", style=NATURAL), 9.4),
    "a forest in fog at dusk": (Scene("forest", "dusk", "fog", style=NATURAL), 10.0),
    "an ocean at night": (Scene("ocean", "night", water=True, style=NATURAL), 4.1),
}


def judge_places(per_place: int) -> dict[str, float]:
    """Return for each place that the network knows the share of paintings whose place it names."""
    network = load_photo_network()
    shares = {}
    for place in CLASSES:
        pictures = [paint(scene).image for scene in place_scenes(place, per_place, NATURAL)]
        shares[place] = float(np.mean(named_places(network, pictures, place)))
        print(f"{place}: {shares[place]:.0%} named", flush=True)
    return shares


def judge_spread() -> dict[str, dict[str, float]]:
    """Return how much paintings of one description differ, and by how much more than before."""
    network = load_photo_network()
    found = {}
    for name, (scene, before) in DESCRIPTIONS.items():
        pictures = [paint(replace(scene, seed=seed)).image for seed in range(PER_DESCRIPTION)]
        now = spread(network, pictures)
        found[name] = {"spread": round(now, 2), "before": before, "ratio": round(now / before, 2)}
        print(f"{name}: spread {now:.1f}, {now / before:.2f} times that of before", flush=True)
    return found


def main() -> None:
    """Judge the paintings from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--count", type=int, default=PER_PLACE, help="paintings of each place")
    arguments = parser.parse_args()
    shares = judge_places(arguments.count)
    result: dict[str, Any] = {
        "named": {**{place: round(share, 3) for place, share in shares.items()}},
        "named_together": round(float(np.mean(list(shares.values()))), 3),
        "paintings_of_each_place": arguments.count,
        "spread": judge_spread(),
    }
    write_json(arguments.output, result)
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
