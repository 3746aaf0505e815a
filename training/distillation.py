"""Distil the teacher into four steps: `python -m training.distillation --teacher DIR --latents DIR --paintings DIR
--output-dir DIR --early DIR/early --minutes 120`.

Progressive distillation (Salimans & Ho 2022) in one go: the trajectory from noise to picture is cut into four pieces,
and on each the student learns to do in one step, of one evaluation, what the teacher does in four steps of DDIM with
guidance, of two evaluations each. It is told the guidance scale through `time_cond_proj_dim`, so that `guidance_scale`
still steers (Meng et al. 2023). The result is a plain `UNet2DConditionModel` for diffusers' `DDIMScheduler` at four
steps; since no step adds noise, a seed gives a picture much like the teacher's.

With `--early` the teacher is also guided away from its own early self (autoguidance, Karras et al. 2024): both err in
the same places, the early one more, so what leads away from it leads to firmer pictures, and not to fewer different
ones, as more guidance by the prompt would. Where there is almost nothing but noise it is left out: there it would
multiply suns. This costs the student nothing.

Where an earlier teacher already has a student (`--start-from`), what it learnt is carried over to begin with: the
difference between the two is added to the new teacher's weights, as LCM-LoRA does with fine-tuned models (Luo et al.
2023).
"""

from __future__ import annotations

import argparse
import random
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import StableDiffusionPipeline, UNet2DConditionModel
from transformers import CLIPTextModel

from synthviz.devices import has_fast_bfloat16, pick_device
from training.diffusion import load_latents, use_fast_attention, vary_caption
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
from training.paintings import load_paintings
from training.text_encoder import tokenize

GUIDANCE_WIDTH = 256  # of the embedding that tells the student the guidance scale


@dataclass(frozen=True)
class DistillationTraining:
    """Settings of this stage; `minutes` counts all runs that resume one another."""

    minutes: float = 120
    batch: int = 24
    rate: float = 2e-4
    steps: int = 4  # of the student
    teacher_steps: int = 4  # that each of them stands for
    least_guidance: float = 1.0
    most_guidance: float = 6.0
    early_guidance: float = 1.0  # how far away from the teacher's early self; 0 is not at all
    early_guidance_below: int = 850  # the first timestep, of 1000, at which it is left out
    huber: float = 0.001
    caption_dropout: float = 0.05
    strange_word_share: float = 0.06
    compile: bool = False
    seed: int = 0


def build_student(teacher: UNet2DConditionModel) -> UNet2DConditionModel:
    """The teacher's UNet with its weights and one more input: the guidance scale, at first without effect."""
    config = {name: value for name, value in teacher.config.items() if not name.startswith("_")}
    student = UNet2DConditionModel.from_config({**config, "time_cond_proj_dim": GUIDANCE_WIDTH})
    missing, unexpected = student.load_state_dict(teacher.state_dict(), strict=False)
    if missing != ["time_embedding.cond_proj.weight"] or unexpected:
        raise ValueError(f"the teacher's UNet does not fit the student's: missing {missing}, unexpected {unexpected}")
    torch.nn.init.zeros_(student.time_embedding.cond_proj.weight)
    return student


def carry_over(student: UNet2DConditionModel, models_dir: Path) -> None:
    """Add what an earlier student learnt to a new one that still equals its teacher.

    Args:
        student: what `build_student` returned; changed in place.
        models_dir: holds an earlier pair as it ships: `embedded` and `embedded-teacher`, of the same architecture.
    """
    earlier_student, earlier_teacher = (
        UNet2DConditionModel.from_pretrained(models_dir / name / "unet", dtype=torch.float32).state_dict()
        for name in ("embedded", "embedded-teacher")
    )
    weights = student.state_dict()
    for name, value in weights.items():
        value += earlier_student[name].to(value) - (earlier_teacher[name].to(value) if name in earlier_teacher else 0)
    student.load_state_dict(weights)


def trailing_timesteps(count: int, steps: int) -> torch.Tensor:
    """Where DDIM stops with trailing spacing, the end of the trajectory included: steps + 1 numbers, the last is -1."""
    return (count - torch.arange(steps + 1) * count / steps).round().long() - 1


