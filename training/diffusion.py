"""Train the UNet, and the text encoder along with it.

`python -m training.diffusion --paintings DIR --autoencoder DIR/vae --text-encoder DIR --output-dir DIR --minutes 90`

Latent diffusion (Rombach et al. 2022) with v-prediction (Salimans & Ho 2022), zero terminal SNR (Lin et al. 2023),
min-SNR weighting (Hang et al. 2023), timesteps drawn mostly from the middle (Esser et al. 2024) and 10% caption dropout
for classifier-free guidance (Ho & Salimans 2022). Further parts of the training:

- The UNet must also predict the layout of the picture from its own features: the idea of REPA (Yu et al. 2025), with
  the painter's layouts instead of a vision model's features.
- It must attend to every noun where the noun's thing stands (`training.word_places`).
- In half of the captions, the other words are encoded as if no colour were named. So the model learns to take colours
  from the colour words alone, and can give things a colour that it never saw them in.
- The loss counts more where a counted thing, the sun or the moon stands: they are small, and prompts are about them.

The weights after an eighth of the budget are kept in `early/`, for the guidance in `training.distillation`.
`--start-from` continues from a pipeline that was exported earlier, here or on another machine.
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
from synthviz.world.labels import THINGS
from training.loop import TrainingRun
from training.paintings import LAYOUT_CLASSES, load_paintings
from training.text_encoder import WIDTH, tokenize, with_strange_word
from training.word_places import KeepingProcessor, classes_of_tokens, color_tokens, noun_classes, word_place_loss

SMALL_THINGS = [THINGS.index(thing) for thing in (*KINDS, *BODIES)]
EARLY_SHARE = 1 / 8  # of the budget, after which a snapshot is kept
LAYOUT_CHANNELS = 128  # of the UNet's features from which the layout is predicted


@dataclass(frozen=True)
class DiffusionTraining:
    """Settings of this stage; `minutes` counts all runs that resume one another."""

    minutes: float = 90
    batch: int = 32
    rate: float = 6e-4
    caption_dropout: float = 0.1
    strange_word_share: float = 0.06
    colors_apart_share: float = 0.5  # of captions whose other words are encoded as if no colour were named
    snr_cap: float = 5.0
    least_weight: float = 0.25
    layout_weight: float = 0.05
    word_place_weight: float = 0.02
    small_thing_weight: float = 3.0  # of the loss where a small thing stands, against 1 elsewhere
    text_rate_share: float = 0.1  # the text encoder's learning rate as a share of the UNet's
    uniform_share: float = 0.2  # of timesteps drawn uniformly; the others are logit-normal
    float32: bool = False  # also where bfloat16 would be faster
    compile: bool = False
    seed: int = 0


def build_unet(latent_channels: int = 8, latent_size: int = 32) -> UNet2DConditionModel:
    """Return the untrained UNet: three levels, with cross-attention on the two lower ones."""
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
    """Return the noise schedule: scaled-linear betas with zero terminal SNR, v-prediction, trailing timesteps."""
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
    """Encode all paintings, (N, H, W, 3) uint8, as latents, (N, channels, H / 8, W / 8) float16."""
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
    """Return the caption, sometimes empty (for guidance), sometimes with a meaningless word (to be ignored)."""
    if rng.random() < dropout:
        return ""
    return with_strange_word(caption, rng) if rng.random() < strange_word_share else caption


def pick_captions(
    captions: list[list[str]], rows: torch.Tensor, dropout: float, strange_word_share: float, rng: random.Random
) -> list[str]:
    """Return one caption, varied by `vary_caption`, for each of the paintings with the indices `rows`, (B,)."""
    return [vary_caption(rng.choice(captions[row]), dropout, strange_word_share, rng) for row in rows.tolist()]


def sample_timesteps(count: int, uniform_share: float, generator: torch.Generator) -> torch.Tensor:
    """Draw (count,) timesteps from 0 to 999: logit-normal (Esser et al. 2024), a share of them uniform."""
    middle = torch.sigmoid(torch.randn(count, generator=generator))
    anywhere = torch.rand(count, generator=generator)
    picked = torch.where(torch.rand(count, generator=generator) < uniform_share, anywhere, middle)
    return (picked * 1000).long().clamp(max=999)


def weigh_cells(layouts: torch.Tensor, small_thing_weight: float) -> torch.Tensor:
    """Return the weight of each latent pixel in the loss, (B, 1, H, W) with mean 1, from layouts (B, H, W)."""
    small = torch.isin(layouts, torch.tensor(SMALL_THINGS, device=layouts.device)).float()[:, None]
    # The cells beside a thing count too, because they contain its outline.
    weights = 1 + (small_thing_weight - 1) * F.max_pool2d(small, kernel_size=3, stride=1, padding=1)
    return weights / weights.mean()


def use_fast_attention(unet: UNet2DConditionModel, device: torch.device) -> None:
    """Use plain matrix products for attention on a CPU, where the fused kernel's backward pass is slow."""
    if device.type == "cpu":
        unet.set_attn_processor(AttnProcessor())


