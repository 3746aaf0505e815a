"""Train the UNet, and the text encoder along with it.

`python -m training.diffusion --paintings DIR --autoencoder DIR/vae --text-encoder DIR --output-dir DIR --minutes 400`

Latent diffusion (Rombach et al. 2022) with v-prediction (Salimans & Ho 2022), zero terminal SNR (Lin et al. 2023),
min-SNR weighting (Hang et al. 2023), timesteps drawn mostly from the middle (Esser et al. 2024) and 10% caption dropout
for classifier-free guidance (Ho & Salimans 2022). Further parts of the training:

- The UNet must also predict the layout of the picture from its own features: the idea of REPA (Yu et al. 2025), with
  the painter's layouts instead of a vision model's features.
- It must attend to every noun where the noun's thing stands (`training.word_places`).
- In half of the captions, the other words are encoded as if no colour were named. So the model learns to take colours
  from the colour words alone, and can give things a colour that it never saw them in.
- The loss counts more where a counted thing, the sun or the moon stands: they are small, and prompts are about them.
- In the first part of the budget the latents are shrunk by 2, which is four times as fast and teaches composition, as
  Stable Diffusion first learnt from small pictures; the autoencoder learnt that shrunk latents mean a shrunk picture.
- In the last third, at low noise, the latents that the prediction means must also look right to the first layers of the
  decoder (Berrada et al. 2025), which weigh what matters in a picture.

Muon trains the matrices. The weights after half of the budget, when full latents have just begun, are kept in `early/`,
for the guidance in `training.distillation`, and those of a few moments on the way in `moments/`, for
`training.learning_film`.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderTiny, DDIMScheduler, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from torch import nn
from transformers import CLIPTextModel, CLIPTokenizer

from synthviz.devices import has_fast_bfloat16, pick_device
from synthviz.diffusion.word_maps import TAUGHT_LAYERS
from synthviz.world import BODIES, KINDS
from synthviz.world.labels import THINGS
from training.autoencoder import LATENT_CHANNELS
from training.caption_ids import CaptionIds
from training.loop import TrainingRun
from training.optimizers import MuonAndAdamW
from training.paintings import LAYOUT_CLASSES, load_paintings
from training.text_encoder import WIDTH
from training.word_places import KeepingProcessor, classes_of_tokens, color_tokens, noun_classes, word_place_loss

SMALL_THINGS = [THINGS.index(thing) for thing in (*KINDS, *BODIES)]
SHRUNK_SHARE = 0.4  # of the budget, in which latents are shrunk
EARLY_SHARE = 0.5  # of the budget, after which a snapshot is kept
MOMENTS = (0.005, 0.02, 0.08, SHRUNK_SHARE, 0.65)  # shares of the budget after which snapshots are kept to look at
ENCODED_AT_ONCE = 4000  # paintings, after which latents are stored
WIDTHS = (96, 160, 192)  # of the UNet's levels
LAYOUT_CHANNELS = WIDTHS[1]  # of the UNet's features from which the layout is predicted
DECODER_LAYERS = (5, 10)  # after which layers of the decoder features are compared: its blocks at 32×32 and at 64×64
CLEAR_SHARE = 1 / 5  # of a batch, the pictures with the least noise, where they are: a signal-to-noise ratio above 1


@dataclass(frozen=True)
class DiffusionTraining:
    """Settings of this stage; `minutes` counts all runs that resume one another."""

    minutes: float = 400
    batch: int = 48
    rate: float = 8e-4
    caption_dropout: float = 0.1
    strange_word_share: float = 0.1
    colors_apart_share: float = 0.5  # of captions whose other words are encoded as if no colour were named
    snr_cap: float = 5.0
    least_weight: float = 0.25
    layout_weight: float = 0.05
    word_place_weight: float = 0.02
    decoder_weight: float = 0.1  # of differences in the decoder's features
    decoder_start: float = 2 / 3  # share of the budget after which they count
    small_thing_weight: float = 3.0  # of the loss where a small thing stands, against 1 elsewhere
    text_rate_share: float = 0.1  # the text encoder's learning rate as a share of the UNet's
    uniform_share: float = 0.2  # of timesteps drawn uniformly; the others are logit-normal
    float32: bool = False  # also where bfloat16 would be faster
    compile: bool = False
    seed: int = 0


def build_unet(latent_channels: int = LATENT_CHANNELS, latent_size: int = 32) -> UNet2DConditionModel:
    """Return the untrained UNet: three levels, with cross-attention on the two lower ones."""
    return UNet2DConditionModel(
        sample_size=latent_size,
        in_channels=latent_channels,
        out_channels=latent_channels,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=WIDTHS,
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
    return torch.cat(latents)


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


def shrink(latents: torch.Tensor, layouts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Shrink latents (B, C, H, W) and layouts (B, H, W) by 2; of four cells of a layout, a small thing's one stays."""
    cells = torch.stack([layouts[:, top::2, left::2] for top in (0, 1) for left in (0, 1)])
    chosen = torch.isin(cells, torch.tensor(SMALL_THINGS, device=layouts.device)).int().argmax(dim=0, keepdim=True)
    return F.avg_pool2d(latents, 2), cells.gather(0, chosen)[0]


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
    """Load the latents of all paintings onto the device; encode first those that the folder lacks.

    Latents in the folder are not encoded again: for another autoencoder or other paintings, use another folder.

    Raises:
        ValueError: if the folder holds the latents of more paintings.
    """
    path = folder / "latents.pt"
    latents: torch.Tensor | None = torch.load(path, map_location="cpu", weights_only=True) if path.exists() else None
    count = 0 if latents is None else len(latents)
    if count > len(images):
        raise ValueError(f"{path} holds the latents of {count} paintings, not of {len(images)}; remove it")
    if latents is None or count < len(images):
        folder.mkdir(parents=True, exist_ok=True)
        autoencoder = AutoencoderTiny.from_pretrained(autoencoder_dir)
        parts = [] if latents is None else [latents]
        for start in range(count, len(images), ENCODED_AT_ONCE):
            parts.append(encode_paintings(autoencoder, images[start : start + ENCODED_AT_ONCE], device))
            latents = torch.cat(parts)
            unfinished = path.with_suffix(".unfinished")
            torch.save(latents, unfinished)
            unfinished.replace(path)
            print(f"{len(latents)} of {len(images)} paintings encoded", flush=True)
        assert latents is not None
    return latents.to(device)


