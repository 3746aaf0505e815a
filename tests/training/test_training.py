"""All training stages at toy size: every stage runs, resumes, and its result loads."""

from __future__ import annotations

import itertools
import json
import random
import shutil
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from diffusers import AutoencoderTiny, DiffusionPipeline, UNet2DConditionModel
from PIL import Image

from synthviz.cnn.network import SceneCNN
from synthviz.diffusion.pipelines import load_pipeline
from synthviz.scenes import PLACES, Group, Painting, Said, Scene, known_words
from synthviz.world.labels import THINGS
from training.autoencoder import AutoencoderTraining, build_autoencoder, edges, psnr, random_crops, train_autoencoder
from training.caption_ids import CaptionIds
from training.classifier import ClassifierTraining, train_classifier
from training.diffusion import train_diffusion
from training.diffusion_batches import sample_timesteps
from training.diffusion_losses import weigh_cells
from training.diffusion_settings import MOMENTS, DiffusionTraining
from training.distillation import (
    DistillationTraining,
    build_student,
    clean_and_noise,
    move,
    trailing_timesteps,
    train_distillation,
    velocity_between,
)
from training.export import assemble_teacher, export
from training.latents import encode_paintings, load_latents, shrink
from training.learning_film import draw_moments, save_film
from training.loop import AveragedWeights, Clock, RecentLosses, TrainingRun, learning_rate, set_learning_rate
from training.optimizers import MuonAndAdamW
from training.oracle import IGNORED, QUESTIONS as ORACLE_QUESTIONS, answers, ask, encode_answers, load_oracle
from training.paintings import LAYOUT_CLASSES, coarse_layout, load_paintings, paint_training_set
from training.patch_discriminator import PatchDiscriminator, balance
from training.perceptual import PhotoFeatures, perceptual_loss
from training.spectrum import latent_roughness
from training.teacher import build_scheduler, build_unet
from training.text_encoder import (
    QUESTIONS,
    WIDTH,
    TextEncoderTraining,
    build_tokenizer,
    encode_said,
    strange_word,
    train_text_encoder,
    with_strange_word,
)
from training.tiny import train_tiny

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
    assert [scene["place"] for scene in paintings.scenes] == [PLACES[place] for place in paintings.places]
    assert paintings.layouts.shape == (24, 8, 8)
    assert paintings.layouts.max() < LAYOUT_CLASSES
    paint_training_set(tmp_path, count=4, size=64, processes=1)
    fewer = load_paintings(tmp_path)
    assert np.array_equal(fewer.images, paintings.images[:4])
    assert np.array_equal(fewer.layouts, paintings.layouts[:4])
    assert fewer.captions == paintings.captions[:4]


def test_processes_for_another_device_paint_the_same(paintings_dir, tmp_path):
    paint_training_set(tmp_path, count=2, size=64, processes=1, device="cpu")
    assert np.array_equal(load_paintings(tmp_path).images, load_paintings(paintings_dir).images[:2])


