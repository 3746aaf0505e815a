"""What an evaluation measures, and all paintings that it needs."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from synthviz.scenes import Painting, Scene
from training.density_coverage import NEIGHBOURS
from training.paintings import Paintings, load_paintings, paint_one, paint_scenes, paint_training_set
from training.photo_judge import CLASSES
from training.photo_places import place_scenes
from training.seed_spread import PROMPTS, SEEDS, scenes_that_say


@dataclass(frozen=True)
class Evaluation:
    """How much to measure.

    Attributes:
        most_prompts: the largest number of prompts from each part of each category; None for all.
        pictures: the number of pictures from captions of fresh scenes, at least 2, because KID compares pairs.
        references: the number of paintings of other fresh scenes to compare them with, at least 6, because density and
            coverage look at the nearest five.
        of_each_place: pictures and paintings of each place that the photo network knows.
        of_each_caption: pictures and paintings of each caption whose spread is measured, at least 2.
        masked: the number of paintings with masks, for the autoencoder and the word maps.
        timed: the number of single pictures to time; 0 for none.
        batch: pictures drawn at a time; another number may change the rounding.
        bfloat16: whether to draw in bfloat16, which is much faster on processors with instructions for it; pictures
            that are timed are always drawn in float32.
        size: side of the paintings in pixels.
        first_seed: the first seed of the fresh paintings; must differ from every training set's.
        processes: the number of processes that paint; None for one per core.

    Raises:
        ValueError: if a number is too small.
    """

    most_prompts: int | None = None
    pictures: int = 1000
    references: int = 1000
    of_each_place: int = 40
    of_each_caption: int = SEEDS
    masked: int = 200
    timed: int = 5
    batch: int = 16
    bfloat16: bool = False
    size: int = 256
    first_seed: int = 7_000_000
    processes: int | None = None

    def __post_init__(self) -> None:
        smallest = {"pictures": 2, "references": NEIGHBOURS + 1, "of_each_place": 1, "of_each_caption": 2, "masked": 1}
        for name, least in smallest.items():
            if getattr(self, name) < least:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least {least}")


@dataclass(frozen=True)
class FreshPaintings:
    """All paintings of an evaluation; none of them is in a training set.

    Attributes:
        fresh: with captions and images in memory, pairs among them that the generator never saw: first those from
            whose captions pictures are drawn, then the references.
        masked: the first of them, with masks.
        place_scenes: scenes of the places that the photo network knows.
        of_places: their paintings, (N, S, S, 3) uint8.
        of_captions: paintings under the prompts of `seed_spread`, (N, S, S, 3) uint8.
    """

    fresh: Paintings
    masked: list[Painting]
    place_scenes: list[Scene]
    of_places: np.ndarray
    of_captions: np.ndarray


def paint_fresh(settings: Evaluation) -> FreshPaintings:
    """Paint everything that an evaluation compares pictures with."""
    size, processes = settings.size, settings.processes
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        count = settings.pictures + settings.references
        paint_training_set(Path(folder), count, size, settings.first_seed, True, processes)
        on_disk = load_paintings(Path(folder))
        fresh = replace(on_disk, images=np.array(on_disk.images))
    masked = [paint_one(index, settings.first_seed, size, True)[0] for index in range(settings.masked)]
    of_places = [scene for place in CLASSES for scene in place_scenes(place, settings.of_each_place)]
    of_captions = [
        scene
        for said in PROMPTS.values()
        for scene in scenes_that_say(said, settings.of_each_caption, settings.first_seed)
    ]
    return FreshPaintings(
        fresh,
        masked,
        of_places,
        paint_scenes(of_places, size, processes),
        paint_scenes(of_captions, size, processes),
    )
