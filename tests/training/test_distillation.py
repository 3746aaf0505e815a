"""The student learns the steps of diffusers from its teacher."""

from __future__ import annotations

import itertools
import shutil

import pytest
import torch
from diffusers import UNet2DConditionModel
from training_logs import last_line

from synthviz.diffusion.pipelines import load_pipeline
from training.ddim_steps import clean_and_noise, move, trailing_timesteps, velocity_between
from training.distillation import build_student, train_distillation
from training.distillation_settings import DistillationTraining
from training.export import export
from training.loop import Clock
from training.teacher import build_scheduler, build_unet
from training.text_encoder import (
    WIDTH,
)


class OneStep(Clock):
    """A clock whose budget is spent after the first step."""

    reads = 0

    @property
    def progress(self):
        self.reads += 1
        return 0.0 if self.reads <= 2 else 1.0  # before the step and for its learning rate


class TestDistillation:
    def test_only_a_worse_early_teacher_changes_the_target(self, paintings_dir, tmp_path, monkeypatch):
        """Train one step on the same batch without an early teacher, with an equal one and with a worse one."""
        teacher = tmp_path / "teacher"
        export(load_pipeline("embedded-teacher", "cpu"), teacher)
        worse = UNet2DConditionModel.from_pretrained(teacher / "unet")
        torch.nn.init.zeros_(worse.up_blocks[2].resnets[0].conv1.weight)
        worse.save_pretrained(tmp_path / "worse" / "unet")
        shutil.copytree(teacher / "text_encoder", tmp_path / "worse" / "text_encoder")
        losses = {}
        for name, early in {"none": None, "itself": teacher, "worse": tmp_path / "worse"}.items():
            monkeypatch.setattr("training.loop.Clock", OneStep)
            settings = DistillationTraining(batch=2)
            train_distillation(teacher, paintings_dir, tmp_path, tmp_path / name, settings, early_dir=early)
            losses[name] = last_line(tmp_path / name / "distillation.log")["loss"]
        assert losses["itself"] == pytest.approx(losses["none"], rel=0.02)
        assert losses["worse"] > 1.2 * losses["none"]

    @pytest.mark.parametrize("steps", [4, 20])  # diffusers rounds where 1,000 cannot be divided
    def test_steps_equal_those_of_diffusers(self, steps):
        scheduler = build_scheduler()
        scheduler.set_timesteps(steps)
        stops = trailing_timesteps(1000, steps)
        assert torch.equal(stops[:-1], scheduler.timesteps)
        noisy, velocity = torch.randn((2, 1, 8, 4, 4), generator=torch.Generator().manual_seed(0))
        alphas = torch.cat([scheduler.alphas_cumprod, torch.ones(1)])
        for now, after in itertools.pairwise(stops):
            expected = scheduler.step(velocity, now, noisy).prev_sample
            assert torch.allclose(move(velocity, noisy, alphas[now][None], alphas[after][None]), expected, atol=1e-5)

    def test_one_step_with_the_target_velocity_reaches_the_same_point(self):
        scheduler = build_scheduler()
        alphas = torch.cat([scheduler.alphas_cumprod, torch.ones(1)])
        first, last = alphas[[999, 749, 249]], alphas[[749, 499, -1]]
        noisy, reached = torch.randn((2, 3, 8, 4, 4), generator=torch.Generator().manual_seed(0))
        velocity = velocity_between(noisy, reached, first, last)
        assert torch.allclose(move(velocity, noisy, first, last), reached, atol=1e-4)

    def test_a_velocity_gives_back_its_picture_and_noise(self):
        generator = torch.Generator().manual_seed(0)
        clean, noise = torch.randn((2, 3, 8, 4, 4), generator=generator)
        scheduler = build_scheduler()
        timesteps = torch.tensor([10, 500, 999])
        noisy = scheduler.add_noise(clean, noise, timesteps)
        velocity = scheduler.get_velocity(clean, noise, timesteps)
        found = clean_and_noise(velocity, noisy, scheduler.alphas_cumprod[timesteps])
        assert torch.allclose(found[0], clean, atol=1e-4)
        assert torch.allclose(found[1], noise, atol=1e-4)

    @torch.no_grad()
    def test_an_untrained_student_equals_its_teacher_at_every_guidance_scale(self):
        torch.manual_seed(0)
        teacher = build_unet(8, 8).eval()
        student = build_student(teacher).eval()
        noisy, time, text = torch.randn(1, 8, 8, 8), torch.tensor([500]), torch.randn(1, 48, WIDTH)
        scale = torch.randn(1, student.config.time_cond_proj_dim)
        expected = teacher(noisy, time, text).sample
        assert torch.allclose(student(noisy, time, text, timestep_cond=scale).sample, expected, atol=1e-5)
