"""Continue to train the decoder for generated latents: `python -m training.decoder --paintings DIR --output-dir DIR`.

The autoencoder's decoder learnt on latents of paintings. The latents of a diffusion model are softer than those, and
the pictures decoded from them are softer still. In this stage the shipped student denoises the last steps from noised
paintings, so that each of its latents has a painting as its target. On half of each batch, latents of paintings, the
decoder learns as in `training.autoencoder`. On the other half, the student's latents, it must also convince a
discriminator that looks at patches (Isola et al. 2017; the losses are balanced as in Esser et al. 2021, "VQGAN"). The
encoder is not changed, so that latents and diffusion models fit as before.
"""

from __future__ import annotations

import argparse
import copy
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderTiny, StableDiffusionPipeline
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from synthviz.devices import has_fast_bfloat16, pick_device
from synthviz.diffusion.pipelines import load_pipeline
from training.autoencoder import count_held_out, fine_detail, measure_psnr, reconstruction_loss
from training.diffusion import encode_paintings
from training.distillation import GUIDANCE_WIDTH, move, trailing_timesteps
from training.loop import Stateful, TrainingRun, load_checkpoint, save_checkpoint, set_learning_rate
from training.paintings import load_paintings
from training.text_encoder import tokenize

MARGIN = 1  # latent pixels around a patch that the loss leaves out: the decoder lacks their neighbours


@dataclass(frozen=True)
class DecoderTraining:
    """Settings of this stage; `minutes` counts all runs that resume one another."""

    minutes: float = 30
    batch: int = 8  # half latents of paintings, half the student's latents
    cells: int = 8  # side of a crop in latent pixels
    rate: float = 2e-4
    latent_noise: float = 0.05
    paintings: int = 6000  # of the training set
    steps: int = 4  # of the student
    last_steps: int = 2  # the student takes one to this many of its last steps
    guidance: float = 3.0  # guidance scale given to the student
    adversarial_share: float = 0.5  # length of the adversarial gradient against that of the loss on the student's half
    adversarial_after: int = 300  # batches before the discriminator's verdict counts for the decoder
    float32: bool = False  # also where bfloat16 would be faster
    seed: int = 0


class PatchDiscriminator(nn.Module):
    """Scores every patch of 54 × 54 pixels, high if it looks painted.

    Takes (B, 3, S, S) in [-1, 1] and returns (B, 1, S / 8, S / 8).
    """

    def __init__(self) -> None:
        super().__init__()
        widths = ((3, 32, 4, 2), (32, 64, 4, 2), (64, 128, 4, 2), (128, 128, 3, 1), (128, 1, 3, 1))
        self.layers = nn.ModuleList(
            spectral_norm(nn.Conv2d(before, after, side, stride, 1)) for before, after, side, stride in widths
        )

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return the scores of all patches."""
        hidden = pictures
        for layer in self.layers[:-1]:
            hidden = F.leaky_relu(layer(hidden), 0.2)
        scores: torch.Tensor = self.layers[-1](hidden)
        return scores


@torch.no_grad()
def denoise_the_end(
    pipeline: StableDiffusionPipeline,
    latents: torch.Tensor,
    captions: list[str],
    settings: DecoderTraining,
    generator: torch.Generator,
    batch: int = 32,
) -> torch.Tensor:
    """Add noise to latents and let the student take its last steps; return latents like the given ones.

    Args:
        pipeline: the few-step model.
        latents: of paintings, (N, channels, H, W) as encoded.
        captions: one for each painting.
        settings: the number of steps, and how many of them, at most, the student takes.
        generator: a CPU generator for noise and numbers of steps.
        batch: latents to denoise at a time.
    """
    factor, device = pipeline.vae.config.scaling_factor, pipeline.device
    alphas = torch.cat([pipeline.scheduler.alphas_cumprod, torch.ones(1)]).to(device)
    stops = trailing_timesteps(len(alphas) - 1, settings.steps).to(device)
    scale = torch.tensor([settings.guidance - 1])
    condition = pipeline.get_guidance_scale_embedding(scale, embedding_dim=GUIDANCE_WIDTH).to(device)
    denoised = []
    for start in range(0, len(latents), batch):
        clean = (latents[start : start + batch].float() * factor).to(device)
        steps_left = int(torch.randint(1, settings.last_steps + 1, (1,), generator=generator))
        noise = torch.randn(clean.shape, generator=generator).to(device)
        path = stops[-1 - steps_left :]
        noisy = pipeline.scheduler.add_noise(clean, noise, path[:1].expand(len(clean)))
        token_ids = tokenize(pipeline.tokenizer, captions[start : start + batch]).to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=has_fast_bfloat16(device)):
            text = pipeline.text_encoder(token_ids).last_hidden_state
            for now, after in pairwise(path):
                conditions = condition.expand(len(clean), -1)
                velocity = pipeline.unet(noisy, now, text, timestep_cond=conditions).sample.float()
                noisy = move(velocity, noisy, alphas[now, None], alphas[after, None])
        denoised.append((noisy / factor).to("cpu", torch.float16))
        if start % (50 * batch) == 0:
            print(f"{start} of {len(latents)} denoised", flush=True)
    return torch.cat(denoised)


def random_patches(
    latents: torch.Tensor, images: np.ndarray, rows: np.ndarray, cells: int, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Cut random patches out of latents and out of the pictures they encode.

    Args:
        latents: (N, channels, H, W).
        images: (N, 8 H, 8 W, 3) uint8.
        rows: the indices of the pictures to cut, (B,).
        cells: side of a patch without its margin, in latent pixels.
        rng: the source of random numbers.

    Returns:
        The patches of latents, (B, channels, side, side); their pixels, (B, 3, 8 side, 8 side) in [-1, 1]; and the mask
        of pixels that count, (B, 1, 8 side, 8 side) bool: all but the margin, which counts only at a picture's edge.
    """
    height = latents.shape[2]
    factor, side = images.shape[1] // height, cells + 2 * MARGIN
    edge = factor * MARGIN
    codes, pixels, counts = [], [], torch.ones(len(rows), 1, factor * side, factor * side, dtype=torch.bool)
    for index, row in enumerate(rows):
        top, left = rng.integers(height - side + 1, size=2)
        codes.append(latents[row, :, top : top + side, left : left + side])
        pixels.append(images[row, factor * top : factor * (top + side), factor * left : factor * (left + side)])
        for start, across in ((top, counts[index, 0]), (left, counts[index, 0].T)):
            across[:edge] &= bool(start == 0)
            across[-edge:] &= bool(start == height - side)
    wanted = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).float() / 127.5 - 1
    return torch.stack(codes).float(), wanted, counts


