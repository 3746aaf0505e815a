"""Draw one prompt as the teacher drew it at several moments of its training: `python -m training.learning_film`.

It always starts from the same noise. In the first part of its training the teacher sees shrunk latents, so it then
draws a small picture, which is enlarged.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import torch
from diffusers import StableDiffusionPipeline, UNet2DConditionModel
from PIL import Image
from transformers import CLIPTextModel

from synthviz.diffusion.config import GenerationConfig
from synthviz.diffusion.generation import generate
from synthviz.files import whole_file, write_json
from synthviz.records import label_options
from synthviz.shipped_pictures import FOLDER
from training.diffusion_settings import MOMENTS
from training.export import assemble_teacher

PROMPT = "a serene sunset over a futuristic city"
SEED = 0
SIDE = 256
FRAME, LAST_FRAME = 900, 2500  # milliseconds


def draw_moment(pipeline: StableDiffusionPipeline, shrunk: bool) -> Image.Image:
    """Return the pipeline's picture of the prompt; a teacher that learns from shrunk latents draws half the size."""
    side = SIDE // 2 if shrunk else SIDE
    config = GenerationConfig(PROMPT, count=1, seed=SEED, width=side, height=side)
    return generate(pipeline, config)[0].image.resize((SIDE, SIDE), Image.Resampling.BICUBIC)


def draw_moments(autoencoder_dir: Path, diffusion_dir: Path) -> tuple[list[Image.Image], list[int]]:
    """Return the teacher's picture at each moment and at the end, and how many pictures it had seen by then."""
    pipeline = assemble_teacher(autoencoder_dir, diffusion_dir).to("cuda" if torch.cuda.is_available() else "cpu")
    last = json.loads((diffusion_dir / "diffusion.log").read_text().splitlines()[-1])
    folders = [diffusion_dir / "moments" / str(number) for number in range(1, len(MOMENTS) + 1)]
    pictures, seen = [], []
    for folder in (*folders, diffusion_dir):
        moment: dict[str, Any] = {"pictures": last["pictures"], "shrunk": False}
        if folder != diffusion_dir:
            moment = json.loads((folder / "moment.json").read_text())
        pipeline.unet = UNet2DConditionModel.from_pretrained(folder / "unet").to(pipeline.device)
        pipeline.text_encoder = CLIPTextModel.from_pretrained(folder / "text_encoder").to(pipeline.device)
        pictures.append(draw_moment(pipeline, moment["shrunk"]))
        seen.append(moment["pictures"])
    return pictures, seen


def save_film(pictures: list[Image.Image], seen: list[int], folder: Path) -> None:
    """Write `learning.webp`, which loops, and its record, `learning.json`."""
    record = {"ai_generated": True, "model": "embedded-teacher", "prompt": PROMPT, "seed": SEED, "pictures_seen": seen}
    labels = label_options(record, ".webp")
    durations = [*(FRAME for _ in pictures[1:]), LAST_FRAME]
    with whole_file(folder / "learning.webp") as unfinished:
        pictures[0].save(
            unfinished,
            "WEBP",
            save_all=True,
            append_images=pictures[1:],
            duration=durations,
            loop=0,
            quality=85,
            **labels,
        )
    write_json(folder / "learning.json", record)


def main() -> None:
    """Draw from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--autoencoder", type=Path, required=True, help="a saved AutoencoderTiny")
    parser.add_argument("--diffusion", type=Path, required=True, help="the folder of the diffusion stage")
    parser.add_argument("--output-dir", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    save_film(*draw_moments(arguments.autoencoder, arguments.diffusion), arguments.output_dir)


if __name__ == "__main__":
    main()
