"""Paint the training set: `python -m training.paintings --count 24000 --output-dir DIR`.

Writes into the folder `images.npy` (count, size, size, 3) uint8, `captions.json` (a list of four captions for each
painting), `scenes.json` (each painting's attributes), `places.npy` (count,) uint8, the index into
`synthviz.world.PLACES`, and `layouts.npy` (count, size / 8, size / 8) uint8, a coarse map of things.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from synthviz import scenes
from synthviz.world import KINDS, NATURAL, PLACES, Painting, paint, sample_scene, write_caption
from synthviz.world.captions import SHORT
from synthviz.world.labels import THINGS

CAPTIONS_EACH = 4
CELL = 8  # pixels of a picture in one cell of its layout
LAYOUT_CLASSES = len(THINGS) + len(PLACES)


@dataclass(frozen=True)
class Paintings:
    """A painted training set, with its images on disk.

    Attributes:
        images: (count, size, size, 3) uint8, memory-mapped.
        captions: for each painting, several captions.
        scenes: for each painting, its attributes: a `Scene` as a dictionary, from `dataclasses.asdict`.
        places: (count,) uint8, index into `PLACES`.
        layouts: (count, size / 8, size / 8) uint8, see `coarse_layout`.
    """

    images: np.ndarray
    captions: list[list[str]]
    scenes: list[dict[str, Any]]
    places: np.ndarray
    layouts: np.ndarray


def load_paintings(folder: Path) -> Paintings:
    """Open a folder that `paint_training_set` filled."""
    return Paintings(
        images=np.load(folder / "images.npy", mmap_mode="r"),
        captions=json.loads((folder / "captions.json").read_text()),
        scenes=json.loads((folder / "scenes.json").read_text()),
        places=np.load(folder / "places.npy"),
        layouts=np.load(folder / "layouts.npy"),
    )


def coarse_layout(painting: Painting | scenes.Painting) -> np.ndarray:
    """Return what covers most of each cell of 8 × 8 pixels: (size / 8, size / 8) uint8, below `LAYOUT_CLASSES`.

    The classes are indices into `THINGS`; the land of a place has the place's index instead, after all things. For
    counted things, which are small, a third of a cell is enough.
    """
    best_share = np.zeros(tuple(side // CELL for side in painting.image.shape[:2]))
    layout = np.zeros(best_share.shape, np.uint8)
    for thing, mask in painting.masks.items():
        rows, columns = best_share.shape
        share = mask[: rows * CELL, : columns * CELL].reshape(rows, CELL, columns, CELL).mean(axis=(1, 3))
        if thing in KINDS:
            share = np.where(share > 0.3, 1 + share, share)
        index = len(THINGS) + PLACES.index(painting.scene.place) if thing == "place" else THINGS.index(thing)
        layout[share > best_share] = index
        best_share = np.maximum(share, best_share)
    return layout


def paint_one(
    index: int, first_seed: int, size: int, held_out: bool = False, world: str = "flat"
) -> tuple[Painting | scenes.Painting, list[str]]:
    """Paint one scene and write its captions; the same arguments give the same result."""
    rng = np.random.default_rng([first_seed, index])
    plain = NATURAL if world == "light" else "flat"
    scene = sample_scene(rng, held_out, plain)
    if world == "flat":
        return scenes.paint(scene, size), [write_caption(scene, rng) for _ in range(CAPTIONS_EACH)]
    painting = paint(scene, size)
    return painting, [write_caption(scene, rng, plain, painting.sights, SHORT) for _ in range(CAPTIONS_EACH)]


def _paint_for_training(
    index: int, first_seed: int, size: int, held_out: bool, world: str
) -> tuple[np.ndarray, np.ndarray, dict[str, Any], list[str]]:
    torch.set_num_threads(1)  # every core has a process
    painting, captions = paint_one(index, first_seed, size, held_out, world)
    return painting.image, coarse_layout(painting), asdict(painting.scene), captions


def paint_training_set(
    folder: Path,
    count: int,
    size: int = 256,
    first_seed: int = 0,
    held_out: bool = False,
    processes: int | None = None,
    world: str = "flat",
) -> None:
    """Paint `count` scenes into a folder, on all cores.

    Args:
        folder: the folder to fill.
        count: the number of scenes.
        size: side of the pictures in pixels, a multiple of 8.
        first_seed: another number gives an entirely different set.
        held_out: whether pairs that the generator must not see may occur; for the oracle and for tests.
        processes: the number of processes; None for one per core.
        world: "flat", the one from which the shipped models learnt, or "light", the one for the next models.
    """
    folder.mkdir(parents=True, exist_ok=True)
    images = np.lib.format.open_memmap(folder / "images.npy", "w+", np.uint8, (count, size, size, 3))
    layouts = np.zeros((count, size // CELL, size // CELL), np.uint8)
    attributes: list[dict[str, Any]] = []
    captions: list[list[str]] = []
    started = time.monotonic()
    with multiprocessing.Pool(processes) as pool:
        one = partial(_paint_for_training, first_seed=first_seed, size=size, held_out=held_out, world=world)
        for index, (image, layout, scene, written) in enumerate(pool.imap(one, range(count), chunksize=32)):
            images[index] = image
            layouts[index] = layout
            attributes.append(scene)
            captions.append(written)
            if (index + 1) % 2000 == 0:
                print(f"{index + 1} of {count} painted, {time.monotonic() - started:.0f} s", flush=True)
    images.flush()
    np.save(folder / "places.npy", np.array([PLACES.index(scene["place"]) for scene in attributes], np.uint8))
    np.save(folder / "layouts.npy", layouts)
    (folder / "scenes.json").write_text(json.dumps(attributes))
    (folder / "captions.json").write_text(json.dumps(captions))


def main() -> None:
    """Paint a training set from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output-dir", type=Path, required=True)
    parser.add_argument("--count", type=int, default=24_000)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--first-seed", type=int, default=0, help="another number gives an entirely different set")
    parser.add_argument(
        "--held-out", action="store_true", help="also paint pairs that the generator must not see; for the oracle"
    )
    parser.add_argument("--world", choices=("light", "flat"), default="light", help="flat: that of the shipped models")
    arguments = parser.parse_args()
    paint_training_set(
        arguments.output_dir,
        arguments.count,
        arguments.size,
        arguments.first_seed,
        arguments.held_out,
        world=arguments.world,
    )


if __name__ == "__main__":
    main()
