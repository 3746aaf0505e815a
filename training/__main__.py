"""Train everything that ships, from nothing: `python -m training --output-dir W --hours 8`.

Paints the training set, trains every stage for its share of the hours and exports the models to `W/models`. Each stage
is also a command of its own (see training/README.md), and resumes where it was interrupted; so does this command.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from synthviz.devices import pick_device
from training.autoencoder import AutoencoderTraining, train_autoencoder
from training.classifier import ClassifierTraining, train_classifier
from training.diffusion import train_diffusion
from training.diffusion_settings import DiffusionTraining
from training.distillation import train_distillation
from training.distillation_settings import DistillationTraining
from training.export import assemble_teacher, export, ship
from training.oracle import OracleTraining, train_oracle
from training.paintings import paint_training_set
from training.text_encoder import TextEncoderTraining, train_text_encoder

# Of the hours; painting comes on top.
SHARES = {
    "text_encoder": 0.03,
    "autoencoder": 0.14,
    "diffusion": 0.58,
    "distillation": 0.17,
    "oracle": 0.05,
    "classifier": 0.03,
}
HELD_OUT_SEED = 5_000_000


@dataclass(frozen=True)
class Batches:
    """How many pictures each stage sees at a time; the numbers suit a CPU."""

    autoencoder: int = AutoencoderTraining.batch
    diffusion: int = DiffusionTraining.batch
    distillation: int = DistillationTraining.batch


FOR_GPU = Batches(autoencoder=48, diffusion=256, distillation=128)


@dataclass(frozen=True)
class Plan:
    """What to train.

    Attributes:
        output_dir: the folder for everything; a stage that already ran there is resumed or skipped.
        hours: of training, all stages together, divided by `SHARES`.
        paintings: how many scenes the generator learns from.
        held_out: how many further scenes, with pairs that the generator never sees, oracle and classifier learn from.
        size: side of the pictures in pixels.
        compile: whether to use torch.compile, which pays off on a GPU.
        batches: of the stages.
    """

    output_dir: Path
    hours: float
    paintings: int = 48_000
    held_out: int = 6_000
    size: int = 256
    compile: bool = False
    batches: Batches = Batches()


def train_all(plan: Plan) -> None:
    """Run every stage; write the minutes that each took in all to `stages.json`."""
    folder = plan.output_dir
    paintings, held_out, autoencoder = folder / "paintings", folder / "held-out", folder / "autoencoder"
    batches = plan.batches
    diffusion, teacher, distillation = folder / "diffusion", folder / "teacher", folder / "distillation"
    minutes = {stage: 60 * plan.hours * share for stage, share in SHARES.items()}
    stages: dict[str, Callable[[], object]] = {
        "paintings": lambda: paint_training_set(paintings, plan.paintings, plan.size, world="light"),
        "held-out paintings": lambda: paint_training_set(
            held_out, plan.held_out, plan.size, HELD_OUT_SEED, held_out=True, world="light"
        ),
        "text_encoder": lambda: train_text_encoder(
            folder / "text_encoder", TextEncoderTraining(minutes=minutes["text_encoder"])
        ),
        "autoencoder": lambda: train_autoencoder(
            paintings,
            autoencoder,
            AutoencoderTraining(minutes=minutes["autoencoder"], batch=batches.autoencoder, compile=plan.compile),
        ),
        "diffusion": lambda: train_diffusion(
            paintings,
            autoencoder / "vae",
            folder / "text_encoder",
            diffusion,
            DiffusionTraining(minutes=minutes["diffusion"], batch=batches.diffusion, compile=plan.compile),
        ),
        "teacher": lambda: export(assemble_teacher(autoencoder / "vae", diffusion), teacher),
        "distillation": lambda: train_distillation(
            teacher,
            paintings,
            diffusion,
            distillation,
            DistillationTraining(minutes=minutes["distillation"], batch=batches.distillation, compile=plan.compile),
            early_dir=diffusion / "early",
        ),
        "export": lambda: ship(teacher, distillation, folder / "models"),
        "oracle": lambda: train_oracle(
            [paintings, held_out], folder / "oracle", OracleTraining(minutes=minutes["oracle"], compile=plan.compile)
        ),
        "classifier": lambda: train_classifier(
            [paintings, held_out], folder / "classifier", ClassifierTraining(minutes=minutes["classifier"])
        ),
    }
    for stage, run in stages.items():
        started = time.monotonic()
        run()
        _add_minutes(folder / "stages.json", stage, (time.monotonic() - started) / 60)


def _add_minutes(path: Path, stage: str, minutes: float) -> None:
    taken = json.loads(path.read_text()) if path.exists() else {}
    taken[stage] = round(taken.get(stage, 0.0) + minutes, 2)
    path.write_text(json.dumps(taken, indent=2) + "\n")


def main() -> None:
    """Train from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output-dir", type=Path, required=True, help="outside the repository; needs about 15 GB")
    parser.add_argument("--hours", type=float, required=True, help="of training; painting comes on top")
    parser.add_argument("--paintings", type=int, default=Plan.paintings, help="default: %(default)s")
    parser.add_argument("--held-out", type=int, default=Plan.held_out, help="default: %(default)s")
    parser.add_argument("--compile", action="store_true", help="use torch.compile; pays off on a GPU")
    arguments = parser.parse_args()
    train_all(
        Plan(
            arguments.output_dir,
            arguments.hours,
            arguments.paintings,
            arguments.held_out,
            batches=FOR_GPU if pick_device().type == "cuda" else Batches(),
            compile=arguments.compile,
        )
    )


if __name__ == "__main__":
    main()