class Trained(nn.Module):
    """The text encoder, the UNet and, for training only, a head that predicts the layout from the UNet's features."""

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
        """Encode captions, given as token ids (B, tokens); return states (B, tokens, WIDTH).

        In captions whose entry in `apart`, (B,) bool, is True, only the states of colour words depend on the colours;
        all other words are encoded as if no colour were named.
        """
        is_color = self.colors[token_ids]
        padding = torch.tensor(self.text_encoder.config.pad_token_id, device=token_ids.device)
        uncolored = torch.where(is_color, padding, token_ids)
        states = self.text_encoder(token_ids).last_hidden_state
        return torch.where(
            (apart[:, None] & ~is_color)[..., None], self.text_encoder(uncolored).last_hidden_state, states
        )

    def forward(
        self, noisy: torch.Tensor, timesteps: torch.Tensor, token_ids: torch.Tensor, apart: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Run the UNet on noisy latents.

        Returns:
            The predicted velocity, like `noisy`; layout logits, (B, LAYOUT_CLASSES, H, W); and the attention from
            places to tokens, (B, H * W / 4, tokens).
        """
        self._features.clear()
        text = self.read(token_ids, apart)
        predicted = self.unet(noisy, timesteps, text).sample
        shares = torch.stack([processor.kept for processor in self._attention]).mean(dim=0)
        return predicted, self.layout_head(self._features.pop()), shares


def load_latents(folder: Path, autoencoder_dir: Path, images: np.ndarray, device: torch.device) -> torch.Tensor:
    """Load the latents of all paintings onto the device; encode them first if the folder has none.

    Latents in the folder are not encoded again: for another autoencoder or other paintings, use another folder.

    Raises:
        ValueError: if the number of latents in the folder is not the number of paintings.
    """
    path = folder / "latents.pt"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".unfinished")
        torch.save(encode_paintings(AutoencoderTiny.from_pretrained(autoencoder_dir), images, device), unfinished)
        unfinished.replace(path)
    latents: torch.Tensor = torch.load(path, map_location=device, weights_only=True)
    if len(latents) != len(images):
        raise ValueError(f"{path} holds the latents of {len(latents)} paintings, not of {len(images)}; remove it")
    return latents


@dataclass(frozen=True)
class _Data:
    """The training set on the device: scaled latents come from `latents[rows].float() * scaling_factor`."""

    latents: torch.Tensor
    scaling_factor: float
    captions: list[list[str]]
    layouts: torch.Tensor


@dataclass(frozen=True)
class _Batch:
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


class _BatchSource:
    """Draws batches; a run that was resumed at another step draws other batches."""

    def __init__(
        self, data: _Data, tokenizer: CLIPTokenizer, settings: DiffusionTraining, step: int, device: torch.device
    ) -> None:
        self._data, self._tokenizer, self._settings, self._device = data, tokenizer, settings, device
        self._generator = torch.Generator().manual_seed(settings.seed + step)
        self._noises = torch.Generator(device).manual_seed(settings.seed + step)
        self._words = random.Random(settings.seed + step)

    def draw(self) -> _Batch:
        """Return the next batch."""
        data, settings, device = self._data, self._settings, self._device
        rows = torch.randint(len(data.latents), (settings.batch,), generator=self._generator)
        rows_there = rows.to(device)
        clean = data.latents[rows_there].float() * data.scaling_factor
        captions = pick_captions(
            data.captions, rows, settings.caption_dropout, settings.strange_word_share, self._words
        )
        token_ids = tokenize(self._tokenizer, captions).to(device)
        apart = (torch.rand(settings.batch, generator=self._generator) < settings.colors_apart_share).to(device)
        noise = torch.randn(clean.shape, generator=self._noises, device=device)
        timesteps = sample_timesteps(settings.batch, settings.uniform_share, self._generator).to(device)
        return _Batch(clean, noise, timesteps, token_ids, apart, data.layouts[rows_there].long())


class _Losses:
    """Computes the losses of a batch."""

    def __init__(
        self,
        model: Trained,
        scheduler: DDIMScheduler,
        tokenizer: CLIPTokenizer,
        settings: DiffusionTraining,
        device: torch.device,
    ) -> None:
        self._run = torch.compile(model) if settings.compile else model
        self._scheduler, self._settings = scheduler, settings
        self._alphas = scheduler.alphas_cumprod.to(device)
        self._nouns, self._colors = noun_classes(tokenizer).to(device), color_tokens(tokenizer).to(device)
        low_precision = has_fast_bfloat16(device) and not settings.float32
        self._half = torch.autocast(device.type, torch.bfloat16, enabled=low_precision)

    def compute(self, batch: _Batch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return the losses of the velocity, of the layout and of the places where words are read, scalars."""
        noisy = self._scheduler.add_noise(batch.clean, batch.noise, batch.timesteps)
        target = self._scheduler.get_velocity(batch.clean, batch.noise, batch.timesteps)
        with self._half:
            predicted, layout_logits, shares = self._run(
                noisy.to(memory_format=torch.channels_last), batch.timesteps, batch.token_ids, batch.apart
            )
        error = (predicted.float() - target).square()
        error = error * weigh_cells(batch.layouts, self._settings.small_thing_weight)
        loss = (error.mean(dim=(1, 2, 3)) * self._weigh_timesteps(batch.timesteps)).mean()
        layout_loss = F.cross_entropy(layout_logits.float(), batch.layouts)
        classes = classes_of_tokens(batch.token_ids, self._nouns, self._colors)
        return loss, layout_loss, word_place_loss(shares, batch.layouts, classes)

    def _weigh_timesteps(self, timesteps: torch.Tensor) -> torch.Tensor:
        alpha: torch.Tensor = self._alphas[timesteps]
        snr = alpha / (1 - alpha)
        # Min-SNR alone gives pure noise no weight, although the first steps decide layout and brightness.
        return (snr.clamp(max=self._settings.snr_cap) / (snr + 1)).clamp(min=self._settings.least_weight)


def train_diffusion(
    paintings_dir: Path,
    autoencoder_dir: Path,
    text_encoder_dir: Path,
    output_dir: Path,
    settings: DiffusionTraining,
    start_from: Path | None = None,
) -> None:
    """Train until the budget is spent, resuming from the folder's checkpoint.

    Saves `tokenizer/`, `text_encoder/`, `unet/`, `scheduler/` and `scaling_factor.json` in `output_dir`. If the UNet
    starts untrained, also saves the text encoder and the UNet after an eighth of the budget in `early/`.

    Args:
        paintings_dir: a folder that `training.paintings` filled.
        autoencoder_dir: a saved `AutoencoderTiny`.
        text_encoder_dir: a folder with `tokenizer/` and `text_encoder/`.
        output_dir: the folder for checkpoint, log, latents and weights.
        settings: the budget and the other settings.
        start_from: a saved pipeline whose UNet to start from.
    """
    torch.manual_seed(settings.seed)
    device = pick_device()
    torch.backends.cudnn.benchmark = True  # shapes never change
    data, unet = _load_data_and_unet(paintings_dir, autoencoder_dir, output_dir, start_from, device)
    tokenizer = CLIPTokenizer.from_pretrained(text_encoder_dir / "tokenizer")
    scheduler = build_scheduler()
    text_encoder = CLIPTextModel.from_pretrained(text_encoder_dir / "text_encoder")
    model = Trained(text_encoder, unet, color_tokens(tokenizer)).to(device)
    model.unet.to(memory_format=torch.channels_last)
    (output_dir / "scaling_factor.json").write_text(json.dumps(data.scaling_factor))
    tokenizer.save_pretrained(output_dir / "tokenizer")
    scheduler.save_pretrained(output_dir / "scheduler")
    run = TrainingRun(
        model, _build_optimizer(model, settings), output_dir / "diffusion.checkpoint", settings.minutes, decay=0.9985
    )
    source = _BatchSource(data, tokenizer, settings, run.step, device)
    losses = _Losses(model, scheduler, tokenizer, settings, device)
    early_dir = output_dir / "early"
    early_due = start_from is None and not early_dir.exists()
    save_due = run.clock.every(min(4.0, settings.minutes / 4))
    while run.clock.progress < 1:
        run.set_learning_rate(settings.rate)
        loss, layout_loss, place_loss = losses.compute(source.draw())
        run.descend(loss + settings.layout_weight * layout_loss + settings.word_place_weight * place_loss)
        run.losses.update(loss=loss, layout_loss=layout_loss, word_place_loss=place_loss)
        run.print_losses()
        if early_due and run.clock.progress >= EARLY_SHARE:
            unfinished = output_dir / "early.unfinished"
            _save_averaged(run, unfinished)
            unfinished.replace(early_dir)
            early_due = False
        if next(save_due):
            _save(run, output_dir, settings.batch)
    _save(run, output_dir, settings.batch)


def _load_data_and_unet(
    paintings_dir: Path, autoencoder_dir: Path, output_dir: Path, start_from: Path | None, device: torch.device
) -> tuple[_Data, UNet2DConditionModel]:
    """Load the training set, and the UNet of a saved pipeline or an untrained one."""
    paintings = load_paintings(paintings_dir)
    latents = load_latents(output_dir, autoencoder_dir, paintings.images, device)
    if start_from is None:
        scaling_factor = 1 / latents.float().std().item()
        unet = build_unet(latents.shape[1], latents.shape[2])
    else:
        scaling_factor = json.loads((autoencoder_dir / "config.json").read_text())["scaling_factor"]
        unet = UNet2DConditionModel.from_pretrained(start_from / "unet")
    use_fast_attention(unet, device)
    layouts = torch.from_numpy(paintings.layouts).to(device)
    return _Data(latents, scaling_factor, paintings.captions, layouts), unet


def _build_optimizer(model: Trained, settings: DiffusionTraining) -> torch.optim.Optimizer:
    groups: list[dict[str, Any]] = [
        {"params": [*model.unet.parameters(), *model.layout_head.parameters()]},
        {"params": model.text_encoder.parameters(), "scale": settings.text_rate_share},
    ]
    return torch.optim.AdamW(groups, lr=settings.rate, betas=(0.9, 0.99), weight_decay=0.01)


def _save_averaged(run: TrainingRun, folder: Path) -> None:
    """Save the averaged text encoder and UNet."""
    weights = run.average.on_cpu()
    for name in ("text_encoder", "unet"):
        prefix = f"{name}."
        averaged = {key.removeprefix(prefix): value for key, value in weights.items() if key.startswith(prefix)}
        getattr(run.module, name).save_pretrained(folder / name, state_dict=averaged)


def _save(run: TrainingRun, output_dir: Path, batch: int) -> None:
    """Write the checkpoint, the averaged models and a line of the log."""
    run.save()
    _save_averaged(run, output_dir)
    run.write_log(output_dir / "diffusion.log", pictures=run.step * batch)


def main() -> None:
    """Train from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paintings", type=Path, required=True)
    parser.add_argument("--autoencoder", type=Path, help="needed unless --start-from is given")
    parser.add_argument(
        "--text-encoder", type=Path, help="the folder of that stage; needed unless --start-from is given"
    )
    parser.add_argument("--start-from", type=Path, help="a saved pipeline whose parts to start from")
    parser.add_argument("--output-dir", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=DiffusionTraining.minutes)
    parser.add_argument(
        "--batch", type=int, default=DiffusionTraining.batch, help="default: %(default)s; use 256 on a GPU"
    )
    parser.add_argument("--rate", type=float, default=DiffusionTraining.rate, help="the peak of the learning rate")
    parser.add_argument("--float32", action="store_true", help="compute in float32 where bfloat16 would be faster")
    parser.add_argument("--compile", action="store_true", help="use torch.compile; pays off on a GPU and in long runs")
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
