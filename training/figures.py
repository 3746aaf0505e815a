"""The figures of one model, of the paintings, and of a student beside its teacher, as records for JSON.

A record holds a value and, where there are counts, its 95% interval; or a value and its standard error. Figures are
named as in `targets.TARGETS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from diffusers import DiffusionPipeline
from torch import nn

from synthviz.cnn.network import SceneCNN
from training import seed_spread, unknown_words
from training.density_coverage import density_and_coverage
from training.drawing import time_pictures
from training.estimates import Score, ratio
from training.evaluation import Evaluation, FreshPaintings
from training.kernel_distance import kernel_distance
from training.memorisation import compare_with_training, shrink
from training.obedience import Obedience
from training.oracle import Oracle
from training.photo_judge import pooled_features
from training.photo_places import place_prompt, score_places
from training.reconstruction import measure_autoencoder
from training.spectrum import kept_detail
from training.word_overlap import measure_word_overlap

Figures = dict[str, dict[str, Any]]
Draw = Callable[[Sequence[str], Sequence[int]], np.ndarray]  # prompts and seeds to pictures, (N, S, S, 3) uint8


@dataclass(frozen=True)
class Judges:
    """The networks that judge pictures."""

    oracle: Oracle
    cnn: SceneCNN
    photo: nn.Module


def chunks(images: np.ndarray, size: int = 64) -> Iterator[np.ndarray]:
    """Yield pictures in groups that networks can see at a time."""
    return (np.array(images[start : start + size]) for start in range(0, len(images), size))


def photo_features(photo: nn.Module, pictures: np.ndarray) -> np.ndarray:
    """Return the photo network's pooled features of (N, S, S, 3) uint8 pictures: (N, 1280)."""
    return np.concatenate([pooled_features(photo, chunk).numpy() for chunk in chunks(pictures)])


def small_pictures(pictures: np.ndarray) -> np.ndarray:
    """Return what `compare_with_training` compares: (N, 3072)."""
    return np.concatenate([shrink(chunk) for chunk in chunks(pictures)])


def obedience_figures(obedience: Obedience) -> Figures:
    """Return the scores of all prompts, and how well pairs are drawn that training never showed together."""
    figures = {name: one.record() for name, one in obedience.scores.items()}
    for part, share in obedience.held_out.items():
        figures["held-out to seen" if part == "all" else f"held-out to seen: {part}"] = share.record()
    return {**figures, "places the CNN names": obedience.named.record()}


def likeness_figures(photo: nn.Module, pictures: np.ndarray, references: np.ndarray) -> Figures:
    """Compare pictures, or paintings, with the photo network's features of paintings of other scenes."""
    features = photo_features(photo, pictures)
    found = density_and_coverage(features, references)
    return {
        "KID": kernel_distance(features, references).record(),
        "density": found.density.record(),
        "coverage": found.coverage.record(),
    }


def spectrum_figures(pictures: np.ndarray, paintings: np.ndarray) -> Figures:
    """Compare the sharpness of pictures with that of paintings of the same scenes."""
    return {f"spectrum {band}": {"value": share} for band, share in kept_detail(pictures, paintings).items()}


def memorisation_figures(pictures: np.ndarray, fresh: np.ndarray, training: np.ndarray | None) -> Figures:
    """Compare the distances of pictures and of fresh paintings to the training set, small pictures (K, 3072)."""
    if training is None:
        return {}
    found = compare_with_training(small_pictures(pictures), small_pictures(fresh), training)
    return {"nearer to the training set": {"value": found.closer, **asdict(found)}}


def place_figures(draw: Draw, photo: nn.Module, painted: FreshPaintings) -> Figures:
    """Let the photo network name the places of pictures, and compare with paintings of the same scenes."""
    prompts = [place_prompt(scene) for scene in painted.place_scenes]
    named = _named_places(photo, draw(prompts, range(len(prompts))), painted)
    return {
        "places the photo network names": named.record(),
        "named places, pictures to paintings": ratio(named, _named_places(photo, painted.of_places, painted)).record(),
    }


