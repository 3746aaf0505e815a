"""Train the UNet, and the text encoder along with it.

`python -m training.diffusion --paintings DIR --autoencoder DIR/vae --text-encoder DIR --output-dir DIR --minutes 90`

Latent diffusion (Rombach et al. 2022) with v-prediction (Salimans & Ho 2022), zero terminal SNR (Lin et al.
2023), min-SNR weighting (Hang et al. 2023), timesteps drawn mostly from the middle (Esser et al. 2024) and 10%
caption dropout for classifier-free guidance (Ho & Salimans 2022). While it learns, the UNet must also say what
stands where, from its own features: the idea of REPA (Yu et al. 2025), with the painter's layouts in place of a
vision model; and it must read every noun where its thing stands (`training.word_places`). Of half of the captions it
reads the other words as if no colour were named, so that it learns to take colours from their own words and can put
them on things it never saw in them. The loss counts more where a counted thing or the sun or moon stands: they are
small, and prompts are about them. What it could do after an eighth of its budget stays in `early/`, for distillation
to steer clear of. `--start-from` goes on from a pipeline that was exported earlier, here or on another machine.
"""

from __future__ import annotations

import argparse
import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderTiny, DDIMScheduler, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from torch import nn
from transformers import CLIPTextModel, CLIPTokenizer

from synthviz.devices import has_fast_bfloat16, pick_device
from synthviz.diffusion.word_maps import TAUGHT_LAYERS
from synthviz.scenes import BODIES, KINDS
from synthviz.scenes.canvas import THINGS
from training.loop import (
    AveragedWeights,
    Clock,
    RecentLosses,
    learning_rate,
    resume,
    save_checkpoint,
    set_learning_rate,
    write_log,
)
from training.paintings import LAYOUT_CLASSES, load_paintings
from training.text_encoder import WIDTH, tokenize, with_strange_word
from training.word_places import KeepingProcessor, classes_of_tokens, color_tokens, noun_classes, word_place_loss

SMALL_THINGS = [THINGS.index(thing) for thing in (*KINDS, *BODIES)]
EARLY_SHARE = 1 / 8  # of the budget, after which a snapshot is kept
LAYOUT_CHANNELS = 128  # of the UNet's features that must tell the layout


@dataclass(frozen=True)
class DiffusionTraining:
    """Settings of this stage; `minutes` counts all runs that resume one another."""

    minutes: float = 90
    batch: int = 32
    rate: float = 6e-4
    caption_dropout: float = 0.1
    strange_word_share: float = 0.06
    colors_apart_share: float = 0.5  # of the captions whose other words are read as if they named no colour
    snr_cap: float = 5.0
    least_weight: float = 0.25
    layout_weight: float = 0.05
    word_place_weight: float = 0.02
    small_thing_weight: float = 3.0  # of the loss where one stands, against 1 elsewhere
    text_rate_share: float = 0.1  # the text encoder's learning rate against the UNet's
    uniform_share: float = 0.2  # of the timesteps; the others are logit-normal
    float32: bool = False  # even where bfloat16 is faster
    compile: bool = False
    seed: int = 0


def build_unet(latent_channels: int = 8, latent_size: int = 32) -> UNet2DConditionModel:
    """The untrained UNet: three levels, cross-attention on the two lower ones."""
    return UNet2DConditionModel(
        sample_size=latent_size,
        in_channels=latent_channels,
        out_channels=latent_channels,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=(64, 128, 192),
        layers_per_block=1,
        cross_attention_dim=WIDTH,
        attention_head_dim=4,  # diffusers' name for the number of heads
        norm_num_groups=16,
    )


def build_scheduler() -> DDIMScheduler:
    """The noise schedule: scaled-linear betas rescaled to zero terminal SNR, v-prediction, trailing timesteps."""
    return DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        clip_sample=False,
        set_alpha_to_one=True,
        steps_offset=1,
    )


@torch.no_grad()
def encode_paintings(autoencoder: AutoencoderTiny, images: np.ndarray, device: torch.device) -> torch.Tensor:
    """All paintings as latents, (N, channels, H / 8, W / 8) float16."""
    autoencoder = autoencoder.to(device, memory_format=torch.channels_last).eval()
    latents = []
    for start in range(0, len(images), 16):
        pixels = torch.from_numpy(images[start : start + 16].astype(np.float32)).to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=has_fast_bfloat16(device)):
            encoded = autoencoder.encode(pixels.permute(0, 3, 1, 2) / 127.5 - 1).latents
        latents.append(encoded.to("cpu", torch.float16))
        if start % 1600 == 0:
            print(f"{start} of {len(images)} encoded", flush=True)
    return torch.cat(latents)


