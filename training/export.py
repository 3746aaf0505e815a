"""Assemble pipelines from the trained parts and export them.

- `python -m training.export teacher --autoencoder DIR/vae --diffusion DIR --output-dir TEACHER` writes the pipeline
  that is distilled.
- `python -m training.export ship --teacher TEACHER --distillation DIR` writes `synthviz/models/embedded`, the student,
  and `synthviz/models/embedded-teacher`, the parts that the teacher does not share with it: UNet and scheduler.
- `python -m training.export checksums` writes the checksums of all shipped weights; run it after replacing one.

Pipelines are plain `StableDiffusionPipeline`s; `DiffusionPipeline.from_pretrained(folder)` loads them without synthviz.
They are stored in float16 and load as float32.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from collections.abc import Collection
from pathlib import Path

import torch
from diffusers import AutoencoderTiny, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer

from synthviz.files import write_json
from synthviz.shipped_models import CHECKSUMS, MODELS, compute_checksums

LARGEST_FILE = "15MB"


def assemble_teacher(autoencoder_dir: Path, diffusion_dir: Path) -> StableDiffusionPipeline:
    """Return the many-step pipeline, in float32, from the folders of the autoencoder and the diffusion stage."""
    autoencoder = AutoencoderTiny.from_pretrained(autoencoder_dir)
    scaling_factor = json.loads((diffusion_dir / "scaling_factor.json").read_text())
    autoencoder.register_to_config(scaling_factor=scaling_factor)
    return StableDiffusionPipeline(
        vae=autoencoder,
        text_encoder=CLIPTextModel.from_pretrained(diffusion_dir / "text_encoder"),
        tokenizer=CLIPTokenizer.from_pretrained(diffusion_dir / "tokenizer"),
        unet=UNet2DConditionModel.from_pretrained(diffusion_dir / "unet"),
        scheduler=DDIMScheduler.from_pretrained(diffusion_dir / "scheduler"),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def assemble_student(teacher_dir: Path, distillation_dir: Path) -> StableDiffusionPipeline:
    """Return the few-step pipeline: the teacher with the distilled UNet and its scheduler."""
    return StableDiffusionPipeline.from_pretrained(
        teacher_dir,
        unet=UNet2DConditionModel.from_pretrained(distillation_dir / "unet"),
        scheduler=DDIMScheduler.from_pretrained(distillation_dir / "scheduler"),
        safety_checker=None,
        requires_safety_checker=False,
    )


def export(pipeline: StableDiffusionPipeline, folder: Path, only: Collection[str] | None = None) -> None:
    """Save a pipeline in shards below 16 MiB and replace its parts in the folder; the model card there stays.

    Args:
        pipeline: the pipeline; it is in float16 afterwards.
        folder: the folder to write to.
        only: the names of the parts to save; None for all parts and `model_index.json`.
    """
    with tempfile.TemporaryDirectory() as temporary:
        pipeline.to(torch.float16)
        pipeline.save_pretrained(temporary, safe_serialization=True, max_shard_size=LARGEST_FILE)
        _clean_configs(Path(temporary))
        folder.mkdir(parents=True, exist_ok=True)
        for part in Path(temporary).iterdir():
            if only is not None and part.name not in only:
                continue
            target = folder / part.name
            if target.is_dir():
                shutil.rmtree(target)
            shutil.move(part, target)


def ship(teacher_dir: Path, distillation_dir: Path, models: Path = MODELS) -> None:
    """Write `embedded`, and of `embedded-teacher` the parts that the two do not share."""
    export(assemble_student(teacher_dir, distillation_dir), models / "embedded")
    teacher = StableDiffusionPipeline.from_pretrained(teacher_dir)
    export(teacher, models / "embedded-teacher", only=("unet", "scheduler"))
    write_checksums(models)


def write_checksums(models: Path = MODELS) -> None:
    """Write the SHA-256 of all shipped weights, which are verified when the weights are loaded."""
    write_json(models / CHECKSUMS, compute_checksums(models))


def _clean_configs(folder: Path) -> None:
    """Remove the training machine's paths from saved configurations, and the entries that diffusers warns about."""
    for path in folder.rglob("*.json"):
        config = json.loads(path.read_text())
        if not isinstance(config, dict):
            continue
        unwanted = ["_name_or_path"]
        if config.get("_class_name") == "AutoencoderTiny":
            unwanted.append("block_out_channels")  # diffusers derives it from the decoder's
        cleaned = {name: value for name, value in config.items() if name not in unwanted}
        if "dtype" in config:
            cleaned["dtype"] = "float32"  # transformers loads the float16 weights as this type
        if cleaned != config:
            path.write_text(json.dumps(cleaned, indent=2) + "\n")


def main() -> None:
    """Export from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    which = parser.add_subparsers(dest="what", required=True)
    teacher = which.add_parser("teacher")
    teacher.add_argument("--autoencoder", type=Path, required=True)
    teacher.add_argument("--diffusion", type=Path, required=True)
    teacher.add_argument("--output-dir", type=Path, required=True)
    shipped = which.add_parser("ship")
    shipped.add_argument("--teacher", type=Path, required=True)
    shipped.add_argument("--distillation", type=Path, required=True)
    which.add_parser("checksums")
    arguments = parser.parse_args()
    if arguments.what == "teacher":
        export(assemble_teacher(arguments.autoencoder, arguments.diffusion), arguments.output_dir)
    elif arguments.what == "ship":
        ship(arguments.teacher, arguments.distillation)
    else:
        write_checksums()


if __name__ == "__main__":
    main()
