"""Evaluate the models: `python -m training.evaluate --output FILE`.

The oracle judges pictures from more than a thousand prompts, category by category. Pictures from the captions of new
scenes are compared with paintings by a network that learnt from photographs, by their sharpness, and with the training
set (memorisation). The oracle, the autoencoder, the CNN and the word maps are measured too. The first of two models is
compared with the second, as a student with its teacher. All results except the seconds depend on the seeds alone.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import DiffusionPipeline

from synthviz.cnn.network import SceneCNN
from synthviz.cnn.photo_network import load_photo_network
from synthviz.devices import pick_device
from synthviz.diffusion.pipeline_info import info_of
from synthviz.diffusion.pipelines import load_pipeline
from synthviz.files import write_text
from synthviz.shipped_models import MODELS
from training import figures
from training.drawing import draw
from training.evaluation import Evaluation, FreshPaintings, paint_fresh
from training.obedience import judge_prompts
from training.oracle import WEIGHTS, Oracle, answers, ask, load_oracle
from training.paintings import load_paintings
from training.prompts import evaluation_prompts
from training.summary import check_markdown, format_markdown, format_table, summary_notes, summary_rows, write_markdown
from training.verdicts import find_confusions, score_answers
from training.weight_files import measure_weights


def evaluate(
    pipelines: dict[str, DiffusionPipeline],
    oracle: Oracle,
    settings: Evaluation,
    training_images: np.ndarray | None = None,
) -> dict[str, Any]:
    """Measure everything; return the results for the JSON file.

    Args:
        pipelines: the models, by their names in the results.
        oracle: the judge.
        settings: how much to measure.
        training_images: the training set, (N, S, S, 3) uint8; None leaves memorisation out.
    """
    painted = paint_fresh(settings)
    judges = figures.Judges(oracle, SceneCNN.pretrained(), load_photo_network())
    references = figures.photo_features(judges.photo, painted.fresh.images[settings.pictures :])
    training = None if training_images is None else figures.small_pictures(training_images)
    models = {
        name: measure_model(name, pipeline, judges, painted, settings, references, training)
        for name, pipeline in pipelines.items()
    }
    measured = [model["figures"] for model in models.values()]
    weights = measure_weights(MODELS)
    results = {
        "settings": {**asdict(settings), "threads": torch.get_num_threads()},
        "oracle": _oracle_record(oracle, painted),
        "paintings": figures.painting_figures(judges, painted, settings, references),
        "models": models,
        "agreement": figures.compare_models(*measured) if len(measured) == 2 else {},
        "shipped": {"weights": {"value": weights.megabytes}, "largest file": {"value": weights.largest}},
    }
    plain: dict[str, Any] = _plain(results)
    return plain


def measure_model(
    name: str,
    pipeline: DiffusionPipeline,
    judges: figures.Judges,
    painted: FreshPaintings,
    settings: Evaluation,
    references: np.ndarray,
    training: np.ndarray | None,
) -> dict[str, Any]:
    """Return the figures of one model, and the prompts that it did not obey.

    Args:
        name: for the progress.
        pipeline: the model.
        judges: the networks that judge its pictures.
        painted: what they are compared with.
        settings: how much to measure.
        references: the photo network's features of paintings, (N, 1280).
        training: small pictures of the training set, (K, 3072), or None.
    """

    def draw_all(prompts: Sequence[str], seeds: Sequence[int]) -> np.ndarray:
        return np.concatenate(list(draw(pipeline, prompts, seeds, settings.batch, name, settings.bfloat16)))

    prompts = evaluation_prompts(settings.most_prompts)
    judged = draw_all([prompt.text for prompt in prompts], [prompt.seed for prompt in prompts])
    obedience = judge_prompts(judges.oracle, judges.cnn, prompts, judged)
    captions = [each[0] for each in painted.fresh.captions[: settings.pictures]]
    pictures, paintings = draw_all(captions, range(len(captions))), painted.fresh.images[: settings.pictures]
    found: figures.Figures = {
        **figures.obedience_figures(obedience),
        **figures.place_figures(draw_all, judges.photo, painted),
        **figures.spread_figures(draw_all, judges.photo, painted, settings.of_each_caption),
        **figures.spectrum_figures(pictures, paintings),
        **figures.likeness_figures(judges.photo, pictures, references),
        **figures.memorisation_figures(pictures, painted.fresh.images, training),
        **figures.unknown_word_figures(draw_all),
        **figures.word_map_figures(pipeline, painted),
        **figures.autoencoder_figures(pipeline, judges.oracle, painted),
        **figures.time_figures(pipeline, captions, settings.timed),
    }
    return {"figures": found, "mistakes": [asdict(mistake) for mistake in obedience.mistakes]}


def _oracle_record(oracle: Oracle, painted: FreshPaintings) -> dict[str, Any]:
    """Return how often the oracle answers rightly about paintings, by question, and what it confuses."""
    known = [answers(scene) for scene in painted.fresh.scenes]
    seen = ask(oracle, painted.fresh.images)
    record: dict[str, Any] = {}
    for question, one in score_answers(known, seen).items():
        record[question] = one.record()
        if question != "single attributes":
            record[question]["confusions"] = find_confusions(known, seen, question)
    return record


def _plain(value: Any) -> Any:
    """Return values for JSON: floats with six digits, and None for NaN and infinity."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return (float(f"{value:.6g}") if math.isfinite(value) else None) if isinstance(value, float) else value


