"""Play with a prompt: the picture forms as one watches, and every step and word of it can be looked at afterwards."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import numpy as np

from synthviz import records, scenes, shipped_models
from synthviz.diffusion import pipelines
from synthviz.diffusion.config import GenerationConfig
from synthviz.explorers.background import Background, Checkpoint
from synthviz.explorers.making import GUESS, PICTURE, Made
from synthviz.explorers.message import Message, small
from synthviz.explorers.rendering import SHOWN, colored, enlarged, laid_over, to_png

NO_WORD = "no word"
SUGGESTIONS = 6
WIDE = {"description_width": "7em"}


class GenerationExplorer(widgets.VBox):
    """Widgets around `synthviz.generate`, the denoising film and the word maps.

    Args:
        folder: where pictures that are kept go.
        prompt, seed: to begin with.
        models: what to choose from, as for `load_pipeline`; each is loaded when it is first needed.
    """

    def __init__(
        self,
        folder: str | Path,
        prompt: str = "a serene sunset over a futuristic city",
        seed: int = 0,
        models: Sequence[str] = ("embedded", "embedded-teacher"),
    ) -> None:
        self.folder = Path(folder)
        self.background = Background(on_error=self._failed)
        self._pipelines: dict[str, Any] = {}
        self._made: list[Made] = []
        self._forming = False  # whether the picture that is shown is one that is being made
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
        answering = self.background.answering
        self.prompt.observe(answering(lambda change: self._check_words()), "value")
        for button in self.suggestions.children:
            button.on_click(answering(self._complete))
        self.model.observe(answering(lambda change: self._set_defaults()), "value")
        self.generate.on_click(answering(lambda button: self._start()))
        self.stop.on_click(answering(lambda button: self._stop()))
        self.keep.on_click(answering(lambda button: self._keep()))
        self.chosen.observe(answering(lambda change: self._choose()), "value")
        for control in (self.step, self.view, self.word, self.opacity):
            control.observe(answering(lambda change: self._draw()), "value")
        self._set_defaults()

    def _set_defaults(self) -> None:
        self.steps.value, guidance = shipped_models.SHIPPED_DEFAULTS.get(self.model.value, (25, 7.5))
        self.guidance.value = guidance
        self._check_words()

    def _check_words(self) -> None:
        """Say which words the embedded model does not know, and offer known ones for the word being typed."""
        if self.model.value not in shipped_models.SHIPPED_DEFAULTS:
            self.words.value = ""
            return self._offer([])
        unknown = scenes.unknown_words(self.prompt.value)
        typed = re.findall(r"\w+$", self.prompt.value.lower())
        beginning = typed[0] if typed else ""
        known = sorted(word for word in scenes.known_words() if word.startswith(beginning)) if beginning else []
        if beginning in unknown and not known:
            known = scenes.nearest_known_words(beginning)
        self._offer([word for word in known if word != beginning][:SUGGESTIONS])
        if not unknown:
            self.words.value = small("The embedded model knows every word of this prompt.")
            return None
        marked = ", ".join(_with_nearest(word) for word in unknown)
        self.words.value = small(f"⚠ Words it never learnt, and will ignore: {marked}")
        return None

    def _offer(self, words: Sequence[str]) -> None:
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
            return self.message.fail(error)  # what is being made meanwhile goes on
        model = self.model.value
        self.message.say("")
        self._set_forming(True)
        self.stop.disabled = False
        self.progress.bar_style = ""
        self.progress.value, self.progress.max = 0, config.count * self.steps.value
        self.background.start(lambda checkpoint: self._generate(model, config, checkpoint))
        return None

    def _stop(self) -> None:
        self.background.stop()
        self.stop.disabled = True
        self.progress.bar_style = "warning"
        self.message.say("Stopped.")
        self._set_forming(False)

    def _set_forming(self, forming: bool) -> None:
        """While a picture forms there is nothing to choose or to keep; afterwards the chosen one is shown again."""
        self._forming = forming
        nothing = forming or not self._made
        self.keep.disabled = self.chosen.disabled = self.step.disabled = nothing
        self.word.disabled = nothing or len(self.word.options) == 1
        self.caption.value = ""
        self._draw()

    def _generate(self, model: str, config: GenerationConfig, checkpoint: Checkpoint) -> None:
        """The task: one picture after another, so that what is finished stays when the rest is cancelled."""
        if model not in self._pipelines:
            self.background.show(self.message.say, f"Loading {model} …")
            self._pipelines[model] = pipelines.load_pipeline(model)
            self.background.show(self.message.say, "")
        pipeline = self._pipelines[model]
        checkpoint()
        finished: list[Made] = []
        for index in range(config.count):
            made = Made(config.seed + index, pipeline)
            self._make(made, config, checkpoint, index)
            finished.append(made)
            self.background.show(self._show_finished, list(finished), index + 1 == config.count)

    def _make(self, made: Made, config: GenerationConfig, checkpoint: Checkpoint, index: int) -> None:
        shown = self.view.value

        def step_done(done: int, total: int) -> None:
            checkpoint()
            self.background.show(self._show_progress, index * total + done)

        def step_kept() -> None:
            kind = shown if made.latents[shown] else PICTURE
            self.background.show(self._show_forming, made.decoded(kind, len(made.latents[kind]) - 1))

        made.make(replace(config, count=1, seed=made.seed), step_done, step_kept)

    def _failed(self, error: Exception) -> None:
        self.message.fail(error)
        if self.background.busy:  # it was not the task
            return
        self.stop.disabled = True
        self.progress.bar_style = "danger"
        if self._forming:
            self._set_forming(False)

    def _show_progress(self, done: int) -> None:
        self.progress.value = done

    def _show_forming(self, picture: np.ndarray) -> None:
        self.image.value = to_png(picture, SHOWN, smooth=True)

    def _show_finished(self, made: list[Made], all_done: bool) -> None:
        self._made = made
        self.chosen.options = [(f"seed {one.seed}", index) for index, one in enumerate(made)]
        self.chosen.value = len(made) - 1
        self._choose()
        if all_done:
            self.stop.disabled = True
            self.progress.bar_style = "success"
            self._set_forming(False)

    def _choose(self) -> None:
        """Set the controls to what the chosen picture has to show, its last step first."""
        if self.chosen.value is None:
            return
        made = self._made[self.chosen.value]
        words = list(dict.fromkeys(word.lower() for word in made.maps.words)) if made.maps is not None else []
        self.step.max = max(1, len(made.latents[PICTURE]))
        self.step.value = self.step.max
        kept = self.word.value if self.word.value in words else NO_WORD
        self.word.options = [NO_WORD, *words]
        self.word.value = kept
        self.word.disabled = self._forming or not words
        self._draw()

    def _draw(self) -> None:
        """Show the chosen step of the chosen picture, with the map of the chosen word over it."""
        if self._forming or not self._made or self.chosen.value is None:
            return
        made, step = self._made[self.chosen.value], self.step.value
        assert made.picture is not None  # only finished pictures can be chosen
        kind = self.view.value if made.latents[self.view.value] else PICTURE
        last = step == self.step.max
        # Schedulers of second order estimate twice a step.
        index = round(step * len(made.latents[kind]) / len(made.latents[PICTURE])) - 1
        shown = np.asarray(made.picture.image) if last else made.decoded(kind, index)
        said = f"Step {step} of {self.step.max}: " + ("the finished picture" if last else kind)
        if self.word.value != NO_WORD and made.maps is not None:
            over_time = made.maps.over_time(self.word.value)
            attention = (over_time.mean(dim=0) if last else over_time[min(step, len(over_time)) - 1]).numpy()
            attention = enlarged(attention, *shown.shape[:2])
            colors = colored(attention, 0, float(attention.max()))
            shown = laid_over(shown, colors, self.opacity.value)
            when = "over all steps" if last else "at this step"
            said += f"; yellow where “{self.word.value}” was read most {when}"
        self.image.value = to_png(shown, SHOWN, smooth=True)
        notes = "".join(f"<br>⚠ {html.escape(note)}" for note in made.picture.record["notes"])
        self.caption.value = small(f"{html.escape(said)}.{notes}")

    def _keep(self) -> None:
        made = self._made[self.chosen.value]
        assert made.picture is not None
        taken = {path.name for path in self.folder.glob("kept_picture_*.png")}
        number = next(n for n in range(1, len(taken) + 2) if f"kept_picture_{n}.png" not in taken)
        try:
            path = records.write_png(
                self.folder / f"kept_picture_{number}.png", made.picture.image, made.picture.record
            )
        except OSError as error:
            return self.message.fail(error)
        which = "Saved" if self.step.value == self.step.max else "The finished picture is saved"
        return self.message.say(f"{which} as {path.name}, with its record inside.")


def _with_nearest(word: str) -> str:
    nearest = scenes.nearest_known_words(word)
    hint = f" (nearest known: {', '.join(nearest)})" if nearest else ""
    return f"<u>{html.escape(word)}</u>{html.escape(hint)}"
