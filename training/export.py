"""Put the trained parts together and ship them: `python -m training.export --autoencoder DIR/vae --diffusion DIR`.

Writes a plain `StableDiffusionPipeline` to `synthviz/models/embedded`, which anybody can load with
`DiffusionPipeline.from_pretrained(folder)` and no import of synthviz. UNet and autoencoder are stored in float16
and open as float32; the text encoder is stored in float32, since transformers keeps the stored dtype.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path

import torch
from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer

EMBEDDED = Path(__file__).parents[1] / "synthviz" / "models" / "embedded"
LARGEST_FILE = "15MB"


def assemble(autoencoder_dir: Path, diffusion_dir: Path) -> StableDiffusionPipeline:
    """The pipeline, in float32, from what the training stages left."""
    autoencoder = AutoencoderKL.from_pretrained(autoencoder_dir)
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
    """Take the training machine's paths out of the saved configurations."""
    for path in folder.rglob("*.json"):
        config = json.loads(path.read_text())
        if isinstance(config, dict) and config.pop("_name_or_path", None) is not None:
            path.write_text(json.dumps(config, indent=2) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--autoencoder", type=Path, required=True)
    parser.add_argument("--diffusion", type=Path, required=True)
    parser.add_argument("--output-dir", type=Path, default=EMBEDDED)
    arguments = parser.parse_args()
    export(assemble(arguments.autoencoder, arguments.diffusion), arguments.output_dir)


if __name__ == "__main__":
    main()
