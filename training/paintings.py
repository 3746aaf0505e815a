"""Paint the training set: `python -m training.paintings --count 30000 --output-dir DIR`.

Leaves in the folder `images.npy` (count, size, size, 3) uint8, `captions.json` (a list of four captions for
each painting) and `places.npy` (count,) uint8, the index into `synthviz.scenes.PLACES`.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from synthviz.scenes import PLACES, paint, sample_scene, write_caption

CAPTIONS_EACH = 4


@dataclass(frozen=True)
class Paintings:
    """A painted training set, its images still on disk.

    Attributes:
        images: (count, size, size, 3) uint8, memory-mapped.
        captions: for each painting, several captions.
        places: (count,) uint8, index into `PLACES`.
    """

    images: np.ndarray
    captions: list[list[str]]
    places: np.ndarray


def load_paintings(folder: Path) -> Paintings:
    """Open what `paint_training_set` left in a folder."""
    return Paintings(
        images=np.load(folder / "images.npy", mmap_mode="r"),
        captions=json.loads((folder / "captions.json").read_text()),
        places=np.load(folder / "places.npy"),
    )


def paint_one(index: int, first_seed: int, size: int) -> tuple[np.ndarray, list[str], int]:
    """One painting: its picture, its captions and the index of its place."""
    rng = np.random.default_rng([first_seed, index])
    painting = paint(sample_scene(rng), size)
    captions = [write_caption(painting, rng) for _ in range(CAPTIONS_EACH)]
    return painting.image, captions, PLACES.index(painting.scene.place)


def paint_training_set(
    folder: Path, count: int, size: int = 128, first_seed: int = 0, processes: int | None = None
) -> None:
    """Paint `count` scenes into a folder, on all cores."""
    folder.mkdir(parents=True, exist_ok=True)
    images = np.lib.format.open_memmap(folder / "images.npy", "w+", np.uint8, (count, size, size, 3))
    captions: list[list[str]] = []
    places = np.zeros(count, np.uint8)
    started = time.monotonic()
    with multiprocessing.Pool(processes) as pool:
        work = pool.imap(partial(paint_one, first_seed=first_seed, size=size), range(count), chunksize=32)
        for index, (image, said, place) in enumerate(work):
            images[index] = image
            captions.append(said)
            places[index] = place
            if (index + 1) % 2000 == 0:
                print(f"{index + 1} of {count} painted, {time.monotonic() - started:.0f} s", flush=True)
    images.flush()
    np.save(folder / "places.npy", places)
    (folder / "captions.json").write_text(json.dumps(captions))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output-dir", type=Path, required=True)
    parser.add_argument("--count", type=int, default=30_000)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--first-seed", type=int, default=0, help="another number paints an entirely different set")
    arguments = parser.parse_args()
    paint_training_set(arguments.output_dir, arguments.count, arguments.size, arguments.first_seed)


if __name__ == "__main__":
    main()
