"""How well the autoencoder reconstructs paintings: in pixels, and in small things that the oracle recognises."""

from __future__ import annotations

import math
import statistics
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKL, AutoencoderTiny

from training.oracle import Oracle, ask
from training.paintings import paint_one
from training.verdicts import score

PSNR_TARGET = 30  # dB


@torch.no_grad()
def measure_autoencoder(
    autoencoder: AutoencoderKL | AutoencoderTiny, oracle: Oracle, count: int, first_seed: int, size: int
) -> dict[str, Any] | None:
    """Compare `count` fresh paintings with their reconstructions; return None if `count` is 0.

    Returns:
        A dictionary with these entries:

        - "psnr": mean over the paintings, in dB.
        - "error in stars" and "error in birds": mean absolute errors inside the painter's masks, values in [0, 1]; None
          if no painting has any.
        - "kept": the share of paintings with stars, and with birds, for which the oracle's answer stays the same, and
          the share of all answers that stay the same.
    """
    errors: dict[str, list[float]] = {"stars": [], "bird": []}
    kept: dict[str, list[bool]] = {"stars": [], "bird count": [], "all answers": []}
    psnr = []
    for index in range(count):
        painting, _ = paint_one(index, first_seed, size, held_out=True)
        pixels = torch.from_numpy(painting.image).to(autoencoder.device, autoencoder.dtype)
        encoded = autoencoder.encode(pixels.permute(2, 0, 1)[None] / 127.5 - 1)
        latents = encoded.latent_dist.mode() if hasattr(encoded, "latent_dist") else encoded.latents
        decoded = (autoencoder.decode(latents).sample[0].float().clamp(-1, 1) + 1) * 127.5
        rebuilt = decoded.round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
        error = np.abs(rebuilt.astype(np.float64) - painting.image) / 255
        psnr.append(-10 * math.log10(max(1e-10, (error**2).mean())))
        before, after = ask(oracle, np.stack([painting.image, rebuilt]))
        kept["all answers"] += [before[question] == after[question] for question in before]
        for thing, question in (("stars", "stars"), ("bird", "bird count")):
            if thing in painting.masks:
                errors[thing].append(float(error[painting.masks[thing]].mean()))
                kept[question].append(before[question] == after[question])
    if not psnr:
        return None
    return {
        "psnr": statistics.fmean(psnr),
        "error in stars": statistics.fmean(errors["stars"]) if errors["stars"] else None,
        "error in birds": statistics.fmean(errors["bird"]) if errors["bird"] else None,
        "kept": {question: score(verdicts).record() for question, verdicts in kept.items()},
    }