def clean_and_noise(
    velocity: torch.Tensor, noisy: torch.Tensor, alphas: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The picture and the noise that a predicted velocity means (Salimans & Ho 2022); alphas (B,) cumulative."""
    alpha, sigma = alphas.sqrt()[:, None, None, None], (1 - alphas).sqrt()[:, None, None, None]
    return alpha * noisy - sigma * velocity, sigma * noisy + alpha * velocity


def move(velocity: torch.Tensor, noisy: torch.Tensor, alphas: torch.Tensor, next_alphas: torch.Tensor) -> torch.Tensor:
    """One step of DDIM without noise (Song et al. 2021), from cumulative alphas (B,) to other ones."""
    clean, noise = clean_and_noise(velocity, noisy, alphas)
    return next_alphas.sqrt()[:, None, None, None] * clean + (1 - next_alphas).sqrt()[:, None, None, None] * noise


def velocity_between(
    noisy: torch.Tensor, reached: torch.Tensor, alphas: torch.Tensor, next_alphas: torch.Tensor
) -> torch.Tensor:
    """The velocity with which one step of DDIM would lead from `noisy` to `reached`; the inverse of `move`."""
    alpha, sigma = alphas.sqrt()[:, None, None, None], (1 - alphas).sqrt()[:, None, None, None]
    next_alpha, next_sigma = next_alphas.sqrt()[:, None, None, None], (1 - next_alphas).sqrt()[:, None, None, None]
    clean = (sigma * reached - next_sigma * noisy) / (sigma * next_alpha - next_sigma * alpha)
    return (alpha * noisy - clean) / sigma


def autoguidance(
    named: torch.Tensor, worse: torch.Tensor, timesteps: torch.Tensor, settings: DistillationTraining
) -> torch.Tensor:
    """What to add to a velocity so that it leads away from a worse model's, (B, C, H, W) (Karras et al. 2024)."""
    strength = settings.early_guidance * (timesteps < settings.early_guidance_below).to(named)
    return strength[:, None, None, None] * (named - worse)


def train_distillation(
    teacher_dir: Path,
    paintings_dir: Path,
    latents_dir: Path,
    output_dir: Path,
    settings: DistillationTraining,
    start_from: Path | None = None,
    early_dir: Path | None = None,
) -> None:
    """Train until the budget is spent, resuming from the folder's checkpoint; leaves `unet/` and `scheduler/`.

    Args:
        teacher_dir: a saved `StableDiffusionPipeline`.
        paintings_dir: for the captions.
        latents_dir: the folder with the paintings' latents; they are made where they are not there.
        output_dir: where to.
        settings: the budget and the rest.
        start_from: the folder of an earlier pair as it ships, see `carry_over`.
        early_dir: holds `unet/` and `text_encoder/` of the teacher as it was early in its training; None for guidance
            by the prompt alone.
    """
    torch.manual_seed(settings.seed)
    device = pick_device()
    torch.backends.cudnn.benchmark = True  # shapes never change
    output_dir.mkdir(parents=True, exist_ok=True)
    paintings = load_paintings(paintings_dir)
    latents = load_latents(latents_dir, teacher_dir / "vae", paintings.images, device)
    pipeline = StableDiffusionPipeline.from_pretrained(teacher_dir, dtype=torch.float32).to(device)
    teacher, text_encoder, tokenizer = pipeline.unet.eval(), pipeline.text_encoder.eval(), pipeline.tokenizer
    teacher.requires_grad_(False).to(memory_format=torch.channels_last)
    early = None
    if early_dir is not None:
        early = UNet2DConditionModel.from_pretrained(early_dir / "unet", dtype=torch.float32)
        early = early.requires_grad_(False).eval().to(device, memory_format=torch.channels_last)
        early_text_encoder = CLIPTextModel.from_pretrained(early_dir / "text_encoder", dtype=torch.float32)
        early_text_encoder = early_text_encoder.eval().to(device)
    scaling_factor = pipeline.vae.config.scaling_factor
    pipeline.scheduler.save_pretrained(output_dir / "scheduler")
    student = build_student(teacher).to(device, memory_format=torch.channels_last)
    use_fast_attention(student, device)
    if start_from is not None:
        carry_over(student, start_from)
    optimizer = torch.optim.AdamW(student.parameters(), lr=settings.rate, betas=(0.9, 0.99), weight_decay=0.0)
    average = AveragedWeights(student, decay=0.998)
    checkpoint_path = output_dir / "distillation.checkpoint"
    step, spent = resume(checkpoint_path, student, optimizer, average, device)
    run_teacher, run_student, run_early = (
        torch.compile(unet) if settings.compile and unet is not None else unet for unet in (teacher, student, early)
    )
    clock = Clock(settings.minutes, spent)
    generator = torch.Generator().manual_seed(settings.seed + step)
    noises = torch.Generator(device).manual_seed(settings.seed + step)
    words = random.Random(settings.seed + step)
    # One more, the last, for the end of the trajectory, which has no noise.
    alphas = torch.cat([pipeline.scheduler.alphas_cumprod, torch.ones(1)]).to(device)
    stops = trailing_timesteps(len(alphas) - 1, settings.steps * settings.teacher_steps).to(device)
    with torch.no_grad():
        nothing = text_encoder(tokenize(tokenizer, [""]).to(device)).last_hidden_state
    half = torch.autocast(device.type, torch.bfloat16, enabled=has_fast_bfloat16(device))

    def guided(
        noisy: torch.Tensor,
        timesteps: torch.Tensor,
        text: torch.Tensor,
        early_text: torch.Tensor | None,
        guidance: torch.Tensor,
    ) -> torch.Tensor:
        """The teacher's velocity, guided towards the prompt (Ho & Salimans 2022) and away from its early self."""
        both = torch.cat([text, nothing.expand_as(text)])
        with half:
            velocity = run_teacher(torch.cat([noisy, noisy]), torch.cat([timesteps, timesteps]), both).sample.float()
        named, unnamed = velocity.chunk(2)
        velocity = unnamed + guidance[:, None, None, None] * (named - unnamed)
        if early_text is None:
            return velocity
        with half:
            worse = run_early(noisy, timesteps, early_text).sample.float()
        return velocity + autoguidance(named, worse, timesteps, settings)

    def save() -> None:
        state = {"weights": student.state_dict(), "average": average.state, "optimizer": optimizer.state_dict()}
        save_checkpoint(checkpoint_path, {**state, "step": step, "spent": clock.spent})
        averaged = {name: value.cpu() for name, value in average.state.items()}
        student.save_pretrained(output_dir / "unet", state_dict=averaged)
        values = {"step": step, "pictures": step * settings.batch, "minutes": clock.spent}
        write_log(output_dir / "distillation.log", **values, **recent.read())

    recent = RecentLosses()
    save_due = clock.every(min(4.0, settings.minutes / 4))
    while clock.progress < 1:
        set_learning_rate(optimizer, learning_rate(settings.rate, step, clock.progress, warmup=100))
        rows = torch.randint(len(latents), (settings.batch,), generator=generator)
        clean = latents[rows.to(device)].float() * scaling_factor
        captions = [
            vary_caption(
                words.choice(paintings.captions[row]), settings.caption_dropout, settings.strange_word_share, words
            )
            for row in rows.tolist()
        ]
        noise = torch.randn(clean.shape, generator=noises, device=device)
        piece = torch.randint(settings.steps, (settings.batch,), generator=generator).to(device)
        path = stops[piece[:, None] * settings.teacher_steps + torch.arange(settings.teacher_steps + 1, device=device)]
        first, last = path[:, 0], path[:, -1]
        span = settings.most_guidance - settings.least_guidance
        scales = settings.least_guidance + span * torch.rand(settings.batch, generator=generator)
        # The pipeline tells the scale less one, as Imagen counts it; it embeds on the CPU.
        told = pipeline.get_guidance_scale_embedding(scales - 1, embedding_dim=GUIDANCE_WIDTH).to(device)
        guidance = scales.to(device)
        noisy = pipeline.scheduler.add_noise(clean, noise, first).to(memory_format=torch.channels_last)
        with torch.no_grad():
            token_ids = tokenize(tokenizer, captions).to(device)
            text = text_encoder(token_ids).last_hidden_state
            early_text = None if early is None else early_text_encoder(token_ids).last_hidden_state
            reached = noisy
            for now, after in zip(path.T[:-1], path.T[1:], strict=True):
                velocity = guided(reached, now, text, early_text, guidance)
                reached = move(velocity, reached, alphas[now], alphas[after])
            wanted = velocity_between(noisy, reached, alphas[first], alphas[last])
        with half:
            predicted = run_student(noisy, first, text, timestep_cond=told).sample.float()
        error = predicted - wanted
        loss = (error.square() + settings.huber**2).sqrt().mean() - settings.huber
        loss.backward()
        torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        average.update(student, step)
        step += 1
        recent.update(loss=loss)
        if step % 100 == 0:
            print(f"step {step}, {clock.spent:.1f} min, loss {recent.read()['loss']:.4f}", flush=True)
        if next(save_due):
            save()
    save()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teacher", type=Path, required=True, help="a saved pipeline")
    parser.add_argument("--paintings", type=Path, required=True)
    parser.add_argument("--latents", type=Path, required=True, help="the diffusion stage's folder")
    parser.add_argument("--output-dir", type=Path, required=True)
    parser.add_argument("--early", type=Path, help="the teacher early in its training; the diffusion stage's `early`")
    parser.add_argument("--minutes", type=float, default=DistillationTraining.minutes)
    parser.add_argument(
        "--batch", type=int, default=DistillationTraining.batch, help="default: %(default)s; a GPU takes 128"
    )
    parser.add_argument("--rate", type=float, default=DistillationTraining.rate, help="the peak of the learning rate")
    parser.add_argument("--compile", action="store_true", help="torch.compile; pays on a GPU and in long runs")
    parser.add_argument("--start-from", type=Path, help="the folder of an earlier pair, such as synthviz/models")
    arguments = parser.parse_args()
    settings = DistillationTraining(
        minutes=arguments.minutes, batch=arguments.batch, rate=arguments.rate, compile=arguments.compile
    )
    train_distillation(
        arguments.teacher,
        arguments.paintings,
        arguments.latents,
        arguments.output_dir,
        settings,
        arguments.start_from,
        arguments.early,
    )


if __name__ == "__main__":
    main()
