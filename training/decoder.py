"""Train the decoder on for what the generator makes: `python -m training.decoder --paintings DIR --output-dir DIR`.

The autoencoder's decoder learnt on latents of paintings; a diffusion model's latents are softer than those, and what it
makes of them is softer still. Here the shipped student denoises the end of the way from noised paintings, so that every
latent it leaves has a painting beside it. On half of each batch, latents of paintings, the decoder goes on learning as
in `training.autoencoder`; on the other half, the student's latents, it must also convince a discriminator that looks at
patches (Isola et al. 2017; the balance of the losses is that of Esser et al. 2021, "VQGAN"). The encoder stays as it
is, so that latents and diffusion models fit as before.
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
from training.loop import (
    AveragedWeights,
    Clock,
    learning_rate,
    load_checkpoint,
    save_checkpoint,
    set_learning_rate,
    write_log,
)
from training.paintings import load_paintings
from training.text_encoder import tokenize

MARGIN = 1  # cells around a patch whose pixels do not count: there the decoder misses what the patch cuts off


@dataclass(frozen=True)
class DecoderTraining:
    """Settings of this stage; `minutes` counts all runs that resume one another."""

    minutes: float = 30
    batch: int = 8  # half of it latents of paintings, half the student's
    cells: int = 8  # side of a crop in latent pixels
    rate: float = 2e-4
    latent_noise: float = 0.05
    paintings: int = 6000  # of the training set
    steps: int = 4  # of the student
    last_steps: int = 2  # of these: up to so many are its own
    guidance: float = 3.0  # that the student is told
    adversarial_share: float = 0.5  # of the gradient of the other losses
    adversarial_after: int = 300  # batches in which only the discriminator learns
    float32: bool = False  # even where bfloat16 is faster
    seed: int = 0


class PatchDiscriminator(nn.Module):
    """Says of every patch of 54 pixels whether it was painted: (B, 3, S, S) in [-1, 1] to (B, 1, S / 8, S / 8)."""

    def __init__(self) -> None:
        super().__init__()
        widths = ((3, 32, 4, 2), (32, 64, 4, 2), (64, 128, 4, 2), (128, 128, 3, 1), (128, 1, 3, 1))
        self.layers = nn.ModuleList(
            spectral_norm(nn.Conv2d(before, after, side, stride, 1)) for before, after, side, stride in widths
        )

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        hidden = pictures
        for layer in self.layers[:-1]:
            hidden = F.leaky_relu(layer(hidden), 0.2)
        return self.layers[-1](hidden)


@torch.no_grad()
def denoise_the_end(
    pipeline: StableDiffusionPipeline,
    latents: torch.Tensor,
    captions: list[str],
    settings: DecoderTraining,
    generator: torch.Generator,
    batch: int = 32,
) -> torch.Tensor:
    """What the student makes of noised latents in its last steps: like `latents`, (N, channels, H, W) as encoded.

    Args:
        pipeline: the few-step model.
        latents: of paintings.
        captions: one for each.
        settings: how many steps there are, and at how many from the end, at most, paintings are noised.
        generator: of noise and numbers, on the CPU.
        batch: at a time.
    """
    factor, device = pipeline.vae.config.scaling_factor, pipeline.device
    alphas = torch.cat([pipeline.scheduler.alphas_cumprod, torch.ones(1)]).to(device)
    stops = trailing_timesteps(len(alphas) - 1, settings.steps).to(device)
    told = pipeline.get_guidance_scale_embedding(torch.tensor([settings.guidance - 1]), embedding_dim=GUIDANCE_WIDTH)
    made = []
    for start in range(0, len(latents), batch):
        clean = (latents[start : start + batch].float() * factor).to(device)
        left = int(torch.randint(1, settings.last_steps + 1, (1,), generator=generator))
        noise = torch.randn(clean.shape, generator=generator).to(device)
        path = stops[-1 - left :]
        noisy = pipeline.scheduler.add_noise(clean, noise, path[:1].expand(len(clean)))
        token_ids = tokenize(pipeline.tokenizer, captions[start : start + batch]).to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=has_fast_bfloat16(device)):
            text = pipeline.text_encoder(token_ids).last_hidden_state
            for now, after in pairwise(path):
                condition = told.expand(len(clean), -1).to(device)
                velocity = pipeline.unet(noisy, now, text, timestep_cond=condition).sample.float()
                noisy = move(velocity, noisy, alphas[now, None], alphas[after, None])
        made.append((noisy / factor).to("cpu", torch.float16))
        if start % (50 * batch) == 0:
            print(f"{start} of {len(latents)} denoised", flush=True)
    return torch.cat(made)


def random_patches(
    latents: torch.Tensor, images: np.ndarray, rows: np.ndarray, cells: int, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Patches of latents, (B, channels, side, side), the pixels they stand for, (B, 3, 8 side, 8 side) in [-1, 1], and
    which pixels count, (B, 1, 8 side, 8 side) bool: all but a margin, which counts too where it is the picture's edge.

    Args:
        latents: (N, channels, H, W).
        images: (N, 8 H, 8 W, 3) uint8.
        rows: which of them, (B,).
        cells: side of a patch without its margin, in latent pixels.
        rng: where from.
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
    """How much the second loss must count for its gradient at `weights` to be as long as the first one's."""
    lengths = [torch.autograd.grad(loss, weights, retain_graph=True)[0].norm() for loss in (first, second)]
    return (lengths[0] / (lengths[1] + 1e-6)).clamp(max=1e3).detach()