@dataclass(frozen=True)
class _Data:
    """The training set on the device: scaled latents come from `latents[rows].float() * scaling_factor`."""

    latents: torch.Tensor
    scaling_factor: float
    captions: CaptionIds
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

    def __init__(self, data: _Data, settings: DiffusionTraining, step: int, device: torch.device) -> None:
        self._data, self._settings, self._device = data, settings, device
        self._generator = torch.Generator().manual_seed(settings.seed + step)
        self._noises = torch.Generator(device).manual_seed(settings.seed + step)

    def draw(self, progress: float) -> _Batch:
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
        return _Batch(clean, noise, timesteps, token_ids, apart, layouts)


class _DecoderFeatures:
    """What the first layers of the decoder see in latents."""

    def __init__(self, autoencoder: AutoencoderTiny, scaling_factor: float) -> None:
        decoder = autoencoder.decoder.requires_grad_(False).eval()
        starts = (0, *DECODER_LAYERS[:-1])
        self._parts = [decoder.layers[start:end] for start, end in zip(starts, DECODER_LAYERS, strict=True)]
        self._scaling_factor = scaling_factor

    def see(self, latents: torch.Tensor) -> list[torch.Tensor]:
        """Return the features of scaled latents, (B, C, H, W) each."""
        features = torch.tanh(latents / self._scaling_factor / 3) * 3  # as the decoder limits its input
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


class _Losses:
    """Computes the losses of a batch."""

    def __init__(
        self,
        model: Trained,
        scheduler: DDIMScheduler,
        tokenizer: CLIPTokenizer,
        decoder: _DecoderFeatures,
        settings: DiffusionTraining,
        device: torch.device,
    ) -> None:
        self._run = torch.compile(model, dynamic=False) if settings.compile else model
        self._scheduler, self._decoder, self._settings = scheduler, decoder, settings
        self._alphas = scheduler.alphas_cumprod.to(device)
        self._nouns, self._colors = noun_classes(tokenizer).to(device), color_tokens(tokenizer).to(device)
        low_precision = has_fast_bfloat16(device) and not settings.float32
        self._half = torch.autocast(device.type, torch.bfloat16, enabled=low_precision)

    def compute(self, batch: _Batch, progress: float) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
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

    def _compare_decoded(self, batch: _Batch, noisy: torch.Tensor, velocity: torch.Tensor) -> torch.Tensor:
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


