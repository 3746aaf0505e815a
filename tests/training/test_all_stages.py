"""All training stages at toy size: every stage runs, resumes, and its result loads."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from diffusers import AutoencoderTiny, DiffusionPipeline, UNet2DConditionModel
from PIL import Image
from training_logs import last_line

from synthviz.diffusion.pipelines import load_pipeline
from training.autoencoder import AutoencoderTraining, train_autoencoder
from training.diffusion import train_diffusion
from training.diffusion_settings import MOMENTS, DiffusionTraining
from training.export import assemble_teacher, export
from training.learning_film import draw_moments, save_film
from training.oracle import QUESTIONS as ORACLE_QUESTIONS, ask, load_oracle
from training.text_encoder import (
    QUESTIONS,
    TextEncoderTraining,
    train_text_encoder,
)
from training.tiny import train_tiny

MOMENT = 0.03  # minutes


@pytest.mark.long
def test_all_stages_end_in_a_pipeline_that_plain_diffusers_loads(paintings_dir, tmp_path):
    train_autoencoder(paintings_dir, tmp_path / "ae", AutoencoderTraining(minutes=MOMENT))
    first = last_line(tmp_path / "ae" / "autoencoder.log")
    train_autoencoder(paintings_dir, tmp_path / "ae", AutoencoderTraining(minutes=first["minutes"] + MOMENT))
    resumed = last_line(tmp_path / "ae" / "autoencoder.log")
    assert resumed["step"] > first["step"]
    assert resumed["minutes"] > first["minutes"]

    train_text_encoder(tmp_path / "text", TextEncoderTraining(minutes=MOMENT, batch=16, captions=100))
    read = last_line(tmp_path / "text" / "text_encoder.log")
    assert set(QUESTIONS) <= set(read)
    settings = DiffusionTraining(minutes=2 * MOMENT, batch=4)
    train_diffusion(paintings_dir, tmp_path / "ae" / "vae", tmp_path / "text", tmp_path / "diffusion", settings)
    teacher = tmp_path / "teacher"
    export(assemble_teacher(tmp_path / "ae" / "vae", tmp_path / "diffusion"), teacher)
    pipeline = DiffusionPipeline.from_pretrained(teacher)
    pipeline.set_progress_bar_config(disable=True)
    image = pipeline("a sunset", num_inference_steps=1).images[0]
    assert image.size == (64, 64)
    text = "".join(path.read_text() for path in teacher.rglob("*.json"))
    assert str(tmp_path) not in text


@pytest.mark.long
def test_every_stage_runs_at_toy_size(tmp_path, monkeypatch):
    train_tiny(tmp_path, minutes=8 * MOMENT, count=24)
    monkeypatch.setattr("synthviz.diffusion.pipelines.MODELS", tmp_path / "models")
    student, teacher = load_pipeline("embedded", "cpu"), load_pipeline("embedded-teacher", "cpu")
    for pipeline, steps in ((student, 4), (teacher, 3), (DiffusionPipeline.from_pretrained(tmp_path / "teacher"), 3)):
        pipeline.set_progress_bar_config(disable=True)
        assert type(pipeline).__name__ == "StableDiffusionPipeline"
        assert pipeline("a sunset", num_inference_steps=steps, guidance_scale=2.0).images[0].size == (64, 64)
    assert {part.name for part in (tmp_path / "models" / "embedded-teacher").iterdir()} == {"unet", "scheduler"}
    whole = DiffusionPipeline.from_pretrained(tmp_path / "teacher")
    for name, value in whole.unet.state_dict().items():
        assert torch.equal(value, teacher.unet.state_dict()[name]), name
    oracle = load_oracle(tmp_path / "oracle" / "oracle.safetensors")
    (seen,) = ask(oracle, np.zeros((1, 64, 64, 3), np.uint8))
    assert set(seen) == set(ORACLE_QUESTIONS)
    save_film(*draw_moments(tmp_path / "autoencoder" / "vae", tmp_path / "diffusion"), tmp_path)
    with Image.open(tmp_path / "learning.webp") as film:
        assert 1 < film.n_frames <= len(MOMENTS) + 1  # equal pictures, of moments in one step, are joined
    assert sorted(seen := json.loads((tmp_path / "learning.json").read_text())["pictures_seen"]) == seen
    early = UNet2DConditionModel.from_pretrained(tmp_path / "diffusion" / "early" / "unet").state_dict()
    assert any(not torch.equal(value, whole.unet.state_dict()[name]) for name, value in early.items())


def load_autoencoder(folder) -> dict[str, torch.Tensor]:
    return AutoencoderTiny.from_pretrained(folder / "vae").state_dict()
