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
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import StableDiffusionPipeline, UNet2DConditionModel
from torch import nn
from transformers import CLIPTextModel

from synthviz.devices import has_fast_bfloat16, pick_device
from training.caption_ids import CaptionIds
from training.critic import LEAST_NOISE, MOST_NOISE, Critic, fooling_loss, telling_loss
from training.latents import load_latents
from training.loop import Stateful, TrainingRun
from training.optimizers import MuonAndAdamW
from training.paintings import load_paintings
from training.teacher import use_fast_attention
from training.text_encoder import tokenize

GUIDANCE_WIDTH = 256  # of the embedding of the guidance scale


@dataclass(frozen=True)
class DistillationTraining:
    """Settings of this stage; `minutes` counts all runs that resume one another."""

    minutes: float = 120
    batch: int = 24  # at least 4, one for each step
    rate: float = 2e-4
    steps: int = 4  # of the student
    teacher_steps: int = 4  # for each step of the student
    least_guidance: float = 1.0
    most_guidance: float = 6.0
    early_guidance: float = 1.0  # strength of autoguidance; 0 turns it off
    first_guidance: float = 0.25  # in the first step, as a share of the guidance in the others
    huber: float = 0.001
    adversarial_weight: float = 0.02
    adversarial_start: float = 0.2  # share of the budget after which pictures must pass for paintings
    caption_dropout: float = 0.05
    strange_word_share: float = 0.1
    compile: bool = False
    seed: int = 0


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


def trailing_timesteps(count: int, steps: int) -> torch.Tensor:
    """Return the steps + 1 timesteps of DDIM with trailing spacing; the last is -1, the end without noise."""
    return (count - torch.arange(steps + 1) * count / steps).round().long() - 1


