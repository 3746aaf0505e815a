"""Paint the training set: `python -m training.paintings --count 24000 --output-dir DIR`.

Writes into the folder `images.npy` (count, size, size, 3) uint8, `layouts.npy` (count, size / 8, size / 8) uint8, a
coarse map of things, and `scenes.jsonl`, a line for each painting with its attributes and four captions. Painting
resumes where it was interrupted, and training can begin before all are painted.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from synthviz import scenes
from synthviz.world import KINDS, NATURAL, PLACES, Painting, Scene, paint, sample_scene, write_caption
from synthviz.world.captions import SHORT
from synthviz.world.labels import THINGS

CAPTIONS_EACH = 4
EXTRA_CITY = 11  # every eleventh painting is a city: the first prompt that everybody sees is about one
IMAGES, LAYOUTS, SCENES = "images.npy", "layouts.npy", "scenes.jsonl"
CELL = 8  # pixels of a picture in one cell of its layout
LAYOUT_CLASSES = len(THINGS) + len(PLACES)


@dataclass(frozen=True)
class Paintings:
    """A painted training set, with its images on disk.

    Attributes:
        images: (count, size, size, 3) uint8, memory-mapped; changes stay in memory.
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
    """Open a folder that `paint_training_set` filled, or has filled in part."""
    lines = [json.loads(line) for line in read_lines(folder / SCENES)]
    return Paintings(
        images=np.load(folder / IMAGES, mmap_mode="c")[: len(lines)],
        captions=[line["captions"] for line in lines],
        scenes=[line["scene"] for line in lines],
        places=np.array([PLACES.index(line["scene"]["place"]) for line in lines], np.uint8),
        layouts=np.load(folder / LAYOUTS)[: len(lines)],
    )


def read_lines(path: Path) -> list[str]:
    """Return the complete lines of a file that may still grow; none if there is no file."""
    return path.read_text().split("\n")[:-1] if path.exists() else []


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
    if world == "flat":
        scene = sample_scene(rng, held_out)
        return scenes.paint(scene, size), [write_caption(scene, rng) for _ in range(CAPTIONS_EACH)]
    scene = sample_scene(rng, held_out, NATURAL)
    while index % EXTRA_CITY == 0 and scene.place != "city":
        scene = sample_scene(rng, held_out, NATURAL)
    painting = paint(scene, size)
    return painting, [write_caption(scene, rng, NATURAL, painting.sights, SHORT) for _ in range(CAPTIONS_EACH)]


def paint_scenes(scenes_to_paint: Sequence[Scene], size: int, processes: int | None = None) -> np.ndarray:
    """Paint scenes without captions, on all cores or in this number of processes: (N, size, size, 3) uint8."""
    with multiprocessing.get_context().Pool(processes, torch.set_num_threads, (1,)) as pool:
        return np.stack(pool.map(partial(_paint_image, size=size), scenes_to_paint, chunksize=4))


def _paint_image(scene: Scene, size: int) -> np.ndarray:
    return scenes.paint(scene, size).image


def _paint_for_training(
    index: int, first_seed: int, size: int, held_out: bool, world: str
) -> tuple[np.ndarray, np.ndarray, str]:
    torch.set_num_threads(1)  # every core has a process
    painting, captions = paint_one(index, first_seed, size, held_out, world)
    line = json.dumps({"scene": asdict(painting.scene), "captions": captions})
    return painting.image, coarse_layout(painting), line


def paint_training_set(
    folder: Path,
    count: int,
    size: int = 256,
    first_seed: int = 0,
    held_out: bool = False,
    processes: int | None = None,
    device: str | None = None,
    world: str = "flat",
) -> None:
    """Paint `count` scenes into a folder, on all cores; go on if some are there already.

    Args:
        folder: the folder to fill.
        count: the number of scenes.
        size: side of the pictures in pixels, a multiple of 8.
        first_seed: another number gives an entirely different set.
        held_out: whether pairs that the generator must not see may occur; for the oracle and for tests.
        processes: the number of processes; None for one per core.
        device: on which every process paints, such as "cuda"; None for the CPU.
        world: "flat", the one from which the shipped models learnt, or "light", the one for the next models.

    Raises:
        ValueError: if the folder holds paintings of another number or size.
        RuntimeError: if torch does not know the device, or cannot use it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    images = _open(folder / IMAGES, (count, size, size, 3))
    layouts = _open(folder / LAYOUTS, (count, size // CELL, size // CELL))
    kept = read_lines(folder / SCENES)
    (folder / SCENES).write_text("".join(f"{line}\n" for line in kept))  # without a line that was cut off
    started = time.monotonic()
    place = None if device is None else torch.device(device)
    context = multiprocessing.get_context(None if place is None else "spawn")  # CUDA does not survive a fork
    with context.Pool(processes, torch.set_default_device, (place,)) as pool, (folder / SCENES).open("a") as lines:
        one = partial(_paint_for_training, first_seed=first_seed, size=size, held_out=held_out, world=world)
        rest = range(len(kept), count)
        for index, (image, layout, line) in zip(rest, pool.imap(one, rest, chunksize=16), strict=True):
            images[index], layouts[index] = image, layout
            lines.write(line + "\n")
            if (index + 1) % 1000 == 0 or index + 1 == count:
                images.flush()
                layouts.flush()
                lines.flush()
                print(f"{index + 1} of {count} painted, {time.monotonic() - started:.0f} s", flush=True)


def _open(path: Path, shape: tuple[int, ...]) -> np.memmap[Any, np.dtype[np.uint8]]:
    """Open an array of bytes on disk; make it if there is none."""
    if not path.exists():
        return np.lib.format.open_memmap(path, "w+", np.uint8, shape)
    array = np.lib.format.open_memmap(path, "r+")
    if array.shape != shape:
        raise ValueError(f"{path} has the shape {array.shape}, not {shape}; paint into another folder")
    return array


def main() -> None:
    """Paint a training set from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output-dir", type=Path, required=True)
    parser.add_argument("--count", type=int, default=48_000)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--device", choices=("cuda",), help="paint on the GPU, in every process")
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
        device=arguments.device,
        world=arguments.world,
    )


if __name__ == "__main__":
    main()
