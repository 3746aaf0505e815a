"""An explorer for prompts: shows each step of a generation live, and afterwards every step and word map."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import ipywidgets as widgets
import numpy as np
from torch import Tensor

from synthviz import records, scenes, shipped_models
from synthviz.diffusion import pipelines
from synthviz.diffusion.config import GenerationConfig
from synthviz.explorers.background import Background, Checkpoint
from synthviz.explorers.message import Message, small
from synthviz.explorers.recorded_generation import GUESS, PICTURE, RecordedGeneration
from synthviz.explorers.rendering import SHOWN, colored, enlarged, laid_over, to_png
from synthviz.files import user_path

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline

NO_WORD = "no word"
SUGGESTIONS = 6
WIDE = {"description_width": "7em"}


class GenerationExplorer(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Widgets around `synthviz.generate`, the denoising film and the word maps.

    Args:
        folder: folder for the pictures that the user keeps.
        prompt: the first prompt.
        seed: the first seed.
        models: names for `load_pipeline` to choose from; each model is loaded when it is first needed.
    """

    def __init__(
        self,
        folder: str | Path,
        prompt: str = "a serene sunset over a futuristic city",
        seed: int = 0,
        models: Sequence[str] = ("embedded", "embedded-teacher"),
    ) -> None:
        self.folder = user_path(folder)
        self.background = Background(on_error=self._show_error)
        self._pipelines: dict[str, DiffusionPipeline] = {}
        self._generations: list[RecordedGeneration] = []
        self._generating = False  # while it is True, the image shows the steps of a new picture
        self._build_controls(prompt, seed, models)
        self._connect()
        super().__init__(
            [
                self.prompt,
                self.words,
                self.suggestions,
                widgets.HBox([self.model, self.seed, self.count], layout={"flex_flow": "row wrap"}),
                widgets.HBox([self.steps, self.guidance], layout={"flex_flow": "row wrap"}),
                widgets.HBox([self.generate, self.stop, self.keep, self.progress]),
                self.message,
                widgets.HBox(
                    [self.image, widgets.VBox([self.chosen, self.step, self.view, self.word, self.opacity])],
                    layout={"flex_flow": "row wrap"},
                ),
                self.caption,
            ]
        )
        self._check_words()

    def _build_controls(self, prompt: str, seed: int, models: Sequence[str]) -> None:
        wide, short = {"width": "40em", "max_width": "98%"}, {"width": "16em"}
        self.prompt = widgets.Text(prompt, description="Prompt", style=WIDE, layout=wide)
        self.words = widgets.HTML()
        self.suggestions = widgets.HBox(
            [widgets.Button(layout={"width": "auto", "display": "none"}) for _ in range(SUGGESTIONS)]
        )
        self.model = widgets.Dropdown(options=list(dict.fromkeys(models)), description="Model", style=WIDE)
        self.seed = widgets.BoundedIntText(seed, min=0, max=2**53 - 1000, description="Seed", style=WIDE, layout=short)
        self.count = widgets.BoundedIntText(1, min=1, max=9, description="How many", style=WIDE, layout=short)
        self.steps = widgets.BoundedIntText(4, min=1, max=100, description="Steps", style=WIDE, layout=short)
        self.guidance = widgets.FloatSlider(
            3.0, min=1, max=12, step=0.5, description="Guidance", style=WIDE, readout_format=".1f"
        )
        self.generate = widgets.Button(description="Generate", button_style="primary", icon="play")
        self.stop = widgets.Button(description="Stop", icon="stop", disabled=True)
        self.keep = widgets.Button(description="Keep this picture", icon="save", disabled=True)
        self.progress = widgets.IntProgress(0, max=1, layout={"width": "14em"})
        self.message = Message()
        side = f"{SHOWN}px"
        self.image = widgets.Image(value=to_png(np.full((8, 8), 240, np.uint8), SHOWN), width=SHOWN, height=SHOWN)
        self.image.layout = {"width": side, "height": side, "object_fit": "contain"}
        self.chosen = widgets.Dropdown(options=[], description="Picture", style=WIDE, disabled=True)
        self.step = widgets.IntSlider(1, min=1, max=1, description="Step", style=WIDE, disabled=True)
        self.view = widgets.ToggleButtons(options=[GUESS, PICTURE], description="Show", style=WIDE)
        self.word = widgets.Dropdown(options=[NO_WORD], description="Word map", style=WIDE, disabled=True)
        self.opacity = widgets.FloatSlider(
            0.65, min=0, max=1, step=0.05, description="Opacity", style=WIDE, readout_format=".0%"
        )
        self.caption = widgets.HTML()

    def _connect(self) -> None:
        guarded = self.background.guarded
        self.prompt.observe(guarded(lambda change: self._check_words()), "value")
        for button in self.suggestions.children:
            button.on_click(guarded(self._complete))
        self.model.observe(guarded(lambda change: self._set_defaults()), "value")
        self.generate.on_click(guarded(lambda button: self._start()))
        self.stop.on_click(guarded(lambda button: self._stop()))
        self.keep.on_click(guarded(lambda button: self._keep()))
        self.chosen.observe(guarded(lambda change: self._choose()), "value")
        for control in (self.step, self.view, self.word, self.opacity):
            control.observe(guarded(lambda change: self._draw()), "value")
        self._set_defaults()

    def _set_defaults(self) -> None:
        self.steps.value, guidance = shipped_models.SHIPPED_DEFAULTS.get(self.model.value, (25, 7.5))
        self.guidance.value = guidance
        self._check_words()

    def _check_words(self) -> None:
        """Show which words the embedded model does not know, and suggest known ones for the word being typed."""
        if self.model.value not in shipped_models.SHIPPED_DEFAULTS:
            self.words.value = ""
            self._suggest([])
            return
        unknown = scenes.unknown_words(self.prompt.value)
        typed = re.findall(r"\w+$", self.prompt.value.lower())
        beginning = typed[0] if typed else ""
        known = sorted(word for word in scenes.known_words() if word.startswith(beginning)) if beginning else []
        if beginning in unknown and not known:
            known = scenes.nearest_known_words(beginning)
        self._suggest([word for word in known if word != beginning][:SUGGESTIONS])
        if unknown:
            marked = ", ".join(_with_nearest(word) for word in unknown)
            self.words.value = small(
                f"⚠ The embedded model never learnt these words; they may still change the picture: {marked}"
            )
        else:
            self.words.value = small("The embedded model knows every word of this prompt.")

    def _suggest(self, words: Sequence[str]) -> None:
        for button, word in zip(self.suggestions.children, [*words, *[""] * SUGGESTIONS], strict=False):
            button.description = word
            button.tooltip = f"put “{word}” at the end of the prompt"
            button.layout.display = "" if word else "none"

    def _complete(self, button: widgets.Button) -> None:
        self.prompt.value = re.sub(r"\w+$", "", self.prompt.value) + button.description + " "

    def _start(self) -> None:
        try:
            config = GenerationConfig(
                self.prompt.value,
                count=self.count.value,
                seed=self.seed.value,
                steps=self.steps.value,
                guidance_scale=self.guidance.value,
            )
        except ValueError as error:
            self.message.show_error(error)  # a running generation continues
            return
        model = self.model.value
        self.message.show("")
        self._set_generating(True)
        self.stop.disabled = False
        self.progress.bar_style = ""
        self.progress.value, self.progress.max = 0, config.count * self.steps.value
        self.background.start(lambda checkpoint: self._generate(model, config, checkpoint))

    def _stop(self) -> None:
        self.background.stop()
        self.stop.disabled = True
        self.progress.bar_style = "warning"
        self.message.show("Stopped.")
        self._set_generating(False)

    def _set_generating(self, generating: bool) -> None:
        """Disable choosing and keeping while a picture is generated; afterwards show the chosen picture again."""
        self._generating = generating
        disabled = generating or not self._generations
        self.keep.disabled = self.chosen.disabled = self.step.disabled = disabled
        self.word.disabled = disabled or len(self.word.options) == 1
        self.caption.value = ""
        self._draw()

    def _generate(self, model: str, config: GenerationConfig, checkpoint: Checkpoint) -> None:
        """Generate one picture after another, so that finished pictures stay when the rest is cancelled."""
        if model not in self._pipelines:
            self.background.show(self.message.show, f"Loading {model} …")
            self._pipelines[model] = pipelines.load_pipeline(model)
            self.background.show(self.message.show, "")
        pipeline = self._pipelines[model]
        checkpoint()
        finished: list[RecordedGeneration] = []
        for index in range(config.count):
            generation = RecordedGeneration(config.seed + index, pipeline)
            self._run(generation, config, checkpoint, index)
            finished.append(generation)
            self.background.show(self._show_finished, list(finished), index + 1 == config.count)

    def _run(
        self, generation: RecordedGeneration, config: GenerationConfig, checkpoint: Checkpoint, index: int
    ) -> None:
        """Generate one picture, and show its progress and every step."""
        view = self.view.value

        def step_done(done: int, total: int) -> None:
            checkpoint()
            self.background.show(self._show_progress, index * total + done)

        def step_stored() -> None:
            kind = view if generation.latents[view] else PICTURE
            self.background.show(self._show_preview, generation.decoded(kind, len(generation.latents[kind]) - 1))

        generation.run(replace(config, count=1, seed=generation.seed), step_done, step_stored)

    def _show_error(self, error: Exception) -> None:
        self.message.show_error(error)
        if self.background.busy:  # the task continues: the error came from an update or a callback
            return
        self.stop.disabled = True
        self.progress.bar_style = "danger"
        if self._generating:
            self._set_generating(False)

    def _show_progress(self, done: int) -> None:
        self.progress.value = done

    def _show_preview(self, picture: np.ndarray) -> None:
        self.image.value = to_png(picture, SHOWN, smooth=True)

    def _show_finished(self, generations: list[RecordedGeneration], all_done: bool) -> None:
        self._generations = generations
        self.chosen.options = [(f"seed {generation.seed}", index) for index, generation in enumerate(generations)]
        self.chosen.value = len(generations) - 1
        self._choose()
        if all_done:
            self.stop.disabled = True
            self.progress.bar_style = "success"
            self._set_generating(False)

    def _choose(self) -> None:
        """Adapt the controls to the chosen picture and show its last step."""
        if self.chosen.value is None:
            return
        generation = self._generations[self.chosen.value]
        maps = generation.maps
        words = [] if maps is None else list(dict.fromkeys(word.lower() for word in maps.words))
        self.step.max = max(1, len(generation.latents[PICTURE]))
        self.step.value = self.step.max
        word = self.word.value if self.word.value in words else NO_WORD
        self.word.options = [NO_WORD, *words]
        self.word.value = word
        self.word.disabled = self._generating or not words
        self._draw()

    def _draw(self) -> None:
        """Show the chosen step of the chosen picture, with the map of the chosen word over it."""
        if self._generating or not self._generations or self.chosen.value is None:
            return
        generation, step = self._generations[self.chosen.value], self.step.value
        assert generation.picture is not None  # only finished pictures can be chosen
        if step == self.step.max:
            shown, caption = np.asarray(generation.picture.image), "the finished picture"
        else:
            kind = self.view.value if generation.latents[self.view.value] else PICTURE
            # Schedulers of second order return two estimates per step.
            index = round(step * len(generation.latents[kind]) / len(generation.latents[PICTURE])) - 1
            shown, caption = generation.decoded(kind, index), kind
        if self.word.value != NO_WORD and generation.maps is not None:
            shown = self._with_word_map(shown, generation.maps.over_time(self.word.value))
            when = "over all steps" if step == self.step.max else "at this step"
            caption += f"; yellow where “{self.word.value}” was read most {when}"
        self.image.value = to_png(shown, SHOWN, smooth=True)
        notes = "".join(f"<br>⚠ {html.escape(note)}" for note in generation.picture.record["notes"])
        self.caption.value = small(f"Step {step} of {self.step.max}: {html.escape(caption)}.{notes}")

    def _with_word_map(self, picture: np.ndarray, over_time: Tensor) -> np.ndarray:
        """Lay a word's map over a picture: the map of the chosen step, or at the last step the mean of all."""
        step = self.step.value
        chosen = over_time.mean(dim=0) if step == self.step.max else over_time[min(step, len(over_time)) - 1]
        attention = enlarged(chosen.numpy(), *picture.shape[:2])
        return laid_over(picture, colored(attention, 0, float(attention.max())), self.opacity.value)

    def _keep(self) -> None:
        """Save the chosen picture under the first free name."""
        picture = self._generations[self.chosen.value].picture
        assert picture is not None
        taken = {path.name for path in self.folder.glob("kept_picture_*.png")}
        name = next(name for n in range(1, len(taken) + 2) if (name := f"kept_picture_{n}.png") not in taken)
        try:
            records.write_png(self.folder / name, picture.image, picture.record)
        except OSError as error:
            self.message.show_error(error)
            return
        saved = "Saved" if self.step.value == self.step.max else "The finished picture is saved"
        self.message.show(f"{saved} as {name}, with its record inside.")


def _with_nearest(word: str) -> str:
    """Underline an unknown word and add the known words nearest to it, as HTML."""
    nearest = scenes.nearest_known_words(word)
    hint = f" (nearest known: {', '.join(nearest)})" if nearest else ""
    return f"<u>{html.escape(word)}</u>{html.escape(hint)}"
