"""The critic of the student and its training."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from training.critic import LEAST_NOISE, MOST_NOISE, Critic, fooling_loss, telling_loss
from training.ddim_steps import clean_and_noise
from training.distillation_settings import DistillationTraining
from training.guided_teacher import GuidedTeacher, PaintingSource, Target
from training.loop import autocast


@dataclass(frozen=True)
class Judged:
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


class Adversary:
    """The critic and its training; it judges the last two steps, whose pictures have detail."""

    def __init__(self, teacher: GuidedTeacher, settings: DistillationTraining) -> None:
        self.critic = Critic(teacher.unet, teacher.alphas).to(teacher.alphas.device)
        self.optimizer = torch.optim.AdamW(
            self.critic.parameters(), lr=settings.rate, betas=(0.5, 0.9), weight_decay=0.0
        )
        self._alphas = teacher.alphas
        self._first = settings.steps - 2

    def look_at(self, velocity: torch.Tensor, target: Target, clean: torch.Tensor, source: PaintingSource) -> Judged:
        """Return what the critic judges of a batch."""
        rows = target.piece >= self._first
        drawn, _ = clean_and_noise(velocity[rows], target.noisy[rows], self._alphas[target.timesteps[rows]])
        timesteps = torch.randint(LEAST_NOISE, MOST_NOISE, (len(drawn),), generator=source.generator)
        noise = source.noise(drawn.shape)
        return Judged(drawn, clean[rows], noise, timesteps.to(drawn.device), target.text[rows])

    def fooled(self, judged: Judged) -> torch.Tensor:
        """Return the loss of the student: low where the critic takes its pictures for paintings."""
        noisy = self.critic.add_noise(judged.drawn, judged.noise, judged.timesteps)
        self.critic.requires_grad_(False)
        with autocast(noisy.device):
            loss = fooling_loss(self.critic(noisy, judged.timesteps, judged.text))
        self.critic.requires_grad_(True)
        return loss

    def learn(self, judged: Judged) -> torch.Tensor:
        """Take one step of the critic; return its loss."""
        both = torch.cat([judged.drawn.detach(), judged.painted])
        timesteps = judged.timesteps.repeat(2)
        noisy = self.critic.add_noise(both, judged.noise.repeat(2, 1, 1, 1), timesteps)
        with autocast(noisy.device):
            answers = [part.chunk(2) for part in self.critic(noisy, timesteps, judged.text.repeat(2, 1, 1))]
            loss = telling_loss([one for one, _ in answers], [other for _, other in answers])
        torch.autograd.backward(loss)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return loss.detach()
