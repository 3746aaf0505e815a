"""The generation explorer, driven through its view's traits and messages without a browser."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

import synthviz
from synthviz.diffusion.steering import Steering
from synthviz.explorers import GenerationExplorer, generation as explorer_module
from synthviz.explorers.recorded_generation import GUESS, PICTURE
from synthviz.records import read_record

WAIT = 120  # seconds
PROMPT = "a red boat on the ocean"


def pixels(file: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))


def opened(folder, prompt=PROMPT, seed=3, **settings) -> GenerationExplorer:
    """An explorer that has drawn its first picture."""
    explorer = GenerationExplorer(folder, prompt, seed, **settings)
    assert explorer.background.wait(WAIT)
    assert explorer.message.value == ""
    return explorer


def do(explorer, action) -> None:
    explorer.receive({"do": action})
    assert explorer.background.wait(WAIT)


@pytest.fixture(scope="module")
def two_pictures(tmp_path_factory) -> GenerationExplorer:
    explorer = opened(tmp_path_factory.mktemp("kept"))
    explorer.count.value = 2
    assert explorer.background.wait(WAIT)
    return explorer


@pytest.fixture
def explorer(two_pictures):
    two_pictures.view.chosen = 1
    two_pictures.view.step, two_pictures.view.kind = two_pictures.view.steps, GUESS
    return two_pictures


def test_the_first_picture_is_drawn_at_once_and_equals_that_of_the_library(tmp_path):
    explorer = opened(tmp_path)
    config = synthviz.GenerationConfig(PROMPT, count=1, seed=3, steps=4, guidance_scale=3.0)
    (alone,) = synthviz.generate(synthviz.load_pipeline("embedded"), config)
    assert np.array_equal(pixels(explorer.view.picture), np.asarray(alone.image))
    assert explorer._generations[0].picture.record == alone.record
    assert not explorer.view.running
    assert not explorer.keep.disabled


def test_every_picture_can_be_chosen(explorer):
    second = explorer.view.picture
    assert [each["label"] for each in explorer.view.thumbnails] == ["seed 3", "seed 4"]
    explorer.view.chosen = 0
    assert explorer.view.picture != second
    assert "seed 3" in explorer.view.caption


def test_earlier_steps_can_be_shown(explorer):
    finished = explorer.view.picture
    explorer.view.step = 1
    guess = explorer.view.picture
    explorer.view.kind = PICTURE
    assert len({finished, guess, explorer.view.picture}) == 3
    assert explorer.view.caption == f"step 1 of 4: {PICTURE}"
    explorer.view.step = 4
    assert explorer.view.picture == finished


def test_the_maps_are_those_of_the_library_from_0_to_255(explorer):
    view, (height, width) = explorer.view, explorer.view.map_size
    assert view.map_words == ["a", "red", "boat", "on", "the", "ocean"]
    maps = np.frombuffer(view.maps, np.uint8).reshape(6, height, width)
    wanted = explorer._generations[1].maps.heatmap("boat").numpy()
    wanted = (wanted - wanted.min()) / np.ptp(wanted) * 255
    assert np.abs(maps[2] - wanted).max() <= 0.51
    view.step = 1
    first = explorer._generations[1].maps.over_time("boat")[0].numpy()
    shown = np.frombuffer(view.maps, np.uint8).reshape(6, height, width)[2]
    assert np.abs(shown - (first - first.min()) / np.ptp(first) * 255).max() <= 0.51


def test_kept_pictures_contain_their_record_and_are_not_overwritten(explorer):
    for _ in range(2):
        explorer.keep.click()
    paths = sorted(explorer.folder.glob("*.png"))
    assert [path.name for path in paths] == ["kept_picture_1.png", "kept_picture_2.png"]
    assert "kept_picture_2.png" in explorer.message.value
    assert read_record(paths[1])["seed"] == 4
    explorer.message.show("")


def test_a_folder_that_cannot_be_written_is_reported(explorer, monkeypatch, tmp_path):
    file = tmp_path / "file"
    file.write_text("not a folder")
    monkeypatch.setattr(explorer, "folder", file)
    explorer.keep.click()
    assert "⚠" in explorer.message.value
    explorer.message.show("")


def test_an_error_while_drawing_is_reported(explorer, monkeypatch):
    def fail(*_, **__):
        raise MemoryError("not enough\nfor <i>this</i>")

    monkeypatch.setattr(explorer_module, "to_png", fail)
    explorer.view.step = 2
    assert "⚠ not enough for &lt;i&gt;this&lt;/i&gt;." in explorer.message.value
    explorer.message.show("")


class TestWords:
    def test_words_are_cut_as_the_tokenizer_cuts_them(self, explorer):
        explorer.view.prompt = "A dragon, two  boats"
        words = explorer.view.words
        assert [word["text"] for word in words] == ["A", "dragon", "two", "boats"]
        assert [explorer.view.prompt[word["start"] : word["end"]] for word in words] == ["A", "dragon", "two", "boats"]
        tokenizer = explorer._pipelines["embedded"].tokenizer
        whole = [piece.replace("</w>", "") for piece in tokenizer.tokenize("dragon")]
        assert words[1]["pieces"] == whole
        assert len(whole) > 1
        assert [word["known"] for word in words] == [True, False, True, True]
        explorer.view.prompt = PROMPT

    def test_words_are_offered_by_meaning(self, explorer):
        explorer.view.prompt = "a dragon over the city"
        _, dragon, _, _, city = explorer.view.words
        assert "birds" in dragon["alternatives"]
        assert {"forest", "ocean"} <= set(city["alternatives"])
        assert "city" not in city["alternatives"]
        explorer.view.prompt = PROMPT

    def test_words_beyond_the_end_are_not_read(self, explorer):
        explorer.view.prompt = "boats " * 60
        read = [word["read"] for word in explorer.view.words]
        assert len(read) == 60
        assert read == sorted(read, reverse=True)
        assert not read[-1]
        explorer.view.prompt = PROMPT


class TestSteering:
    def test_another_word_is_shown_beside_the_last_picture(self, tmp_path):
        explorer = opened(tmp_path)
        first = explorer.view.picture
        explorer.view.prompt = "a red boat on the lake"
        do(explorer, "compare")
        assert explorer.view.before == first
        assert PROMPT in explorer.view.before_caption
        assert explorer.view.picture != first
        do(explorer, "close")
        assert explorer.view.before == b""

    def test_the_prompt_changes_on_the_way(self, tmp_path):
        explorer = opened(tmp_path)
        first = explorer.view.picture
        explorer.steering.later.value, explorer.steering.after.value = "a forest at night", 3
        explorer.steering.switch.click()
        assert explorer.background.wait(WAIT)
        config = synthviz.GenerationConfig(PROMPT, count=1, seed=3, steps=4, guidance_scale=3.0)
        steering = Steering(later_prompt="a forest at night", switch_after=3)
        (wanted,) = synthviz.generate(explorer._pipelines["embedded"], config, steering=steering)
        assert np.array_equal(pixels(explorer.view.picture), np.asarray(wanted.image))
        assert explorer.view.before == first
        assert explorer.view.map_words == []  # attention to two prompts has no common words
        assert "a forest at night" in explorer.view.caption

    def test_a_walk_ends_at_the_other_seed(self, tmp_path):
        explorer = opened(tmp_path)
        explorer.steering.other_seed.value = 8
        explorer.steering.share.value = 1.0
        assert explorer.background.wait(WAIT)
        assert "100% of the way to seed 8" in explorer.view.caption
        there = explorer.view.picture
        explorer.steering.share.value = 0.0
        assert explorer.background.wait(WAIT)
        explorer.seed.value = 8
        assert explorer.background.wait(WAIT)
        difference = pixels(there).astype(int) - pixels(explorer.view.picture)
        assert np.abs(difference).max() <= 2

    def test_a_new_guidance_or_seed_is_drawn_at_once(self, tmp_path):
        explorer = opened(tmp_path)
        for control, value in ((explorer.guidance, 6.0), (explorer.seed, 11)):
            before = explorer.view.picture
            control.value = value
            assert explorer.background.wait(WAIT)
            assert explorer.view.picture != before
        explorer.another.click()
        assert explorer.background.wait(WAIT)
        assert explorer._generations[0].seed == explorer.seed.value


class TestDuringGeneration:
    @pytest.fixture
    def one_picture(self, tmp_path):
        return opened(tmp_path)

    def at_the_first_step(self, explorer, monkeypatch, action) -> None:
        """Generate a picture from seed 8, and call `action` once when its first step is shown."""
        show, called = explorer._show_preview, []

        def preview(picture):
            show(picture)
            if not called:
                called.append(True)
                action()

        monkeypatch.setattr(explorer, "_show_preview", preview)
        explorer.seed.value = 8
        assert explorer.background.wait(WAIT)
        assert called

    def test_stop_leaves_what_can_be_seen_and_the_finished_picture_can_be_chosen(self, one_picture, monkeypatch):
        finished, seen = one_picture.view.picture, []

        def look_and_stop():
            seen.append((one_picture.view.picture, one_picture.keep.disabled, one_picture.view.running))
            one_picture.receive({"do": "stop"})

        self.at_the_first_step(one_picture, monkeypatch, look_and_stop)
        ((preview, disabled, running),) = seen
        assert disabled
        assert running
        assert finished != preview == one_picture.view.picture
        assert not one_picture.view.running
        assert one_picture.keep.disabled  # the picture that is seen is not finished
        one_picture.view.chosen = 0
        assert one_picture.view.picture == finished
        one_picture.keep.click()
        assert read_record(one_picture.folder / "kept_picture_1.png")["seed"] == 3

    def test_a_newer_task_replaces_the_running_one(self, one_picture, monkeypatch):
        def type_on():
            one_picture.view.prompt = "a village at night"
            one_picture.receive({"do": "draw"})

        self.at_the_first_step(one_picture, monkeypatch, type_on)
        assert one_picture._generations[0].picture.record["prompt"] == "a village at night"
        assert not one_picture.view.running

    def test_a_prompt_that_is_no_text_does_not_stop_the_generation(self, one_picture, monkeypatch):
        seen = []

        def draw_nonsense():
            one_picture.view.prompt = "half \ud83d of a character"
            one_picture.receive({"do": "draw"})
            seen.append((one_picture.message.value, one_picture.view.running))

        self.at_the_first_step(one_picture, monkeypatch, draw_nonsense)
        ((message, running),) = seen
        assert "prompt holds" in message
        assert running
        assert one_picture._generations[0].picture.record["prompt"] == PROMPT

    def test_a_repeated_batch_leaves_the_steps_of_one_attempt(self, one_picture):
        calls = []

        def run_out_of_memory_once(*_):
            calls.append(len(calls))
            if len(calls) == 3:
                raise MemoryError

        unet = one_picture._pipelines["embedded"].unet
        with unet.register_forward_pre_hook(run_out_of_memory_once):
            do(one_picture, "draw")
        assert one_picture.message.value == ""
        assert len(calls) == 3 + 4
        (generation,) = one_picture._generations
        assert {kind: len(stored) for kind, stored in generation.latents.items()} == {PICTURE: 4, GUESS: 4}
        assert len(generation.maps.timesteps) == 4

    def test_stop_keeps_finished_pictures(self, one_picture, monkeypatch):
        show = one_picture._show_finished

        def show_and_stop(generations, task):
            show(generations, task)
            one_picture.receive({"do": "stop"})

        monkeypatch.setattr(one_picture, "_show_finished", show_and_stop)
        one_picture.count.value = 9
        assert one_picture.background.wait(WAIT)
        assert len(one_picture._generations) == 1
        assert one_picture.view.chosen == 0
        assert not one_picture.keep.disabled


class TestEdges:
    def test_an_empty_prompt_is_drawn(self, tmp_path):
        explorer = opened(tmp_path, prompt="")
        assert explorer.view.words == []
        assert explorer.view.map_words == []
        assert any("empty" in note for note in explorer.view.notes)

    def test_a_missing_model_is_reported_in_one_sentence(self, tmp_path):
        explorer = GenerationExplorer(tmp_path, models=["<i>nowhere"])
        assert explorer.background.wait(WAIT)
        assert "⚠" in explorer.message.value
        assert "<i>" not in explorer.message.value
        assert "Traceback" not in explorer.message.value
        assert not explorer.view.running

    def test_a_slow_model_draws_only_when_asked(self, tmp_path):
        explorer = opened(tmp_path, models=["embedded", "embedded-teacher"])
        before = explorer.view.picture
        explorer.model.value = "embedded-teacher"
        explorer.steps.value = 3
        explorer.guidance.value = 2.0
        assert not explorer.view.running
        assert not explorer.view.follow
        assert explorer.view.picture == before
        do(explorer, "draw")
        assert explorer._generations[0].picture.record["model"] == "embedded-teacher"

    def test_without_estimates_of_the_scheduler_the_noisy_picture_is_shown(self, tmp_path, monkeypatch):
        from diffusers import PNDMScheduler

        pipeline = synthviz.load_pipeline("embedded-teacher")
        pipeline.scheduler = PNDMScheduler.from_config(pipeline.scheduler.config)
        monkeypatch.setattr(explorer_module.pipelines, "load_pipeline", lambda model: pipeline)
        explorer = GenerationExplorer(tmp_path, PROMPT, models=["embedded-teacher"])
        explorer.receive({"do": "stop"})
        explorer.steps.value = 5
        do(explorer, "draw")
        assert explorer.message.value == ""
        explorer.view.step = 2
        assert PICTURE in explorer.view.caption
