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
from pathlib import Path

import torch
from diffusers import AutoencoderTiny
from transformers import CLIPTextModel, CLIPTokenizer

from synthviz.devices import pick_device
from training.diffusion_batches import BatchSource, load_training_set
from training.diffusion_losses import DecoderFeatures, DiffusionLosses
from training.diffusion_settings import EARLY_SHARE, MOMENTS, SHRUNK_SHARE, DiffusionTraining
from training.loop import TrainingRun
from training.optimizers import MuonAndAdamW
from training.teacher import Trained, build_scheduler, build_unet, use_fast_attention
from training.word_places import color_tokens


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
    data = load_training_set(paintings_dir, autoencoder_dir, output_dir, tokenizer, settings, device)
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
    source = BatchSource(data, settings, run.step, device)
    autoencoder = AutoencoderTiny.from_pretrained(autoencoder_dir).to(device, memory_format=torch.channels_last)
    decoder = DecoderFeatures(autoencoder, data.scaling_factor)
    losses = DiffusionLosses(model, scheduler, tokenizer, decoder, settings, device)
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
    parser.add_argument("--compile", action="store_true", help="use torch.compile; pays off on a GPU and in long runs")
    arguments = parser.parse_args()
    settings = DiffusionTraining(
        minutes=arguments.minutes,
        batch=arguments.batch,
        rate=arguments.rate,
        compile=arguments.compile,
    )
    train_diffusion(arguments.paintings, arguments.autoencoder, arguments.text_encoder, arguments.output_dir, settings)


if __name__ == "__main__":
    main()
