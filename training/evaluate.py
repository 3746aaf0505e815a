"""Evaluate the models: `python -m training.evaluate --output FILE`.

The oracle judges pictures from more than a thousand prompts, category by category. Pictures from the captions of new
scenes are compared with paintings (KID) and with the training set (memorisation). The oracle, the autoencoder and the
CNN are measured too. The first of two models is compared with the second, as a student with its teacher. All results
except the seconds depend on the seeds alone.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import DiffusionPipeline

from synthviz.cnn.network import SceneCNN
from synthviz.devices import pick_device
from synthviz.diffusion.pipeline_info import info_of
from synthviz.diffusion.pipelines import load_pipeline
from synthviz.files import write_text
from synthviz.scenes import PLACES
from training.classifier import enlarge, grey
from training.drawing import draw, time_pictures
from training.kernel_distance import kernel_distance
from training.memorisation import compare_with_training, shrink
from training.oracle import WEIGHTS, Oracle, answers, ask, load_oracle, to_oracle_input
from training.paintings import Paintings, load_paintings, paint_training_set
from training.prompts import SINGLES, Prompt, evaluation_prompts
from training.reconstruction import measure_autoencoder
from training.summary import check_markdown, format_markdown, format_table, summary_notes, summary_rows, write_markdown
from training.verdicts import Score, find_confusions, judge, score, score_answers, score_prompts

TARGETS = {"single": 0.97, "two": 0.93, "color": 0.90, "position": 0.90, "counting": 0.80}
HELD_OUT_TARGET, ORACLE_TARGET, CNN_TARGET = 0.90, 0.995, 0.95


@dataclass(frozen=True)
class Evaluation:
    """How much to measure.

    Attributes:
        most_prompts: the largest number of prompts from each part of each category; None for all.
        pictures: the number of pictures from captions of fresh scenes, at least 2.
        references: the number of paintings of other fresh scenes to compare them with (KID), at least 2; more of them
            make the distance more precise, and painting costs less than drawing.
        autoencoder_paintings: how many of the fresh paintings to encode and decode; 0 for none.
        timed: the number of single pictures to time; 0 for none.
        batch: pictures drawn at a time; another number may change the rounding.
        bfloat16: whether to draw in bfloat16, which is much faster on processors with instructions for it; pictures
            that are timed are always drawn in float32.
        size: side of the fresh paintings in pixels.
        first_seed: the first seed of the fresh paintings; must differ from every training set's.
        processes: the number of processes that paint; None for one per core.
    """

    most_prompts: int | None = None
    pictures: int = 1000
    references: int = 3000
    autoencoder_paintings: int = 200
    timed: int = 5
    batch: int = 8
    bfloat16: bool = False
    size: int = 256
    first_seed: int = 7_000_000
    processes: int | None = None

    def __post_init__(self) -> None:
        for name in ("pictures", "references"):
            if getattr(self, name) < 2:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 2, because KID compares pairs")


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
    fresh = paint_fresh(settings)
    features, small = _describe(_chunks(fresh.images), oracle)
    known = [answers(scene) for scene in fresh.scenes]
    seen = [row for chunk in _chunks(fresh.images) for row in ask(oracle, chunk)]
    training = None if training_images is None else np.concatenate([shrink(one) for one in _chunks(training_images)])
    prompts, captions = evaluation_prompts(settings.most_prompts), [each[0] for each in fresh.captions]
    models: dict[str, dict[str, Any]] = {}
    for name, pipeline in pipelines.items():
        result = judge_prompts(pipeline, oracle, prompts, settings.batch, name, settings.bfloat16)
        seeds = range(settings.pictures)
        drawn = draw(pipeline, captions[: settings.pictures], seeds, settings.batch, name, settings.bfloat16)
        drawn_features, drawn_small = _describe(drawn, oracle)
        # The pictures come from the captions of the first fresh scenes; the paintings of the others are the reference.
        result["KID"] = _kid(drawn_features, features[settings.pictures :])
        result["memorisation"] = None
        if training is not None:
            result["memorisation"] = asdict(compare_with_training(drawn_small, small, training))
        result["autoencoder"] = measure_autoencoder(
            pipeline.vae, oracle, settings.autoencoder_paintings, settings.first_seed, settings.size
        )
        result["seconds per picture"] = time_pictures(pipeline, captions, settings.timed)
        models[name] = result
    results = {
        "settings": {**asdict(settings), "prompts": len(prompts), "fresh": len(fresh.images)},
        "oracle": _oracle_record(known, seen),
        "KID floor": _kid(features[: settings.pictures], features[settings.pictures :]),
        "models": models,
        "agreement": compare_models(*models.values()) if len(models) == 2 else None,
    }
    plain: dict[str, Any] = _plain(results)
    return plain


def paint_fresh(settings: Evaluation) -> Paintings:
    """Paint scenes that are in no training set, held-out pairs among them; return them with images in memory."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        paint_training_set(
            Path(folder),
            settings.pictures + settings.references,
            settings.size,
            settings.first_seed,
            True,
            settings.processes,
        )
        paintings = load_paintings(Path(folder))
        return replace(paintings, images=np.array(paintings.images))


