"""Train the text encoder and the UNet.

`python -m training.diffusion --paintings DIR --autoencoder DIR/vae --output-dir DIR --minutes 90`

Latent diffusion (Rombach et al. 2022) with v-prediction (Salimans & Ho 2022), zero terminal SNR (Lin et al.
2023), min-SNR weighting (Hang et al. 2023) and 10% caption dropout for classifier-free guidance (Ho & Salimans
2022). The CLIP text encoder is small and trained together with the UNet, on a vocabulary learnt from the
captions in which every word the painter uses is one token.
"""

from __future__ import annotations

import argparse
import json
import random
import string
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from synthviz.devices import pick_device
from synthviz.scenes import known_words
from training.loop import (
    AveragedWeights,
    Clock,
    learning_rate,
    resume,
    save_checkpoint,
    set_learning_rate,
    write_log,
)
from training.paintings import load_paintings

TOKENS = 48  # the longest prompt the text encoder reads, start and end included
WIDTH = 192


@dataclass(frozen=True)
class DiffusionTraining:
    """Settings of this stage; `minutes` counts all runs that resume one another."""

    minutes: float = 90
    batch: int = 32
    rate: float = 6e-4
    caption_dropout: float = 0.1
    strange_word_share: float = 0.06
    snr_cap: float = 5.0
    least_weight: float = 0.2
    bfloat16: bool = False
    compile: bool = False
    seed: int = 0


