"""Run every stage at toy size, in under five minutes on a CPU: `python -m training.tiny --output-dir DIR`.

This shows how the stages fit together and that they all run. The resulting models cannot draw recognisable pictures.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from training.autoencoder import AutoencoderTraining, train_autoencoder
from training.classifier import ClassifierTraining, train_classifier
from training.decoder import DecoderTraining, train_decoder
from training.diffusion import DiffusionTraining, train_diffusion
from training.distillation import DistillationTraining, train_distillation
from training.export import assemble_student, assemble_teacher, export, ship, ship_decoder
from training.oracle import OracleTraining, train_oracle
from training.paintings import paint_training_set
from training.text_encoder import TextEncoderTraining, train_text_encoder

SIZE = 64


def train_tiny(output_dir: Path, minutes: float = 0.3, count: int = 96) -> None:
    """Paint, train every stage for `minutes` each, and export both pipelines, all in `output_dir`.

    Args:
        output_dir: the folder to fill; stages that already ran there are resumed.
        minutes: the budget of each stage.
        count: the number of scenes to paint.
    """
    paintings, autoencoder, text_encoder = output_dir / "paintings", output_dir / "autoencoder", output_dir / "text"
    diffusion, distillation, teacher = output_dir / "diffusion", output_dir / "distillation", output_dir / "teacher"
    paint_training_set(paintings, count, SIZE)
    train_autoencoder(paintings, autoencoder, AutoencoderTraining(minutes=minutes, crop=SIZE))
    train_text_encoder(text_encoder, TextEncoderTraining(minutes=minutes, captions=1000))
    train_diffusion(
        paintings, autoencoder / "vae", text_encoder, diffusion, DiffusionTraining(minutes=minutes, batch=8)
    )
    export(assemble_teacher(autoencoder / "vae", diffusion), teacher)
    settings = DistillationTraining(minutes=minutes, batch=4)
    train_distillation(teacher, paintings, diffusion, distillation, settings, early_dir=diffusion / "early")
    ship(teacher, distillation, output_dir / "models")
    student, refined = assemble_student(teacher, distillation), DecoderTraining(minutes=minutes, batch=4, cells=4)
    train_decoder(paintings, output_dir / "decoder", refined, student)
    ship_decoder(output_dir / "decoder" / "vae", output_dir / "models")
    train_oracle([paintings], output_dir / "oracle", OracleTraining(minutes=minutes, batch=8))
    train_classifier([paintings], output_dir / "classifier", ClassifierTraining(minutes=minutes, held_out=8))


def main() -> None:
    """Train from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output-dir", type=Path, default=Path("outputs/train-tiny"))
    arguments = parser.parse_args()
    train_tiny(arguments.output_dir)


if __name__ == "__main__":
    main()