def test_painting_goes_on_where_it_was_interrupted(paintings_dir, tmp_path):
    paint_training_set(tmp_path, count=24, size=64, processes=1)
    lines = (tmp_path / "scenes.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "scenes.jsonl").write_text("".join(lines[:20]) + lines[20][:30])  # cut off in a line
    images = np.lib.format.open_memmap(tmp_path / "images.npy", "r+")
    images[20:] = 0
    images.flush()
    assert len(load_paintings(tmp_path).images) == 20
    paint_training_set(tmp_path, count=24, size=64, processes=1)
    whole, resumed = load_paintings(paintings_dir), load_paintings(tmp_path)
    assert np.array_equal(whole.images, resumed.images)
    assert whole.captions == resumed.captions
    with pytest.raises(ValueError, match=r"\(24, 64, 64, 3\), not \(30"):
        paint_training_set(tmp_path, count=30, size=64)


def test_both_worlds_can_be_painted_from_a_process_that_has_used_torch(tmp_path):
    torch.rand(400, 400) @ torch.rand(400, 400)
    for world in ("flat", "light"):
        paint_training_set(tmp_path / world, count=4, size=64, processes=2, world=world)
    flat, light = (load_paintings(tmp_path / world) for world in ("flat", "light"))
    assert light.images.std() > 10
    assert not np.array_equal(flat.images, light.images)
    assert all(scene["style"] != "natural" for scene in flat.scenes)
    assert light.layouts.max() < LAYOUT_CLASSES


def test_layouts_name_the_largest_thing_per_cell_and_prefer_counted_things():
    labels = np.full((16, 16), THINGS.index("sky"))
    labels[8:] = THINGS.index("place")
    labels[:8, :3] = THINGS.index("bird")  # 3 of 8 columns: less than the sky beside it
    labels[8:, 8:10] = THINGS.index("tree")  # 2 of 8: too little
    masks = {THINGS[index]: labels == index for index in np.unique(labels)}
    scene = Scene("forest", "day", things=(Group("bird", "red", 2), Group("tree", "green", 2)))
    layout = coarse_layout(Painting(scene, np.zeros((16, 16, 3), np.uint8), masks))
    forest = len(THINGS) + PLACES.index("forest")
    assert layout.tolist() == [[THINGS.index("bird"), THINGS.index("sky")], [forest, forest]]


def test_known_words_are_one_token_and_other_words_several():
    tokenizer = build_tokenizer()
    assert all(len(tokenizer.tokenize(word)) == 1 for word in known_words())
    assert len(tokenizer.tokenize("bicycle")) > 1
    for text in ("a bicycle", "château ☂"):
        assert tokenizer.unk_token_id not in tokenizer(text, add_special_tokens=False).input_ids


def test_the_last_timestep_is_pure_noise():
    assert build_scheduler().alphas_cumprod[-1].item() == pytest.approx(0, abs=1e-6)


def test_edges_are_slopes():
    ramp = torch.arange(8.0).expand(1, 1, 8, 8)  # rises by 1 from column to column
    slopes = edges(ramp)
    assert torch.allclose(slopes[:, 0], torch.tensor(1.0))
    assert torch.allclose(slopes[:, 1], torch.tensor(0.0))


def test_psnr_of_a_constant_error():
    images = np.full((2, 8, 8, 3), 100, np.uint8)
    assert psnr(images + 1, images) == pytest.approx(20 * np.log10(255))


def test_smooth_latents_are_less_rough():
    rough = torch.randn((4, 2, 32, 32), generator=torch.Generator().manual_seed(0))
    smooth = torch.nn.functional.avg_pool2d(rough, 5, stride=1, padding=2)
    assert latent_roughness(rough) == pytest.approx(1, abs=0.3)
    assert latent_roughness(smooth) < 0.2


@pytest.fixture(scope="module")
def network():
    return PhotoFeatures().train()


class TestPhotoFeatures:
    def test_equal_pictures_do_not_differ_and_a_blur_differs_less_than_another_picture(self, network):
        picture, other = (torch.rand((1, 3, 64, 64), generator=torch.Generator().manual_seed(n)) for n in (0, 1))
        blurred = torch.nn.functional.avg_pool2d(picture, 3, stride=1, padding=1)
        assert perceptual_loss(network, picture, picture).item() == 0
        assert 0 < perceptual_loss(network, blurred, picture) < 2
        assert perceptual_loss(network, 0.9 * picture + 0.1 * other, picture) < perceptual_loss(network, other, picture)

    def test_levels_shrink_and_nothing_in_it_learns(self, network):
        sizes = [features.shape[-1] for features in network(torch.zeros(1, 3, 64, 64))]
        assert sizes == [32, 16, 8]
        assert not any(weights.requires_grad for weights in network.parameters())
        assert not any(part.training for part in network.modules())


def test_balanced_losses_have_gradients_of_the_same_length():
    weights = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
    first, second = (3 * weights).sum(), (weights.square() * 50).sum()
    factor = balance(first, second, weights)
    lengths = [torch.autograd.grad(loss, weights)[0].norm() for loss in (first, factor * second)]
    assert lengths[0].item() == pytest.approx(lengths[1].item(), rel=1e-4)


def test_the_discriminator_sees_patches_of_54_pixels():
    discriminator = PatchDiscriminator().eval()
    picture = torch.zeros(1, 3, 128, 128, requires_grad=True)
    discriminator(picture)[0, 0, 8, 8].backward()
    rows = picture.grad.abs().sum(dim=(0, 1, 3)).nonzero()
    assert rows.max() - rows.min() + 1 == 54


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_muon_trains_convolutions_and_adamw_the_rest(memory_format, tmp_path):
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 16, 3, padding=1), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(256, 2)
    ).to(memory_format=memory_format)
    optimizer = MuonAndAdamW(network, 0.01, scales={"3": 0.5})
    pictures, target = torch.randn(8, 3, 4, 4), torch.randn(8, 2)
    run = TrainingRun(network, optimizer, tmp_path / "run.checkpoint", minutes=1)
    losses = []
    for _ in range(60):
        run.set_learning_rate(0.01, warmup=1)
        loss = (network(pictures) - target).square().mean()
        run.descend(loss)
        losses.append(loss.item())
    assert losses[-1] < 0.05 * losses[0]
    assert {group["lr"] for group in optimizer.param_groups} == {0.01, 0.005}
    run.save()
    resumed = TrainingRun(
        network, MuonAndAdamW(network, 0.01, scales={"3": 0.5}), tmp_path / "run.checkpoint", minutes=1
    )
    momenta = [each.optimizer.state_dict()["muon"]["state"][0]["momentum_buffer"] for each in (run, resumed)]
    assert torch.equal(*momenta)