def clean_and_noise(
    velocity: torch.Tensor, noisy: torch.Tensor, alphas: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the clean latents and the noise that a predicted velocity means (Salimans & Ho 2022).

    `velocity` and `noisy` are (B, C, H, W); `alphas` are cumulative, (B,).
    """
    alpha, sigma = alphas.sqrt()[:, None, None, None], (1 - alphas).sqrt()[:, None, None, None]
    return alpha * noisy - sigma * velocity, sigma * noisy + alpha * velocity


def move(velocity: torch.Tensor, noisy: torch.Tensor, alphas: torch.Tensor, next_alphas: torch.Tensor) -> torch.Tensor:
    """Take one step of DDIM without noise (Song et al. 2021), from cumulative alphas (B,) to the next ones."""
    clean, noise = clean_and_noise(velocity, noisy, alphas)
    return next_alphas.sqrt()[:, None, None, None] * clean + (1 - next_alphas).sqrt()[:, None, None, None] * noise


def velocity_between(
    noisy: torch.Tensor, reached: torch.Tensor, alphas: torch.Tensor, next_alphas: torch.Tensor
) -> torch.Tensor:
    """Return the velocity with which one step of DDIM leads from `noisy` to `reached`; the inverse of `move`."""
    alpha, sigma = alphas.sqrt()[:, None, None, None], (1 - alphas).sqrt()[:, None, None, None]
    next_alpha, next_sigma = next_alphas.sqrt()[:, None, None, None], (1 - next_alphas).sqrt()[:, None, None, None]
    clean = (sigma * reached - next_sigma * noisy) / (sigma * next_alpha - next_sigma * alpha)
    return (alpha * noisy - clean) / sigma


@dataclass(frozen=True)
class _Target:
    """One batch and the velocity that the student must predict.

    Attributes:
        noisy: latents, (B, C, H, W).
        timesteps: (B,) int64.
        text: states of the captions, (B, tokens, width).
        condition: embedded guidance scales, (B, GUIDANCE_WIDTH).
        velocity: like `noisy`.
        piece: (B,) which piece of the trajectory, 0 to 3.
    """

    noisy: torch.Tensor
    timesteps: torch.Tensor
    text: torch.Tensor
    condition: torch.Tensor
    velocity: torch.Tensor
    piece: torch.Tensor


@dataclass(frozen=True)
class _Early:
    """The early version of the teacher."""

    unet: Callable[..., Any]
    text_encoder: nn.Module


class _Teacher:
    """The teacher with its guidance, which gives the student's targets."""

    def __init__(self, pipeline: StableDiffusionPipeline, early: _Early | None, settings: DistillationTraining) -> None:
        self._pipeline, self._early, self._settings = pipeline, early, settings
        self.unet = pipeline.unet.eval().requires_grad_(False).to(memory_format=torch.channels_last)
        self._run = torch.compile(self.unet) if settings.compile else self.unet
        self._text_encoder, self._device = pipeline.text_encoder.eval(), pipeline.device
        # The last alpha, an additional one, belongs to the end of the trajectory, which has no noise.
        self.alphas = torch.cat([pipeline.scheduler.alphas_cumprod, torch.ones(1)]).to(self._device)
        stops = trailing_timesteps(len(self.alphas) - 1, settings.steps * settings.teacher_steps)
        self._stops = stops.to(self._device)
        self._half = _autocast(self._device)
        with torch.no_grad():
            empty = tokenize(pipeline.tokenizer, [""]).to(self._device)
            self._empty_text = self._text_encoder(empty).last_hidden_state

    @torch.no_grad()
    def find_target(self, clean: torch.Tensor, token_ids: torch.Tensor, source: _BatchSource) -> _Target:
        """Add noise to clean latents and go one piece of the trajectory with the teacher."""
        settings, batch = self._settings, len(clean)
        noise = source.noise(clean.shape)
        # Equally many of each piece, so that the critic's batches have one size: a GPU tunes itself for every new one.
        piece = torch.arange(batch, device=self._device) * settings.steps // batch
        offsets = torch.arange(settings.teacher_steps + 1, device=self._device)
        path = self._stops[piece[:, None] * settings.teacher_steps + offsets]
        first, last = path[:, 0], path[:, -1]
        span = settings.most_guidance - settings.least_guidance
        scales = settings.least_guidance + span * torch.rand(batch, generator=source.generator)
        # As in the pipeline, the embedded number is the scale minus one; the embedding is computed on the CPU.
        condition = self._pipeline.get_guidance_scale_embedding(scales - 1, embedding_dim=GUIDANCE_WIDTH)
        noisy = self._pipeline.scheduler.add_noise(clean, noise, first).to(memory_format=torch.channels_last)
        text = self._text_encoder(token_ids).last_hidden_state
        early_text = None if self._early is None else self._early.text_encoder(token_ids).last_hidden_state
        later = (piece > 0).float()
        guidance = 1 + (scales.to(self._device) - 1) * (later + settings.first_guidance * (1 - later))
        reached = noisy
        for now, after in zip(path.T[:-1], path.T[1:], strict=True):
            velocity = self._guided(reached, now, text, early_text, guidance, settings.early_guidance * later)
            reached = move(velocity, reached, self.alphas[now], self.alphas[after])
        velocity = velocity_between(noisy, reached, self.alphas[first], self.alphas[last])
        return _Target(noisy, first, text, condition.to(self._device), velocity, piece)

    def _guided(
        self,
        noisy: torch.Tensor,
        timesteps: torch.Tensor,
        text: torch.Tensor,
        early_text: torch.Tensor | None,
        guidance: torch.Tensor,
        early_guidance: torch.Tensor,
    ) -> torch.Tensor:
        """Return the velocity, guided towards the prompt (Ho & Salimans 2022) and away from the early version.

        The strengths of both are (B,).
        """
        both = torch.cat([text, self._empty_text.expand_as(text)])
        with self._half:
            velocity = self._run(torch.cat([noisy, noisy]), torch.cat([timesteps, timesteps]), both).sample.float()
        named, unnamed = velocity.chunk(2)
        guided: torch.Tensor = unnamed + guidance[:, None, None, None] * (named - unnamed)
        if self._early is None or early_text is None:
            return guided
        with self._half:
            worse = self._early.unet(noisy, timesteps, early_text).sample.float()
        guided += early_guidance[:, None, None, None] * (named - worse)
        return guided


class _BatchSource:
    """Draws paintings and random numbers; a run that was resumed at another step draws other ones."""

    def __init__(self, seed: int, device: torch.device) -> None:
        self.generator = torch.Generator().manual_seed(seed)
        self._noises = torch.Generator(device).manual_seed(seed)
        self._device = device

    def noise(self, shape: torch.Size) -> torch.Tensor:
        """Return Gaussian noise on the device."""
        return torch.randn(shape, generator=self._noises, device=self._device)

    def paintings(self, latents: torch.Tensor, captions: CaptionIds, batch: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return latents of random paintings, (B, C, H, W) float32, and the token ids of a caption for each."""
        rows = torch.randint(len(latents), (batch,), generator=self.generator)
        return latents[rows.to(self._device)].float(), captions.pick(rows, self.generator)


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
    early = None if early_dir is None else _load_early(early_dir, settings, device)
    teacher = _Teacher(pipeline, early, settings)
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
    adversary = _Adversary(teacher, settings)
    others: dict[str, Stateful] = {"critic": adversary.critic, "critic_optimizer": adversary.optimizer}
    run = TrainingRun(
        student, optimizer, output_dir / "distillation.checkpoint", settings.minutes, decay=0.998, others=others
    )
    run_student = torch.compile(student) if settings.compile else student
    source = _BatchSource(settings.seed + run.step, device)
    save_due = run.clock.every(min(4.0, settings.minutes / 4))
    while run.clock.progress < 1:
        run.set_learning_rate(settings.rate, warmup=100)
        clean, token_ids = source.paintings(latents, captions, settings.batch)
        clean = clean * pipeline.vae.config.scaling_factor
        target = teacher.find_target(clean, token_ids, source)
        with _autocast(device):
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


def _imitation_loss(velocity: torch.Tensor, target: _Target, huber: float) -> torch.Tensor:
    """Return the distance from the teacher: squared in the first step, nearly absolute (Song & Dhariwal 2023) later."""
    error = velocity - target.velocity
    first = (target.piece == 0)[:, None, None, None]
    return torch.where(first, error.square(), (error.square() + huber**2).sqrt() - huber).mean()


@dataclass(frozen=True)
class _Judged:
    """What the critic judges.

    Attributes:
        drawn: clean latents that the student's prediction means, (B, C, H, W), with their gradient.
        painted: latents of the paintings, alike.
        noise: alike, that is added to both.
        timesteps: (B,) int64, which tell how much of it.
        text: states of the captions, (B, tokens, width).
    """

    drawn: torch.Tensor
    painted: torch.Tensor
    noise: torch.Tensor
    timesteps: torch.Tensor
    text: torch.Tensor


class _Adversary:
    """The critic and its training; it judges the last two steps, whose pictures have detail."""

    def __init__(self, teacher: _Teacher, settings: DistillationTraining) -> None:
        self.critic = Critic(teacher.unet, teacher.alphas).to(teacher.alphas.device)
        self.optimizer = torch.optim.AdamW(
            self.critic.parameters(), lr=settings.rate, betas=(0.5, 0.9), weight_decay=0.0
        )
        self._alphas = teacher.alphas
        self._first = settings.steps - 2

    def look_at(self, velocity: torch.Tensor, target: _Target, clean: torch.Tensor, source: _BatchSource) -> _Judged:
        """Return what the critic judges of a batch."""
        rows = target.piece >= self._first
        drawn, _ = clean_and_noise(velocity[rows], target.noisy[rows], self._alphas[target.timesteps[rows]])
        timesteps = torch.randint(LEAST_NOISE, MOST_NOISE, (len(drawn),), generator=source.generator)
        noise = source.noise(drawn.shape)
        return _Judged(drawn, clean[rows], noise, timesteps.to(drawn.device), target.text[rows])

    def fooled(self, judged: _Judged) -> torch.Tensor:
        """Return the loss of the student: low where the critic takes its pictures for paintings."""
        noisy = self.critic.add_noise(judged.drawn, judged.noise, judged.timesteps)
        self.critic.requires_grad_(False)
        with _autocast(noisy.device):
            loss = fooling_loss(self.critic(noisy, judged.timesteps, judged.text))
        self.critic.requires_grad_(True)
        return loss

    def learn(self, judged: _Judged) -> torch.Tensor:
        """Take one step of the critic; return its loss."""
        both = torch.cat([judged.drawn.detach(), judged.painted])
        timesteps = judged.timesteps.repeat(2)
        noisy = self.critic.add_noise(both, judged.noise.repeat(2, 1, 1, 1), timesteps)
        with _autocast(noisy.device):
            answers = [part.chunk(2) for part in self.critic(noisy, timesteps, judged.text.repeat(2, 1, 1))]
            loss = telling_loss([one for one, _ in answers], [other for _, other in answers])
        torch.autograd.backward(loss)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return loss.detach()


def _autocast(device: torch.device) -> torch.autocast:
    return torch.autocast(device.type, torch.bfloat16, enabled=has_fast_bfloat16(device))


def _load_early(folder: Path, settings: DistillationTraining, device: torch.device) -> _Early:
    unet = UNet2DConditionModel.from_pretrained(folder / "unet", dtype=torch.float32)
    unet = unet.requires_grad_(False).eval().to(device, memory_format=torch.channels_last)
    text_encoder: nn.Module = CLIPTextModel.from_pretrained(folder / "text_encoder", dtype=torch.float32)
    return _Early(torch.compile(unet) if settings.compile else unet, text_encoder.eval().to(device))


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
