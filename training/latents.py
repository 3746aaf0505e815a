"""The latents of the training set: encoding paintings, keeping their latents on disk, shrinking them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderTiny

from synthviz.world import BODIES, KINDS
from synthviz.world.labels import THINGS
from training.loop import autocast

SMALL_THINGS = [THINGS.index(thing) for thing in (*KINDS, *BODIES)]
ENCODED_AT_ONCE = 4000  # paintings, after which latents are stored


@torch.no_grad()
def encode_paintings(autoencoder: AutoencoderTiny, images: np.ndarray, device: torch.device) -> torch.Tensor:
    """Encode all paintings, (N, H, W, 3) uint8, as latents, (N, channels, H / 8, W / 8) float16."""
    autoencoder = autoencoder.to(device, memory_format=torch.channels_last).eval()
    latents = []
    for start in range(0, len(images), 16):
        pixels = torch.from_numpy(images[start : start + 16].astype(np.float32)).to(device)
        with autocast(device):
            encoded = autoencoder.encode(pixels.permute(0, 3, 1, 2) / 127.5 - 1).latents
        latents.append(encoded.to("cpu", torch.float16))
    return torch.cat(latents)


def load_latents(folder: Path, autoencoder_dir: Path, images: np.ndarray, device: torch.device) -> torch.Tensor:
    """Load the latents of all paintings onto the device; encode first those that the folder lacks.

    Latents in the folder are not encoded again: for another autoencoder or other paintings, use another folder.

    Raises:
        ValueError: if the folder holds the latents of more paintings.
    """
    path = folder / "latents.pt"
    latents: torch.Tensor | None = torch.load(path, map_location="cpu", weights_only=True) if path.exists() else None
    count = 0 if latents is None else len(latents)
    if count > len(images):
        raise ValueError(f"{path} holds the latents of {count} paintings, not of {len(images)}; remove it")
    if latents is None or count < len(images):
        folder.mkdir(parents=True, exist_ok=True)
        autoencoder = AutoencoderTiny.from_pretrained(autoencoder_dir)
        parts = [] if latents is None else [latents]
        for start in range(count, len(images), ENCODED_AT_ONCE):
            parts.append(encode_paintings(autoencoder, images[start : start + ENCODED_AT_ONCE], device))
            latents = torch.cat(parts)
            unfinished = path.with_suffix(".unfinished")
            torch.save(latents, unfinished)
            unfinished.replace(path)
            print(f"{len(latents)} of {len(images)} paintings encoded", flush=True)
        assert latents is not None
    return latents.to(device)


def load_scaling_factor(path: Path, latents: torch.Tensor) -> float:
    """Return the factor that gives the latents the spread 1; keep it in a file, because paintings may be added."""
    if not path.exists():
        path.write_text(json.dumps(1 / latents.float().std().item()))
    return float(json.loads(path.read_text()))


def shrink(latents: torch.Tensor, layouts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Shrink latents (B, C, H, W) and layouts (B, H, W) by 2; of four cells of a layout, a small thing's one stays."""
    cells = torch.stack([layouts[:, top::2, left::2] for top in (0, 1) for left in (0, 1)])
    chosen = torch.isin(cells, torch.tensor(SMALL_THINGS, device=layouts.device)).int().argmax(dim=0, keepdim=True)
    return F.avg_pool2d(latents, 2), cells.gather(0, chosen)[0]
