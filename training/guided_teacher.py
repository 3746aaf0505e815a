"""What the student imitates: several steps of the teacher, guided by the prompt and away from its early version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import StableDiffusionPipeline, UNet2DConditionModel
from torch import nn
from transformers import CLIPTextModel

from training.caption_ids import CaptionIds
from training.ddim_steps import move, trailing_timesteps, velocity_between
from training.distillation_settings import DistillationTraining
from training.loop import autocast
from training.text_encoder import tokenize

GUIDANCE_WIDTH = 256  # of the embedding of the guidance scale


class PaintingSource:
    """Draws paintings and random numbers; a run that was resumed at another step draws other ones."""

    def __init__(self, seed: int, device: torch.device) -> None:
        self.generator = torch.Generator().manual_seed(seed)
        self._noises = torch.Generator(device).manual_seed(seed)
        self._device = device

    def noise(self, shape: torch.Size) -> torch.Tensor:
        """Return Gaussian noise on the device."""
        return torch.randn(shape, generator=self._noises, device=self._device)

    def paintings(self, latents: torch.Tensor, captions: CaptionIds, batch: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return latents of random paintings, (B, C, H, W) float32, and the token ids of a caption for each."""
        rows = torch.randint(len(latents), (batch,), generator=self.generator)
        return latents[rows.to(self._device)].float(), captions.pick(rows, self.generator)


@dataclass(frozen=True)
class Target:
    """One batch and the velocity that the student must predict.

    Attributes:
        noisy: latents, (B, C, H, W).
        timesteps: (B,) int64.
        text: states of the captions, (B, tokens, width).
        condition: embedded guidance scales, (B, GUIDANCE_WIDTH).
        velocity: like `noisy`.
        piece: (B,) which piece of the trajectory, 0 to 3.
    """

    noisy: torch.Tensor
    timesteps: torch.Tensor
    text: torch.Tensor
    condition: torch.Tensor
    velocity: torch.Tensor
    piece: torch.Tensor


@dataclass(frozen=True)
class Early:
    """The early version of the teacher."""

    unet: Callable[..., Any]
    text_encoder: nn.Module


def load_early(folder: Path, settings: DistillationTraining, device: torch.device) -> Early:
    """Load the early version of the teacher from a folder with `unet/` and `text_encoder/`."""
    unet = UNet2DConditionModel.from_pretrained(folder / "unet", dtype=torch.float32)
    unet = unet.requires_grad_(False).eval().to(device, memory_format=torch.channels_last)
    text_encoder: nn.Module = CLIPTextModel.from_pretrained(folder / "text_encoder", dtype=torch.float32)
    return Early(torch.compile(unet) if settings.compile else unet, text_encoder.eval().to(device))


class GuidedTeacher:
    """The teacher with its guidance, which gives the student's targets."""

    def __init__(self, pipeline: StableDiffusionPipeline, early: Early | None, settings: DistillationTraining) -> None:
        self._pipeline, self._early, self._settings = pipeline, early, settings
        self.unet = pipeline.unet.eval().requires_grad_(False).to(memory_format=torch.channels_last)
        self._run = torch.compile(self.unet) if settings.compile else self.unet
        self._text_encoder, self._device = pipeline.text_encoder.eval(), pipeline.device
        # The last alpha, an additional one, belongs to the end of the trajectory, which has no noise.
        self.alphas = torch.cat([pipeline.scheduler.alphas_cumprod, torch.ones(1)]).to(self._device)
        stops = trailing_timesteps(len(self.alphas) - 1, settings.steps * settings.teacher_steps)
        self._stops = stops.to(self._device)
        self._half = autocast(self._device)
        with torch.no_grad():
            empty = tokenize(pipeline.tokenizer, [""]).to(self._device)
            self._empty_text = self._text_encoder(empty).last_hidden_state

    @torch.no_grad()
    def find_target(self, clean: torch.Tensor, token_ids: torch.Tensor, source: PaintingSource) -> Target:
        """Add noise to clean latents and go one piece of the trajectory with the teacher."""
        settings, batch = self._settings, len(clean)
        noise = source.noise(clean.shape)
        # Equally many of each piece, so that the critic's batches have one size: a GPU tunes itself for every new one.
        piece = torch.arange(batch, device=self._device) * settings.steps // batch
        offsets = torch.arange(settings.teacher_steps + 1, device=self._device)
        path = self._stops[piece[:, None] * settings.teacher_steps + offsets]
        first, last = path[:, 0], path[:, -1]
        span = settings.most_guidance - settings.least_guidance
        scales = settings.least_guidance + span * torch.rand(batch, generator=source.generator)
        # As in the pipeline, the embedded number is the scale minus one; the embedding is computed on the CPU.
        condition = self._pipeline.get_guidance_scale_embedding(scales - 1, embedding_dim=GUIDANCE_WIDTH)
        noisy = self._pipeline.scheduler.add_noise(clean, noise, first).to(memory_format=torch.channels_last)
        text = self._text_encoder(token_ids).last_hidden_state
        early_text = None if self._early is None else self._early.text_encoder(token_ids).last_hidden_state
        later = (piece > 0).float()
        guidance = 1 + (scales.to(self._device) - 1) * (later + settings.first_guidance * (1 - later))
        reached = noisy
        for now, after in zip(path.T[:-1], path.T[1:], strict=True):
            velocity = self._guided(reached, now, text, early_text, guidance, settings.early_guidance * later)
            reached = move(velocity, reached, self.alphas[now], self.alphas[after])
        velocity = velocity_between(noisy, reached, self.alphas[first], self.alphas[last])
        return Target(noisy, first, text, condition.to(self._device), velocity, piece)

    def _guided(
        self,
        noisy: torch.Tensor,
        timesteps: torch.Tensor,
        text: torch.Tensor,
        early_text: torch.Tensor | None,
        guidance: torch.Tensor,
        early_guidance: torch.Tensor,
    ) -> torch.Tensor:
        """Return the velocity, guided towards the prompt (Ho & Salimans 2022) and away from the early version.

        The strengths of both are (B,).
        """
        both = torch.cat([text, self._empty_text.expand_as(text)])
        with self._half:
            velocity = self._run(torch.cat([noisy, noisy]), torch.cat([timesteps, timesteps]), both).sample.float()
        named, unnamed = velocity.chunk(2)
        guided: torch.Tensor = unnamed + guidance[:, None, None, None] * (named - unnamed)
        if self._early is None or early_text is None:
            return guided
        with self._half:
            worse = self._early.unet(noisy, timesteps, early_text).sample.float()
        guided += early_guidance[:, None, None, None] * (named - worse)
        return guided