def train_decoder(
    paintings_dir: Path, output_dir: Path, settings: DecoderTraining, pipeline: StableDiffusionPipeline
) -> AutoencoderTiny:
    """Train until the budget is spent, resuming from the folder's checkpoint; returns the averaged autoencoder.

    Leaves it in `output_dir/vae` too.

    Args:
        paintings_dir: what `training.paintings` left.
        output_dir: where to.
        settings: the budget and the rest.
        pipeline: the few-step model whose decoder to train on.
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
    # A copy, since the pipeline is the caller's.
    autoencoder = copy.deepcopy(pipeline.vae).to(device, memory_format=torch.channels_last)
    autoencoder.requires_grad_(False)
    autoencoder.decoder.requires_grad_(True)
    last = autoencoder.decoder.layers[-1].weight
    discriminator = PatchDiscriminator().to(device, memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(autoencoder.decoder.parameters(), lr=settings.rate, betas=(0.5, 0.99))
    opponent = torch.optim.AdamW(discriminator.parameters(), lr=settings.rate, betas=(0.5, 0.99))
    average = AveragedWeights(autoencoder)
    checkpoint_path = output_dir / "decoder.checkpoint"
    step, spent = 0, 0.0
    if (checkpoint := load_checkpoint(checkpoint_path)) is not None:
        autoencoder.load_state_dict(checkpoint["weights"])
        discriminator.load_state_dict(checkpoint["discriminator"])
        optimizer.load_state_dict(checkpoint["optimizer"])
        opponent.load_state_dict(checkpoint["opponent"])
        average.state = {name: value.to(device) for name, value in checkpoint["average"].items()}
        step, spent = checkpoint["step"], checkpoint["spent"]
    clock = Clock(settings.minutes, spent)
    rng = np.random.default_rng([settings.seed, step])
    half = torch.autocast(device.type, torch.bfloat16, enabled=has_fast_bfloat16(device) and not settings.float32)
    recent = dict.fromkeys(("painted", "made", "fooled"), 0.0)

    def averaged() -> AutoencoderTiny:
        module = copy.deepcopy(autoencoder).cpu()
        module.load_state_dict({name: value.cpu() for name, value in average.state.items()})
        return module.eval()

    def save() -> None:
        state = {"weights": autoencoder.state_dict(), "discriminator": discriminator.state_dict()}
        state |= {"optimizer": optimizer.state_dict(), "opponent": opponent.state_dict(), "average": average.state}
        save_checkpoint(checkpoint_path, {**state, "step": step, "spent": clock.spent})
        module = averaged()
        module.save_pretrained(output_dir / "vae")
        psnr = measure_psnr(module.to(device), test_images, device)
        write_log(output_dir / "decoder.log", step=step, minutes=clock.spent, psnr=psnr, **recent)

    save_due = clock.every(min(4.0, settings.minutes / 4))
    while clock.progress < 1:
        for each in (optimizer, opponent):
            set_learning_rate(each, learning_rate(settings.rate, step, clock.progress))
        painted_rows = rng.integers(len(images), size=settings.batch // 2)
        made_rows = rng.integers(len(images), size=settings.batch - settings.batch // 2)
        codes, wanted, counts = random_patches(latents["painted"], images, painted_rows, settings.cells, rng)
        made_codes, made_wanted, made_counts = random_patches(latents["made"], images, made_rows, settings.cells, rng)
        codes = codes + settings.latent_noise * torch.randn(codes.shape)
        both = torch.cat([codes, made_codes]).to(device, memory_format=torch.channels_last)
        real = torch.cat([wanted, made_wanted]).to(device, memory_format=torch.channels_last)
        with half:
            decoded = autoencoder.decode(both).sample.float()
            # Where nothing counts the painting itself is put in.
            decoded = torch.where(torch.cat([counts, made_counts]).to(device), decoded, real)
            rebuilt, drawn = decoded.split([len(painted_rows), len(made_rows)])
            wanted, made_wanted = real.split([len(painted_rows), len(made_rows)])
            said_real = discriminator(real)
            said_drawn = discriminator(drawn.detach())
        # The hinge loss (Lim & Ye 2017).
        opponent_loss = (F.relu(1 - said_real.float()).mean() + F.relu(1 + said_drawn.float()).mean()) / 2
        opponent_loss.backward()
        opponent.step()
        painted_loss = reconstruction_loss(rebuilt, wanted)
        made_loss = F.l1_loss(drawn, made_wanted) + F.l1_loss(fine_detail(drawn), fine_detail(made_wanted))
        loss = painted_loss + 0.5 * made_loss
        if step >= settings.adversarial_after:
            discriminator.requires_grad_(False)
            with half:
                fooled = -discriminator(drawn).float().mean()
            discriminator.requires_grad_(True)
            loss = loss + settings.adversarial_share * balance(made_loss, fooled, last) * fooled
            recent["fooled"] = 0.98 * recent["fooled"] + 0.02 * fooled.item()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(autoencoder.decoder.parameters(), 1.0)
        optimizer.step()
        for each in (optimizer, opponent):
            each.zero_grad(set_to_none=True)
        average.update(autoencoder, step)
        step += 1
        for name, value in (("painted", painted_loss), ("made", made_loss)):
            recent[name] = 0.98 * recent[name] + 0.02 * value.item() if recent[name] else value.item()
        if step % 200 == 0:
            print(f"step {step}, {clock.spent:.1f} min, {recent}", flush=True)
        if next(save_due):
            save()
    save()
    return averaged()


def _load_latents(
    path: Path, pipeline: StableDiffusionPipeline, images: np.ndarray, captions: list[str], settings: DecoderTraining
) -> dict[str, torch.Tensor]:
    """Latents of the paintings, and what the student made of them noised; from the file where they already are."""
    latents = load_checkpoint(path)
    if latents is None:
        painted = encode_paintings(pipeline.vae, images, pipeline.device)
        generator = torch.Generator().manual_seed(settings.seed)
        made = denoise_the_end(pipeline, painted, captions, settings, generator)
        latents = {"painted": painted, "made": made}
        save_checkpoint(path, latents)
    return latents


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="embedded", help="the few-step model: a shipped name or a folder")
    parser.add_argument("--paintings", type=Path, required=True)
    parser.add_argument("--output-dir", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=DecoderTraining.minutes)
    parser.add_argument("--float32", action="store_true", help="not bfloat16, even where that is faster")
    arguments = parser.parse_args()
    settings = DecoderTraining(minutes=arguments.minutes, float32=arguments.float32)
    train_decoder(arguments.paintings, arguments.output_dir, settings, load_pipeline(arguments.model, engine="torch"))


if __name__ == "__main__":
    main()
