"""Grad-CAM three ways: `python -m benchmarks.grad_cam`.

`synthviz.attributions.grad_cam` against torch-cam and pytorch-grad-cam, on SceneCNN's third convolution, for the class
with the highest logit, up to a map as large as the picture. Theirs are set up beforehand, as their documentation
shows. They stretch their maps to [0, 1], so that all are stretched before they are compared.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
import torchcam.methods
from pytorch_grad_cam import GradCAM
from torch import Tensor, nn

from benchmarks.side_by_side import Check, Row, command_line, in_turns, row
from synthviz.cnn.attributions import grad_cam
from synthviz.cnn.network import SceneCNN
from synthviz.preprocessing.image import preprocess_image
from synthviz.shipped_pictures import shipped_pictures

LAYER = "network.conv3"


class Logits(nn.Module):
    """SceneCNN without its softmax, since the others look at what `forward` gives."""

    def __init__(self) -> None:
        super().__init__()
        self.network = SceneCNN.pretrained()

    def forward(self, x: Tensor) -> Tensor:
        return self.network.logits(x)


def stretched(values: Tensor) -> Tensor:
    return (values - values.min()) / (values.max() - values.min())


def same(ours: Tensor, theirs: Tensor) -> Check:
    """Two maps, (H, W) each, compared after stretching."""
    apart = (stretched(ours) - stretched(theirs)).abs().max().item()
    return Check(f"maps differ by {apart:.1g} at most, at most 0.001 wanted", apart <= 1e-3)


def measure(repeats: int) -> list[Row]:
    # A network for each, since the others' hooks stay on theirs.
    ours, torchcams, peers = (Logits().eval() for _ in range(3))
    x = preprocess_image(shipped_pictures()[0]).tensor
    extractor = torchcam.methods.GradCAM(torchcams, LAYER, input_shape=(1, 224, 224))
    peer = GradCAM(model=peers, target_layers=[peers.get_submodule(LAYER)])

    def with_torchcam() -> Tensor:
        scores = torchcams(x.clone().requires_grad_())
        (small,) = extractor(scores.squeeze(0).argmax().item(), scores)
        return F.interpolate(small[None].detach(), x.shape[2:], mode="bilinear")[0, 0]

    def with_grad_cam() -> Tensor:
        return torch.from_numpy(peer(input_tensor=x, targets=None)[0])

    ways = {
        "here": lambda: grad_cam(ours, x, LAYER).values,
        "torch-cam": with_torchcam,
        "pytorch-grad-cam": with_grad_cam,
    }
    seconds = in_turns(ways, repeats, warm_up=3)
    found = ways["here"]()
    return [
        row("`grad_cam`", name, 1.05, seconds["here"], seconds[name], [same(found, ways[name]())])
        for name in ("torch-cam", "pytorch-grad-cam")
    ]


def main() -> None:
    command_line(measure, __doc__, repeats=400)


if __name__ == "__main__":
    main()