def test_muon_steps_do_not_depend_on_the_memory_format():
    steps = []
    for memory_format in (torch.contiguous_format, torch.channels_last):
        torch.manual_seed(0)
        layer = torch.nn.Conv2d(8, 16, 3).to(memory_format=memory_format)
        optimizer = MuonAndAdamW(layer, 0.1)
        torch.manual_seed(1)
        layer(torch.randn(4, 8, 6, 6)).square().sum().backward()
        optimizer.step()
        steps.append(layer.weight.detach().clone())
    assert torch.allclose(*steps, atol=2e-3)  # Muon computes in bfloat16


def test_learning_rate_warms_up_and_decays():
    assert learning_rate(1.0, step=0, progress=0.0, warmup=100) == pytest.approx(0.01)
    assert learning_rate(1.0, step=500, progress=0.0) == pytest.approx(1.0)
    assert learning_rate(1.0, step=500, progress=0.75) == pytest.approx(1.0)
    assert 0.1 < learning_rate(1.0, step=500, progress=0.875) < 0.9
    assert learning_rate(1.0, step=500, progress=1.0) == pytest.approx(0.02)


def test_parameter_groups_keep_their_share_of_the_learning_rate():
    weights = [torch.nn.Parameter(torch.zeros(1)) for _ in range(2)]
    optimizer = torch.optim.SGD([{"params": weights[:1]}, {"params": weights[1:], "scale": 0.1}], lr=1.0)
    set_learning_rate(optimizer, 0.5)
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([0.5, 0.05])


def test_most_timesteps_are_in_the_middle_and_some_at_the_end():
    timesteps = sample_timesteps(20_000, uniform_share=0.2, generator=torch.Generator().manual_seed(0))
    assert timesteps.min() >= 0
    assert timesteps.max() <= 999
    assert (timesteps == 999).any()
    middle = ((timesteps >= 250) & (timesteps < 750)).float().mean()
    assert 0.6 < middle < 0.8


def test_crops_of_small_pictures_are_whole_pictures():
    images = torch.arange(2 * 8 * 8 * 3, dtype=torch.uint8).reshape(2, 8, 8, 3)
    assert random_crops(images, 3, 128, torch.Generator()).shape == (3, 3, 8, 8)


def test_crops_are_parts_of_pictures_some_of_them_mirrored():
    images = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), dtype=np.uint8))
    parts = images.unfold(1, 6, 1).unfold(2, 6, 1).flatten(0, 2).float() / 127.5 - 1  # (many, 3, 6, 6)
    crops = random_crops(images, 40, 6, torch.Generator().manual_seed(1))
    as_painted, mirrored = (
        [any(torch.equal(crop, part) for part in parts) for crop in several] for several in (crops, crops.flip(3))
    )
    assert all(one != other for one, other in zip(as_painted, mirrored, strict=True))
    assert 8 < sum(mirrored) < 32


def test_captions_become_empty_or_get_a_meaningless_word():
    tokenizer = build_tokenizer()
    captions = [["a calm forest", "a forest"], ["a beach", "a beach at noon"]]
    rows = torch.tensor([0, 1, 1] * 40)

    def pick(dropout, strange_word_share):
        ids = CaptionIds(captions, tokenizer, dropout, strange_word_share, seed=0, device=torch.device("cpu"))
        return tokenizer.batch_decode(ids.pick(rows, torch.Generator()), skip_special_tokens=True)

    assert set(pick(1, 0)) == {""}
    plain = [text.strip() for text in pick(0, 0)]
    assert {text for text, row in zip(plain, rows.tolist(), strict=True) if row == 0} == set(captions[0])
    assert {text for text, row in zip(plain, rows.tolist(), strict=True) if row == 1} == set(captions[1])
    assert len(set(pick(0, 1))) == 2
    assert all(set(text.split()) - known_words() for text in pick(0, 1))


