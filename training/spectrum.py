"""How sharp pictures are: the power of their detail, by its size, against that of other pictures."""

from __future__ import annotations

import numpy as np
import torch

BANDS = ((4, 16), (16, 32), (32, 64), (64, 96), (96, 128))  # cycles a picture of 256 pixels


def band_powers(pictures: np.ndarray) -> dict[str, float]:
    """Return the mean power of grey pictures in every band, by its name, such as "4-16".

    Pictures of fewer than 256 pixels lack the bands of their finest detail.

    Args:
        pictures: (N, H, W, 3) uint8, square; a window fades their borders, whose jump from one side to the other would
            count as detail.
    """
    size = pictures.shape[1]
    window = np.hanning(size)
    power = np.zeros((size, size))
    for picture in pictures:  # one by one, because a thousand spectra fill gigabytes
        grey = picture.astype(np.float64).mean(axis=-1) / 255
        power += np.abs(np.fft.fft2((grey - grey.mean()) * window[:, None] * window[None, :])) ** 2
    frequency = np.fft.fftfreq(size, 1 / size)
    radius = np.hypot(frequency[:, None], frequency[None, :])
    return {
        f"{low}-{high}": float(power[(radius >= low) & (radius < high)].mean() / len(pictures))
        for low, high in BANDS
        if high <= size / 2
    }


def kept_detail(pictures: np.ndarray, originals: np.ndarray) -> dict[str, float]:
    """Return the power of pictures relative to that of the originals in each band, such as {"4-16": 1.0, …}."""
    powers, wanted = band_powers(pictures), band_powers(originals)
    return {band: powers[band] / wanted[band] for band in wanted}


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
