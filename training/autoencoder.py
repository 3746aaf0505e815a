"""Train the autoencoder: `python -m training.autoencoder --paintings DIR --output-dir DIR --minutes 60`.

The model is an `AutoencoderTiny` (the architecture of Bohan's TAESD, through diffusers) that halves the picture three
times: 256×256×3 becomes 32×32×8. It learns on random crops, from absolute and squared differences of pixels and of
their fine detail. Noise on the latents makes the encoder spread them out, and the decoder tolerate the small errors of
a diffusion model. `--encoder-from` keeps the encoder of an earlier autoencoder and trains a new decoder for it, so that
decoders can improve while diffusion models already train on the latents. `--start-from` keeps the encoder too, and
continues to train the decoder.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderTiny

from synthviz.devices import has_fast_bfloat16, pick_device
from training.loop import TrainingRun
from training.paintings import load_paintings


@dataclass(frozen=True)
class AutoencoderTraining:
    """Settings of this stage; `minutes` counts all runs that resume one another."""

    minutes: float = 60
    batch: int = 8
    crop: int = 64
    rate: float = 1e-3
    latent_noise: float = 0.1
    float32: bool = False  # also where bfloat16 would be faster
    compile: bool = False
    seed: int = 0


SQUARED_WEIGHT = 4.0
ENCODER_WIDTH = 48
DECODER_WIDTH = 32  # narrower, because every generated picture needs the decoder's time


def build_autoencoder() -> AutoencoderTiny:
    """Return the untrained autoencoder: 48 channels to encode, 32 to decode, eight latent channels, no normalisation.

    At first it blurs the picture eightfold: residual blocks do nothing, and the layers between them copy or average
    their inputs, plus a little noise. From there it learns many times faster than from noise alone.
    """
    autoencoder = AutoencoderTiny(
        encoder_block_out_channels=(ENCODER_WIDTH,) * 4,
        decoder_block_out_channels=(DECODER_WIDTH,) * 4,
        num_encoder_blocks=(0, 1, 2, 3),
        num_decoder_blocks=(4, 3, 1, 0),
        latent_channels=8,
    )
    with torch.no_grad():
        for name, weights in autoencoder.named_parameters():
            if ".conv.4." in name:  # the last layer of a residual block
                weights.zero_()
            elif weights.ndim == 4 and ".conv." not in name:
                weights.mul_(0.3)
                outputs, inputs = weights.shape[:2]
                for channel in range(inputs if outputs == inputs else 3):
                    if name.startswith("encoder") and outputs == inputs:
                        weights[channel, channel, 1:, 1:] += 0.25
                    else:
                        weights[channel, channel, 1, 1] += 1
    return autoencoder


def fine_detail(images: torch.Tensor) -> torch.Tensor:
    """Return one level of a Laplacian pyramid, the detail that a 2× smaller picture loses: (B, C, H, W), as given."""
    return images - F.interpolate(F.avg_pool2d(images, 2), scale_factor=2, mode="bilinear")


def reconstruction_loss(rebuilt: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    """Return the loss of rebuilt pictures, a scalar: absolute and squared differences, and those of fine detail."""
    detail = F.l1_loss(fine_detail(rebuilt), fine_detail(images))
    return F.l1_loss(rebuilt, images) + SQUARED_WEIGHT * F.mse_loss(rebuilt, images) + detail


def random_crops(images: np.ndarray, batch: int, crop: int, rng: np.random.Generator) -> torch.Tensor:
    """Return random crops, half of them mirrored: (batch, 3, crop, crop) float32 in [-1, 1]."""
    size = images.shape[1]
    crop = min(crop, size)
    picked = np.empty((batch, crop, crop, 3), np.uint8)
    for row, index in enumerate(rng.integers(len(images), size=batch)):
        top, left = rng.integers(size - crop + 1, size=2)
        piece = images[index, top : top + crop, left : left + crop]
        picked[row] = piece[:, ::-1] if rng.random() < 0.5 else piece
    return torch.from_numpy(picked).permute(0, 3, 1, 2).float() / 127.5 - 1


def count_held_out(paintings: int) -> int:
    """Return how many paintings, the first ones, are held out for measurements."""
    return min(128, paintings // 10)


@torch.no_grad()
def measure_psnr(autoencoder: AutoencoderTiny, images: np.ndarray, device: torch.device) -> float:
    """Return the mean PSNR in dB of reconstructions of whole pictures, (N, H, W, 3) uint8."""
    scores = []
    for start in range(0, len(images), 8):
        pixels = torch.from_numpy(images[start : start + 8].astype(np.float32)).to(device)
        batch = pixels.permute(0, 3, 1, 2) / 127.5 - 1
        rebuilt = autoencoder.decode(autoencoder.encode(batch).latents).sample.clamp(-1, 1)
        error = ((rebuilt - batch) / 2).square().mean(dim=(1, 2, 3))
        scores.append(-10 * torch.log10(error))
    return torch.cat(scores).mean().item()


def train_autoencoder(
    paintings_dir: Path,
    output_dir: Path,
    settings: AutoencoderTraining,
    encoder_from: Path | None = None,
    start_from: Path | None = None,
) -> AutoencoderTiny:
    """Train until the budget is spent, resuming from the folder's checkpoint; return the averaged model.

    Saves it in `output_dir/vae` too.

    Args:
        paintings_dir: a folder that `training.paintings` filled.
        output_dir: the folder for checkpoint, log and weights.
        settings: the budget and the other settings.
        encoder_from: a saved autoencoder whose encoder is kept unchanged; only a new decoder learns.
        start_from: a saved autoencoder whose encoder is kept unchanged; its decoder continues to learn.
    """
    torch.manual_seed(settings.seed)
    device = pick_device()
    images = load_paintings(paintings_dir).images
    held_out = count_held_out(len(images))
    train_images, test_images = images[held_out:], np.asarray(images[:held_out])
    output_dir.mkdir(parents=True, exist_ok=True)
    autoencoder = _build_from(encoder_from, start_from).to(device, memory_format=torch.channels_last)
    trained = [weights for weights in autoencoder.parameters() if weights.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=settings.rate, betas=(0.9, 0.99), weight_decay=0.01)
    run = TrainingRun(autoencoder, optimizer, output_dir / "autoencoder.checkpoint", settings.minutes)
    rng = np.random.default_rng([settings.seed, run.step])
    low_precision = has_fast_bfloat16(device) and not settings.float32
    channels, factor = autoencoder.config.latent_channels, autoencoder.spatial_scale_factor

    def losses(images: torch.Tensor, noise: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        latents = autoencoder.encode(images).latents
        rebuilt = autoencoder.decode(latents + settings.latent_noise * noise).sample.float()
        return F.l1_loss(rebuilt, images), reconstruction_loss(rebuilt, images)

    if settings.compile:
        losses = torch.compile(losses)
    save_due = run.clock.every(min(3.0, settings.minutes / 4))
    while run.clock.progress < 1:
        run.set_learning_rate(settings.rate)
        crops = random_crops(train_images, settings.batch, settings.crop, rng)
        crops = crops.to(device, memory_format=torch.channels_last)
        cells = crops.shape[2] // factor
        noise = torch.randn(settings.batch, channels, cells, cells, device=device)
        with torch.autocast(device.type, torch.bfloat16, enabled=low_precision):
            pixel_loss, loss = losses(crops, noise)
        run.descend(loss)
        run.losses.update(loss=pixel_loss)
        if next(save_due):
            _save(run, output_dir, test_images, device)
    return _save(run, output_dir, test_images, device).cpu()


def _build_from(encoder_from: Path | None, start_from: Path | None) -> AutoencoderTiny:
    """Return the autoencoder to train; an encoder that comes from a folder needs no gradient."""
    autoencoder = build_autoencoder()
    if start_from is not None:
        autoencoder.load_state_dict(AutoencoderTiny.from_pretrained(start_from).state_dict())
    elif encoder_from is not None:
        autoencoder.encoder.load_state_dict(AutoencoderTiny.from_pretrained(encoder_from).encoder.state_dict())
    autoencoder.encoder.requires_grad_(start_from is None and encoder_from is None)
    return autoencoder


def _save(run: TrainingRun, output_dir: Path, test_images: np.ndarray, device: torch.device) -> AutoencoderTiny:
    """Write the checkpoint, the averaged model and a line of the log; return the averaged model."""
    run.save()
    averaged = build_autoencoder()
    averaged.load_state_dict(run.average.on_cpu())
    averaged.save_pretrained(output_dir / "vae")
    averaged = averaged.to(device).eval()
    run.write_log(output_dir / "autoencoder.log", psnr=measure_psnr(averaged, test_images, device))
    return averaged


def main() -> None:
    """Train from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paintings", type=Path, required=True)
    parser.add_argument("--output-dir", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=AutoencoderTraining.minutes)
    given = parser.add_mutually_exclusive_group()
    given.add_argument("--encoder-from", type=Path, help="a saved autoencoder: keep its encoder, train a new decoder")
    given.add_argument("--start-from", type=Path, help="a saved autoencoder: keep its encoder, continue its decoder")
    for name, meaning in {
        "batch": "crops at a time",
        "rate": "the peak of the learning rate",
        "latent_noise": "standard deviation of the noise on latents; less for good diffusion models",
    }.items():
        default = getattr(AutoencoderTraining, name)
        flag = f"--{name.replace('_', '-')}"
        parser.add_argument(flag, type=type(default), default=default, help=f"{meaning}; default: %(default)s")
    parser.add_argument("--float32", action="store_true", help="compute in float32 where bfloat16 would be faster")
    parser.add_argument("--compile", action="store_true", help="use torch.compile; pays off on a GPU and in long runs")
    arguments = parser.parse_args()
    settings = AutoencoderTraining(
        minutes=arguments.minutes,
        batch=arguments.batch,
        rate=arguments.rate,
        latent_noise=arguments.latent_noise,
        float32=arguments.float32,
        compile=arguments.compile,
    )
    train_autoencoder(arguments.paintings, arguments.output_dir, settings, arguments.encoder_from, arguments.start_from)


if __name__ == "__main__":
    main()
