"""Distil the teacher into four steps: `python -m training.distillation --teacher DIR --latents FILE --paintings DIR
--output-dir DIR --minutes 60`.

First the student learns to predict in one evaluation what the teacher predicts in two, with guidance; it is told the
guidance scale through `time_cond_proj_dim`, so that `guidance_scale` still steers (Meng et al. 2023). Then latent
consistency distillation (Luo et al. 2023): it learns to jump from any point of the teacher's guided trajectory to the
end. The trajectory is cut into few pieces at first and into more later (Song & Dhariwal 2023): what is known at its end
reaches its beginning piece by piece. The result is a plain `UNet2DConditionModel` for diffusers' `LCMScheduler`.

Where an earlier teacher already has a student (`--start-from`), what it learnt is carried over to begin with: the
difference between the two is added to the new teacher's weights, as LCM-LoRA does with fine-tuned models (Luo et al.
2023b).
"""

from __future__ import annotations

import argparse
import random
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import LCMScheduler, StableDiffusionPipeline, UNet2DConditionModel

from synthviz.devices import pick_device
from training.diffusion import load_latents, vary_caption
from training.loop import (
    AveragedWeights,
    Clock,
    fast_dtype_supported,
    learning_rate,
    resume,
    save_checkpoint,
    set_learning_rate,
    write_log,
)
from training.paintings import load_paintings
from training.text_encoder import tokenize

GUIDANCE_WIDTH = 256  # of the embedding that tells the student the guidance scale
SIGMA_DATA = 0.5  # as in LCMScheduler
TIMESTEP_SCALING = 10.0


@dataclass(frozen=True)
class DistillationTraining:
    """Settings of this stage; `minutes` counts all runs that resume one another."""

    minutes: float = 60
    batch: int = 24
    rate: float = 2e-4
    guidance_share: float = 0.2  # of the budget, to learn guidance before the jumps
    solver_steps: int = 25  # pieces of the trajectory in the second half of what is left
    first_solver_steps: tuple[int, int] = (5, 10)  # in its first and second quarter
    least_guidance: float = 1.0
    most_guidance: float = 6.0
    target_decay: float = 0.95
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


def build_scheduler(teacher_scheduler: object, solver_steps: int) -> LCMScheduler:
    """The consistency sampler on the teacher's noise schedule, at the timesteps that the student is trained on."""
    return LCMScheduler.from_config(
        teacher_scheduler.config,  # type: ignore[attr-defined]
        original_inference_steps=solver_steps,
        timestep_scaling=TIMESTEP_SCALING,
    )


def pieces(settings: DistillationTraining, progress: float) -> int | None:
    """Into how many pieces the trajectory is cut after this share of the budget; None while guidance is learnt."""
    if progress < settings.guidance_share:
        return None
    quarter = int(4 * (progress - settings.guidance_share) / (1 - settings.guidance_share))
    return settings.first_solver_steps[quarter] if quarter < 2 else settings.solver_steps


