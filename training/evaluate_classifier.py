"""Test the small CNN on new scenes: `python -m training.evaluate_classifier --count 1000`.

Every scene is painted, saved as PNG and loaded by `synthviz.preprocess_image`, as a user's picture is. The exit code is
1 if the CNN names fewer than 99 of 100 places correctly.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from synthviz.cnn.network import WEIGHTS, SceneCNN
from synthviz.cnn.predictions import predict
from synthviz.preprocessing.image import preprocess_image
from synthviz.scenes import PLACES
from training.paintings import paint_one

TARGET = 0.99


def count_confusions(model: SceneCNN, count: int, size: int, first_seed: int) -> np.ndarray:
    """Paint and classify `count` scenes; return (10, 10) counts, rows for painted, columns for predicted places."""
    confusions = np.zeros((len(PLACES), len(PLACES)), int)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "painting.png"
        for index in range(count):
            painting, _ = paint_one(index, first_seed, size, held_out=True)
            Image.fromarray(painting.image).save(path, compress_level=1)
            prediction = predict(model, preprocess_image(path, strict=True))
            confusions[PLACES.index(painting.scene.place), PLACES.index(prediction.class_name)] += 1
    return confusions


def format_confusions(confusions: np.ndarray) -> str:
    """Format the counts as a table, with a dot for 0."""
    width = max(len(place) for place in PLACES)
    header = " " * (width + 2) + " ".join(place[:6].rjust(6) for place in PLACES)
    rows = [
        f"{place.ljust(width)}  " + " ".join((str(value) if value else "·").rjust(6) for value in row)
        for place, row in zip(PLACES, confusions, strict=True)
    ]
    return "\n".join([header, *rows])


def main() -> None:
    """Test from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--count", type=int, default=1000, help="scenes for each size")
    parser.add_argument("--sizes", type=int, nargs="+", default=[256])
    parser.add_argument("--first-seed", type=int, default=1_000_000, help="must differ from the training set's")
    arguments = parser.parse_args()
    model = SceneCNN.pretrained(arguments.weights)
    good = True
    for size in arguments.sizes:
        confusions = count_confusions(model, arguments.count, size, arguments.first_seed)
        accuracy = confusions.trace() / confusions.sum()
        good = good and accuracy >= TARGET
        print(f"size {size}: {accuracy:.2%} of {arguments.count} places named correctly")
        print(format_confusions(confusions), end="\n\n")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
