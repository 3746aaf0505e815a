"""The losses of the diffusion stage; `training.diffusion` says what each is for."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from diffusers import AutoencoderTiny, DDIMScheduler
from transformers import CLIPTokenizer

from training.diffusion_batches import Batch
from training.diffusion_settings import DiffusionTraining
from training.latents import SMALL_THINGS
from training.loop import autocast
from training.teacher import Trained
from training.word_places import classes_of_tokens, color_tokens, noun_classes, word_place_loss

DECODER_LAYERS = (5, 10)  # after which layers of the decoder features are compared: its blocks at 32×32 and at 64×64
CLEAR_SHARE = 1 / 5  # of a batch, the pictures with the least noise, where they are: a signal-to-noise ratio above 1


def weigh_cells(layouts: torch.Tensor, small_thing_weight: float) -> torch.Tensor:
    """Return the weight of each latent pixel in the loss, (B, 1, H, W) with mean 1, from layouts (B, H, W)."""
    small = torch.isin(layouts, torch.tensor(SMALL_THINGS, device=layouts.device)).float()[:, None]
    # The cells beside a thing count too, because they contain its outline.
    weights = 1 + (small_thing_weight - 1) * F.max_pool2d(small, kernel_size=3, stride=1, padding=1)
    return weights / weights.mean()


class DecoderFeatures:
    """What the first layers of the decoder see in latents."""

    def __init__(self, autoencoder: AutoencoderTiny, scaling_factor: float) -> None:
        decoder = autoencoder.decoder.requires_grad_(False).eval()
        starts = (0, *DECODER_LAYERS[:-1])
        self._parts = [decoder.layers[start:end] for start, end in zip(starts, DECODER_LAYERS, strict=True)]
        self.load_scaling_factor = scaling_factor

    def see(self, latents: torch.Tensor) -> list[torch.Tensor]:
        """Return the features of scaled latents, (B, C, H, W) each."""
        features = torch.tanh(latents / self.load_scaling_factor / 3) * 3  # as the decoder limits its input
        found = []
        for part in self._parts:
            features = part(features)
            found.append(features)
        return found

    def difference(self, predicted: torch.Tensor, clean: torch.Tensor) -> torch.Tensor:
        """Return the mean squared difference of features, each channel relative to its spread: a scalar."""
        with torch.no_grad():
            wanted = self.see(clean)
        parts = []
        for one, other in zip(self.see(predicted), wanted, strict=True):
            spread = other.float().var(dim=(0, 2, 3), keepdim=True).clamp(min=1e-4)
            parts.append(((one.float() - other.float()).square() / spread).clamp(max=9).mean())
        return torch.stack(parts).mean()


class DiffusionLosses:
    """Computes the losses of a batch."""

    def __init__(
        self,
        model: Trained,
        scheduler: DDIMScheduler,
        tokenizer: CLIPTokenizer,
        decoder: DecoderFeatures,
        settings: DiffusionTraining,
        device: torch.device,
    ) -> None:
        self._run = torch.compile(model, dynamic=False) if settings.compile else model
        self._scheduler, self._decoder, self._settings = scheduler, decoder, settings
        self._alphas = scheduler.alphas_cumprod.to(device)
        self._nouns, self._colors = noun_classes(tokenizer).to(device), color_tokens(tokenizer).to(device)
        self._half = autocast(device)

    def compute(self, batch: Batch, progress: float) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Return the loss, and its parts by name, all scalars: of the velocity, the layout, the words, the decoder."""
        settings = self._settings
        noisy = self._scheduler.add_noise(batch.clean, batch.noise, batch.timesteps)
        target = self._scheduler.get_velocity(batch.clean, batch.noise, batch.timesteps)
        with self._half:
            predicted, layout_logits, shares = self._run(
                noisy.to(memory_format=torch.channels_last), batch.timesteps, batch.token_ids, batch.apart
            )
        velocity = predicted.float()
        error = (velocity - target).square() * weigh_cells(batch.layouts, settings.small_thing_weight)
        loss = (error.mean(dim=(1, 2, 3)) * self._weigh_timesteps(batch.timesteps)).mean()
        layout_loss = F.cross_entropy(layout_logits.float(), batch.layouts)
        classes = classes_of_tokens(batch.token_ids, self._nouns, self._colors)
        place_loss = word_place_loss(shares, batch.layouts, classes)
        parts = {"loss": loss, "layout_loss": layout_loss, "word_place_loss": place_loss}
        total = loss + settings.layout_weight * layout_loss + settings.word_place_weight * place_loss
        if progress >= settings.decoder_start:
            parts["decoder_loss"] = self._compare_decoded(batch, noisy, velocity)
            total = total + settings.decoder_weight * parts["decoder_loss"]
        return total, parts

    def _compare_decoded(self, batch: Batch, noisy: torch.Tensor, velocity: torch.Tensor) -> torch.Tensor:
        """Return the difference of the decoder's features for the pictures of the batch with the least noise."""
        alphas = self._alphas[batch.timesteps]
        # A fixed number of pictures, because a GPU tunes itself for every new size.
        alphas, clear = alphas.topk(max(1, round(CLEAR_SHARE * len(alphas))))
        alphas = alphas[:, None, None, None]
        predicted = alphas.sqrt() * noisy[clear] - (1 - alphas).sqrt() * velocity[clear]
        with self._half:
            return self._decoder.difference(predicted, batch.clean[clear])

    def _weigh_timesteps(self, timesteps: torch.Tensor) -> torch.Tensor:
        alpha: torch.Tensor = self._alphas[timesteps]
        snr = alpha / (1 - alpha)
        # Min-SNR alone gives pure noise no weight, although the first steps decide layout and brightness.
        return (snr.clamp(max=self._settings.snr_cap) / (snr + 1)).clamp(min=self._settings.least_weight)