def boundary_scalings(timesteps: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """How much of the input and of the prediction a consistency function returns: (B, 1, 1, 1) each.

    At timestep 0 all of the input, so that the end of a trajectory maps to itself (Song et al. 2023).
    """
    scaled = (timesteps.float() * TIMESTEP_SCALING)[:, None, None, None]
    skip = SIGMA_DATA**2 / (scaled**2 + SIGMA_DATA**2)
    return skip, scaled / (scaled**2 + SIGMA_DATA**2).sqrt()


def clean_and_noise(
    velocity: torch.Tensor, noisy: torch.Tensor, alphas: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The picture and the noise that a predicted velocity means (Salimans & Ho 2022); alphas (B,) cumulative."""
    alpha, sigma = alphas.sqrt()[:, None, None, None], (1 - alphas).sqrt()[:, None, None, None]
    return alpha * noisy - sigma * velocity, sigma * noisy + alpha * velocity


def train_distillation(
    teacher_dir: Path,
    paintings_dir: Path,
    latents_dir: Path,
    output_dir: Path,
    settings: DistillationTraining,
    start_from: Path | None = None,
) -> None:
    """Train until the budget is spent, resuming from the folder's checkpoint; leaves `unet/` and `scheduler/`.

    Args:
        teacher_dir: a saved `StableDiffusionPipeline`.
        paintings_dir: for the captions.
        latents_dir: the folder with the paintings' latents; they are made where they are not there.
        output_dir: where to.
        settings: the budget and the rest.
        start_from: the folder of an earlier pair as it ships (see `carry_over`); all of the budget then goes to the
            jumps, with the trajectory in its final number of pieces.
    """
    torch.manual_seed(settings.seed)
    device = pick_device()
    output_dir.mkdir(parents=True, exist_ok=True)
    paintings = load_paintings(paintings_dir)
    latents = load_latents(latents_dir, teacher_dir / "vae", paintings.images, device)
    pipeline = StableDiffusionPipeline.from_pretrained(teacher_dir, dtype=torch.float32).to(device)
    teacher, text_encoder, tokenizer = pipeline.unet.eval(), pipeline.text_encoder.eval(), pipeline.tokenizer
    teacher.requires_grad_(False).to(memory_format=torch.channels_last)
    scaling_factor = pipeline.vae.config.scaling_factor
    scheduler = build_scheduler(pipeline.scheduler, settings.solver_steps)
    scheduler.save_pretrained(output_dir / "scheduler")
    student = build_student(teacher).to(device, memory_format=torch.channels_last)
    if start_from is not None:
        carry_over(student, start_from)
    optimizer = torch.optim.AdamW(student.parameters(), lr=settings.rate, betas=(0.9, 0.99), weight_decay=0.0)
    average = AveragedWeights(student, decay=0.998)
    checkpoint_path = output_dir / "distillation.checkpoint"
    step, spent = resume(checkpoint_path, student, optimizer, average, device)
    target = build_student(teacher).to(device, memory_format=torch.channels_last).requires_grad_(False)
    target.load_state_dict(student.state_dict())
    run_teacher, run_student, run_target = (
        torch.compile(unet) if settings.compile else unet for unet in (teacher, student, target)
    )
    clock = Clock(settings.minutes, spent)
    generator = torch.Generator().manual_seed(settings.seed + step)
    words = random.Random(settings.seed + step)
    alphas = scheduler.alphas_cumprod.to(device)
    with torch.no_grad():
        nothing = text_encoder(tokenize(tokenizer, [""]).to(device)).last_hidden_state
    half = torch.autocast(device.type, torch.bfloat16, enabled=fast_dtype_supported(device))

    def predict(
        unet: UNet2DConditionModel, noisy: torch.Tensor, timesteps: torch.Tensor, text: torch.Tensor, told: torch.Tensor
    ) -> torch.Tensor:
        """The velocity, at the guidance that is told."""
        with half:
            return unet(noisy, timesteps, text, timestep_cond=told).sample.float()

    def jump(
        unet: UNet2DConditionModel, noisy: torch.Tensor, timesteps: torch.Tensor, text: torch.Tensor, told: torch.Tensor
    ) -> torch.Tensor:
        """The consistency function: where the trajectory through `noisy` ends."""
        skip, out = boundary_scalings(timesteps)
        velocity = predict(unet, noisy, timesteps, text, told)
        return skip * noisy + out * clean_and_noise(velocity, noisy, alphas[timesteps])[0]

    def save() -> None:
        state = {"weights": student.state_dict(), "average": average.state, "optimizer": optimizer.state_dict()}
        save_checkpoint(checkpoint_path, {**state, "step": step, "spent": clock.spent})
        averaged = {name: value.cpu() for name, value in average.state.items()}
        student.save_pretrained(output_dir / "unet", state_dict=averaged)
        values = {"step": step, "pictures": step * settings.batch, "minutes": clock.spent}
        write_log(output_dir / "distillation.log", **values, loss=recent)

    recent = 0.0
    save_due = clock.every(min(4.0, settings.minutes / 4))
    while clock.progress < 1:
        set_learning_rate(optimizer, learning_rate(settings.rate, step, clock.progress, warmup=100))
        rows = torch.randint(len(latents), (settings.batch,), generator=generator)
        clean = (latents[rows].float() * scaling_factor).to(device)
        captions = [
            vary_caption(
                words.choice(paintings.captions[row]), settings.caption_dropout, settings.strange_word_share, words
            )
            for row in rows.tolist()
        ]
        noise = torch.randn(clean.shape, generator=generator).to(device)
        count = settings.solver_steps if start_from is not None else pieces(settings, clock.progress)
        stride = len(alphas) // count if count else 1
        later = torch.randint(1, len(alphas) // stride + 1, (settings.batch,), generator=generator) * stride - 1
        later = later.to(device)
        earlier = (later - stride).clamp(min=0)
        span = settings.most_guidance - settings.least_guidance
        guidance = (settings.least_guidance + span * torch.rand(settings.batch, generator=generator)).to(device)
        # The pipeline tells the scale less one, as Imagen counts it.
        told = pipeline.get_guidance_scale_embedding(guidance - 1, embedding_dim=GUIDANCE_WIDTH).to(device)
        noisy = scheduler.add_noise(clean, noise, later).to(memory_format=torch.channels_last)
        with torch.no_grad():
            text = text_encoder(tokenize(tokenizer, captions).to(device)).last_hidden_state
            both = torch.cat([text, nothing.expand_as(text)])
            with half:
                velocity = run_teacher(torch.cat([noisy, noisy]), torch.cat([later, later]), both).sample.float()
            named, unnamed = velocity.chunk(2)
            guided = unnamed + guidance[:, None, None, None] * (named - unnamed)
        if count is None:
            error = predict(run_student, noisy, later, text, told) - guided
        else:
            with torch.no_grad():
                reached, direction = clean_and_noise(guided, noisy, alphas[later])
                previous = alphas[earlier].sqrt()[:, None, None, None]
                moved = previous * reached + (1 - previous.square()).sqrt() * direction  # one DDIM step
                wanted = jump(run_target, moved, earlier, text, told)
            error = jump(run_student, noisy, later, text, told) - wanted
        loss = (error.square() + settings.huber**2).sqrt().mean() - settings.huber
        loss.backward()
        torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        average.update(student, step)
        with torch.no_grad():
            torch._foreach_lerp_(list(target.parameters()), list(student.parameters()), 1 - settings.target_decay)
        step += 1
        recent = 0.98 * recent + 0.02 * loss.item() if recent else loss.item()
        if step % 100 == 0:
            print(f"step {step}, {clock.spent:.1f} min, loss {recent:.4f}", flush=True)
        if next(save_due):
            save()
    save()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teacher", type=Path, required=True, help="a saved pipeline")
    parser.add_argument("--paintings", type=Path, required=True)
    parser.add_argument("--latents", type=Path, required=True, help="the diffusion stage's folder")
    parser.add_argument("--output-dir", type=Path, required=True)
    parser.add_argument("--start-from", type=Path, help="an earlier pair as it ships, such as synthviz/models")
    parser.add_argument("--minutes", type=float, default=DistillationTraining.minutes)
    parser.add_argument("--compile", action="store_true", help="torch.compile; pays on a GPU and in long runs")
    arguments = parser.parse_args()
    settings = DistillationTraining(minutes=arguments.minutes, compile=arguments.compile)
    train_distillation(
        arguments.teacher,
        arguments.paintings,
        arguments.latents,
        arguments.output_dir,
        settings,
        arguments.start_from,
    )


if __name__ == "__main__":
    main()
