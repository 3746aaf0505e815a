"""An explorer for prompts: a prompt whose words can be touched, its pictures, their films, and ways to steer them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np

from synthviz import records, shipped_models
from synthviz.diffusion import pipelines
from synthviz.diffusion.config import GenerationConfig
from synthviz.diffusion.steering import Steering
from synthviz.explorers.background import Background, Checkpoint
from synthviz.explorers.message import Message
from synthviz.explorers.prompt_view import PromptView
from synthviz.explorers.prompt_words import prompt_words
from synthviz.explorers.recorded_generation import GUESS, PICTURE, RecordedGeneration
from synthviz.explorers.rendering import to_png
from synthviz.explorers.steering_panel import SteeringPanel
from synthviz.files import user_path

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline

FAST = ("embedded",)  # models that draw while the user types or moves a slider
WIDE = {"description_width": "initial"}
THUMBNAIL = 96  # pixels


@dataclass(frozen=True)
class _Task:
    """What to draw.

    Attributes:
        model: its name.
        config: the settings of all pictures.
        steering: how to depart from them.
        compare: whether the last picture stays beside the new one.
    """

    model: str
    config: GenerationConfig
    steering: Steering | None
    compare: bool


class GenerationExplorer(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Widgets around `synthviz.generate`, the film, the word maps and steering; the first picture is drawn at once.

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
        self._unfinished = False  # whether the view shows a step of a picture that is being drawn
        self._build_controls(prompt, seed, models)
        self._connect()
        wrapped = {"flex_flow": "row wrap"}
        self.more = widgets.Accordion(
            [widgets.HBox([self.model, self.steps, self.follow], layout=wrapped), self.steering],
            titles=("Model and steps", "Steer it"),
        )
        row = widgets.HBox([self.seed, self.another, self.count, self.guidance, self.keep], layout=wrapped)
        super().__init__([self.view, row, self.message, self.more])
        self._draw()

    def _build_controls(self, prompt: str, seed: int, models: Sequence[str]) -> None:
        self.view = PromptView(prompt=prompt, kinds=[GUESS, PICTURE], kind=GUESS)
        number = {"width": "11em"}
        self.seed = widgets.BoundedIntText(
            seed, min=0, max=2**53 - 1000, description="Seed", style=WIDE, layout={"width": "12em"}
        )
        self.another = widgets.Button(description="Another seed", icon="random", layout={"width": "11em"})
        self.count = widgets.BoundedIntText(1, min=1, max=9, description="How many", style=WIDE, layout=number)
        self.guidance = widgets.FloatSlider(
            3.0, min=1, max=12, step=0.5, description="Guidance", style=WIDE, readout_format=".1f"
        )
        self.keep = widgets.Button(
            description="Keep this picture", icon="save", disabled=True, layout={"width": "12em"}
        )
        self.model = widgets.Dropdown(options=list(dict.fromkeys(models)), description="Model", style=WIDE)
        self.steps = widgets.BoundedIntText(4, min=1, max=100, description="Steps", style=WIDE, layout=number)
        self.follow = widgets.Checkbox(True, description="draw while I type", indent=False)
        self.steering = SteeringPanel()
        self.message = Message()
        self._set_defaults()

    def _connect(self) -> None:
        guarded = self.background.guarded
        self.view.observe(guarded(lambda change: self._read_words()), "prompt")
        self.view.observe(guarded(lambda change: self._choose()), "chosen")
        self.view.observe(guarded(lambda change: self._show_step()), ["step", "kind"])
        self.view.on_msg(guarded(lambda view, message, buffers: self.receive(message)))
        self.model.observe(guarded(lambda change: self._change_model()), "value")
        for control in (self.guidance, self.seed, self.count, self.steps):
            control.observe(guarded(lambda change: self._redraw()), "value")
        self.follow.observe(guarded(lambda change: self._set_follow()), "value")
        self.another.on_click(guarded(lambda button: self._take_another_seed()))
        self.keep.on_click(guarded(lambda button: self._keep()))
        self.steering.switch.on_click(guarded(lambda button: self._switch_prompt()))
        for control in (self.steering.share, self.steering.other_seed):
            control.observe(guarded(lambda change: self._walk()), "value")

    def receive(self, message: dict[str, Any]) -> None:
        """Do what the view's message asks for; see `PromptView`."""
        action = message.get("do")
        if action == "draw":
            self._draw()
        elif action == "compare":
            self._draw(compare=True)
        elif action == "stop":
            self._stop()
        elif action == "close":
            self.view.before = b""

    def _change_model(self) -> None:
        self._set_defaults()
        self._read_words()
        self._redraw()

    def _set_defaults(self) -> None:
        steps, guidance = shipped_models.SHIPPED_DEFAULTS.get(self.model.value, (25, 7.5))
        self.steps.value, self.guidance.value = steps, guidance
        self._set_follow()

    def _set_follow(self) -> None:
        self.follow.disabled = self.model.value not in FAST
        self.view.follow = self.follow.value and not self.follow.disabled

    def _read_words(self) -> None:
        """Show how the model reads the prompt, once the model is there."""
        pipeline = self._pipelines.get(self.model.value)
        if pipeline is not None:
            words = prompt_words(self.view.prompt, pipeline)
            self.view.words = [{**asdict(word), "pieces": list(word.pieces)} for word in words]

    def _take_another_seed(self) -> None:
        self.seed.value = random.randrange(100_000)  # redraws
        if self.model.value not in FAST:
            self._draw()

    def _redraw(self) -> None:
        """Draw again after a setting changed, if the model is fast enough to follow."""
        if self.model.value in FAST:
            self._draw()

    def _switch_prompt(self) -> None:
        self._draw(Steering(later_prompt=self.steering.later.value, switch_after=self.steering.after.value), True)

    def _walk(self) -> None:
        share = self.steering.share.value
        self._draw(Steering(other_seed=self.steering.other_seed.value, other_share=share) if share else None)

    def _draw(self, steering: Steering | None = None, compare: bool = False) -> None:
        try:
            config = GenerationConfig(
                self.view.prompt,
                count=1 if steering or compare else self.count.value,
                seed=self.seed.value,
                steps=self.steps.value,
                guidance_scale=self.guidance.value,
            )
        except ValueError as error:
            self.message.show_error(error)  # a running generation continues
            return
        task = _Task(self.model.value, config, steering, compare)
        self.message.show("")
        self.view.progress, self.view.running = 0.0, True
        self.keep.disabled = True
        self.background.start(lambda checkpoint: self._generate(task, checkpoint))

    def _stop(self) -> None:
        """Cancel the drawing; an unfinished picture stays to be looked at, and finished ones can be chosen."""
        if not self.view.running:
            return
        self.background.stop()
        if self._unfinished:
            self.view.chosen, self.view.steps, self.view.map_words = -1, 0, []
            self.view.caption = "Stopped on the way."
        self._finish()

    def _finish(self) -> None:
        self.view.running, self._unfinished = False, False
        self.keep.disabled = self.view.chosen < 0 or not self._generations

    def _generate(self, task: _Task, checkpoint: Checkpoint) -> None:
        """Generate one picture after another, so that finished pictures stay when the rest is cancelled."""
        if task.model not in self._pipelines:
            self.background.show(self.message.show, f"Loading {task.model} …")
            self._pipelines[task.model] = pipelines.load_pipeline(task.model)
            self.background.show(self.message.show, "")
        self.background.show(self._read_words)
        checkpoint()
        finished: list[RecordedGeneration] = []
        for index in range(task.config.count):
            generation = RecordedGeneration(task.config.seed + index, self._pipelines[task.model])
            self._run(generation, task, checkpoint, index)
            finished.append(generation)
            self.background.show(self._show_finished, list(finished), task)

    def _run(self, generation: RecordedGeneration, task: _Task, checkpoint: Checkpoint, index: int) -> None:
        """Generate one picture, and show its progress and every step."""
        view, count = self.view.kind, task.config.count

        def step_done(done: int, total: int) -> None:
            checkpoint()
            self.background.show(self._show_progress, (index + done / total) / count)

        def step_stored() -> None:
            kind = view if generation.latents[view] else PICTURE
            self.background.show(self._show_preview, generation.decoded(kind, len(generation.latents[kind]) - 1))

        config = replace(task.config, count=1, seed=generation.seed)
        generation.run(config, step_done, step_stored, task.steering)

    def _show_error(self, error: Exception) -> None:
        self.message.show_error(error)
        if not self.background.busy:  # else the task continues: the error came from an update or a callback
            self._finish()

    def _show_progress(self, share: float) -> None:
        self.view.progress = share

    def _show_preview(self, picture: np.ndarray) -> None:
        self._unfinished = True
        with self.view.hold_sync():
            self.view.picture, self.view.map_words = to_png(picture), []

    def _show_finished(self, generations: list[RecordedGeneration], task: _Task) -> None:
        """Show the newest picture; at the end of the task, let the user choose among all."""
        if len(generations) == 1:
            self._show_before(task)
        self._generations = generations
        self.view.thumbnails = [
            {"label": f"seed {each.seed}", "image": to_png(each.image, THUMBNAIL, smooth=True)} for each in generations
        ]
        self.view.chosen = len(generations) - 1
        self._choose()
        if len(generations) == task.config.count:
            self.steering.set_steps(generations[-1].steps)
            self._finish()

    def _show_before(self, task: _Task) -> None:
        """Put the last picture beside the new one, or take an older one away."""
        if task.compare and self._generations:
            last = self._generations[self.view.chosen]
            assert last.picture is not None  # only finished pictures are listed
            self.view.before_caption = f"before: “{last.picture.record['prompt']}”"
            self.view.before = to_png(last.image)
        else:
            self.view.before = b""

    def _choose(self) -> None:
        """Show the last step of the chosen picture."""
        if not self._generations or self.view.chosen < 0:
            return
        generation = self._generations[self.view.chosen]
        self._unfinished = False
        self.keep.disabled = self.view.running
        self.view.steps = self.view.step = generation.steps
        self.view.notes = [] if generation.picture is None else list(generation.picture.record["notes"])
        self._show_step()

    def _show_step(self) -> None:
        """Show the chosen step of the chosen picture, and send the maps of its words."""
        if not self._generations or self.view.chosen < 0 or not self.view.step:
            return
        generation, step = self._generations[self.view.chosen], self.view.step
        shown, caption = generation.shown(step, self.view.kind)
        maps = generation.scaled_maps(step)
        with self.view.hold_sync():
            self.view.map_words = list(maps)
            self.view.map_size = next(iter(maps.values())).shape if maps else (1, 1)
            self.view.maps = b"".join(each.tobytes() for each in maps.values())
        with self.view.hold_sync():
            self.view.picture, self.view.caption = to_png(shown), caption

    def _keep(self) -> None:
        """Save the chosen picture under the first free name."""
        picture = self._generations[self.view.chosen].picture
        assert picture is not None  # only finished pictures can be chosen
        taken = {path.name for path in self.folder.glob("kept_picture_*.png")}
        name = next(name for n in range(1, len(taken) + 2) if (name := f"kept_picture_{n}.png") not in taken)
        try:
            records.write_png(self.folder / name, picture.image, picture.record)
        except OSError as error:
            self.message.show_error(error)
            return
        self.message.show(f"Saved as {name}, with its record inside.")