def load_models(names: Sequence[str]) -> dict[str, DiffusionPipeline]:
    """Load shipped models or folders, by the names for tables, which contain no path.

    Raises:
        ValueError: if two models have the same name.
    """
    pipelines: dict[str, DiffusionPipeline] = {}
    for name in names:
        pipeline = load_pipeline(name)
        table_name = info_of(pipeline).name
        if table_name in pipelines:
            raise ValueError(f"two of the models are called {table_name!r}; rename one of the folders")
        pipelines[table_name] = pipeline
    return pipelines


def main() -> None:
    """Evaluate from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--models", nargs="+", default=["embedded", "embedded-teacher"], help="shipped names or folders; student first"
    )
    parser.add_argument("--oracle", type=Path, default=WEIGHTS, help="default: the one in this folder")
    parser.add_argument("--paintings", type=Path, help="the training set; without it, memorisation is not measured")
    parser.add_argument("--most-prompts", type=int, help="largest number of prompts from each part, for a quick look")
    numbers = ("pictures", "references", "of_each_place", "of_each_caption", "masked", "timed", "batch", "size")
    for name in (*numbers, "first_seed"):
        flag = f"--{name.replace('_', '-')}"
        parser.add_argument(flag, type=int, default=getattr(Evaluation, name), help="default: %(default)s")
    parser.add_argument("--bfloat16", action="store_true", help="draw in bfloat16; timed pictures are drawn in float32")
    parser.add_argument("--output", type=Path, required=True, help="a JSON file")
    parser.add_argument("--markdown", type=Path, help="a new file, or a file with the marker comments of the table")
    arguments = parser.parse_args()
    if arguments.markdown is not None:
        check_markdown(arguments.markdown)
    settings = Evaluation(
        most_prompts=arguments.most_prompts,
        pictures=arguments.pictures,
        references=arguments.references,
        of_each_place=arguments.of_each_place,
        of_each_caption=arguments.of_each_caption,
        masked=arguments.masked,
        timed=arguments.timed,
        batch=arguments.batch,
        bfloat16=arguments.bfloat16,
        size=arguments.size,
        first_seed=arguments.first_seed,
    )
    oracle = load_oracle(arguments.oracle).to(pick_device())
    training_images = load_paintings(arguments.paintings).images if arguments.paintings is not None else None
    results = evaluate(load_models(arguments.models), oracle, settings, training_images)
    write_text(arguments.output, json.dumps(results, indent=1) + "\n")
    print(format_table(summary_rows(results)), *summary_notes(results), sep="\n")
    for question, record in results["oracle"].items():
        confused = "; ".join(record.get("confusions", []))
        print(f"oracle, {question}: {record['right']} of {record['count']}" + (f" ({confused})" if confused else ""))
    if arguments.markdown is not None:
        write_markdown(arguments.markdown, format_markdown(results))


if __name__ == "__main__":
    main()
