"""The generation explorer, driven through its widgets without a browser."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

import synthviz
from synthviz.explorers import GenerationExplorer, generation as explorer_module
from synthviz.explorers.generation import GUESS, NO_WORD, PICTURE
from synthviz.explorers.rendering import SHOWN, to_png
from synthviz.records import read_record

WAIT = 120  # seconds
PROMPT = "a red boat on the ocean"


def shown(explorer) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(explorer.image.value)).convert("RGB"))


@pytest.fixture(scope="module")
def two_pictures(tmp_path_factory) -> GenerationExplorer:
    """An explorer that has generated two pictures."""
    explorer = GenerationExplorer(tmp_path_factory.mktemp("kept"), PROMPT, seed=3)
    explorer.count.value = 2
    explorer.generate.click()
    assert explorer.background.wait(WAIT)
    assert explorer.message.value == ""
    return explorer


@pytest.fixture
def explorer(two_pictures):
    two_pictures.chosen.value = 1
    two_pictures.step.value = two_pictures.step.max
    two_pictures.view.value, two_pictures.word.value = GUESS, NO_WORD
    return two_pictures


def test_the_pictures_equal_those_of_the_library(explorer):
    pipeline = synthviz.load_pipeline("embedded")
    config = synthviz.GenerationConfig(PROMPT, count=1, seed=4, steps=4, guidance_scale=3.0)
    (alone,) = synthviz.generate(pipeline, config)
    picture = explorer._generations[1].picture
    assert np.array_equal(np.asarray(picture.image), np.asarray(alone.image))
    assert picture.record == alone.record


def test_every_picture_can_be_chosen(explorer):
    second = shown(explorer)
    explorer.chosen.value = 0
    assert [label for label, _ in explorer.chosen.options] == ["seed 3", "seed 4"]
    assert not np.array_equal(shown(explorer), second)


def test_earlier_steps_can_be_shown(explorer):
    finished = shown(explorer)
    explorer.step.value = 1
    guess = shown(explorer)
    explorer.view.value = PICTURE
    noisy = shown(explorer)
    assert explorer.step.max == 4
    assert len({picture.tobytes() for picture in (finished, guess, noisy)}) == 3
    assert "Step 1 of 4" in explorer.caption.value
    explorer.step.value = 4
    assert np.array_equal(shown(explorer), finished)


def test_a_word_map_is_laid_over_the_picture(explorer):
    plain = shown(explorer)
    assert explorer.word.options == (NO_WORD, "a", "red", "boat", "on", "the", "ocean")
    explorer.word.value = "boat"
    covered = shown(explorer)
    explorer.opacity.value, before = 0.0, explorer.opacity.value
    assert not np.array_equal(covered, plain)
    assert np.array_equal(shown(explorer), plain)
    explorer.opacity.value = before


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
    explorer.step.value = 2
    assert "⚠ not enough for &lt;i&gt;this&lt;/i&gt;." in explorer.message.value
    explorer.message.show("")


class TestDuringGeneration:
    @pytest.fixture
    def one_picture(self, tmp_path):
        """An explorer that has generated one picture."""
        explorer = GenerationExplorer(tmp_path, PROMPT, seed=3)
        explorer.generate.click()
        assert explorer.background.wait(WAIT)
        return explorer

    def at_the_first_step(self, explorer, monkeypatch, action) -> None:
        """Generate a picture, and call `action` once when its first step is shown."""
        show, called = explorer._show_preview, []

        def preview(picture):
            show(picture)
            if not called:
                called.append(True)
                action()

        monkeypatch.setattr(explorer, "_show_preview", preview)
        explorer.generate.click()
        assert explorer.background.wait(WAIT)
        assert called

    def test_choosing_and_keeping_are_disabled_and_stop_shows_the_previous_picture(self, one_picture, monkeypatch):
        before, caption = shown(one_picture), one_picture.caption.value
        state = {}

        def look_and_stop():
            one_picture.opacity.value = 0.3  # this must not draw over the preview
            controls = (one_picture.keep, one_picture.chosen, one_picture.step, one_picture.word)
            state.update(
                picture=shown(one_picture),
                caption=one_picture.caption.value,
                enabled=[c for c in controls if not c.disabled],
            )
            one_picture.stop.click()

        one_picture.seed.value = 8
        self.at_the_first_step(one_picture, monkeypatch, look_and_stop)
        assert not np.array_equal(state["picture"], before)
        assert (state["caption"], state["enabled"]) == ("", [])
        assert np.array_equal(shown(one_picture), before)
        assert one_picture.caption.value == caption
        one_picture.keep.click()
        (kept,) = one_picture.folder.glob("*.png")
        assert read_record(kept)["seed"] == 3
        scaled = to_png(np.asarray(Image.open(kept).convert("RGB")), SHOWN, smooth=True)
        assert scaled == one_picture.image.value

    def test_after_generation_the_new_picture_is_kept(self, one_picture):
        one_picture.seed.value = 8
        one_picture.generate.click()
        assert one_picture.background.wait(WAIT)
        assert not one_picture.keep.disabled
        one_picture.step.value = 1
        one_picture.keep.click()
        assert "The finished picture is saved as kept_picture_1.png" in one_picture.message.value
        assert read_record(one_picture.folder / "kept_picture_1.png")["seed"] == 8

    def test_an_invalid_prompt_does_not_stop_the_generation(self, one_picture, monkeypatch):
        seen = []

        def generate_without_a_prompt():
            one_picture.prompt.value = " "
            one_picture.generate.click()
            seen.append((one_picture.message.value, one_picture.stop.disabled))

        self.at_the_first_step(one_picture, monkeypatch, generate_without_a_prompt)
        ((message, disabled),) = seen
        assert "prompt is" in message
        assert not disabled
        assert one_picture._generations[0].picture.record["prompt"] == PROMPT
        assert one_picture.progress.value == one_picture.progress.max
        assert one_picture.stop.disabled

    def test_a_repeated_batch_leaves_the_steps_of_one_attempt(self, one_picture):
        calls = []

        def run_out_of_memory_once(*_):
            calls.append(len(calls))
            if len(calls) == 3:
                raise MemoryError

        unet = one_picture._pipelines["embedded"].unet
        with unet.register_forward_pre_hook(run_out_of_memory_once):
            one_picture.generate.click()
            assert one_picture.background.wait(WAIT)
        assert one_picture.message.value == ""
        assert len(calls) == 3 + 4
        assert one_picture.step.max == 4
        (generation,) = one_picture._generations
        assert {kind: len(stored) for kind, stored in generation.latents.items()} == {PICTURE: 4, GUESS: 4}
        assert len(generation.maps.timesteps) == 4


class TestWords:
    @pytest.fixture
    def typing(self, tmp_path):
        return GenerationExplorer(tmp_path)

    def test_known_words_are_suggested_and_inserted(self, typing):
        typing.prompt.value = "a red boat on the oc"
        suggested = [button for button in typing.suggestions.children if button.layout.display != "none"]
        assert [button.description for button in suggested] == ["ocean"]
        suggested[0].click()
        assert typing.prompt.value == "a red boat on the ocean "
        assert "knows every word" in typing.words.value

    def test_unknown_words_are_shown_with_their_nearest_known_words(self, typing):
        typing.prompt.value = "a yacht near <b>dragons</b>"
        assert "<u>yacht</u> (nearest known: boat" in typing.words.value
        assert "<u>dragons</u>" in typing.words.value
        assert "<b>" not in typing.words.value
        assert "may still change the picture" in typing.words.value


class TestErrors:
    def test_an_empty_prompt_is_reported_before_any_work(self, tmp_path):
        explorer = GenerationExplorer(tmp_path, prompt=" ")
        explorer.generate.click()
        assert explorer.background.wait(WAIT)
        assert "prompt is" in explorer.message.value
        assert explorer.stop.disabled

    def test_a_missing_model_is_reported_in_one_sentence(self, tmp_path):
        explorer = GenerationExplorer(tmp_path, models=["<i>nowhere"])
        explorer.generate.click()
        assert explorer.background.wait(WAIT)
        assert "⚠" in explorer.message.value
        assert "<i>" not in explorer.message.value
        assert "Traceback" not in explorer.message.value

    def test_stop_keeps_finished_pictures(self, tmp_path, monkeypatch):
        explorer = GenerationExplorer(tmp_path, PROMPT)
        explorer.count.value = 9
        show = explorer._show_finished

        def show_and_stop(generations, all_done):
            show(generations, all_done)
            explorer.stop.click()

        monkeypatch.setattr(explorer, "_show_finished", show_and_stop)
        explorer.generate.click()
        assert explorer.background.wait(WAIT)
        assert len(explorer._generations) == 1
        assert explorer.message.value == "Stopped."

    def test_without_estimates_of_the_scheduler_the_noisy_picture_is_shown(self, tmp_path, monkeypatch):
        from diffusers import PNDMScheduler

        pipeline = synthviz.load_pipeline("embedded-teacher")
        pipeline.scheduler = PNDMScheduler.from_config(pipeline.scheduler.config)
        monkeypatch.setattr(explorer_module.pipelines, "load_pipeline", lambda model: pipeline)
        explorer = GenerationExplorer(tmp_path, PROMPT, models=["embedded-teacher"])
        explorer.steps.value = 5
        explorer.generate.click()
        assert explorer.background.wait(WAIT)
        assert explorer.message.value == ""
        explorer.step.value = 2
        assert "the picture" in explorer.caption.value