def vary_caption(caption: str, dropout: float, strange_word_share: float, rng: random.Random) -> str:
    """The caption, at times empty (so that guidance works), at times with a word nobody painted (to be ignored)."""
    if rng.random() < dropout:
        return ""
    return with_strange_word(caption, rng) if rng.random() < strange_word_share else caption


def sample_timesteps(count: int, uniform_share: float, generator: torch.Generator) -> torch.Tensor:
    """(count,) timesteps 0 to 999: logit-normal (Esser et al. 2024), a share of them uniform."""
    middle = torch.sigmoid(torch.randn(count, generator=generator))
    anywhere = torch.rand(count, generator=generator)
    picked = torch.where(torch.rand(count, generator=generator) < uniform_share, anywhere, middle)
    return (picked * 1000).long().clamp(max=999)


def weigh_cells(layouts: torch.Tensor, small_thing_weight: float) -> torch.Tensor:
    """How much each latent pixel counts in the loss: (B, 1, H, W), on average 1; layouts (B, H, W) as painted."""
    small = torch.isin(layouts, torch.tensor(SMALL_THINGS, device=layouts.device)).float()[:, None]
    # One cell further: a thing's outline also needs the cells around it.
    weights = 1 + (small_thing_weight - 1) * F.max_pool2d(small, kernel_size=3, stride=1, padding=1)
    return weights / weights.mean()


def use_fast_attention(unet: UNet2DConditionModel, device: torch.device) -> None:
    """On a CPU, attend with plain matrix products: the fused kernel's backward pass takes a fifth of a step there."""
    if device.type == "cpu":
        unet.set_attn_processor(AttnProcessor())


