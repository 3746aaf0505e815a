"""The road from nothing to shipped weights, at toy size: every stage runs, resumes, and its product loads."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL, DiffusionPipeline

from synthviz.cnn import SceneCNN
from synthviz.scenes import PLACES, known_words
from training.autoencoder import AutoencoderTraining, fine_detail, train_autoencoder
from training.classifier import ClassifierTraining, train_classifier
from training.diffusion import DiffusionTraining, build_scheduler, build_tokenizer, train_diffusion
from training.export import assemble, export
from training.loop import AveragedWeights, Clock, learning_rate
from training.paintings import load_paintings, paint_training_set

MOMENT = 0.03  # minutes


@pytest.fixture(scope="module")
def paintings_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("paintings")
    paint_training_set(folder, count=24, size=64, processes=1)
    return folder


def test_paintings_are_complete_and_deterministic(paintings_dir, tmp_path):
    paintings = load_paintings(paintings_dir)
    assert paintings.images.shape == (24, 64, 64, 3)
    assert all(len(captions) == 4 for captions in paintings.captions)
    assert set(paintings.places) <= set(range(len(PLACES)))
    paint_training_set(tmp_path, count=4, size=64, processes=1)
    assert np.array_equal(load_paintings(tmp_path).images, paintings.images[:4])


def test_every_known_word_is_one_token_and_others_are_spelled():
    tokenizer = build_tokenizer()
    assert all(len(tokenizer.tokenize(word)) == 1 for word in known_words())
    assert len(tokenizer.tokenize("castle")) > 1
    for text in ("a castle", "château ☂"):
        assert tokenizer.unk_token_id not in tokenizer(text, add_special_tokens=False).input_ids


def test_the_last_timestep_is_pure_noise():
    assert build_scheduler().alphas_cumprod[-1].item() == pytest.approx(0, abs=1e-6)


def test_fine_detail_of_a_plain_picture_is_nothing():
    assert fine_detail(torch.full((1, 3, 16, 16), 0.4)).abs().max() < 1e-6


def test_learning_rate_warms_up_and_decays():
    assert learning_rate(1.0, step=0, progress=0.0, warmup=100) == pytest.approx(0.01)
    assert learning_rate(1.0, step=500, progress=0.0) == pytest.approx(1.0)
    assert learning_rate(1.0, step=500, progress=1.0) == pytest.approx(0.02)


def test_clock_counts_earlier_runs():
    clock = Clock(minutes=10, spent=5)
    assert clock.progress == pytest.approx(0.5, abs=0.01)


def test_averaged_weights_follow_the_module():
    module = torch.nn.Linear(1, 1)
    torch.nn.init.zeros_(module.weight)
    average = AveragedWeights(module, decay=0.5)
    torch.nn.init.ones_(module.weight)
    average.update(module, step=1000)
    assert average.state["weight"].item() == pytest.approx(0.5)


@pytest.mark.long
def test_all_stages_end_in_a_pipeline_that_plain_diffusers_loads(paintings_dir, tmp_path):
    train_autoencoder(paintings_dir, tmp_path / "ae", AutoencoderTraining(minutes=MOMENT))
    first = last_line(tmp_path / "ae" / "autoencoder.log")
    train_autoencoder(paintings_dir, tmp_path / "ae", AutoencoderTraining(minutes=first["minutes"] + MOMENT))
    resumed = last_line(tmp_path / "ae" / "autoencoder.log")
    assert resumed["step"] > first["step"]
    assert resumed["minutes"] > first["minutes"]

    encoder = {name: value for name, value in load_encoder(tmp_path).items() if name.startswith(("encoder", "quant"))}
    train_autoencoder(
        paintings_dir, tmp_path / "ae", AutoencoderTraining(minutes=resumed["minutes"] + MOMENT, decoder_only=True)
    )
    after = load_encoder(tmp_path)
    assert all(torch.allclose(value, after[name], atol=1e-6) for name, value in encoder.items())

    train_diffusion(
        paintings_dir, tmp_path / "ae" / "vae", tmp_path / "diffusion", DiffusionTraining(minutes=2 * MOMENT)
    )
    export(assemble(tmp_path / "ae" / "vae", tmp_path / "diffusion"), tmp_path / "embedded")
    pipeline = DiffusionPipeline.from_pretrained(tmp_path / "embedded")
    pipeline.set_progress_bar_config(disable=True)
    image = pipeline("a sunset", num_inference_steps=1).images[0]
    assert image.size == (64, 64)
    text = "".join(path.read_text() for path in (tmp_path / "embedded").rglob("*.json"))
    assert str(tmp_path) not in text


def last_line(log) -> dict[str, float]:
    return json.loads(log.read_text().splitlines()[-1])


def load_encoder(folder) -> dict[str, torch.Tensor]:
    return AutoencoderKL.from_pretrained(folder / "ae" / "vae").state_dict()


@pytest.mark.long
def test_the_classifier_learns_and_its_weights_load(paintings_dir, tmp_path):
    train_classifier(paintings_dir, tmp_path, ClassifierTraining(minutes=4 * MOMENT, held_out=4))
    first = last_line(tmp_path / "classifier.log")
    train_classifier(paintings_dir, tmp_path, ClassifierTraining(minutes=first["minutes"] + MOMENT, held_out=4))
    assert last_line(tmp_path / "classifier.log")["step"] > first["step"]
    model = SceneCNN.pretrained(tmp_path / "model.safetensors")
    assert model(torch.rand(1, 1, 224, 224)).shape == (1, 10)
