"""Ask the small CNN whether generated pictures show their places: `python -m training.evaluate_generation`.

Every place at every time of day, several seeds each. The CNN learnt from paintings only, never from generated
pictures, so it is a fair judge of places, though only as good as its own accuracy on paintings.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch

from synthviz.cnn import SceneCNN
from synthviz.generation import GenerationConfig, generate
from synthviz.pipelines import load_pipeline
from synthviz.scenes import PLACES, TIMES
from synthviz.scenes.captions import PLACE_WORDS, TIME_WORDS
from training.classifier import enlarge, grey
from training.evaluate_classifier import format_confusions


@torch.no_grad()
def count_confusions(seeds: int) -> np.ndarray:
    """Draw every place at every time of day: (10, 10) counts, prompted places down, named places across."""
    pipeline = load_pipeline("embedded")
    model = SceneCNN.pretrained()
    confusions = np.zeros((len(PLACES), len(PLACES)), int)
    for row, place in enumerate(PLACES):
        for time in TIMES:
            prompt = f"{PLACE_WORDS[place][0]} at {TIME_WORDS[time][0]}"
            pictures = generate(pipeline, GenerationConfig(prompt, count=seeds, seed=0))
            pixels = torch.from_numpy(np.stack([np.asarray(picture.image) for picture in pictures]))
            for named in model.logits(enlarge(grey(pixels)).clamp(0, 1)).argmax(dim=1).tolist():
                confusions[row, named] += 1
    return confusions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=4, help="pictures for each prompt, from seeds 0, 1, …")
    arguments = parser.parse_args()
    confusions = count_confusions(arguments.seeds)
    accuracy = confusions.trace() / confusions.sum()
    print(
        f"{accuracy:.1%} of {confusions.sum()} pictures show the place of their prompt\n{format_confusions(confusions)}"
    )


if __name__ == "__main__":
    main()