def train_diffusion(
    paintings_dir: Path,
    autoencoder_dir: Path,
    text_encoder_dir: Path,
    output_dir: Path,
    settings: DiffusionTraining,
) -> None:
    """Train until the budget is spent, resuming from the folder's checkpoint.

    Saves `tokenizer/`, `text_encoder/`, `unet/`, `scheduler/` and `scaling_factor.json` in `output_dir`, the text
    encoder and the UNet after half of the budget in `early/`, and those of other moments in `moments/`.

    Args:
        paintings_dir: a folder that `training.paintings` filled.
        autoencoder_dir: a saved `AutoencoderTiny`.
        text_encoder_dir: a folder with `tokenizer/` and `text_encoder/`.
        output_dir: the folder for checkpoint, log, latents and weights.
        settings: the budget and the other settings.
    """
    torch.manual_seed(settings.seed)
    device = pick_device()
    torch.backends.cudnn.benchmark = True  # shapes never change
    tokenizer = CLIPTokenizer.from_pretrained(text_encoder_dir / "tokenizer")
    data = _load_data(paintings_dir, autoencoder_dir, output_dir, tokenizer, settings, device)
    unet = build_unet(data.latents.shape[1], data.latents.shape[2])
    use_fast_attention(unet, device)
    scheduler = build_scheduler()
    text_encoder = CLIPTextModel.from_pretrained(text_encoder_dir / "text_encoder")
    model = Trained(text_encoder, unet, color_tokens(tokenizer)).to(device)
    model.unet.to(memory_format=torch.channels_last)
    tokenizer.save_pretrained(output_dir / "tokenizer")
    scheduler.save_pretrained(output_dir / "scheduler")
    optimizer = MuonAndAdamW(model, settings.rate, scales={"text_encoder": settings.text_rate_share})
    run = TrainingRun(model, optimizer, output_dir / "diffusion.checkpoint", settings.minutes, decay=0.999)
    source = _BatchSource(data, settings, run.step, device)
    autoencoder = AutoencoderTiny.from_pretrained(autoencoder_dir).to(device, memory_format=torch.channels_last)
    decoder = _DecoderFeatures(autoencoder, data.scaling_factor)
    losses = _Losses(model, scheduler, tokenizer, decoder, settings, device)
    save_due = run.clock.every(min(4.0, settings.minutes / 4))
    while run.clock.progress < 1:
        run.set_learning_rate(settings.rate)
        loss, parts = losses.compute(source.draw(run.clock.progress), run.clock.progress)
        run.descend(loss)
        run.losses.update(**parts)
        run.print_losses()
        _save_moments(run, output_dir, settings.batch)
        if next(save_due):
            _save(run, output_dir, settings.batch)
    _save_moments(run, output_dir, settings.batch)
    _save(run, output_dir, settings.batch)


def _load_data(
    paintings_dir: Path,
    autoencoder_dir: Path,
    output_dir: Path,
    tokenizer: CLIPTokenizer,
    settings: DiffusionTraining,
    device: torch.device,
) -> _Data:
    """Load the training set; encode the paintings if the folder has no latents yet."""
    paintings = load_paintings(paintings_dir)
    latents = load_latents(output_dir, autoencoder_dir, paintings.images, device)
    layouts = torch.from_numpy(paintings.layouts).to(device)
    captions = CaptionIds(
        paintings.captions, tokenizer, settings.caption_dropout, settings.strange_word_share, settings.seed, device
    )
    return _Data(latents, _scaling_factor(output_dir / "scaling_factor.json", latents), captions, layouts)


def _scaling_factor(path: Path, latents: torch.Tensor) -> float:
    """Return the factor that gives the latents the spread 1; keep it in a file, because paintings may be added."""
    if not path.exists():
        path.write_text(json.dumps(1 / latents.float().std().item()))
    return float(json.loads(path.read_text()))


def _save_averaged(run: TrainingRun, folder: Path) -> None:
    """Save the averaged text encoder and UNet."""
    weights = run.average.on_cpu()
    for name in ("text_encoder", "unet"):
        prefix = f"{name}."
        averaged = {key.removeprefix(prefix): value for key, value in weights.items() if key.startswith(prefix)}
        getattr(run.module, name).save_pretrained(folder / name, state_dict=averaged)


def _save_moments(run: TrainingRun, output_dir: Path, batch: int) -> None:
    """Save the averaged models of the moments that have come, each once, with what they have seen in `moment.json`."""
    folders = {output_dir / "moments" / str(number): share for number, share in enumerate(MOMENTS, start=1)}
    for folder, share in {**folders, output_dir / "early": EARLY_SHARE}.items():
        if run.clock.progress >= share and not folder.exists():
            unfinished = folder.with_suffix(".unfinished")
            _save_averaged(run, unfinished)
            moment = {"pictures": run.step * batch, "shrunk": run.clock.progress <= SHRUNK_SHARE}
            (unfinished / "moment.json").write_text(json.dumps(moment))
            unfinished.replace(folder)


def _save(run: TrainingRun, output_dir: Path, batch: int) -> None:
    """Write the checkpoint, the averaged models and a line of the log."""
    run.save()
    _save_averaged(run, output_dir)
    run.write_log(output_dir / "diffusion.log", pictures=run.step * batch)


def main() -> None:
    """Train from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paintings", type=Path, required=True)
    parser.add_argument("--autoencoder", type=Path, required=True)
    parser.add_argument("--text-encoder", type=Path, required=True, help="the folder of that stage")
    parser.add_argument("--output-dir", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=DiffusionTraining.minutes)
    parser.add_argument(
        "--batch", type=int, default=DiffusionTraining.batch, help="default: %(default)s; use 256 on a GPU"
    )
    parser.add_argument("--rate", type=float, default=DiffusionTraining.rate, help="the peak of the learning rate")
    parser.add_argument("--float32", action="store_true", help="compute in float32 where bfloat16 would be faster")
    parser.add_argument("--compile", action="store_true", help="use torch.compile; pays off on a GPU and in long runs")
    arguments = parser.parse_args()
    settings = DiffusionTraining(
        minutes=arguments.minutes,
        batch=arguments.batch,
        rate=arguments.rate,
        float32=arguments.float32,
        compile=arguments.compile,
    )
    train_diffusion(arguments.paintings, arguments.autoencoder, arguments.text_encoder, arguments.output_dir, settings)


if __name__ == "__main__":
    main()