def _named_places(photo: nn.Module, pictures: np.ndarray, painted: FreshPaintings) -> Score:
    return score_places(photo, pictures, [scene.place for scene in painted.place_scenes])


def spread_figures(draw: Draw, photo: nn.Module, painted: FreshPaintings, seeds: int) -> Figures:
    """Compare the spread of the pictures of one prompt with that of paintings under the same caption."""
    prompts = [prompt for prompt in seed_spread.PROMPTS for _ in range(seeds)]
    drawn = draw(prompts, list(range(seeds)) * len(seed_spread.PROMPTS))
    spreads = seed_spread.measure_spreads(photo, drawn, painted.of_captions)
    each = {prompt: asdict(spread) for prompt, spread in spreads.items()}
    mean = seed_spread.mean_ratio(list(spreads.values()))
    return {"seed spread, pictures to paintings": {**mean.record(), "each": each}}


def unknown_word_figures(draw: Draw) -> Figures:
    """Measure how much unknown words change a picture."""
    prompts, seeds = zip(*unknown_words.prompts_and_seeds(), strict=True)
    found = unknown_words.measure_unknown_words(draw(prompts, seeds))
    return {"unknown words": {"value": found.worst, "each": found.each}}


def autoencoder_figures(pipeline: DiffusionPipeline, oracle: Oracle, painted: FreshPaintings) -> Figures:
    """Measure how well the autoencoder reconstructs paintings."""
    found = measure_autoencoder(pipeline.vae, oracle, painted.masked)
    return {
        "autoencoder PSNR": found.psnr.record(),
        **{f"autoencoder spectrum {band}": {"value": share} for band, share in found.detail.items()},
        **{f"autoencoder error in {thing}": error.record() for thing, error in found.errors.items()},
        **{f"autoencoder keeps {question}": kept.record() for question, kept in found.kept.items()},
    }


def word_map_figures(pipeline: DiffusionPipeline, painted: FreshPaintings) -> Figures:
    """Compare word maps with the painter's masks."""
    found = measure_word_overlap(pipeline, painted.masked)
    each = {f"word maps: {kind}": mean.record() for kind, mean in found.each.items()}
    return {"word maps": {**found.together.record(), "nouns": found.nouns}, **each}


def time_figures(pipeline: DiffusionPipeline, prompts: Sequence[str], count: int) -> Figures:
    """Time single pictures, with the model's own number of steps and its guidance."""
    seconds = time_pictures(pipeline, prompts, count)
    return {} if seconds is None else {"seconds for one picture": {"value": seconds}}


def painting_figures(judges: Judges, painted: FreshPaintings, settings: Evaluation, references: np.ndarray) -> Figures:
    """Measure paintings as if they were pictures: what a perfect model reaches."""
    return {
        **likeness_figures(judges.photo, painted.fresh.images[: settings.pictures], references),
        "places the photo network names": _named_places(judges.photo, painted.of_places, painted).record(),
    }


def compare_models(student: Figures, teacher: Figures) -> Figures:
    """Compare a student with its teacher in accuracy, KID and speed."""
    scores = [Score(figures["all"]["right"], figures["all"]["count"]) for figures in (student, teacher)]
    distances = [figures["KID"]["value"] for figures in (student, teacher)]
    # Unbiased estimates of very small distances can be negative; then there is no ratio.
    kid = distances[0] / distances[1] if min(distances) > 0 else None
    compared: Figures = {
        "Accuracy, student to teacher": ratio(*scores).record(),
        "KID, student to teacher": {"value": kid},
    }
    if "seconds for one picture" in student:
        seconds, of_teacher = (figures["seconds for one picture"]["value"] for figures in (student, teacher))
        compared["Speed, student to teacher"] = {"value": of_teacher / seconds}
        compared["Seconds for one picture, student"] = {"value": seconds}
    return compared
