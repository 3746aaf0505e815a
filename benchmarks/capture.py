"""Feature maps of three layers: `python -m benchmarks.capture`.

`synthviz.capture` is compared with torchvision's `create_feature_extractor` and Captum's `LayerActivation` on an
untrained ResNet-18, and with Captum on SceneCNN, whose input checks torchvision cannot trace. torchvision traces the
model beforehand, which is not timed, and skips all layers after the last one asked for; `capture` does the same there,
with `stop_early`. Captum runs the whole model, and so does `capture` in that comparison.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from captum.attr import LayerActivation
from torch import Tensor, nn
from torchvision.models import resnet18
from torchvision.models.feature_extraction import create_feature_extractor

from benchmarks.side_by_side import Check, Row, command_line, in_turns, row
from synthviz.cnn.features import capture
from synthviz.cnn.network import SceneCNN

RESNET_LAYERS = ["layer1", "layer2", "layer3"]
SCENE_LAYERS = ["conv1", "conv2", "conv3"]


@torch.no_grad()
def captured(model: nn.Module, x: Tensor, layers: list[str], stop_early: bool = False) -> list[Tensor]:
    """Return the layers' outputs through synthviz."""
    with capture(model, layers, stop_early) as maps:
        model(x)
    return list(maps.values())


@torch.no_grad()
def extracted(extractor: nn.Module, x: Tensor) -> list[Tensor]:
    """Return the layers' outputs through torchvision."""
    return list(extractor(x).values())


def check_same(some: list[Tensor], others: list[Tensor]) -> Check:
    """Check that two lists of maps are equal."""
    return Check("same maps", all(torch.equal(one, other) for one, other in zip(some, others, strict=True)))


def measure(repeats: int) -> list[Row]:
    """Measure the three comparisons."""
    torch.manual_seed(0)
    resnet, x = resnet18(weights=None).eval(), torch.rand(1, 3, 224, 224)
    scene, grey = SceneCNN.pretrained(), torch.rand(1, 1, 224, 224)
    extractor = create_feature_extractor(resnet, RESNET_LAYERS)
    of_resnet: Any = LayerActivation(resnet, [resnet.get_submodule(name) for name in RESNET_LAYERS])
    of_scene: Any = LayerActivation(scene, [scene.get_submodule(name) for name in SCENE_LAYERS])
    ways: dict[str, Callable[[], list[Tensor]]] = {
        "stopped": lambda: captured(resnet, x, RESNET_LAYERS, stop_early=True),
        "extractor": lambda: extracted(extractor, x),
        "whole": lambda: captured(resnet, x, RESNET_LAYERS),
        "captum": lambda: of_resnet.attribute(x),
        "scene": lambda: captured(scene, grey, SCENE_LAYERS),
        "captum on scene": lambda: of_scene.attribute(grey),
    }
    pairs = {
        "stopped": ("extractor", "three layers of a ResNet-18, up to the last", "torchvision's feature extractor"),
        "whole": ("captum", "three layers of a ResNet-18, the whole model", "Captum's LayerActivation"),
        "scene": ("captum on scene", "three layers of SceneCNN", "Captum's LayerActivation"),
    }
    seconds = in_turns(ways, repeats, warm_up=3)
    return [
        row(
            f"`capture`, {work}",
            against,
            1.05,
            seconds[here],
            seconds[there],
            [check_same(ways[here](), ways[there]())],
        )
        for here, (there, work, against) in pairs.items()
    ]


def main() -> None:
    """Measure from the command line."""
    command_line(measure, __doc__, repeats=400)


if __name__ == "__main__":
    main()
