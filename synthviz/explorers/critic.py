"""An explorer that sets the painter against the critic: a prompt is drawn, the CNN judges, and parts can be covered."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import ipywidgets as widgets
import numpy as np
import torch
from torch import Tensor

from synthviz.cnn.attributions import grad_cam
from synthviz.cnn.network import SceneCNN
from synthviz.diffusion import generation, pipelines
from synthviz.diffusion.config import GenerationConfig
from synthviz.explorers.background import Background, Checkpoint
from synthviz.explorers.critic_view import CriticView
from synthviz.explorers.message import Message, small
from synthviz.explorers.rendering import to_bytes, to_png
from synthviz.explorers.uploads import save_upload
from synthviz.preprocessing.image import preprocess_image
from synthviz.preprocessing.loaded_image import LoadedImage
from synthviz.world.vocabulary import named_place

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline

COVER = 0.5  # brightness of the square, as in `attributions.occlusion`
COARSER = 4  # the glow has a quarter of the picture's resolution
WIDE = {"description_width": "initial"}


class CriticExplorer(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """A prompt, its picture as the network gets it, what the network says, and a square to cover what it looks at.

    Args:
        model: a trained `SceneCNN`.
        loaded: the first picture, from `preprocess_image`.
        prompt: the first prompt to try.
        painter: name of the pipeline that draws, for `load_pipeline`; loaded when it is first needed.
    """

    def __init__(
        self, model: SceneCNN, loaded: LoadedImage, prompt: str = "a volcano in the snow", painter: str = "embedded"
    ) -> None:
        self.model, self._painter = model, painter
        self.background = Background(on_error=self._show_error)
        self._pipeline: DiffusionPipeline | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="synthviz-")
        self._judged: list[tuple[str, str]] = []  # of drawn pictures: the place asked for, the place that the CNN names
        self._seed = 0  # of the next picture
        self._tensor = loaded.tensor
        self._build_controls(prompt)
        self._connect()
        row = widgets.HBox([self.prompt, self.draw, self.upload], layout={"flex_flow": "row wrap"})
        super().__init__([row, self.message, self.view, self.score])
        self._judge(loaded)

    def _build_controls(self, prompt: str) -> None:
        self.view = CriticView(classes=list(self.model.class_names), fill=_grey(COVER))
        self.prompt = widgets.Text(
            prompt, description="Fool the critic with", style=WIDE, layout={"width": "34em"}, continuous_update=False
        )
        self.draw = widgets.Button(description="Draw", button_style="primary", icon="paint-brush")
        self.upload = widgets.FileUpload(accept="image/*", description="Upload your own", layout={"width": "14em"})
        self.message = Message()
        self.score = widgets.HTML()

    def _connect(self) -> None:
        guarded = self.background.guarded
        self.prompt.observe(guarded(lambda change: self._draw()), "value")
        self.draw.on_click(guarded(lambda button: self._draw()))
        self.upload.observe(guarded(lambda change: self._take_upload()), "value")
        self.view.observe(guarded(lambda change: self._cover()), "square")
        self.view.observe(guarded(lambda change: self._explain()), "target")

    def _show_error(self, error: Exception) -> None:
        self.message.show_error(error)
        self.draw.disabled = False

    def _draw(self) -> None:
        """Draw the prompt from the next seed in the background, and judge it."""
        config = GenerationConfig(self.prompt.value, count=1, seed=self._seed)
        self._seed += 1
        self.message.show("Drawing …")
        self.draw.disabled = True
        self.background.start(lambda checkpoint: self._generate(config, checkpoint))

    def _generate(self, config: GenerationConfig, checkpoint: Checkpoint) -> None:
        if self._pipeline is None:
            self._pipeline = pipelines.load_pipeline(self._painter)
        checkpoint()
        (picture,) = generation.generate(self._pipeline, config, on_step=lambda done, total: checkpoint())
        (path,) = generation.save_pictures([picture], self._folder.name)
        self.background.show(self._show_drawn, preprocess_image(path, strict=True), config)

    def _show_drawn(self, loaded: LoadedImage, config: GenerationConfig) -> None:
        self.draw.disabled = False
        self.message.show("")
        said = self._judge(loaded, f"“{config.prompt}”, seed {config.seed}")
        asked = named_place(config.prompt)
        if asked is not None:
            self._judged.append((asked, said))
            agreed = f"{sum(asked == said for asked, said in self._judged)} of {len(self._judged)}"
            self.score.value = small(
                f"Painter and critic agreed on <b>{agreed}</b> pictures whose prompt names a place."
            )

    def _take_upload(self) -> None:
        """Judge the uploaded picture; a file that is none leaves the picture before it and says why."""
        if not self.upload.value:
            return
        name, path = save_upload(self.upload, Path(self._folder.name))
        self.message.show("")
        self._judge(preprocess_image(path, strict=True), f"yours: {name}")

    def _judge(self, loaded: LoadedImage, caption: str = "") -> str:
        """Show a picture and what the network says about it; return the class with the largest share."""
        self._tensor = loaded.tensor
        shares = self._shares(self._tensor)
        best = int(np.argmax(shares))
        with self.view.hold_sync():
            self.view.square = [0, 0, 0]
            self.view.picture = to_png(to_bytes(self._tensor[0, 0].numpy()))
            self.view.caption = caption or loaded.name
            self.view.shares = self.view.shares_before = shares
            self.view.target = best
            self.view.verdict = f"The network says {self._named(best, shares)}."
        self._explain()
        return self.model.class_names[best]

    def _shares(self, tensor: Tensor) -> list[float]:
        with torch.no_grad():
            shares: list[float] = self.model(tensor.to(next(self.model.parameters()).device))[0].tolist()
        return shares

    def _named(self, index: int, shares: list[float]) -> str:
        return f"{self.model.class_names[index]} ({shares[index]:.0%})"

    def _cover(self) -> None:
        """Cover a square of the picture and show what the network says then."""
        left, top, side = self.view.square
        covered = self._tensor.clone()
        covered[..., top : top + side, left : left + side] = COVER
        before, shares = self.view.shares_before, self._shares(covered)
        old, new = int(np.argmax(before)), int(np.argmax(shares))
        if not side:
            verdict = f"The network says {self._named(old, before)}."
        elif old == new:
            verdict = f"Still {self.model.class_names[old]}: {before[old]:.0%} became {shares[old]:.0%}."
        else:
            verdict = f"{self._named(old, before)} became {self._named(new, shares)}. You found what it looked at."
        with self.view.hold_sync():
            self.view.shares, self.view.verdict = shares, verdict
            self.view.answers += 1

    def _explain(self) -> None:
        """Send where the picture speaks for the chosen class, by Grad-CAM."""
        tensor = self._tensor.to(next(self.model.parameters()).device)
        values = grad_cam(self.model, tensor, "conv3", self.view.target).values.numpy()[::COARSER, ::COARSER]
        glow = to_bytes(np.sqrt(values.clip(min=0) / max(float(values.max()), 1e-9)))
        with self.view.hold_sync():
            self.view.glow_size = glow.shape
            self.view.glow = glow.tobytes()


def _grey(brightness: float) -> str:
    return f"rgb({', '.join([str(round(255 * brightness))] * 3)})"