def test_strange_words_are_added_to_captions():
    words = with_strange_word("a calm forest", random.Random(0)).split()
    assert len(words) in (4, 5)
    assert [word for word in words if word in known_words()] == ["a", "calm", "forest"]


def test_strange_words_are_unknown_and_often_contain_pieces_of_known_words():
    rng = random.Random(1)
    strange = [strange_word(rng) for _ in range(300)]
    assert not set(strange) & known_words()
    assert np.mean([any(len(known) > 3 and known in word for known in known_words()) for word in strange]) > 0.3


def test_encoded_captions_distinguish_unnamed_from_absent():
    said = Said(place="forest", time=None, groups={"bird": (None, "red", None)})
    answers = {
        question: options[index]
        for (question, options), index in zip(QUESTIONS.items(), encode_said(said), strict=True)
    }
    assert (answers["place"], answers["time"], answers["stars"]) == ("forest", None, False)
    assert (answers["bird count"], answers["bird color"], answers["bird side"]) == (None, "red", None)
    assert answers["boat count"] == "absent"


def test_the_unet_is_small_and_fits_the_latents():
    unet = build_unet()
    assert 8e6 < unet.num_parameters() < 14e6
    assert (unet.config.in_channels, unet.config.sample_size) == (16, 32)


def test_latents_of_other_paintings_are_refused(tmp_path):
    torch.save(torch.zeros(3, 8, 1, 1), tmp_path / "latents.pt")
    with pytest.raises(ValueError, match="3 paintings, not of 2"):
        load_latents(tmp_path, tmp_path, np.zeros((2, 8, 8, 3), np.uint8), torch.device("cpu"))


def test_latents_of_added_paintings_join_those_in_the_folder(tmp_path):
    autoencoder = build_autoencoder()
    autoencoder.save_pretrained(tmp_path / "vae")
    images = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), np.uint8)
    first = load_latents(tmp_path, tmp_path / "vae", images[:1], torch.device("cpu"))
    torch.save(first + 100, tmp_path / "latents.pt")  # so that it shows whether they are encoded again
    grown = load_latents(tmp_path, tmp_path / "vae", images, torch.device("cpu"))
    anew = encode_paintings(autoencoder, images, torch.device("cpu"))
    torch.testing.assert_close(grown, torch.cat([first + 100, anew[1:]]), atol=1e-2, rtol=1e-2)
    assert torch.equal(torch.load(tmp_path / "latents.pt"), grown)


def test_shrunk_layouts_keep_small_things():
    bird, sky, place = THINGS.index("bird"), THINGS.index("sky"), len(THINGS)
    layouts = torch.full((1, 4, 4), sky)
    layouts[0, 2:] = place
    layouts[0, 1, 2] = bird
    latents = torch.arange(16.0).reshape(1, 1, 4, 4)
    small, shrunk = shrink(latents, layouts)
    assert shrunk.tolist() == [[[sky, bird], [place, place]]]
    assert small.flatten().tolist() == [2.5, 4.5, 10.5, 12.5]


def test_the_clock_includes_earlier_runs():
    clock = Clock(minutes=10, spent=5)
    assert clock.progress == pytest.approx(0.5, abs=0.01)


def test_recent_losses_follow_new_values():
    recent = RecentLosses()
    recent.update(loss=torch.tensor(1.0))
    assert recent.read() == {"loss": 1.0}
    for _ in range(500):
        recent.update(loss=torch.tensor(3.0))
    assert recent.read()["loss"] == pytest.approx(3.0, abs=1e-3)


def test_averaged_weights_follow_the_module():
    module = torch.nn.Linear(1, 1)
    torch.nn.init.zeros_(module.weight)
    average = AveragedWeights(module, decay=0.5)
    torch.nn.init.ones_(module.weight)
    average.update(module, step=1000)
    assert average.state["weight"].item() == pytest.approx(0.5)


def test_a_training_run_resumes_everything_it_stores(tmp_path):
    def start() -> tuple[TrainingRun, torch.nn.Module]:
        module, other = torch.nn.Linear(2, 1), torch.nn.Linear(2, 1)
        optimizer = torch.optim.AdamW(module.parameters())
        return TrainingRun(module, optimizer, tmp_path / "run.checkpoint", minutes=10, others={"other": other}), other

    run, other = start()
    for _ in range(3):
        run.descend(run.module(torch.ones(1, 2)).sum())
    run.save()
    resumed, resumed_other = start()
    assert resumed.step == run.step == 3
    assert 0 < resumed.clock.spent < 1
    for before, after in (
        (run.module.state_dict(), resumed.module.state_dict()),
        (run.average.state, resumed.average.state),
        (other.state_dict(), resumed_other.state_dict()),
    ):
        assert all(torch.equal(value, after[name]) for name, value in before.items())
    moments = [each.optimizer.state_dict()["state"][0]["exp_avg"] for each in (run, resumed)]
    assert torch.equal(*moments)


