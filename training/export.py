"""Put the trained parts together and ship them.

`python -m training.export teacher --autoencoder DIR/vae --diffusion DIR` writes `synthviz/models/embedded-teacher`,
`python -m training.export student --distillation DIR` then `synthviz/models/embedded`: plain
`StableDiffusionPipeline`s, which anybody can load with `DiffusionPipeline.from_pretrained(folder)` and no import of
synthviz. UNet and autoencoder are stored in float16 and open as float32; the text encoder is stored in float32,
since transformers keeps the stored dtype.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path

import torch
from diffusers import AutoencoderTiny, DDIMScheduler, LCMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer

MODELS = Path(__file__).parents[1] / "synthviz" / "models"
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
    """The few-step pipeline: the exported teacher with the distilled UNet and its sampler."""
    return StableDiffusionPipeline.from_pretrained(
        teacher_dir,
        unet=UNet2DConditionModel.from_pretrained(distillation_dir / "unet"),
        scheduler=LCMScheduler.from_pretrained(distillation_dir / "scheduler"),
        safety_checker=None,
        requires_safety_checker=False,
    )


def export(pipeline: StableDiffusionPipeline, folder: Path) -> None:
    """Save a pipeline in shards below 16 MiB, replacing its parts in the folder; the model card there stays."""
    with tempfile.TemporaryDirectory() as temporary:
        pipeline.unet.to(torch.float16)
        pipeline.vae.to(torch.float16)
        pipeline.text_encoder.to(torch.float32)
        pipeline.save_pretrained(temporary, safe_serialization=True, max_shard_size=LARGEST_FILE)
        _clean_configs(Path(temporary))
        folder.mkdir(parents=True, exist_ok=True)
        for part in Path(temporary).iterdir():
            target = folder / part.name
            if target.is_dir():
                shutil.rmtree(target)
            shutil.move(part, target)


def _clean_configs(folder: Path) -> None:
    """Take the training machine's paths out of the saved configurations, and what diffusers would warn of."""
    for path in folder.rglob("*.json"):
        config = json.loads(path.read_text())
        if not isinstance(config, dict):
            continue
        unwanted = ["_name_or_path"]
        if config.get("_class_name") == "AutoencoderTiny":
            unwanted.append("block_out_channels")  # it derives them from the decoder's when it is built
        if [config.pop(name) for name in unwanted if name in config]:
            path.write_text(json.dumps(config, indent=2) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    which = parser.add_subparsers(dest="model", required=True)
    teacher = which.add_parser("teacher")
    teacher.add_argument("--autoencoder", type=Path, required=True)
    teacher.add_argument("--diffusion", type=Path, required=True)
    teacher.add_argument("--output-dir", type=Path, default=MODELS / "embedded-teacher")
    student = which.add_parser("student")
    student.add_argument("--teacher", type=Path, default=MODELS / "embedded-teacher")
    student.add_argument("--distillation", type=Path, required=True)
    student.add_argument("--output-dir", type=Path, default=MODELS / "embedded")
    arguments = parser.parse_args()
    if arguments.model == "teacher":
        pipeline = assemble_teacher(arguments.autoencoder, arguments.diffusion)
    else:
        pipeline = assemble_student(arguments.teacher, arguments.distillation)
    export(pipeline, arguments.output_dir)


if __name__ == "__main__":
    main()