def balance(first: torch.Tensor, second: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Return the factor that makes the second loss's gradient at `weights` as long as the first one's."""
    first_gradient, second_gradient = (
        torch.autograd.grad(loss, weights, retain_graph=True)[0] for loss in (first, second)
    )
    ratio: torch.Tensor = first_gradient.norm() / (second_gradient.norm() + 1e-6)
    return ratio.clamp(max=1e3).detach()


@dataclass(frozen=True)
class _Batch:
    """One batch: first patches of paintings, then patches of the student's latents.

    Attributes:
        codes: latents, (B, channels, side, side).
        pixels: the target, (B, 3, 8 side, 8 side) in [-1, 1].
        counts: (B, 1, 8 side, 8 side) bool, the pixels that count.
        painted: how many patches, the first ones, are of paintings.
    """

    codes: torch.Tensor
    pixels: torch.Tensor
    counts: torch.Tensor
    painted: int


class _Adversary:
    """The discriminator and its optimizer."""

    def __init__(self, device: torch.device, rate: float) -> None:
        self.discriminator = PatchDiscriminator().to(device).to(memory_format=torch.channels_last)
        self.optimizer = torch.optim.AdamW(self.discriminator.parameters(), lr=rate, betas=(0.5, 0.99))

    def learn(self, real_scores: torch.Tensor, decoded_scores: torch.Tensor) -> None:
        """Take one step down the hinge loss (Lim & Ye 2017)."""
        loss = (F.relu(1 - real_scores.float()).mean() + F.relu(1 + decoded_scores.float()).mean()) / 2
        torch.autograd.backward(loss)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)

    def loss_of(self, decoded: torch.Tensor) -> torch.Tensor:
        """Return the decoder's adversarial loss, without a gradient for the discriminator."""
        self.discriminator.requires_grad_(False)
        scores: torch.Tensor = self.discriminator(decoded)
        self.discriminator.requires_grad_(True)
        return -scores.float().mean()


def train_decoder(
    paintings_dir: Path, output_dir: Path, settings: DecoderTraining, pipeline: StableDiffusionPipeline
) -> AutoencoderTiny:
    """Train until the budget is spent, resuming from the folder's checkpoint; return the averaged autoencoder.

    Saves it in `output_dir/vae` too.

    Args:
        paintings_dir: a folder that `training.paintings` filled.
        output_dir: the folder for checkpoint, log and weights.
        settings: the budget and the other settings.
        pipeline: the few-step model whose decoder is trained; it is not changed.
    """
    torch.manual_seed(settings.seed)
    device = pick_device()
    output_dir.mkdir(parents=True, exist_ok=True)
    paintings = load_paintings(paintings_dir)
    held_out = count_held_out(len(paintings.images))
    test_images = np.asarray(paintings.images[:held_out])
    images = paintings.images[held_out : held_out + settings.paintings]
    captions = [each[0] for each in paintings.captions[held_out : held_out + len(images)]]
    latents = _load_latents(output_dir / "latents.pt", pipeline, images, captions, settings)
    autoencoder = copy.deepcopy(pipeline.vae).to(device, memory_format=torch.channels_last)
    autoencoder.requires_grad_(False)
    autoencoder.decoder.requires_grad_(True)
    adversary = _Adversary(device, settings.rate)
    optimizer = torch.optim.AdamW(autoencoder.decoder.parameters(), lr=settings.rate, betas=(0.5, 0.99))
    others: dict[str, Stateful] = {"discriminator": adversary.discriminator, "opponent": adversary.optimizer}
    run = TrainingRun(autoencoder, optimizer, output_dir / "decoder.checkpoint", settings.minutes, others=others)
    rng = np.random.default_rng([settings.seed, run.step])
    half = torch.autocast(device.type, torch.bfloat16, enabled=has_fast_bfloat16(device) and not settings.float32)
    save_due = run.clock.every(min(4.0, settings.minutes / 4))
    while run.clock.progress < 1:
        run.set_learning_rate(settings.rate)
        set_learning_rate(adversary.optimizer, optimizer.param_groups[0]["lr"])
        _train_step(run, adversary, _draw_batch(latents, images, settings, rng, device), settings, half)
        run.print_losses(every=200)
        if next(save_due):
            _save(run, output_dir, test_images, device)
    return _save(run, output_dir, test_images, device).cpu()


def _draw_batch(
    latents: dict[str, torch.Tensor],
    images: np.ndarray,
    settings: DecoderTraining,
    rng: np.random.Generator,
    device: torch.device,
) -> _Batch:
    painted_rows = rng.integers(len(images), size=settings.batch // 2)
    generated_rows = rng.integers(len(images), size=settings.batch - settings.batch // 2)
    codes, pixels, counts = random_patches(latents["painted"], images, painted_rows, settings.cells, rng)
    generated_codes, generated_pixels, generated_counts = random_patches(
        latents["generated"], images, generated_rows, settings.cells, rng
    )
    codes = codes + settings.latent_noise * torch.randn(codes.shape)
    return _Batch(
        torch.cat([codes, generated_codes]).to(device, memory_format=torch.channels_last),
        torch.cat([pixels, generated_pixels]).to(device, memory_format=torch.channels_last),
        torch.cat([counts, generated_counts]).to(device),
        len(painted_rows),
    )


def _train_step(
    run: TrainingRun, adversary: _Adversary, batch: _Batch, settings: DecoderTraining, half: torch.autocast
) -> None:
    """Train the discriminator and the decoder on one batch."""
    autoencoder: AutoencoderTiny = run.module
    sizes = [batch.painted, len(batch.codes) - batch.painted]
    with half:
        decoded = autoencoder.decode(batch.codes).sample.float()
        # Pixels that do not count are replaced by the painting's, so that they add nothing to any loss.
        decoded = torch.where(batch.counts, decoded, batch.pixels)
        rebuilt, drawn = torch.split(decoded, sizes)
        rebuilt_target, drawn_target = torch.split(batch.pixels, sizes)
        real_scores = adversary.discriminator(batch.pixels)
        drawn_scores = adversary.discriminator(drawn.detach())
    adversary.learn(real_scores, drawn_scores)
    painted_loss = reconstruction_loss(rebuilt, rebuilt_target)
    generated_loss = F.l1_loss(drawn, drawn_target) + F.l1_loss(fine_detail(drawn), fine_detail(drawn_target))
    loss = painted_loss + 0.5 * generated_loss
    if run.step >= settings.adversarial_after:
        with half:
            adversarial = adversary.loss_of(drawn)
        last_weights = autoencoder.decoder.layers[-1].weight
        loss = loss + settings.adversarial_share * balance(generated_loss, adversarial, last_weights) * adversarial
        run.losses.update(adversarial=adversarial)
    run.descend(loss)
    run.losses.update(painted=painted_loss, generated=generated_loss)


def _save(run: TrainingRun, output_dir: Path, test_images: np.ndarray, device: torch.device) -> AutoencoderTiny:
    """Write the checkpoint, the averaged model and a line of the log; return the averaged model."""
    run.save()
    averaged: AutoencoderTiny = copy.deepcopy(run.module).cpu()
    averaged.load_state_dict(run.average.on_cpu())
    averaged.eval().save_pretrained(output_dir / "vae")
    averaged = averaged.to(device)
    run.write_log(output_dir / "decoder.log", psnr=measure_psnr(averaged, test_images, device))
    return averaged


def _load_latents(
    path: Path, pipeline: StableDiffusionPipeline, images: np.ndarray, captions: list[str], settings: DecoderTraining
) -> dict[str, torch.Tensor]:
    """Return latents of the paintings and the student's latents, from the file if it exists."""
    latents = load_checkpoint(path)
    if latents is None:
        painted = encode_paintings(pipeline.vae, images, pipeline.device)
        generator = torch.Generator().manual_seed(settings.seed)
        generated = denoise_the_end(pipeline, painted, captions, settings, generator)
        latents = {"painted": painted, "generated": generated}
        save_checkpoint(path, latents)
    return latents


def main() -> None:
    """Train from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="embedded", help="the few-step model: a shipped name or a folder")
    parser.add_argument("--paintings", type=Path, required=True)
    parser.add_argument("--output-dir", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=DecoderTraining.minutes)
    parser.add_argument("--float32", action="store_true", help="compute in float32 where bfloat16 would be faster")
    arguments = parser.parse_args()
    settings = DecoderTraining(minutes=arguments.minutes, float32=arguments.float32)
    train_decoder(arguments.paintings, arguments.output_dir, settings, load_pipeline(arguments.model, engine="torch"))


if __name__ == "__main__":
    main()
