"""`SceneCNN`, the small network that classifies a grey picture as one of ten places, and its weights on disk."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from synthviz.cnn.flux_weights import read_flux_weights
from synthviz.files import user_path, whole_file
from synthviz.scenes import PLACES
from synthviz.shipped_models import MODELS, verify_shipped

INPUT_SHAPE = (1, 224, 224)
FLAT_FEATURES = 64 * 26 * 26
WEIGHTS = MODELS / "scene-cnn" / "model.safetensors"


class SceneCNN(nn.Module):
    """Three convolutions, three poolings, two dense layers: 5,562,506 parameters.

    The network turns (N, 1, 224, 224) grey pictures in [0, 1] into (N, 10) class probabilities. The layers are
    attributes in the order in which they run: conv1, pool1, conv2, pool2, conv3, pool3, flatten, dense1, dense2,
    softmax. As in Flux.jl, where `Conv((3, 3), 1 => 16, relu)` is one layer, **conv1, conv2, conv3 and dense1 include
    their ReLU**; the layers before the ReLU are called "conv1.convolution" and so on.

    A new network is untrained and has Flux's initial weights: Glorot uniform (Glorot & Bengio 2010), with zero biases.
    Flux's `glorot_uniform` draws from ±sqrt(6 / (fan_in + fan_out)), where the fans of a convolution are
    kernel area × input channels and kernel area × output channels. This is the distribution of
    `nn.init.xavier_uniform_`, but the random numbers differ. (Flux also rotates its kernels by 180 degrees, which does
    not change a distribution of independent weights.)

    Args:
        seed: seed of the weights; the global random state is neither read nor changed.

    Raises:
        ValueError: if the seed is not a whole number from 0 to 2**63 - 1.

    Attributes:
        class_names: the ten places, in the order of the outputs.
    """

    class_names: tuple[str, ...] = PLACES

    def __init__(self, seed: int = 0) -> None:
        if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**63:
            raise ValueError(f"seed is {seed!r}; it must be a whole number from 0 to 2**63 - 1")
        super().__init__()
        self.conv1 = _convolution(1, 16)
        self.pool1 = nn.MaxPool2d(2)
        self.conv2 = _convolution(16, 32)
        self.pool2 = nn.MaxPool2d(2)
        self.conv3 = _convolution(32, 64)
        self.pool3 = nn.MaxPool2d(2)
        self.flatten = nn.Flatten()
        self.dense1 = _with_relu("linear", nn.Linear(FLAT_FEATURES, 128, device="meta"))
        self.dense2 = nn.Linear(128, len(PLACES), device="meta")
        self.softmax = nn.Softmax(dim=1)
        self.to_empty(device="cpu")  # the device "meta" keeps PyTorch from drawing weights of its own first
        generator = torch.Generator().manual_seed(seed)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter, generator=generator)
            else:
                nn.init.zeros_(parameter)
        self.to(memory_format=torch.channels_last)  # makes convolutions twice as fast on CPUs

    @classmethod
    def pretrained(cls, path: str | Path = WEIGHTS) -> SceneCNN:
        """Return the network with trained weights, on the CPU, in float32 and in eval mode.

        Args:
            path: a file that `save_weights` wrote; by default the weights that ship with synthviz.

        Raises:
            FileNotFoundError: if the file is missing.
            ValueError: if the file is damaged, or contains the weights of another network or for other classes.
        """
        path = user_path(path)
        if path == WEIGHTS:
            verify_shipped(WEIGHTS.parent)
        weights = _read_weights(path)
        model = cls()
        if _shapes(weights) != _shapes(model.state_dict()):
            raise ValueError(f"the weights in {path.name} belong to another network than SceneCNN")
        model.load_state_dict(weights)
        return model.eval()

    @classmethod
    def from_flux(cls, path: str | Path) -> SceneCNN:
        """Return the network with weights trained in Flux.jl, on the CPU, in float32 and in eval mode.

        `synthviz.cnn.flux_weights` explains how the two frameworks differ.

        Args:
            path: an .npz file of the arrays as Flux stores them: "conv1.weight" (3, 3, in, out), "conv1.bias" (out,),
                conv2, conv3, "dense1.weight" (128, 43264), "dense1.bias", "dense2.weight" (10, 128), "dense2.bias".

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if the file is not an .npz file of numbers, or an array is missing, unknown, of another shape,
                or not finite.
        """
        model = cls()
        model.load_state_dict(read_flux_weights(path, _shapes(model.state_dict())))
        return model.eval()

    def save_weights(self, path: str | Path) -> Path:
        """Write the weights as safetensors in float16, with the class names as metadata, and return the path."""
        weights = {
            key: value.detach().to("cpu", torch.float16).contiguous() for key, value in self.state_dict().items()
        }
        with whole_file(path) as unfinished:
            save_file(weights, unfinished, metadata={"format": "pt", "class_names": json.dumps(PLACES)})
        return user_path(path)

    def forward(self, x: Tensor) -> Tensor:
        """Return the class probabilities.

        Args:
            x: (N, 1, 224, 224) float32 in [0, 1]; if the weights have another type, such as float16, that type.

        Returns:
            (N, 10) float32 in [0, 1]; each row sums to 1.

        Raises:
            TypeError: if x is not a tensor of the weights' type.
            ValueError: if its shape is another, or a value is NaN or outside [0, 1].
        """
        self._check_layout(x)
        low, high = (value.item() for value in x.detach().aminmax())
        if not (low >= 0 and high <= 1):  # also true for NaN
            found = "hold NaN" if low != low else f"lie between {low:.4g} and {high:.4g}"
            raise ValueError(f"the input's values {found}; they must lie in [0, 1]")
        probabilities: Tensor = self.softmax(self.logits(x))
        return probabilities

    def logits(self, x: Tensor) -> Tensor:
        """Return the ten scores that softmax turns into probabilities.

        Unlike `forward`, this method accepts values outside [0, 1], which methods that follow gradients produce.

        Args:
            x: (N, 1, 224, 224) float32.

        Returns:
            (N, 10) float32, any real numbers.

        Raises:
            TypeError: if x is not a tensor of the weights' type.
            ValueError: if its shape is another.
        """
        self._check_layout(x)
        x = self.pool1(self.conv1(x))  # (N, 16, 111, 111)
        x = self.pool2(self.conv2(x))  # (N, 32, 54, 54)
        x = self.pool3(self.conv3(x))  # (N, 64, 26, 26)
        scores: Tensor = self.dense2(self.dense1(self.flatten(x)))
        return scores

    def _check_layout(self, x: Tensor) -> None:
        if not isinstance(x, Tensor):
            raise TypeError(f"the input is a {type(x).__name__}; it must be a float32 torch.Tensor")
        if x.dim() != 4 or tuple(x.shape[1:]) != INPUT_SHAPE or len(x) == 0:
            raise ValueError(f"the input has shape {tuple(x.shape)}; it must be (N, 1, 224, 224) with N at least 1")
        expected = self.dense2.weight.dtype
        if x.dtype != expected:
            given, wanted = (str(kind).removeprefix("torch.") for kind in (x.dtype, expected))
            raise TypeError(f"the input is {given}; it must be {wanted}, as the weights are")


def _convolution(inputs: int, outputs: int) -> nn.Sequential:
    return _with_relu("convolution", nn.Conv2d(inputs, outputs, 3, device="meta"))


def _with_relu(name: str, layer: nn.Module) -> nn.Sequential:
    # The ReLU is a module, not a function, so that attribution methods can hook it.
    return nn.Sequential(OrderedDict([(name, layer), ("relu", nn.ReLU())]))


def _read_weights(path: Path) -> dict[str, Tensor]:
    """Read a file of `save_weights` as float32 tensors, and check the class names in its metadata."""
    try:
        with safe_open(path, framework="pt") as file:
            labels = (file.metadata() or {}).get("class_names")
            weights = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118 - not a dict
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no file of weights {path.name}") from None
    except SafetensorError as error:
        raise ValueError(f"the weights in {path.name} are damaged, or not in the safetensors format: {error}") from None
    if labels != json.dumps(PLACES):
        raise ValueError(f"the weights in {path.name} have the class names {labels}; they must be {json.dumps(PLACES)}")
    return weights


def _shapes(weights: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {key: tuple(value.shape) for key, value in weights.items()}
