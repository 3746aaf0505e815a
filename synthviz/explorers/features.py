"""An explorer for the CNN: feature maps, attributions for a class, and pictures that maximize a channel."""

from __future__ import annotations

import html

import ipywidgets as widgets
import numpy as np
import torch
from torch import Tensor

from synthviz.cnn import attributions, feature_statistics, features
from synthviz.cnn.activation_maximization import maximize_activation
from synthviz.cnn.network import SceneCNN
from synthviz.explorers.background import Background, Checkpoint
from synthviz.explorers.map_grid import MapGrid
from synthviz.explorers.message import Message, small
from synthviz.explorers.rendering import colored, laid_over, to_bytes, to_png
from synthviz.plots.attribution_maps import attribution_colors, attribution_strength

LAYERS = ("conv1", "conv2", "conv3")
BY_RESPONSE, BY_NUMBER = "strongest first", "by number"
NOTHING, OCCLUSION, GRAD_CAM, GRADIENTS = "nothing", "occlusion", "Grad-CAM", "integrated gradients"
SIDE = 184  # side of a panel, in pixels
EMPTY = to_png(np.full((8, 8), 240, np.uint8), SIDE)
STEPS = 96  # number of steps of activation maximization
SHOWN_EVERY = 4  # steps of activation maximization between two pictures on the screen
WIDE = {"description_width": "8em"}


