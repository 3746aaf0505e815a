"""Grad-CAM in three libraries: `python -m benchmarks.grad_cam`.

`synthviz.attributions.grad_cam` is compared with torch-cam and pytorch-grad-cam, on SceneCNN's third convolution, for
the class with the highest logit; the result is a map of the picture's size. The other libraries are set up beforehand,
as their documentation shows. They scale their maps to [0, 1], so all maps are scaled before they are compared.
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
    """SceneCNN without its softmax, because the other libraries use the result of `forward`."""

    def __init__(self) -> None:
        super().__init__()
        self.network = SceneCNN.pretrained()

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits, (B, 10)."""
        return self.network.logits(x)


def scaled(values: Tensor) -> Tensor:
    """Scale a map linearly to [0, 1]."""
    return (values - values.min()) / (values.max() - values.min())


def check_same(ours: Tensor, theirs: Tensor) -> Check:
    """Check that two maps, (H, W) each, are the same after scaling."""
    apart = (scaled(ours) - scaled(theirs)).abs().max().item()
    return Check(f"largest difference of maps {apart:.1g}, limit 0.001", apart <= 1e-3)


def measure(repeats: int) -> list[Row]:
    """Measure both comparisons."""
    # Each library has its own network, because the hooks of the others stay on theirs.
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
        row("`grad_cam`", name, 1.05, seconds["here"], seconds[name], [check_same(found, ways[name]())])
        for name in ("torch-cam", "pytorch-grad-cam")
    ]


def main() -> None:
    """Measure from the command line."""
    command_line(measure, __doc__, repeats=400)


if __name__ == "__main__":
    main()