def build_tokenizer() -> CLIPTokenizer:
    """A CLIP tokenizer that knows the painter's words whole and spells every other word in bytes."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    byte_pairs = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    byte_pairs.pre_tokenizer = pre_tokenizers.Split(" ", "removed")
    trainer = trainers.BpeTrainer(
        vocab_size=10_000, min_frequency=1, initial_alphabet=letters, end_of_word_suffix="</w>", show_progress=False
    )
    byte_pairs.train_from_iterator(sorted(known_words()), trainer)
    merges = [tuple(merge) for merge in json.loads(byte_pairs.to_str())["model"]["merges"]]
    pieces = [*letters, *(letter + "</w>" for letter in letters), *(first + second for first, second in merges)]
    vocabulary = dict.fromkeys([*pieces, "<|startoftext|>", "<|endoftext|>"])
    return CLIPTokenizer(
        vocab={piece: index for index, piece in enumerate(vocabulary)}, merges=merges, model_max_length=TOKENS
    )


def build_text_encoder(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    """The untrained CLIP text encoder: two layers, 192 wide."""
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=WIDTH,
            intermediate_size=4 * WIDTH,
            num_hidden_layers=2,
            num_attention_heads=6,
            max_position_embeddings=TOKENS,
            projection_dim=WIDTH,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def build_unet(latent_channels: int = 4, latent_size: int = 32) -> UNet2DConditionModel:
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
def encode_paintings(autoencoder: AutoencoderKL, images: np.ndarray, device: torch.device) -> torch.Tensor:
    """All paintings as latents, (N, channels, H/4, W/4) float32: the posterior means."""
    autoencoder = autoencoder.to(device, memory_format=torch.channels_last).eval()
    latents = []
    for start in range(0, len(images), 64):
        pixels = torch.from_numpy(images[start : start + 64].astype(np.float32)).to(device)
        latents.append(autoencoder.encode(pixels.permute(0, 3, 1, 2) / 127.5 - 1).latent_dist.mode().cpu())
    return torch.cat(latents)


def vary_caption(caption: str, settings: DiffusionTraining, rng: random.Random) -> str:
    """The caption, at times empty (so that guidance works), at times with a word nobody painted (to be ignored)."""
    if rng.random() < settings.caption_dropout:
        return ""
    if rng.random() < settings.strange_word_share:
        words = caption.split(" ")
        strange = "".join(rng.choices(string.ascii_lowercase, k=rng.randint(2, 9)))
        words.insert(rng.randint(0, len(words)), strange)
        return " ".join(words)
    return caption


def train_diffusion(paintings_dir: Path, autoencoder_dir: Path, output_dir: Path, settings: DiffusionTraining) -> None:
    """Train until the budget is spent, resuming from the folder's checkpoint.

    Leaves `tokenizer/`, `text_encoder/`, `unet/`, `scheduler/` and `scaling_factor.json` in `output_dir`.
    """
    torch.manual_seed(settings.seed)
    device = pick_device()
    output_dir.mkdir(parents=True, exist_ok=True)
    paintings = load_paintings(paintings_dir)
    latents_path = output_dir / "latents.pt"
    if latents_path.exists():
        latents = torch.load(latents_path, weights_only=True)
    else:
        autoencoder = AutoencoderKL.from_pretrained(autoencoder_dir)
        latents = encode_paintings(autoencoder, paintings.images, device)
        torch.save(latents, latents_path)
    scaling_factor = 1 / latents.std().item()
    (output_dir / "scaling_factor.json").write_text(json.dumps(scaling_factor))

    tokenizer = build_tokenizer()
    tokenizer.save_pretrained(output_dir / "tokenizer")
    scheduler = build_scheduler()
    scheduler.save_pretrained(output_dir / "scheduler")
    model = torch.nn.ModuleDict(
        {"text_encoder": build_text_encoder(tokenizer), "unet": build_unet(latents.shape[1], latents.shape[2])}
    ).to(device)
    model["unet"].to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), lr=settings.rate, betas=(0.9, 0.99), weight_decay=0.01)
    average = AveragedWeights(model, decay=0.9985)
    checkpoint_path = output_dir / "diffusion.checkpoint"
    step, spent = resume(checkpoint_path, model, optimizer, average, device)
    clock = Clock(settings.minutes, spent)
    generator = torch.Generator().manual_seed(settings.seed + step)
    words = random.Random(settings.seed + step)
    alphas = scheduler.alphas_cumprod.to(device)
    tokens = {}  # caption -> token ids, filled as captions come up

    def losses(noisy, timesteps, token_ids, target, weight):
        text = model["text_encoder"](token_ids).last_hidden_state
        predicted = model["unet"](noisy, timesteps, text).sample
        return ((predicted.float() - target).square().mean(dim=(1, 2, 3)) * weight).mean()

    if settings.compile:
        losses = torch.compile(losses)

    def tokenize(caption: str) -> list[int]:
        if caption not in tokens:
            tokens[caption] = tokenizer(caption, padding="max_length", truncation=True, max_length=TOKENS).input_ids
        return tokens[caption]

    def save() -> None:
        state = {"weights": model.state_dict(), "average": average.state, "optimizer": optimizer.state_dict()}
        save_checkpoint(checkpoint_path, {**state, "step": step, "spent": clock.spent})
        text_encoder, unet = build_text_encoder(tokenizer), build_unet(latents.shape[1], latents.shape[2])
        for name, module in (("text_encoder", text_encoder), ("unet", unet)):
            module.load_state_dict(
                {
                    key.removeprefix(f"{name}."): value.cpu()
                    for key, value in average.state.items()
                    if key.startswith(f"{name}.")
                }
            )
            module.save_pretrained(output_dir / name)
        write_log(
            output_dir / "diffusion.log", step=step, pictures=step * settings.batch, minutes=clock.spent, loss=recent
        )

    recent = 0.0
    save_due = clock.every(min(4.0, settings.minutes / 4))
    while clock.progress < 1:
        set_learning_rate(optimizer, learning_rate(settings.rate, step, clock.progress))
        rows = torch.randint(len(latents), (settings.batch,), generator=generator)
        clean = (latents[rows] * scaling_factor).to(device)
        captions = [vary_caption(words.choice(paintings.captions[row]), settings, words) for row in rows.tolist()]
        token_ids = torch.tensor([tokenize(caption) for caption in captions]).to(device)
        noise = torch.randn(clean.shape, generator=generator).to(device)
        timesteps = torch.randint(len(alphas), (settings.batch,), generator=generator).to(device)
        noisy = scheduler.add_noise(clean, noise, timesteps).to(memory_format=torch.channels_last)
        target = scheduler.get_velocity(clean, noise, timesteps)
        alpha = alphas[timesteps]
        snr = alpha / (1 - alpha)
        # Min-SNR alone gives pure noise no weight, but its first steps decide layout and brightness.
        weight = (snr.clamp(max=settings.snr_cap) / (snr + 1)).clamp(min=settings.least_weight)
        with torch.autocast(device.type, torch.bfloat16, enabled=settings.bfloat16 or device.type == "cuda"):
            loss = losses(noisy, timesteps, token_ids, target, weight)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        average.update(model, step)
        step += 1
        recent = 0.98 * recent + 0.02 * loss.item() if recent else loss.item()
        if step % 100 == 0:
            print(f"step {step}, {clock.spent:.1f} min, loss {recent:.4f}", flush=True)
        if next(save_due):
            save()
    save()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paintings", type=Path, required=True)
    parser.add_argument("--autoencoder", type=Path, required=True)
    parser.add_argument("--output-dir", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=DiffusionTraining.minutes)
    parser.add_argument("--bfloat16", action="store_true", help="faster on a CPU with AMX, slower on one without")
    parser.add_argument("--compile", action="store_true", help="torch.compile; pays on a GPU or with AMX")
    arguments = parser.parse_args()
    settings = DiffusionTraining(minutes=arguments.minutes, bfloat16=arguments.bfloat16, compile=arguments.compile)
    train_diffusion(arguments.paintings, arguments.autoencoder, arguments.output_dir, settings)


if __name__ == "__main__":
    main()