class FeatureExplorer(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Widgets around `synthviz.capture`, the attributions and activation maximisation.

    Args:
        tensor: the network's input, (1, 1, 224, 224) float32 in [0, 1].
        model: a trained `SceneCNN`, on the tensor's device.
        untrained: an untrained `SceneCNN` for comparison, on the same device.
    """

    def __init__(self, tensor: Tensor, model: SceneCNN, untrained: SceneCNN) -> None:
        self.tensor, self.model = tensor, model
        self.background = Background(on_error=self._show_error)
        with torch.no_grad():
            probabilities = model(self.tensor)[0].tolist()
        self._maps = {"trained": _feature_maps(model, tensor), "untrained": _feature_maps(untrained, tensor)}
        self._attributions: dict[tuple[str, int], attributions.Attribution] = {}
        self._maximized: dict[tuple[str, int], np.ndarray] = {}
        self._build_controls(probabilities)
        self._connect()
        wrapped = {"flex_flow": "row wrap"}
        panels = [widgets.VBox([image, text]) for image, text in self.panels.values()]
        rows = [widgets.HBox(panels[:2]), widgets.HBox(panels[2:])]
        left = widgets.VBox([self.grid, widgets.HBox([self.look_for, self.stop]), self.message])
        super().__init__(
            [
                widgets.HBox([widgets.Label("Layer"), self.layer, self.order], layout=wrapped),
                widgets.HBox([self.method, self.target, self.opacity], layout=wrapped),
                widgets.HBox([left, widgets.VBox(rows)], layout=wrapped),
            ]
        )
        self._choose_layer()
        self._draw_picture()

    def _build_controls(self, probabilities: list[float]) -> None:
        # In the last layer, trained and untrained differ most.
        self.layer = widgets.ToggleButtons(options=LAYERS, value=LAYERS[-1])
        self.layer.style.button_width = "5em"
        self.order = widgets.Dropdown(options=[BY_RESPONSE, BY_NUMBER], description="Order", style=WIDE)
        self.grid = MapGrid()
        self.look_for = widgets.Button(description="What does it look for?", icon="search", layout={"width": "14em"})
        self.stop = widgets.Button(description="Stop", icon="stop", disabled=True, layout={"width": "6em"})
        methods = [NOTHING, OCCLUSION, GRAD_CAM, GRADIENTS]
        self.method = widgets.Dropdown(options=methods, description="What mattered", style=WIDE)
        best = int(np.argmax(probabilities))
        names = [
            (f"{name} ({share:.0%})", index)
            for index, (name, share) in enumerate(zip(self.model.class_names, probabilities, strict=True))
        ]
        self.target = widgets.Dropdown(options=names, value=best, description="for the class", style=WIDE)
        self.opacity = widgets.FloatSlider(
            0.65, min=0, max=1, step=0.05, description="Opacity", readout_format=".0%", style=WIDE
        )
        self.message = Message()
        self.panels = {name: (_panel(), widgets.HTML()) for name in ("picture", "trained", "untrained", "maximized")}
        for _, text in self.panels.values():
            text.layout = {"width": f"{SIDE}px"}

    def _connect(self) -> None:
        guarded = self.background.guarded
        self.layer.observe(guarded(lambda change: self._choose_layer()), "value")
        self.order.observe(guarded(lambda change: self._choose_layer()), "value")
        self.grid.observe(guarded(lambda change: self._draw_channel()), "chosen")
        self.look_for.on_click(guarded(lambda button: self._maximize()))
        self.stop.on_click(guarded(lambda button: self._stop()))
        for control in (self.method, self.target):
            control.observe(guarded(lambda change: self._attribute()), "value")
        self.opacity.observe(guarded(lambda change: self._draw_picture()), "value")

    def _show_error(self, error: Exception) -> None:
        self.message.show_error(error)
        if not self.background.busy:
            self.stop.disabled = True

    def _choose_layer(self) -> None:
        """Show all maps of the chosen layer in the chosen order, and the first of them large."""
        maps = self._maps["trained"][self.layer.value]
        by_number = self.order.value == BY_NUMBER
        order = list(range(len(maps))) if by_number else feature_statistics.strongest_channels(maps, len(maps))
        self.grid.show(maps, order)
        self._draw_channel()

    def channel(self) -> int:
        """Return the number of the chosen channel in the chosen layer."""
        number: int = self.grid.channels[self.grid.chosen]
        return number

    def _draw_channel(self) -> None:
        """Show the chosen channel of both networks, each scaled to its own range."""
        layer, channel = self.layer.value, self.channel()
        for name, maps in self._maps.items():
            values = maps[layer][channel].numpy()
            image, text = self.panels[name]
            low, high = float(values.min()), float(values.max())
            image.value = to_png(colored(values, low, high), SIDE) if high > low else EMPTY
            if high > 0:
                answer = f"answers at {(values > 0).mean():.0%} of all places, most ({high:.2g}) where it is yellow"
            else:
                answer = "silent here: it answers nowhere in this picture"
            text.value = small(f"<b>{name}</b>, {layer}, channel {channel}: {answer}")
        self._draw_maximized()

    def _draw_maximized(self) -> None:
        """Show the picture that maximizes the chosen channel, once it was computed."""
        layer, channel = self.layer.value, self.channel()
        image, text = self.panels["maximized"]
        picture = self._maximized.get((layer, channel))
        if picture is None:
            image.value, hint = EMPTY, "press the button to see what it looks for"
        else:
            image.value, hint = to_png(picture, SIDE, smooth=True), "a picture that makes it answer most"
        text.value = small(f"<b>what it looks for</b>, {layer}, channel {channel}: {hint}")

    def _maximize(self) -> None:
        """Compute a picture that maximizes the chosen channel in the background."""
        layer, channel = self.layer.value, self.channel()
        if (layer, channel) in self._maximized:
            self._draw_maximized()
            return

        def task(checkpoint: Checkpoint) -> None:
            def grown(done: int, picture: Tensor) -> None:
                checkpoint()
                if done % SHOWN_EVERY == 0:
                    self.background.show(self._show_growing, layer, channel, done, to_bytes(picture[0].numpy()))

            # The convolution before the ReLU: a ReLU passes no gradient where its output is 0.
            convolution = f"{layer}.convolution"
            shape = (1, *self.tensor.shape[2:])
            result = maximize_activation(self.model, convolution, channel, shape, steps=STEPS, on_picture=grown)
            self.background.show(self._show_maximized, layer, channel, to_bytes(result.image[0].numpy()))

        if self.background.busy and self.stop.disabled:  # an attribution is running; the new task replaces it
            self.method.value = NOTHING
        self.stop.disabled = False
        self.message.show("")
        self.background.start(task)

    def _show_growing(self, layer: str, channel: int, done: int, picture: np.ndarray) -> None:
        """Show an unfinished picture, unless another channel was chosen meanwhile."""
        if (layer, channel) == (self.layer.value, self.channel()):
            image, text = self.panels["maximized"]
            image.value = to_png(picture, SIDE, smooth=True)
            text.value = small(f"<b>what it looks for</b>, {layer}, channel {channel}: step {done} of {STEPS}")

    def _show_maximized(self, layer: str, channel: int, picture: np.ndarray) -> None:
        self._maximized[layer, channel] = picture
        self.stop.disabled = True
        self.message.show("")
        self._draw_maximized()

    def _stop(self) -> None:
        self.background.stop()
        self.stop.disabled = True
        self.message.show("Stopped.")

    def _attribute(self) -> None:
        """Compute the chosen attribution for the chosen class in the background."""
        method, target = self.method.value, self.target.value
        if method == NOTHING or (method, target) in self._attributions:
            self._draw_picture()
            return

        def task(checkpoint: Checkpoint) -> None:
            if method == GRAD_CAM:
                attribution = attributions.grad_cam(self.model, self.tensor, "conv3", target)
            elif method == GRADIENTS:
                attribution = attributions.integrated_gradients(self.model, self.tensor, target, steps=32)
            else:
                # Fewer and larger squares than by default take half a second.
                attribution = attributions.occlusion(self.model, self.tensor, target, window=48, stride=24)
            checkpoint()
            self.background.show(self._show_attribution, method, target, attribution)

        stopped = "" if self.stop.disabled else "The search for what the channel looks for was stopped. "
        self.stop.disabled = True
        self.message.show(f"{stopped}Computing what mattered, by {method} …")
        self.background.start(task)

    def _show_attribution(self, method: str, target: int, attribution: attributions.Attribution) -> None:
        self._attributions[method, target] = attribution
        self.message.show("")
        self._draw_picture()

    def _draw_picture(self) -> None:
        """Show the input, with the chosen attribution over it once it was computed."""
        grey = to_bytes(self.tensor[0, 0].cpu().numpy())
        shown = np.repeat(grey[..., None], 3, axis=2)
        name = html.escape(self.model.class_names[self.target.value])
        attribution = self._attributions.get((self.method.value, self.target.value))
        caption = "as the network gets it"
        if attribution is not None:
            values = attribution.values.numpy()
            low, limit, colors = attribution_colors(values)
            opacity = self.opacity.value * attribution_strength(values, limit)
            shown = laid_over(shown, colored(values, low, limit, colors), opacity)
            signed = "red speaks for the class, blue against it" if low < 0 else "yellow mattered most"
            caption = f"{attribution.method} for {name}; {signed}"
        image, text = self.panels["picture"]
        image.value = to_png(shown, SIDE, smooth=True)
        text.value = small(f"<b>the picture</b>, {caption}")


def _feature_maps(model: SceneCNN, tensor: Tensor) -> dict[str, Tensor]:
    """Run the model; return the feature maps of each layer, (C, H, W) on the CPU."""
    with torch.no_grad(), features.capture(model, LAYERS, stop_early=True) as maps:
        model(tensor)
    return {name: maps[name][0].cpu() for name in LAYERS}


def _panel() -> widgets.Image:
    image = widgets.Image(value=EMPTY, width=SIDE, height=SIDE)
    image.layout = {"width": f"{SIDE}px", "height": f"{SIDE}px", "object_fit": "contain"}
    return image
