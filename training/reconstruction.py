"""How well the autoencoder reconstructs paintings: in pixels, in fine detail, and in things the oracle recognises."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from diffusers import AutoencoderKL, AutoencoderTiny

from synthviz.scenes import Painting
from training.estimates import Estimate, Score, estimate_mean, score
from training.oracle import Oracle, ask
from training.spectrum import kept_detail


@dataclass(frozen=True)
class Reconstruction:
    """Paintings compared with what remains of them after encoding and decoding.

    Attributes:
        psnr: mean over the paintings, in dB.
        detail: the share of the power that is kept, by the names of `spectrum.BANDS`.
        errors: mean absolute errors inside the painter's masks of "stars" and "bird", values in [0, 1]; NaN if no
            painting has any.
        kept: paintings with stars, and with birds, about which the oracle gives the same answer, and all its answers.
    """

    psnr: Estimate
    detail: dict[str, float]
    errors: dict[str, Estimate]
    kept: dict[str, Score]


def measure_autoencoder(
    autoencoder: AutoencoderKL | AutoencoderTiny, oracle: Oracle, paintings: Sequence[Painting]
) -> Reconstruction:
    """Compare paintings with their reconstructions."""
    errors: dict[str, list[float]] = {"stars": [], "bird": []}
    kept: dict[str, list[bool]] = {"stars": [], "bird count": [], "all answers": []}
    rebuilt, psnr = [], []
    for painting in paintings:
        rebuilt.append(_rebuild(autoencoder, painting.image))
        error = np.abs(rebuilt[-1].astype(np.float64) - painting.image) / 255
        psnr.append(-10 * math.log10(max(1e-10, (error**2).mean())))
        before, after = ask(oracle, np.stack([painting.image, rebuilt[-1]]))
        kept["all answers"] += [before[question] == after[question] for question in before]
        for thing, question in (("stars", "stars"), ("bird", "bird count")):
            if thing in painting.masks:
                errors[thing].append(float(error[painting.masks[thing]].mean()))
                kept[question].append(before[question] == after[question])
    return Reconstruction(
        estimate_mean(psnr),
        kept_detail(np.stack(rebuilt), np.stack([painting.image for painting in paintings])),
        {thing: estimate_mean(each) for thing, each in errors.items()},
        {question: score(verdicts) for question, verdicts in kept.items()},
    )


@torch.no_grad()
def _rebuild(autoencoder: AutoencoderKL | AutoencoderTiny, image: np.ndarray) -> np.ndarray:
    """Encode and decode a picture, (S, S, 3) uint8."""
    pixels = torch.from_numpy(image).to(autoencoder.device, autoencoder.dtype)
    encoded = autoencoder.encode(pixels.permute(2, 0, 1)[None] / 127.5 - 1)
    latents = encoded.latent_dist.mode() if hasattr(encoded, "latent_dist") else encoded.latents
    decoded = (autoencoder.decode(latents).sample[0].float().clamp(-1, 1) + 1) * 127.5
    rebuilt: np.ndarray = decoded.round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    return rebuilt
