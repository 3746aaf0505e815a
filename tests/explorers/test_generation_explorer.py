"""The generation explorer, used by its buttons, without a page."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

import synthviz
from synthviz import generation
from synthviz.explorers import GenerationExplorer, generation as explorer_module
from synthviz.explorers.generation import GUESS, NO_WORD, PICTURE
from synthviz.explorers.rendering import SHOWN, to_png
from synthviz.records import read_record

WAIT = 120  # seconds
PROMPT = "a red boat on the ocean"


def shown(explorer) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(explorer.image.value)).convert("RGB"))


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> GenerationExplorer:
    """An explorer that has made two pictures."""
    explorer = GenerationExplorer(tmp_path_factory.mktemp("kept"), PROMPT, seed=3)
    explorer.count.value = 2
    explorer.generate.click()
    assert explorer.background.wait(WAIT)
    assert explorer.message.value == ""
    return explorer


@pytest.fixture
def explorer(made):
    made.chosen.value = 1
    made.step.value, made.view.value, made.word.value = made.step.max, GUESS, NO_WORD
    return made


def test_the_pictures_are_the_librarys(explorer):
    pipeline = synthviz.load_pipeline("embedded")
    config = synthviz.GenerationConfig(PROMPT, count=1, seed=4, steps=4, guidance_scale=3.0)
    (alone,) = synthviz.generate(pipeline, config)
    held = explorer._made[1].picture
    assert np.array_equal(np.asarray(held.image), np.asarray(alone.image))
    assert held.record == alone.record


def test_every_picture_can_be_chosen(explorer):
    second = shown(explorer)
    explorer.chosen.value = 0
    assert [label for label, _ in explorer.chosen.options] == ["seed 3", "seed 4"]
    assert not np.array_equal(shown(explorer), second)


def test_the_film_can_be_pulled_back(explorer):
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


def test_a_word_is_laid_over_the_picture(explorer):
    plain = shown(explorer)
    assert explorer.word.options == (NO_WORD, "a", "red", "boat", "on", "the", "ocean")
    explorer.word.value = "boat"
    covered = shown(explorer)
    explorer.opacity.value, before = 0.0, explorer.opacity.value
    assert not np.array_equal(covered, plain)
    assert np.array_equal(shown(explorer), plain)
    explorer.opacity.value = before


def test_kept_pictures_carry_their_record_and_never_replace_one_another(explorer):
    for _ in range(2):
        explorer.keep.click()
    paths = sorted(explorer.folder.glob("*.png"))
    assert [path.name for path in paths] == ["kept_picture_1.png", "kept_picture_2.png"]
    assert "kept_picture_2.png" in explorer.message.value
    assert read_record(paths[1])["seed"] == 4
    explorer.message.say("")


def test_keeping_where_nothing_can_be_written_is_said(explorer, monkeypatch, tmp_path):
    file = tmp_path / "file"
    file.write_text("not a folder")
    monkeypatch.setattr(explorer, "folder", file)
    explorer.keep.click()
    assert "⚠" in explorer.message.value
    explorer.message.say("")


def test_a_drawing_that_fails_is_said(explorer, monkeypatch):
    def fail(*_, **__):
        raise MemoryError("not enough\nfor <i>this</i>")

    monkeypatch.setattr(explorer_module, "to_png", fail)
    explorer.step.value = 2
    assert "⚠ not enough for &lt;i&gt;this&lt;/i&gt;." in explorer.message.value
    explorer.message.say("")


class TestWhileOneForms:
    @pytest.fixture
    def playing(self, tmp_path):
        """An explorer that has made one picture."""
        explorer = GenerationExplorer(tmp_path, PROMPT, seed=3)
        explorer.generate.click()
        assert explorer.background.wait(WAIT)
        return explorer

    def at_the_first_step(self, explorer, monkeypatch, do) -> None:
        """Make a picture, and do something once while its first step is shown."""
        show, seen = explorer._show_forming, []

        def forming(picture):
            show(picture)
            if not seen:
                seen.append(True)
                do()

        monkeypatch.setattr(explorer, "_show_forming", forming)
        explorer.generate.click()
        assert explorer.background.wait(WAIT)
        assert seen

    def test_nothing_else_can_be_chosen_or_kept_and_stop_shows_the_old_one_again(self, playing, monkeypatch):
        before, caption = shown(playing), playing.caption.value
        state = {}

        def look_and_stop():
            playing.opacity.value = 0.3  # draws nothing over it
            controls = (playing.keep, playing.chosen, playing.step, playing.word)
            state.update(
                picture=shown(playing), caption=playing.caption.value, enabled=[c for c in controls if not c.disabled]
            )
            playing.stop.click()

        playing.seed.value = 8
        self.at_the_first_step(playing, monkeypatch, look_and_stop)
        assert not np.array_equal(state["picture"], before)
        assert (state["caption"], state["enabled"]) == ("", [])
        assert np.array_equal(shown(playing), before)
        assert playing.caption.value == caption
        playing.keep.click()
        (kept,) = playing.folder.glob("*.png")
        assert read_record(kept)["seed"] == 3
        scaled = to_png(np.asarray(Image.open(kept).convert("RGB")), SHOWN, smooth=True)
        assert scaled == playing.image.value

    def test_what_is_kept_is_the_new_one_once_it_is_done(self, playing):
        playing.seed.value = 8
        playing.generate.click()
        assert playing.background.wait(WAIT)
        assert not playing.keep.disabled
        playing.step.value = 1
        playing.keep.click()
        assert "The finished picture is saved as kept_picture_1.png" in playing.message.value
        assert read_record(playing.folder / "kept_picture_1.png")["seed"] == 8

    def test_a_prompt_that_is_wrong_meanwhile_stops_nothing(self, playing, monkeypatch):
        seen = []

        def ask_for_nothing():
            playing.prompt.value = " "
            playing.generate.click()
            seen.append((playing.message.value, playing.stop.disabled))

        self.at_the_first_step(playing, monkeypatch, ask_for_nothing)
        ((said, disabled),) = seen
        assert "prompt is" in said
        assert not disabled
        assert playing._made[0].picture.record["prompt"] == PROMPT
        assert playing.progress.value == playing.progress.max
        assert playing.stop.disabled

    def test_a_batch_that_starts_again_leaves_one_film(self, playing, monkeypatch):
        paint, attempts = generation._run, []

        def runs_out_once(pipeline, arguments, seeds, tell, on_latents):
            def fail_late(timestep, latents):
                on_latents(timestep, latents)
                if len(attempts) == 1:
                    raise MemoryError

            attempts.append(seeds)
            return paint(pipeline, arguments, seeds, tell, fail_late)

        monkeypatch.setattr(generation, "_run", runs_out_once)
        playing.generate.click()
        assert playing.background.wait(WAIT)
        assert attempts == [[3], [3]]
        assert playing.step.max == 4
        assert {kind: len(kept) for kind, kept in playing._made[0].latents.items()} == {PICTURE: 4, GUESS: 4}


class TestWords:
    @pytest.fixture
    def typing(self, tmp_path):
        return GenerationExplorer(tmp_path)

    def test_known_words_are_offered_and_put_in(self, typing):
        typing.prompt.value = "a red boat on the oc"
        offered = [button for button in typing.suggestions.children if button.layout.display != "none"]
        assert [button.description for button in offered] == ["ocean"]
        offered[0].click()
        assert typing.prompt.value == "a red boat on the ocean "
        assert "knows every word" in typing.words.value

    def test_unknown_words_are_marked_with_their_nearest(self, typing):
        typing.prompt.value = "a yacht near <b>dragons</b>"
        assert "<u>yacht</u> (nearest known: boat" in typing.words.value
        assert "<u>dragons</u>" in typing.words.value
        assert "<b>" not in typing.words.value


class TestWhatGoesWrong:
    def test_an_empty_prompt_is_said_before_any_work(self, tmp_path):
        explorer = GenerationExplorer(tmp_path, prompt=" ")
        explorer.generate.click()
        assert explorer.background.wait(WAIT)
        assert "prompt is" in explorer.message.value
        assert explorer.stop.disabled

    def test_a_model_that_is_not_there_is_one_sentence(self, tmp_path):
        explorer = GenerationExplorer(tmp_path, models=["<i>nowhere"])
        explorer.generate.click()
        assert explorer.background.wait(WAIT)
        assert "⚠" in explorer.message.value
        assert "<i>" not in explorer.message.value
        assert "Traceback" not in explorer.message.value

    def test_stop_keeps_what_is_finished(self, tmp_path, monkeypatch):
        explorer = GenerationExplorer(tmp_path, PROMPT)
        explorer.count.value = 9
        finished = explorer._show_finished

        def finished_one(made, all_done):
            finished(made, all_done)
            explorer.stop.click()

        monkeypatch.setattr(explorer, "_show_finished", finished_one)
        explorer.generate.click()
        assert explorer.background.wait(WAIT)
        assert len(explorer._made) == 1
        assert explorer.message.value == "Stopped."

    def test_schedulers_that_tell_no_estimate_show_the_picture_itself(self, tmp_path, monkeypatch):
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
