"""Play with what the network sees: layers and channels, what mattered for a class, what a channel looks for."""

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
from synthviz.explorers.message import Message, small
from synthviz.explorers.rendering import colored, laid_over, to_bytes, to_png
from synthviz.plots.attribution_maps import attribution_colors, attribution_strength

LAYERS = ("conv1", "conv2", "conv3")
BY_RESPONSE, BY_NUMBER = "strongest first", "by number"
NOTHING, OCCLUSION, GRAD_CAM, GRADIENTS = "nothing", "occlusion", "Grad-CAM", "integrated gradients"
SIDE = 236  # pixels of a panel
NOTHING_YET = to_png(np.full((8, 8), 240, np.uint8), SIDE)
STEPS = 96  # of activation maximisation
SHOWN_EVERY = 8  # of those steps the picture is shown
WIDE = {"description_width": "8em"}


class FeatureExplorer(widgets.VBox):
    """Widgets around `synthviz.capture`, the attributions and activation maximisation.

    Args:
        tensor: the network's input, (1, 1, 224, 224) in [0, 1].
        model: a trained `SceneCNN`, on the tensor's device.
        untrained: another to compare it with, on the same device.
    """

    def __init__(self, tensor: Tensor, model: SceneCNN, untrained: SceneCNN) -> None:
        self.tensor, self.model = tensor, model
        self.background = Background(on_error=self._failed)
        with torch.no_grad():
            probabilities = model(self.tensor)[0].tolist()
        self._maps = {"trained": _captured(model, tensor), "untrained": _captured(untrained, tensor)}
        self._attributions: dict[tuple[str, int], attributions.Attribution] = {}
        self._wanted: dict[tuple[str, int], np.ndarray] = {}
        self._build_controls(probabilities)
        self._connect()
        wrapped = {"flex_flow": "row wrap"}
        super().__init__(
            [
                widgets.HBox([self.layer, self.order], layout=wrapped),
                widgets.HBox([self.rank, self.stronger, self.weaker, self.look_for, self.stop], layout=wrapped),
                widgets.HBox([self.method, self.target, self.opacity], layout=wrapped),
                self.message,
                widgets.HBox([widgets.VBox([image, text]) for image, text in self.panels.values()], layout=wrapped),
            ]
        )
        self._draw_channel()
        self._draw_picture()

    def _build_controls(self, probabilities: list[float]) -> None:
        self.layer = widgets.ToggleButtons(options=LAYERS, description="Layer", style=WIDE)
        self.layer.style.button_width = "5em"
        self.order = widgets.Dropdown(options=[BY_RESPONSE, BY_NUMBER], description="Order", style=WIDE)
        self.rank = widgets.IntSlider(1, min=1, max=16, description="Channel, place", style=WIDE)
        self.stronger = widgets.Button(description="Previous", icon="arrow-left", layout={"width": "8em"})
        self.weaker = widgets.Button(description="Next", icon="arrow-right", layout={"width": "8em"})
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
        self.panels = {name: (_panel(), widgets.HTML()) for name in ("picture", "trained", "untrained", "wanted")}
        for _, text in self.panels.values():
            text.layout = {"width": f"{SIDE}px"}

    def _connect(self) -> None:
        answering = self.background.answering
        self.layer.observe(answering(lambda change: self._choose_layer()), "value")
        for control in (self.order, self.rank):
            control.observe(answering(lambda change: self._draw_channel()), "value")
        self.stronger.on_click(answering(lambda button: self._go(-1)))
        self.weaker.on_click(answering(lambda button: self._go(1)))
        self.look_for.on_click(answering(lambda button: self._look_for()))
        self.stop.on_click(answering(lambda button: self._stop()))
        for control in (self.method, self.target):
            control.observe(answering(lambda change: self._attribute()), "value")
        self.opacity.observe(answering(lambda change: self._draw_picture()), "value")

    def _failed(self, error: Exception) -> None:
        self.message.fail(error)
        if not self.background.busy:
            self.stop.disabled = True

    def _choose_layer(self) -> None:
        with self.rank.hold_trait_notifications():
            self.rank.value = 1
            self.rank.max = len(self._maps["trained"][self.layer.value])
        self._draw_channel()

    def _go(self, places: int) -> None:
        self.rank.value = min(self.rank.max, max(self.rank.min, self.rank.value + places))

    def channel(self) -> int:
        """The number of the chosen channel in the chosen layer."""
        place = self.rank.value - 1
        if self.order.value == BY_NUMBER:
            return place
        return feature_statistics.strongest_channels(self._maps["trained"][self.layer.value], self.rank.max)[place]

    def _draw_channel(self) -> None:
        """The chosen channel of both networks, each stretched to its own range."""
        layer, channel = self.layer.value, self.channel()
        for name, maps in self._maps.items():
            values = maps[layer][channel].numpy()
            image, text = self.panels[name]
            low, high = float(values.min()), float(values.max())
            image.value = to_png(colored(values, low, high), SIDE) if high > low else NOTHING_YET
            answers = f"answers at {(values > 0).mean():.0%} of all places, most ({high:.2g}) where it is yellow"
            said = answers if high > 0 else "dead: it answers nowhere in this picture"
            text.value = small(f"<b>{name}</b>, {layer}, channel {channel}: {said}")
        self._draw_wanted()

    def _draw_wanted(self) -> None:
        layer, channel = self.layer.value, self.channel()
        image, text = self.panels["wanted"]
        known = self._wanted.get((layer, channel))
        image.value = NOTHING_YET if known is None else to_png(known, SIDE, smooth=True)
        asked = "press the button to see what it looks for" if known is None else "a picture that makes it answer most"
        text.value = small(f"<b>what it looks for</b>, {layer}, channel {channel}: {asked}")

    def _look_for(self) -> None:
        layer, channel = self.layer.value, self.channel()
        if (layer, channel) in self._wanted:
            return self._draw_wanted()

        def task(checkpoint: Checkpoint) -> None:
            def step_done(done: int, total: int) -> None:
                checkpoint()
                if done % SHOWN_EVERY == 0:
                    self.background.show(self.message.say, f"Step {done} of {total} …")

            # The ReLU's own output passes no gradient where it is silent.
            inside = f"{layer}.convolution"
            shape = (1, *self.tensor.shape[2:])
            found = maximize_activation(self.model, inside, channel, shape, steps=STEPS, on_step=step_done)
            self.background.show(self._found, layer, channel, to_bytes(found.image[0].numpy()))

        if self.background.busy and self.stop.disabled:  # what mattered is being looked for, and is given up
            self.method.value = NOTHING
        self.stop.disabled = False
        self.message.say("")
        return self.background.start(task)

    def _found(self, layer: str, channel: int, picture: np.ndarray) -> None:
        self._wanted[layer, channel] = picture
        self.stop.disabled = True
        self.message.say("")
        self._draw_wanted()

    def _stop(self) -> None:
        self.background.stop()
        self.stop.disabled = True
        self.message.say("Stopped.")

    def _attribute(self) -> None:
        method, target = self.method.value, self.target.value
        if method == NOTHING or (method, target) in self._attributions:
            return self._draw_picture()

        def task(checkpoint: Checkpoint) -> None:
            if method == GRAD_CAM:
                found = attributions.grad_cam(self.model, self.tensor, "conv3", target)
            elif method == GRADIENTS:
                found = attributions.integrated_gradients(self.model, self.tensor, target, steps=32)
            else:
                # Fewer and larger squares than by default: in half a second.
                found = attributions.occlusion(self.model, self.tensor, target, window=48, stride=24)
            checkpoint()
            self.background.show(self._attributed, method, target, found)

        ended = "" if self.stop.disabled else "What the channel looks for was stopped. "
        self.stop.disabled = True
        self.message.say(f"{ended}Looking for what mattered, by {method} …")
        return self.background.start(task)

    def _attributed(self, method: str, target: int, found: attributions.Attribution) -> None:
        self._attributions[method, target] = found
        self.message.say("")
        self._draw_picture()

    def _draw_picture(self) -> None:
        """The input, and over it what mattered, once that is known."""
        grey = to_bytes(self.tensor[0, 0].cpu().numpy())
        shown = np.repeat(grey[..., None], 3, axis=2)
        name = html.escape(self.model.class_names[self.target.value])
        found = self._attributions.get((self.method.value, self.target.value))
        said = "as the network gets it"
        if found is not None:
            values = found.values.numpy()
            low, limit, colors = attribution_colors(values)
            opacity = self.opacity.value * attribution_strength(values, limit)
            shown = laid_over(shown, colored(values, low, limit, colors), opacity)
            signed = "red speaks for the class, blue against it" if low < 0 else "yellow mattered most"
            said = f"{found.method} for {name}; {signed}"
        image, text = self.panels["picture"]
        image.value = to_png(shown, SIDE, smooth=True)
        text.value = small(f"<b>the picture</b>, {said}")


def _captured(model: SceneCNN, tensor: Tensor) -> dict[str, Tensor]:
    """Layer to maps, (C, H, W) on the CPU."""
    with torch.no_grad(), features.capture(model, LAYERS, stop_early=True) as maps:
        model(tensor)
    return {name: maps[name][0].cpu() for name in LAYERS}


def _panel() -> widgets.Image:
    image = widgets.Image(value=NOTHING_YET, width=SIDE, height=SIDE)
    image.layout = {"width": f"{SIDE}px", "height": f"{SIDE}px", "object_fit": "contain"}
    return image
