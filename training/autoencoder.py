"""Train the autoencoder: `python -m training.autoencoder --paintings DIR --output-dir DIR --minutes 60`.

An `AutoencoderKL` (Rombach et al. 2022, through diffusers) that halves the picture twice: 128×128×3 becomes
32×32×4. It learns on random crops, from L1 on pixels and on their fine detail, with a whisper of KL.
`--decoder-only` freezes the encoder, so that the decoder can go on improving while the diffusion model
already trains on the latents.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL

from synthviz.devices import pick_device
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


@dataclass(frozen=True)
class AutoencoderTraining:
    """Settings of this stage; `minutes` counts all runs that resume one another."""

    minutes: float = 60
    batch: int = 8
    crop: int = 64
    rate: float = 2e-3
    kl_weight: float = 1e-6
    detail_weight: float = 1.0
    decoder_only: bool = False
    bfloat16: bool = False
    compile: bool = False
    seed: int = 0


def build_autoencoder() -> AutoencoderKL:
    """The untrained autoencoder: three levels, one layer a block, four latent channels."""
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        block_out_channels=(24, 48, 96),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=8,
        mid_block_add_attention=False,
        sample_size=128,
    )


def fine_detail(images: torch.Tensor) -> torch.Tensor:
    """One level of a Laplacian pyramid: what a 2× smaller picture cannot hold. (B, C, H, W) to the same."""
    return images - F.interpolate(F.avg_pool2d(images, 2), scale_factor=2, mode="bilinear")


def random_crops(images: np.ndarray, batch: int, crop: int, rng: np.random.Generator) -> torch.Tensor:
    """(batch, 3, crop, crop) float32 in [-1, 1], cut and mirrored at random."""
    size = images.shape[1]
    picked = np.empty((batch, crop, crop, 3), np.uint8)
    for row, index in enumerate(rng.integers(len(images), size=batch)):
        top, left = rng.integers(size - crop + 1, size=2)
        piece = images[index, top : top + crop, left : left + crop]
        picked[row] = piece[:, ::-1] if rng.random() < 0.5 else piece
    return torch.from_numpy(picked).permute(0, 3, 1, 2).float() / 127.5 - 1


@torch.no_grad()
def measure_psnr(autoencoder: AutoencoderKL, images: np.ndarray, device: torch.device) -> float:
    """Mean PSNR in dB of reconstructions of whole pictures, (N, H, W, 3) uint8."""
    scores = []
    for start in range(0, len(images), 16):
        pixels = torch.from_numpy(images[start : start + 16].astype(np.float32)).to(device)
        batch = pixels.permute(0, 3, 1, 2) / 127.5 - 1
        rebuilt = autoencoder.decode(autoencoder.encode(batch).latent_dist.mode()).sample.clamp(-1, 1)
        error = ((rebuilt - batch) / 2).square().mean(dim=(1, 2, 3))
        scores.append(-10 * torch.log10(error))
    return torch.cat(scores).mean().item()


def train_autoencoder(paintings_dir: Path, output_dir: Path, settings: AutoencoderTraining) -> AutoencoderKL:
    """Train until the budget is spent, resuming from the folder's checkpoint; returns the averaged model.

    Leaves it in `output_dir/vae` too.
    """
    torch.manual_seed(settings.seed)
    device = pick_device()
    paintings = load_paintings(paintings_dir)
    held_out = min(128, len(paintings.images) // 10)
    train_images, test_images = paintings.images[held_out:], np.asarray(paintings.images[:held_out])
    autoencoder = build_autoencoder().to(device, memory_format=torch.channels_last)
    checkpoint_path = output_dir / "autoencoder.checkpoint"
    checkpoint = load_checkpoint(checkpoint_path)
    if checkpoint is not None:
        autoencoder.load_state_dict(checkpoint["weights"])
    average = AveragedWeights(autoencoder)
    step, spent = 0, 0.0
    if checkpoint is not None:
        average.state = {name: value.to(device) for name, value in checkpoint["average"].items()}
        step, spent = checkpoint["step"], checkpoint["spent"]
    if settings.decoder_only:
        autoencoder.load_state_dict(average.state)  # the encoder that made the latents
        autoencoder.encoder.requires_grad_(False)
        autoencoder.quant_conv.requires_grad_(False)
    optimizer = torch.optim.AdamW(
        (p for p in autoencoder.parameters() if p.requires_grad), lr=settings.rate, betas=(0.9, 0.99), weight_decay=0.01
    )
    if checkpoint is not None and checkpoint["decoder_only"] == settings.decoder_only:
        optimizer.load_state_dict(checkpoint["optimizer"])
    clock = Clock(settings.minutes, spent)
    rng = np.random.default_rng([settings.seed, step])

    def losses(images: torch.Tensor, noise: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        posterior = autoencoder.encode(images).latent_dist
        latents = posterior.mean if settings.decoder_only else posterior.mean + posterior.std * noise
        rebuilt = autoencoder.decode(latents).sample.float()
        pixels = F.l1_loss(rebuilt, images)
        detail = F.l1_loss(fine_detail(rebuilt), fine_detail(images))
        divergence = (
            0.5 * (posterior.mean.square() + posterior.var - 1 - posterior.logvar).float().sum(dim=(1, 2, 3)).mean()
        )
        return pixels, pixels + settings.detail_weight * detail + settings.kl_weight * divergence

    if settings.compile:
        losses = torch.compile(losses)
    output_dir.mkdir(parents=True, exist_ok=True)
    save_due = clock.every(min(3.0, settings.minutes / 4))
    recent = 0.0

    def save() -> None:
        state = {"weights": autoencoder.state_dict(), "average": average.state, "optimizer": optimizer.state_dict()}
        save_checkpoint(
            checkpoint_path, {**state, "step": step, "spent": clock.spent, "decoder_only": settings.decoder_only}
        )
        averaged = build_autoencoder().to(device)
        averaged.load_state_dict(average.state)
        averaged.save_pretrained(output_dir / "vae")
        psnr = measure_psnr(averaged.eval(), test_images, device)
        write_log(output_dir / "autoencoder.log", step=step, minutes=clock.spent, loss=recent, psnr=psnr)

    while clock.progress < 1:
        set_learning_rate(optimizer, learning_rate(settings.rate, step, clock.progress))
        images = random_crops(train_images, settings.batch, settings.crop, rng).to(
            device, memory_format=torch.channels_last
        )
        noise = torch.randn(settings.batch, 4, settings.crop // 4, settings.crop // 4, device=device)
        with torch.autocast(device.type, torch.bfloat16, enabled=settings.bfloat16 or device.type == "cuda"):
            pixels, loss = losses(images, noise)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(autoencoder.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        average.update(autoencoder, step)
        step += 1
        recent = 0.98 * recent + 0.02 * pixels.item() if recent else pixels.item()
        if next(save_due):
            save()
    save()
    final = build_autoencoder()
    final.load_state_dict({name: value.cpu() for name, value in average.state.items()})
    return final.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paintings", type=Path, required=True)
    parser.add_argument("--output-dir", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=AutoencoderTraining.minutes)
    parser.add_argument("--decoder-only", action="store_true")
    parser.add_argument("--bfloat16", action="store_true", help="faster on a CPU with AMX, slower on one without")
    parser.add_argument("--compile", action="store_true", help="torch.compile; pays on a GPU or with AMX")
    arguments = parser.parse_args()
    settings = AutoencoderTraining(
        minutes=arguments.minutes,
        decoder_only=arguments.decoder_only,
        bfloat16=arguments.bfloat16,
        compile=arguments.compile,
    )
    train_autoencoder(arguments.paintings, arguments.output_dir, settings)


if __name__ == "__main__":
    main()