@torch.no_grad()
def judge_prompts(
    pipeline: DiffusionPipeline,
    oracle: Oracle,
    prompts: Sequence[Prompt],
    batch: int,
    name: str,
    bfloat16: bool = False,
) -> dict[str, Any]:
    """Draw every prompt once and judge its picture; the CNN also classifies the pictures of places alone."""
    cnn = SceneCNN.pretrained()
    seen: list[dict[str, str]] = []
    named: list[bool] = []
    texts, seeds = [prompt.text for prompt in prompts], [prompt.seed for prompt in prompts]
    for pictures in draw(pipeline, texts, seeds, batch, name, bfloat16):
        asked = prompts[len(seen) : len(seen) + len(pictures)]
        seen += ask(oracle, pictures)
        places = [row for row, prompt in enumerate(asked) if (prompt.category, prompt.part) == ("single", "place")]
        if places:
            views = enlarge(grey(torch.from_numpy(pictures[places]))).clamp(0, 1)
            predicted = [PLACES[index] for index in cnn.logits(views).argmax(dim=1).tolist()]
            named += [asked[row].expected["place"] == place for row, place in zip(places, predicted, strict=True)]
    verdicts = [judge(prompt.expected, row) for prompt, row in zip(prompts, seen, strict=True)]
    scores = score_prompts(prompts, verdicts)
    mistakes = [
        {"prompt": prompt.text, "seed": prompt.seed, "expected": prompt.expected,
         "seen": {question: row[question] for question in prompt.expected}}
        for prompt, row, right in zip(prompts, seen, verdicts, strict=True)
        if not right
    ]  # fmt: skip
    held_out = {part: _ratio(scores[f"held-out: {part}"], scores[f"seen: {part}"], None) for part in ("color", "time")}
    held_out["all"] = _ratio(scores["held-out"], scores["seen"], HELD_OUT_TARGET)
    return {
        "prompts": {key: one.record(TARGETS.get(key)) for key, one in scores.items()},
        "held-out to seen": held_out,
        "places the CNN names": score(named).record(CNN_TARGET),
        "mistakes": mistakes,
    }


def compare_models(student: dict[str, Any], teacher: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Compare a student with its teacher in accuracy, KID and speed."""
    accuracies = [model["prompts"]["all"]["accuracy"] for model in (student, teacher)]
    distances = [model["KID"]["value"] for model in (student, teacher)]
    seconds = [model["seconds per picture"] for model in (teacher, student)]
    record = {
        "Accuracy, student to teacher": _against(_divide(*accuracies), at_least=0.98),
        # Unbiased estimates of very small distances can be negative; then there is no ratio.
        "KID, student to teacher": _against(_divide(*distances) if min(distances) > 0 else None, at_most=1.25),
    }
    if None not in seconds:
        record["Speed, student to teacher"] = _against(_divide(*seconds), at_least=10)
        record["Seconds for one picture, student"] = _against(seconds[1], at_most=1)
    return record


def _oracle_record(known: list[dict[str, str]], seen: list[dict[str, str]]) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for question, one in score_answers(known, seen).items():
        single = question in SINGLES or question == "single attributes"
        record[question] = one.record(ORACLE_TARGET if single else None)
        if question != "single attributes":
            record[question]["confusions"] = find_confusions(known, seen, question)
    return record


@torch.no_grad()
def _describe(batches: Iterable[np.ndarray], oracle: Oracle) -> tuple[np.ndarray, np.ndarray]:
    """Return the oracle's features, (N, 256), and small pictures, (N, 3072), of batches of pictures."""
    device = next(oracle.parameters()).device
    features, small = [], []
    for pictures in batches:
        features.append(oracle.features(to_oracle_input(pictures).to(device)).cpu().numpy())
        small.append(shrink(pictures))
    return np.concatenate(features), np.concatenate(small)


def _chunks(images: np.ndarray, size: int = 64) -> Iterator[np.ndarray]:
    return (np.array(images[start : start + size]) for start in range(0, len(images), size))


def _kid(first: np.ndarray, second: np.ndarray) -> dict[str, float]:
    distance = kernel_distance(first, second)
    return {"value": distance.value, "standard error": distance.standard_error}


def _ratio(first: Score, second: Score, target: float | None) -> dict[str, Any]:
    return _against(_divide(first.accuracy, second.accuracy), at_least=target)


def _divide(first: float, second: float) -> float | None:
    return first / second if second else None


def _against(value: float | None, at_least: float | None = None, at_most: float | None = None) -> dict[str, Any]:
    """Return a value with its target; a missing value has not reached it."""
    if at_most is not None:
        return {"value": value, "target": at_most, "at most": True, "reached": value is not None and value <= at_most}
    if at_least is not None:
        return {"value": value, "target": at_least, "reached": value is not None and value >= at_least}
    return {"value": value}


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
    for name in ("pictures", "references", "autoencoder_paintings", "timed", "batch", "size", "first_seed"):
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
        autoencoder_paintings=arguments.autoencoder_paintings,
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