def test_a_step_follows_the_gradient_clips_it_and_updates_the_average(tmp_path):
    module = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(module.weight)
    run = TrainingRun(module, torch.optim.SGD(module.parameters(), lr=1.0), tmp_path / "none", minutes=1)
    run.descend(100 * module(torch.ones(1, 1)).sum(), longest_gradient=2.0)
    assert module.weight.item() == pytest.approx(-2)
    assert module.weight.grad is None
    assert run.average.state["weight"].item() == pytest.approx(-1.8)  # the decay of the first step is 1 / 10
    assert run.step == 1


def test_sharpening_leaves_the_latents_as_they_are(paintings_dir, tmp_path):
    settings = AutoencoderTraining(minutes=MOMENT, adversarial_start=0.0, sharpening_start=0.0)
    trained = train_autoencoder(paintings_dir, tmp_path, settings)
    torch.manual_seed(settings.seed)
    untrained = build_autoencoder().state_dict()
    changed = {name for name, value in trained.state_dict().items() if not torch.equal(value, untrained[name])}
    assert changed
    assert all(name.startswith("decoder.") for name in changed)


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
        assert film.n_frames == len(MOMENTS) + 1
    assert sorted(seen := json.loads((tmp_path / "learning.json").read_text())["pictures_seen"]) == seen
    early = UNet2DConditionModel.from_pretrained(tmp_path / "diffusion" / "early" / "unet").state_dict()
    assert any(not torch.equal(value, whole.unet.state_dict()[name]) for name, value in early.items())


def test_small_things_and_their_neighbours_weigh_more_in_the_loss():
    layouts = torch.zeros(2, 8, 8, dtype=torch.long)
    layouts[0, 4, 4] = THINGS.index("boat")
    weights = weigh_cells(layouts, small_thing_weight=3.0)
    assert weights.shape == (2, 1, 8, 8)
    assert weights.mean().item() == pytest.approx(1)
    assert (weights[0, 0, 3:6, 3:6] / weights[0, 0, 0, 0]).unique().tolist() == pytest.approx([3.0])
    assert weights[1].unique().numel() == 1


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


def test_the_right_answers_about_a_scene():
    scene = Scene(
        "ocean", "dusk", body="moon", body_side="left", water=True, things=(Group("boat", "red", 1, "right"),)
    )
    right = answers(asdict(scene))
    assert right["body side"] == "left"
    assert (right["boat count"], right["boat color"], right["boat side"]) == ("1", "red", "right")
    assert right["bird count"] == "0"
    assert right["style"] == "flat"
    assert "style" not in answers(asdict(replace(scene, style="natural")))
    assert "bird color" not in right
    encoded = dict(zip(ORACLE_QUESTIONS, encode_answers(right), strict=True))
    assert encoded["bird color"] == IGNORED
    assert ORACLE_QUESTIONS["time"][encoded["time"]] == "dusk"


def last_line(log) -> dict[str, float]:
    return json.loads(log.read_text().splitlines()[-1])


def load_autoencoder(folder) -> dict[str, torch.Tensor]:
    return AutoencoderTiny.from_pretrained(folder / "vae").state_dict()


@pytest.mark.long
def test_the_classifier_learns_and_its_weights_load(paintings_dir, tmp_path):
    train_classifier([paintings_dir], tmp_path, ClassifierTraining(minutes=4 * MOMENT, held_out=4))
    first = last_line(tmp_path / "classifier.log")
    train_classifier([paintings_dir], tmp_path, ClassifierTraining(minutes=first["minutes"] + MOMENT, held_out=4))
    assert last_line(tmp_path / "classifier.log")["step"] > first["step"]
    model = SceneCNN.pretrained(tmp_path / "model.safetensors")
    assert model(torch.rand(1, 1, 224, 224)).shape == (1, 10)

    settings = ClassifierTraining(minutes=1e-4, held_out=4)  # one step
    trained_on = train_classifier([paintings_dir], tmp_path / "on", settings, tmp_path / "model.safetensors")
    assert all(
        torch.allclose(value, model.state_dict()[name], atol=1e-3) for name, value in trained_on.state_dict().items()
    )