class Trained(nn.Module):
    """The text encoder, the UNet and, for training only, what reads the layout off its features and attention."""

    colors: torch.Tensor

    def __init__(self, text_encoder: CLIPTextModel, unet: UNet2DConditionModel, colors: torch.Tensor) -> None:
        super().__init__()
        self.text_encoder = text_encoder
        self.register_buffer("colors", colors, persistent=False)  # (vocabulary,) bool
        self.unet = unet
        self.layout_head = nn.Conv2d(LAYOUT_CHANNELS, LAYOUT_CLASSES, 1)
        self._features: list[torch.Tensor] = []
        unet.up_blocks[1].register_forward_hook(lambda module, inputs, output: self._features.append(output))
        self._attention = [KeepingProcessor() for _ in TAUGHT_LAYERS]
        for name, processor in zip(TAUGHT_LAYERS, self._attention, strict=True):
            unet.get_submodule(name).set_processor(processor)

    def read(self, token_ids: torch.Tensor, apart: torch.Tensor) -> torch.Tensor:
        """The text encoder's states, (B, tokens, WIDTH); of captions in `apart`, (B,) bool, only the colours' own
        states know of the colours.
        """
        is_color = self.colors[token_ids]
        uncolored = torch.where(is_color, self.text_encoder.config.pad_token_id, token_ids)
        states = self.text_encoder(token_ids).last_hidden_state
        return torch.where(
            (apart[:, None] & ~is_color)[..., None], self.text_encoder(uncolored).last_hidden_state, states
        )

    def forward(
        self, noisy: torch.Tensor, timesteps: torch.Tensor, token_ids: torch.Tensor, apart: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Returns the predicted velocity, like `noisy`, layout logits, (B, LAYOUT_CLASSES, H, W), and where tokens were
        read, (B, H * W / 4, tokens).
        """
        self._features.clear()
        text = self.read(token_ids, apart)
        predicted = self.unet(noisy, timesteps, text).sample
        shares = torch.stack([processor.kept for processor in self._attention]).mean(dim=0)
        return predicted, self.layout_head(self._features.pop()), shares


def load_latents(folder: Path, autoencoder_dir: Path, images: np.ndarray, device: torch.device) -> torch.Tensor:
    """The latents of all paintings, on the device, from the folder where they are already there.

    Another autoencoder or other paintings need another folder: latents that are there are not made anew.

    Raises:
        ValueError: if the latents there are of another number of paintings.
    """
    path = folder / "latents.pt"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".unfinished")
        torch.save(encode_paintings(AutoencoderTiny.from_pretrained(autoencoder_dir), images, device), unfinished)
        unfinished.replace(path)
    latents = torch.load(path, map_location=device, weights_only=True)
    if len(latents) != len(images):
        raise ValueError(f"{path} holds the latents of {len(latents)} paintings, not of {len(images)}; remove it")
    return latents


def train_diffusion(
    paintings_dir: Path,
    autoencoder_dir: Path,
    text_encoder_dir: Path,
    output_dir: Path,
    settings: DiffusionTraining,
    start_from: Path | None = None,
) -> None:
    """Train until the budget is spent, resuming from the folder's checkpoint.

    Leaves `tokenizer/`, `text_encoder/`, `unet/`, `scheduler/` and `scaling_factor.json` in `output_dir`, and in its
    `early/` the text encoder and the UNet as they were early on, unless they had been trained before.

    Args:
        paintings_dir: what `training.paintings` left.
        autoencoder_dir: a saved `AutoencoderTiny`.
        text_encoder_dir: holds `tokenizer/` and `text_encoder/`.
        output_dir: where to.
        settings: the budget and the rest.
        start_from: a saved pipeline whose UNet to start from.
    """
    torch.manual_seed(settings.seed)
    device = pick_device()
    torch.backends.cudnn.benchmark = True  # shapes never change
    paintings = load_paintings(paintings_dir)
    latents = load_latents(output_dir, autoencoder_dir, paintings.images, device)
    layouts = torch.from_numpy(paintings.layouts).to(device)
    if start_from is None:
        scaling_factor = 1 / latents.float().std().item()
        unet = build_unet(latents.shape[1], latents.shape[2])
    else:
        scaling_factor = json.loads((autoencoder_dir / "config.json").read_text())["scaling_factor"]
        unet = UNet2DConditionModel.from_pretrained(start_from / "unet")
    use_fast_attention(unet, device)
    tokenizer = CLIPTokenizer.from_pretrained(text_encoder_dir / "tokenizer")
    scheduler = build_scheduler()
    nouns, colors = noun_classes(tokenizer).to(device), color_tokens(tokenizer).to(device)
    model = Trained(CLIPTextModel.from_pretrained(text_encoder_dir / "text_encoder"), unet, colors).to(device)
    model.unet.to(memory_format=torch.channels_last)
    (output_dir / "scaling_factor.json").write_text(json.dumps(scaling_factor))
    tokenizer.save_pretrained(output_dir / "tokenizer")
    scheduler.save_pretrained(output_dir / "scheduler")
    groups: list[dict[str, Any]] = [
        {"params": [*model.unet.parameters(), *model.layout_head.parameters()]},
        {"params": model.text_encoder.parameters(), "scale": settings.text_rate_share},
    ]
    optimizer = torch.optim.AdamW(groups, lr=settings.rate, betas=(0.9, 0.99), weight_decay=0.01)
    average = AveragedWeights(model, decay=0.9985)
    checkpoint_path = output_dir / "diffusion.checkpoint"
    step, spent = resume(checkpoint_path, model, optimizer, average, device)
    clock = Clock(settings.minutes, spent)
    generator = torch.Generator().manual_seed(settings.seed + step)
    noises = torch.Generator(device).manual_seed(settings.seed + step)
    words = random.Random(settings.seed + step)
    alphas = scheduler.alphas_cumprod.to(device)
    low_precision = has_fast_bfloat16(device) and not settings.float32
    run = torch.compile(model) if settings.compile else model

    def save_averaged(folder: Path) -> None:
        for name in ("text_encoder", "unet"):
            module = getattr(model, name)
            averaged = {
                key.removeprefix(f"{name}."): value.cpu()
                for key, value in average.state.items()
                if key.startswith(f"{name}.")
            }
            module.save_pretrained(folder / name, state_dict=averaged)

    def save() -> None:
        state = {"weights": model.state_dict(), "average": average.state, "optimizer": optimizer.state_dict()}
        save_checkpoint(checkpoint_path, {**state, "step": step, "spent": clock.spent})
        save_averaged(output_dir)
        values = {"step": step, "pictures": step * settings.batch, "minutes": clock.spent}
        write_log(output_dir / "diffusion.log", **values, **recent.read())

    early_dir = output_dir / "early"
    early_due = start_from is None and not early_dir.exists()
    recent = RecentLosses()
    save_due = clock.every(min(4.0, settings.minutes / 4))
    while clock.progress < 1:
        set_learning_rate(optimizer, learning_rate(settings.rate, step, clock.progress))
        rows = torch.randint(len(latents), (settings.batch,), generator=generator)
        rows_there = rows.to(device)
        clean = latents[rows_there].float() * scaling_factor
        captions = [
            vary_caption(
                words.choice(paintings.captions[row]), settings.caption_dropout, settings.strange_word_share, words
            )
            for row in rows.tolist()
        ]
        token_ids = tokenize(tokenizer, captions).to(device)
        apart = (torch.rand(settings.batch, generator=generator) < settings.colors_apart_share).to(device)
        noise = torch.randn(clean.shape, generator=noises, device=device)
        timesteps = sample_timesteps(settings.batch, settings.uniform_share, generator).to(device)
        noisy = scheduler.add_noise(clean, noise, timesteps).to(memory_format=torch.channels_last)
        target = scheduler.get_velocity(clean, noise, timesteps)
        alpha = alphas[timesteps]
        snr = alpha / (1 - alpha)
        # Min-SNR alone gives pure noise no weight, but its first steps decide layout and brightness.
        weight = (snr.clamp(max=settings.snr_cap) / (snr + 1)).clamp(min=settings.least_weight)
        with torch.autocast(device.type, torch.bfloat16, enabled=low_precision):
            predicted, layout_logits, shares = run(noisy, timesteps, token_ids, apart)
        cells = layouts[rows_there].long()
        error = (predicted.float() - target).square() * weigh_cells(cells, settings.small_thing_weight)
        loss = (error.mean(dim=(1, 2, 3)) * weight).mean()
        layout_loss = F.cross_entropy(layout_logits.float(), cells)
        place_loss = word_place_loss(shares, cells, classes_of_tokens(token_ids, nouns, colors))
        (loss + settings.layout_weight * layout_loss + settings.word_place_weight * place_loss).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        average.update(model, step)
        step += 1
        recent.update(loss=loss, layout_loss=layout_loss, word_place_loss=place_loss)
        if step % 100 == 0:
            losses = ", ".join(f"{name} {value:.4f}" for name, value in recent.read().items())
            print(f"step {step}, {clock.spent:.1f} min, {losses}", flush=True)
        if early_due and clock.progress >= EARLY_SHARE:
            unfinished = output_dir / "early.unfinished"
            save_averaged(unfinished)
            unfinished.replace(early_dir)
            early_due = False
        if next(save_due):
            save()
    save()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paintings", type=Path, required=True)
    parser.add_argument("--autoencoder", type=Path, help="needed unless --start-from is given")
    parser.add_argument("--text-encoder", type=Path, help="that stage's folder; needed unless --start-from is given")
    parser.add_argument("--start-from", type=Path, help="a saved pipeline: its parts are trained on")
    parser.add_argument("--output-dir", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=DiffusionTraining.minutes)
    parser.add_argument(
        "--batch", type=int, default=DiffusionTraining.batch, help="default: %(default)s; a GPU takes 256"
    )
    parser.add_argument("--rate", type=float, default=DiffusionTraining.rate, help="the peak of the learning rate")
    parser.add_argument("--float32", action="store_true", help="not bfloat16, even where that is faster")
    parser.add_argument("--compile", action="store_true", help="torch.compile; pays on a GPU and in long runs")
    arguments = parser.parse_args()
    autoencoder, text_encoder = arguments.autoencoder, arguments.text_encoder
    if arguments.start_from is not None:
        autoencoder, text_encoder = arguments.start_from / "vae", arguments.start_from
    if autoencoder is None or text_encoder is None:
        parser.error("give --autoencoder and --text-encoder, or --start-from")
    settings = DiffusionTraining(
        minutes=arguments.minutes,
        batch=arguments.batch,
        rate=arguments.rate,
        float32=arguments.float32,
        compile=arguments.compile,
    )
    train_diffusion(
        arguments.paintings, autoencoder, text_encoder, arguments.output_dir, settings, arguments.start_from
    )


if __name__ == "__main__":
    main()
