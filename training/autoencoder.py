"""Train the autoencoder: `python -m training.autoencoder --paintings DIR --output-dir DIR --minutes 60`.

The model is an `AutoencoderTiny` (the architecture of Bohan's TAESD, through diffusers) that halves the picture three
times: 256×256×3 becomes 32×32×16. It learns on random crops, from several losses:

- absolute differences of pixels and of their edges (Sobel);
- differences that a network trained on photographs sees (`training.perceptual`; Johnson et al. 2016);
- latents shrunk by 2 or 4 must decode to the shrunk picture, so that latents have no more fine structure than pictures
  and a diffusion model can predict them (Kouzelis et al. 2025, EQ-VAE; Skorokhodov et al. 2025);
- after a third of the budget, a network that learns to tell rebuilt crops from real ones must fail (PatchGAN, Isola et
  al. 2017, with the hinge loss), because averages of possible pictures are blurred. Its share follows the gradients, as
  in VQGAN (Esser et al. 2021).

In the last part of the budget the encoder is finished, and the decoder alone learns to be sharper. Latents from before
stay valid, so that this part can also follow later, with a larger budget.

Noise on the latents makes the decoder tolerate the small errors of a diffusion model. Muon trains the matrices: after
two minutes of two cores it reached 28.0 dB, where AdamW alone reached 24.7.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderTiny

from synthviz.devices import pick_device
from training.loop import Stateful, TrainingRun, autocast, set_learning_rate
from training.optimizers import MuonAndAdamW
from training.paintings import load_paintings
from training.patch_discriminator import PatchDiscriminator, balance
from training.perceptual import PhotoFeatures, perceptual_loss
from training.spectrum import kept_detail, latent_roughness

LATENT_CHANNELS = 16
WIDTH = 48
SCALES = (2, 4)  # by which latents are shrunk
MOST_PAINTINGS = 12_000  # to learn from; they are kept on the device, 200 kB each


@dataclass(frozen=True)
class AutoencoderTraining:
    """Settings of this stage; `minutes` counts all runs that resume one another."""

    minutes: float = 60
    batch: int = 4
    crop: int = 128  # pixels; in small crops most places are near a border, which whole pictures are not
    rate: float = 1e-3
    edge_weight: float = 0.5
    perceptual_weight: float = 0.1
    scale_weight: float = 0.05  # of the pictures decoded from shrunk latents
    adversarial_weight: float = 0.08  # of the gradient at the decoder's last layer, relative to that of all else
    adversarial_start: float = 1 / 3  # share of the budget after which the other network takes part
    adversarial_rate: float = 0.5  # of the learning rate from then on; at the full rate the averaged weights blur
    sharpening_start: float = 0.6  # share of the budget after which the decoder learns alone
    sharpening_weight: float = 0.16  # the adversarial weight from then on
    latent_noise: float = 0.05  # relative to the spread of the latents
    compile: bool = False
    seed: int = 0


def build_autoencoder() -> AutoencoderTiny:
    """Return the untrained autoencoder: 48 channels wide, sixteen latent channels, no normalisation.

    At first it blurs the picture eightfold: residual blocks do nothing, and the layers between them copy or average
    their inputs, plus a little noise. From there it learns many times faster than from noise alone.
    """
    autoencoder = AutoencoderTiny(
        encoder_block_out_channels=(WIDTH,) * 4,
        decoder_block_out_channels=(WIDTH,) * 4,
        num_encoder_blocks=(0, 1, 2, 3),
        num_decoder_blocks=(4, 3, 1, 0),
        latent_channels=LATENT_CHANNELS,
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


def edges(images: torch.Tensor) -> torch.Tensor:
    """Return the horizontal and vertical Sobel slopes of images (B, C, H, W): (B, 2 C, H - 2, W - 2)."""
    across = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]], device=images.device) / 8
    channels = images.shape[1]
    kernels = torch.stack([across, across.T])[:, None].repeat(channels, 1, 1, 1)
    return F.conv2d(images, kernels.to(images.dtype), groups=channels)


def pixel_loss(rebuilt: torch.Tensor, images: torch.Tensor, edge_weight: float) -> torch.Tensor:
    """Return the absolute differences of pixels and of edges, a scalar."""
    return F.l1_loss(rebuilt, images) + edge_weight * F.l1_loss(edges(rebuilt), edges(images))


def random_crops(images: torch.Tensor, batch: int, crop: int, generator: torch.Generator) -> torch.Tensor:
    """Return random crops of images, (N, S, S, 3) uint8, half of them mirrored: (batch, 3, crop, crop) in [-1, 1]."""
    count, size = images.shape[:2]
    crop = min(crop, size)
    rows = torch.randint(count, (batch,), generator=generator)
    tops, lefts = torch.randint(size - crop + 1, (2, batch), generator=generator)
    along = torch.arange(crop)
    mirrored = torch.rand(batch, generator=generator) < 0.5
    across = torch.where(mirrored[:, None], along.flip(0), along) + lefts[:, None]
    down = tops[:, None] + along
    places = [place.to(images.device) for place in (rows[:, None, None], down[:, :, None], across[:, None, :])]
    return images[places[0], places[1], places[2]].permute(0, 3, 1, 2).float() / 127.5 - 1


def adversarial_weight(progress: float, settings: AutoencoderTraining) -> float:
    """Return the weight of the adversary at this share of the budget; 0 before it takes part."""
    if progress < settings.adversarial_start:
        return 0.0
    return settings.adversarial_weight if progress < settings.sharpening_start else settings.sharpening_weight


def finish_encoder(run: TrainingRun) -> None:
    """Give the encoder its averaged weights; from then on it learns no more."""
    encoder = run.module.get_submodule("encoder")
    if any(weights.requires_grad for weights in encoder.parameters()):
        averaged = {name: run.average.state[f"encoder.{name}"] for name in encoder.state_dict()}
        encoder.load_state_dict(averaged)
        encoder.requires_grad_(False)


def count_held_out(paintings: int) -> int:
    """Return how many paintings, the first ones, are held out for measurements."""
    return min(128, paintings // 10)


@torch.no_grad()
def reconstruct(
    autoencoder: AutoencoderTiny, images: np.ndarray, device: torch.device
) -> tuple[np.ndarray, torch.Tensor]:
    """Encode and decode whole pictures, (N, H, W, 3) uint8; return the rebuilt ones, alike, and the latents."""
    rebuilt, latents = [], []
    for start in range(0, len(images), 8):
        pixels = torch.from_numpy(images[start : start + 8].astype(np.float32)).to(device)
        encoded = autoencoder.encode(pixels.permute(0, 3, 1, 2) / 127.5 - 1).latents
        decoded = (autoencoder.decode(encoded).sample.clamp(-1, 1) + 1) * 127.5
        rebuilt.append(decoded.round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy())
        latents.append(encoded.cpu())
    return np.concatenate(rebuilt), torch.cat(latents)


def psnr(rebuilt: np.ndarray, images: np.ndarray) -> float:
    """Return the mean PSNR in dB of rebuilt pictures, (N, H, W, 3) uint8."""
    error = ((rebuilt.astype(np.float64) - images) / 255) ** 2
    return float((-10 * np.log10(error.mean(axis=(1, 2, 3)).clip(min=1e-10))).mean())


class _Adversary:
    """The discriminator and its training."""

    def __init__(self, rate: float, device: torch.device) -> None:
        self.discriminator = PatchDiscriminator().to(device).to(memory_format=torch.channels_last)
        self.optimizer = torch.optim.AdamW(self.discriminator.parameters(), lr=rate, betas=(0.5, 0.9), weight_decay=0.0)

    def fooled(self, rebuilt: torch.Tensor) -> torch.Tensor:
        """Return the loss of the autoencoder: low where rebuilt crops seem real."""
        self.discriminator.requires_grad_(False)
        loss: torch.Tensor = -self.discriminator(rebuilt).mean()
        self.discriminator.requires_grad_(True)
        return loss

    def learn(self, rebuilt: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
        """Take one step; return the hinge loss."""
        real, made = self.discriminator(torch.cat([images, rebuilt.detach()])).float().chunk(2)
        loss = F.relu(1 - real).mean() + F.relu(1 + made).mean()
        torch.autograd.backward(loss)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return loss


def train_autoencoder(paintings_dir: Path, output_dir: Path, settings: AutoencoderTraining) -> AutoencoderTiny:
    """Train until the budget is spent, resuming from the folder's checkpoint; return the averaged model.

    Saves it in `output_dir/vae` too.

    Args:
        paintings_dir: a folder that `training.paintings` filled.
        output_dir: the folder for checkpoint, log and weights.
        settings: the budget and the other settings.
    """
    torch.manual_seed(settings.seed)
    device = pick_device()
    images = load_paintings(paintings_dir).images
    held_out = count_held_out(len(images))
    train_images = torch.from_numpy(images[held_out : held_out + MOST_PAINTINGS]).to(device)
    test_images = np.asarray(images[:held_out])
    output_dir.mkdir(parents=True, exist_ok=True)
    autoencoder = build_autoencoder().to(device, memory_format=torch.channels_last)
    optimizer = MuonAndAdamW(autoencoder, settings.rate)
    adversary = _Adversary(settings.rate, device)
    others: dict[str, Stateful] = {
        "discriminator": adversary.discriminator,
        "discriminator_optimizer": adversary.optimizer,
    }
    run = TrainingRun(autoencoder, optimizer, output_dir / "autoencoder.checkpoint", settings.minutes, others=others)
    losses = _Losses(autoencoder, adversary, settings, device)
    generator = torch.Generator().manual_seed(settings.seed + run.step)
    save_due = run.clock.every(min(4.0, settings.minutes / 4))
    while run.clock.progress < 1:
        weight = adversarial_weight(run.clock.progress, settings)
        adversarial = weight > 0
        if run.clock.progress >= settings.sharpening_start:
            finish_encoder(run)
        run.set_learning_rate(settings.rate * (settings.adversarial_rate if adversarial else 1))
        set_learning_rate(adversary.optimizer, 0.3 * optimizer.param_groups[0]["lr"])
        crops = random_crops(train_images, settings.batch, settings.crop, generator)
        crops = crops.to(memory_format=torch.channels_last)
        loss, rebuilt = losses.compute(crops, weight)
        run.descend(loss)
        if adversarial:
            with losses.half:
                run.losses.update(discriminator=adversary.learn(rebuilt, crops))
        run.losses.update(loss=F.l1_loss(rebuilt, crops))
        run.print_losses()
        if next(save_due):
            _save(run, output_dir, test_images, device)
    return _save(run, output_dir, test_images, device).cpu()


class _Losses:
    """Computes the loss of a batch."""

    def __init__(
        self, autoencoder: AutoencoderTiny, adversary: _Adversary, settings: AutoencoderTraining, device: torch.device
    ) -> None:
        self._autoencoder, self._adversary, self._settings = autoencoder, adversary, settings
        self._photo = PhotoFeatures().to(device).to(memory_format=torch.channels_last)
        self._run = torch.compile(self._rebuild) if settings.compile else self._rebuild
        self.half = autocast(device)
        self._last_layer = list(autoencoder.decoder.parameters())[-2]  # the weights before the last bias

    def compute(self, images: torch.Tensor, weight: float) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the loss, a scalar, and the rebuilt crops, like `images`, (B, 3, H, W) in [-1, 1].

        `weight` is that of the adversary, 0 without one.
        """
        settings = self._settings
        scale = SCALES[int(torch.randint(len(SCALES), (1,)))]
        with self.half:
            rebuilt, small = self._run(images, scale)
            seen = perceptual_loss(self._photo, rebuilt, images)
        loss = pixel_loss(rebuilt, images, settings.edge_weight) + settings.perceptual_weight * seen
        loss = loss + settings.scale_weight * pixel_loss(small, F.avg_pool2d(images, scale), settings.edge_weight)
        if weight > 0:
            with self.half:
                fooled = self._adversary.fooled(rebuilt)
            ratio = balance(loss, fooled, self._last_layer)
            loss = loss + weight * ratio * fooled
        return loss, rebuilt

    def _rebuild(self, images: torch.Tensor, scale: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return crops rebuilt from noisy latents, and smaller ones from shrunk latents, float32."""
        latents = self._autoencoder.encode(images).latents
        noise = self._settings.latent_noise * latents.detach().std() * torch.randn_like(latents)
        rebuilt = self._autoencoder.decode(latents + noise).sample.float()
        return rebuilt, self._autoencoder.decode(F.avg_pool2d(latents, scale)).sample.float()


def _save(run: TrainingRun, output_dir: Path, test_images: np.ndarray, device: torch.device) -> AutoencoderTiny:
    """Write the checkpoint, the averaged model and a line of the log; return the averaged model."""
    run.save()
    averaged = build_autoencoder()
    averaged.load_state_dict(run.average.on_cpu())
    averaged.save_pretrained(output_dir / "vae")
    averaged = averaged.to(device).eval()
    rebuilt, latents = reconstruct(averaged, test_images, device)
    figures = {"psnr": psnr(rebuilt, test_images), "latent_roughness": latent_roughness(latents)}
    figures |= kept_detail(rebuilt, test_images)
    run.write_log(output_dir / "autoencoder.log", **figures)
    return averaged


def main() -> None:
    """Train from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paintings", type=Path, required=True)
    parser.add_argument("--output-dir", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=AutoencoderTraining.minutes)
    for name, meaning in {
        "batch": "crops at a time",
        "rate": "the peak of the learning rate",
        "perceptual_weight": "of what the photo network sees",
        "adversarial_weight": "of the network that tells rebuilt crops from real ones; more is sharper",
        "scale_weight": "of pictures from shrunk latents",
    }.items():
        default = getattr(AutoencoderTraining, name)
        flag = f"--{name.replace('_', '-')}"
        parser.add_argument(flag, type=type(default), default=default, help=f"{meaning}; default: %(default)s")
    parser.add_argument("--compile", action="store_true", help="use torch.compile; pays off on a GPU and in long runs")
    arguments = parser.parse_args()
    settings = AutoencoderTraining(
        minutes=arguments.minutes,
        batch=arguments.batch,
        rate=arguments.rate,
        perceptual_weight=arguments.perceptual_weight,
        adversarial_weight=arguments.adversarial_weight,
        scale_weight=arguments.scale_weight,
        compile=arguments.compile,
    )
    train_autoencoder(arguments.paintings, arguments.output_dir, settings)


if __name__ == "__main__":
    main()
