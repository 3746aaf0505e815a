"""Distil the teacher into a student that needs four steps.

`python -m training.distillation --teacher DIR --latents DIR --paintings DIR --output-dir DIR --early DIR/early`

Progressive distillation (Salimans & Ho 2022) in a single stage: the trajectory from noise to picture is cut into four
pieces. On each piece, the student learns to reach in one step, of one evaluation, the point that the teacher reaches in
four steps of DDIM with guidance, of two evaluations each. The student receives the guidance scale through
`time_cond_proj_dim`, so that `guidance_scale` still has an effect (Meng et al. 2023). The result is a plain
`UNet2DConditionModel` for diffusers' `DDIMScheduler` at four steps. Because no step adds noise, a seed gives a picture
similar to the teacher's.

The steps have different roles. The first decides what stands where, and so how much the pictures of one prompt differ:
it imitates a teacher with little guidance, by squared differences (the idea of DP-DMD, arXiv 2602.03139; guidance only
in an interval, Kynkäänniemi et al. 2024). The later ones decide how it looks:

- Their teacher is guided in full, and also away from an early version of itself (autoguidance, Karras et al. 2024).
  Both make the same kinds of errors, the early version more of them, so the difference leads to fewer errors.
- Heads on the features of the frozen teacher learn to tell the student's pictures from paintings, and the student
  learns to pass (Sauer et al. 2024). An imitation by distance alone is blurred.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from diffusers import StableDiffusionPipeline, UNet2DConditionModel

from synthviz.devices import pick_device
from training.caption_ids import CaptionIds
from training.distillation_adversary import Adversary
from training.distillation_settings import DistillationTraining
from training.guided_teacher import GUIDANCE_WIDTH, GuidedTeacher, PaintingSource, Target, load_early
from training.latents import load_latents
from training.loop import Stateful, TrainingRun, autocast
from training.optimizers import MuonAndAdamW
from training.paintings import load_paintings
from training.teacher import use_fast_attention


def build_student(teacher: UNet2DConditionModel) -> UNet2DConditionModel:
    """Copy the teacher's UNet and add an input, the guidance scale, which has no effect at first.

    Raises:
        ValueError: if the teacher's weights do not fit the student.
    """
    config = {name: value for name, value in teacher.config.items() if not name.startswith("_")}
    student = UNet2DConditionModel.from_config({**config, "time_cond_proj_dim": GUIDANCE_WIDTH})
    missing, unexpected = student.load_state_dict(teacher.state_dict(), strict=False)
    if missing != ["time_embedding.cond_proj.weight"] or unexpected:
        raise ValueError(f"the teacher's UNet does not fit the student's: missing {missing}, unexpected {unexpected}")
    torch.nn.init.zeros_(student.time_embedding.cond_proj.weight)
    return student


def train_distillation(
    teacher_dir: Path,
    paintings_dir: Path,
    latents_dir: Path,
    output_dir: Path,
    settings: DistillationTraining,
    early_dir: Path | None = None,
) -> None:
    """Train until the budget is spent, resuming from the folder's checkpoint; save `unet/` and `scheduler/`.

    Args:
        teacher_dir: a saved `StableDiffusionPipeline`.
        paintings_dir: a folder that `training.paintings` filled, for the captions.
        latents_dir: the folder with the paintings' latents; they are encoded if it has none.
        output_dir: the folder for checkpoint, log and weights.
        settings: the budget and the other settings.
        early_dir: a folder with `unet/` and `text_encoder/` of the early teacher; None for guidance by the prompt
            alone.
    """
    torch.manual_seed(settings.seed)
    device = pick_device()
    torch.backends.cudnn.benchmark = True  # shapes never change
    output_dir.mkdir(parents=True, exist_ok=True)
    paintings = load_paintings(paintings_dir)
    latents = load_latents(latents_dir, teacher_dir / "vae", paintings.images, device)
    pipeline = StableDiffusionPipeline.from_pretrained(teacher_dir, dtype=torch.float32).to(device)
    pipeline.scheduler.save_pretrained(output_dir / "scheduler")
    early = None if early_dir is None else load_early(early_dir, settings, device)
    teacher = GuidedTeacher(pipeline, early, settings)
    captions = CaptionIds(
        paintings.captions,
        pipeline.tokenizer,
        settings.caption_dropout,
        settings.strange_word_share,
        settings.seed,
        device,
    )
    student = build_student(pipeline.unet).to(device, memory_format=torch.channels_last)
    use_fast_attention(student, device)
    optimizer = MuonAndAdamW(student, settings.rate, weight_decay=0.0)
    adversary = Adversary(teacher, settings)
    others: dict[str, Stateful] = {"critic": adversary.critic, "critic_optimizer": adversary.optimizer}
    run = TrainingRun(
        student, optimizer, output_dir / "distillation.checkpoint", settings.minutes, decay=0.998, others=others
    )
    run_student = torch.compile(student) if settings.compile else student
    source = PaintingSource(settings.seed + run.step, device)
    save_due = run.clock.every(min(4.0, settings.minutes / 4))
    while run.clock.progress < 1:
        run.set_learning_rate(settings.rate, warmup=100)
        clean, token_ids = source.paintings(latents, captions, settings.batch)
        clean = clean * pipeline.vae.config.scaling_factor
        target = teacher.find_target(clean, token_ids, source)
        with autocast(device):
            predicted = run_student(target.noisy, target.timesteps, target.text, timestep_cond=target.condition).sample
        velocity = predicted.float()
        loss = _imitation_loss(velocity, target, settings.huber)
        run.losses.update(loss=loss)
        adversarial = run.clock.progress >= settings.adversarial_start
        if adversarial:
            judged = adversary.look_at(velocity, target, clean, source)
            fooling = adversary.fooled(judged)
            loss = loss + settings.adversarial_weight * fooling
            run.losses.update(fooling=fooling)
        run.descend(loss)
        if adversarial:
            run.losses.update(telling=adversary.learn(judged))
        run.print_losses()
        if next(save_due):
            _save(run, output_dir, settings.batch)
    _save(run, output_dir, settings.batch)


def _imitation_loss(velocity: torch.Tensor, target: Target, huber: float) -> torch.Tensor:
    """Return the distance from the teacher: squared in the first step, nearly absolute (Song & Dhariwal 2023) later."""
    error = velocity - target.velocity
    first = (target.piece == 0)[:, None, None, None]
    return torch.where(first, error.square(), (error.square() + huber**2).sqrt() - huber).mean()


def _save(run: TrainingRun, output_dir: Path, batch: int) -> None:
    """Write the checkpoint, the averaged student and a line of the log."""
    run.save()
    student: UNet2DConditionModel = run.module
    student.save_pretrained(output_dir / "unet", state_dict=run.average.on_cpu())
    run.write_log(output_dir / "distillation.log", pictures=run.step * batch)


def main() -> None:
    """Train from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teacher", type=Path, required=True, help="a saved pipeline")
    parser.add_argument("--paintings", type=Path, required=True)
    parser.add_argument("--latents", type=Path, required=True, help="the diffusion stage's folder")
    parser.add_argument("--output-dir", type=Path, required=True)
    parser.add_argument("--early", type=Path, help="the early teacher: `early` of the diffusion stage")
    parser.add_argument("--minutes", type=float, default=DistillationTraining.minutes)
    parser.add_argument(
        "--batch", type=int, default=DistillationTraining.batch, help="default: %(default)s; use 128 on a GPU"
    )
    parser.add_argument("--rate", type=float, default=DistillationTraining.rate, help="the peak of the learning rate")
    parser.add_argument("--compile", action="store_true", help="use torch.compile; pays off on a GPU and in long runs")
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
        arguments.early,
    )


if __name__ == "__main__":
    main()
