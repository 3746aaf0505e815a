"""What one step of the diffusion stage needs: latents, noise, timesteps, captions, layouts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import CLIPTokenizer

from training.caption_ids import CaptionIds
from training.diffusion_settings import SHRUNK_SHARE, DiffusionTraining
from training.latents import load_latents, load_scaling_factor, shrink
from training.paintings import load_paintings


def sample_timesteps(count: int, uniform_share: float, generator: torch.Generator) -> torch.Tensor:
    """Draw (count,) timesteps from 0 to 999: logit-normal (Esser et al. 2024), a share of them uniform."""
    middle = torch.sigmoid(torch.randn(count, generator=generator))
    anywhere = torch.rand(count, generator=generator)
    picked = torch.where(torch.rand(count, generator=generator) < uniform_share, anywhere, middle)
    return (picked * 1000).long().clamp(max=999)


@dataclass(frozen=True)
class TrainingSet:
    """The training set on the device: scaled latents come from `latents[rows].float() * scaling_factor`."""

    latents: torch.Tensor
    scaling_factor: float
    captions: CaptionIds
    layouts: torch.Tensor


def load_training_set(
    paintings_dir: Path,
    autoencoder_dir: Path,
    output_dir: Path,
    tokenizer: CLIPTokenizer,
    settings: DiffusionTraining,
    device: torch.device,
) -> TrainingSet:
    """Load the training set; encode the paintings if the folder has no latents yet."""
    paintings = load_paintings(paintings_dir)
    latents = load_latents(output_dir, autoencoder_dir, paintings.images, device)
    layouts = torch.from_numpy(paintings.layouts).to(device)
    captions = CaptionIds(
        paintings.captions, tokenizer, settings.caption_dropout, settings.strange_word_share, settings.seed, device
    )
    return TrainingSet(latents, load_scaling_factor(output_dir / "scaling_factor.json", latents), captions, layouts)


@dataclass(frozen=True)
class Batch:
    """Everything one step needs, on the device; shapes as in `Trained.forward`.

    Attributes:
        clean: scaled latents.
        noise: like `clean`.
        timesteps: (B,) int64.
        token_ids: (B, tokens) int64.
        apart: (B,) bool, the captions whose colours are encoded apart.
        layouts: (B, H, W) int64.
    """

    clean: torch.Tensor
    noise: torch.Tensor
    timesteps: torch.Tensor
    token_ids: torch.Tensor
    apart: torch.Tensor
    layouts: torch.Tensor


class BatchSource:
    """Draws batches; a run that was resumed at another step draws other batches."""

    def __init__(self, data: TrainingSet, settings: DiffusionTraining, step: int, device: torch.device) -> None:
        self._data, self._settings, self._device = data, settings, device
        self._generator = torch.Generator().manual_seed(settings.seed + step)
        self._noises = torch.Generator(device).manual_seed(settings.seed + step)

    def draw(self, progress: float) -> Batch:
        """Return the next batch; `progress` is the share of the budget that is spent."""
        data, settings, device = self._data, self._settings, self._device
        rows = torch.randint(len(data.latents), (settings.batch,), generator=self._generator)
        rows_there = rows.to(device)
        clean, layouts = data.latents[rows_there].float() * data.scaling_factor, data.layouts[rows_there].long()
        if progress < SHRUNK_SHARE:
            clean, layouts = shrink(clean, layouts)
        token_ids = data.captions.pick(rows, self._generator)
        apart = (torch.rand(settings.batch, generator=self._generator) < settings.colors_apart_share).to(device)
        noise = torch.randn(clean.shape, generator=self._noises, device=device)
        timesteps = sample_timesteps(settings.batch, settings.uniform_share, self._generator).to(device)
        return Batch(clean, noise, timesteps, token_ids, apart, layouts)
