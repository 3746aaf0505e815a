"""How sharp pictures are: the power of their detail, by its size, against that of other pictures."""

from __future__ import annotations

import numpy as np
import torch

BANDS = ((4, 16), (16, 32), (32, 64), (64, 96), (96, 128))  # cycles a picture of 256 pixels


def band_powers(pictures: np.ndarray) -> np.ndarray:
    """Return the mean power of grey pictures in each of `BANDS`: (bands,).

    Args:
        pictures: (N, H, W, 3) uint8, square and at least 256 pixels wide; a window fades their borders, whose jump
            from one side to the other would count as detail.
    """
    grey = pictures.astype(np.float64).mean(axis=-1) / 255
    size = grey.shape[-1]
    window = np.hanning(size)
    grey = (grey - grey.mean(axis=(1, 2), keepdims=True)) * window[:, None] * window[None, :]
    power = np.abs(np.fft.fft2(grey)) ** 2
    frequency = np.fft.fftfreq(size, 1 / size)
    radius = np.hypot(frequency[:, None], frequency[None, :])
    return np.array([power[:, (radius >= low) & (radius < high)].mean() for low, high in BANDS])


def kept_detail(pictures: np.ndarray, originals: np.ndarray) -> dict[str, float]:
    """Return the power of pictures relative to that of the originals in each band, such as {"4-16": 1.0, …}."""
    shares = band_powers(pictures) / band_powers(originals)
    return {f"{low}-{high}": float(share) for (low, high), share in zip(BANDS, shares, strict=True)}


def latent_roughness(latents: torch.Tensor) -> float:
    """Return the power of the finest structure of latents, (N, C, H, W), relative to that of the coarsest.

    The bands are the outer quarter of the frequencies and the inner eighth. Diffusion models predict smooth latents
    more easily (Skorokhodov et al. 2025).
    """
    size = latents.shape[-1]
    values = latents.double().numpy()
    power = (np.abs(np.fft.fft2(values - values.mean(axis=(0, 2, 3), keepdims=True))) ** 2).mean(axis=(0, 1))
    frequency = np.fft.fftfreq(size)
    radius = np.hypot(frequency[:, None], frequency[None, :])
    coarse = (radius > 0) & (radius < max(0.0625, 1.5 / size))
    return float(power[(radius >= 0.375) & (radius < 0.5)].mean() / power[coarse].mean())
