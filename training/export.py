"""Put the trained parts together and ship them.

`python -m training.export teacher --autoencoder DIR/vae --diffusion DIR --output-dir TEACHER` makes the pipeline that
is distilled. `python -m training.export ship --teacher TEACHER --distillation DIR` writes `synthviz/models/embedded`,
the student, and `synthviz/models/embedded-teacher`, of the teacher only what the student does not have: UNet and
scheduler; `python -m training.export decoder --autoencoder DIR/vae` replaces the autoencoder of both by one with the
same encoder; `python -m training.export checksums` notes what the weights should be, also after another one was put
there. `python -m training.export unpack --output-dir TEACHER` makes the teacher's whole pipeline from those again.

Pipelines are plain `StableDiffusionPipeline`s, which anybody can load with `DiffusionPipeline.from_pretrained(folder)`
and no import of synthviz. They are stored in float16 and open as float32.
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

from synthviz.diffusion.pipelines import load_pipeline
from synthviz.files import write_json
from synthviz.shipped_models import CHECKSUMS, MODELS, checksums

LARGEST_FILE = "15MB"


def assemble_teacher(autoencoder_dir: Path, diffusion_dir: Path) -> StableDiffusionPipeline:
    """The many-step pipeline, in float32, from what the autoencoder's and the diffusion stage left."""
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
    """The few-step pipeline: the teacher with the distilled UNet and its sampler."""
    return StableDiffusionPipeline.from_pretrained(
        teacher_dir,
        unet=UNet2DConditionModel.from_pretrained(distillation_dir / "unet"),
        scheduler=DDIMScheduler.from_pretrained(distillation_dir / "scheduler"),
        safety_checker=None,
        requires_safety_checker=False,
    )


def export(pipeline: StableDiffusionPipeline, folder: Path, only: Collection[str] | None = None) -> None:
    """Save a pipeline in shards below 16 MiB, replacing its parts in the folder; the model card there stays.

    Args:
        pipeline: what to save; it is in float16 afterwards.
        folder: where to.
        only: the names of the parts to save; None for all, and the index of the pipeline.
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
    """Write `embedded` and `embedded-teacher`, sharing what both have."""
    export(assemble_student(teacher_dir, distillation_dir), models / "embedded")
    teacher = StableDiffusionPipeline.from_pretrained(teacher_dir)
    export(teacher, models / "embedded-teacher", only=("unet", "scheduler"))
    write_checksums(models)


def ship_decoder(autoencoder_dir: Path, models: Path = MODELS) -> None:
    """Replace the autoencoder in `embedded`, which its teacher shares, by one with the same encoder.

    Raises:
        ValueError: if the encoder is another one: the UNets would not understand its latents.
    """
    pipeline = StableDiffusionPipeline.from_pretrained(models / "embedded")
    autoencoder = AutoencoderTiny.from_pretrained(autoencoder_dir)
    shipped = pipeline.vae.encoder.state_dict()
    if any(
        not torch.equal(value.half(), shipped[name].half()) for name, value in autoencoder.encoder.state_dict().items()
    ):
        raise ValueError(
            f"the encoder in {autoencoder_dir} is not the one in {models / 'embedded'}; only decoders differ"
        )
    autoencoder.register_to_config(scaling_factor=pipeline.vae.config.scaling_factor)  # measured on latents
    pipeline.register_modules(vae=autoencoder)
    export(pipeline, models / "embedded", only=("vae",))
    write_checksums(models)


def write_checksums(models: Path = MODELS) -> None:
    """Note the SHA-256 of all shipped weights, by which they are verified when they are loaded."""
    write_json(models / CHECKSUMS, checksums(models))


def _clean_configs(folder: Path) -> None:
    """Take the training machine's paths out of the saved configurations, and what diffusers would warn of."""
    for path in folder.rglob("*.json"):
        config = json.loads(path.read_text())
        if not isinstance(config, dict):
            continue
        unwanted = ["_name_or_path"]
        if config.get("_class_name") == "AutoencoderTiny":
            unwanted.append("block_out_channels")  # it derives them from the decoder's when it is built
        cleaned = {name: value for name, value in config.items() if name not in unwanted}
        if "dtype" in config:
            cleaned["dtype"] = "float32"  # transformers opens in this what is stored in float16
        if cleaned != config:
            path.write_text(json.dumps(cleaned, indent=2) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    which = parser.add_subparsers(dest="what", required=True)
    teacher = which.add_parser("teacher")
    teacher.add_argument("--autoencoder", type=Path, required=True)
    teacher.add_argument("--diffusion", type=Path, required=True)
    teacher.add_argument("--output-dir", type=Path, required=True)
    shipped = which.add_parser("ship")
    shipped.add_argument("--teacher", type=Path, required=True)
    shipped.add_argument("--distillation", type=Path, required=True)
    decoder = which.add_parser("decoder")
    decoder.add_argument("--autoencoder", type=Path, required=True)
    which.add_parser("checksums")
    unpacked = which.add_parser("unpack")
    unpacked.add_argument("--output-dir", type=Path, required=True)
    arguments = parser.parse_args()
    if arguments.what == "teacher":
        export(assemble_teacher(arguments.autoencoder, arguments.diffusion), arguments.output_dir)
    elif arguments.what == "ship":
        ship(arguments.teacher, arguments.distillation)
    elif arguments.what == "decoder":
        ship_decoder(arguments.autoencoder)
    elif arguments.what == "checksums":
        write_checksums()
    else:
        export(load_pipeline("embedded-teacher", device="cpu"), arguments.output_dir)


if __name__ == "__main__":
    main()
