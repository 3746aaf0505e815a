"""The small network that looks at a grey picture and says which of ten places it shows."""

from __future__ import annotations

import json
from collections import OrderedDict
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.utils import skip_init

from synthviz.cnn.flux_weights import read_flux_weights
from synthviz.files import whole_file
from synthviz.scenes import PLACES
from synthviz.shipped_models import MODELS, verify_shipped

INPUT_SHAPE = (1, 224, 224)
FLAT_FEATURES = 64 * 26 * 26
WEIGHTS = MODELS / "scene-cnn" / "model.safetensors"


class SceneCNN(nn.Module):
    """Three convolutions, three poolings, two dense layers: 5,562,506 parameters.

    (N, 1, 224, 224) grey pictures in [0, 1] become (N, 10) class probabilities. The layers are attributes in the
    order in which they run: conv1, pool1, conv2, pool2, conv3, pool3, flatten, dense1, dense2, softmax. As in
    Flux.jl, where `Conv((3, 3), 1 => 16, relu)` is one layer, **conv1, conv2, conv3 and dense1 include their
    ReLU**; what enters the ReLU is found under "conv1.convolution" and so on.

    A new network is untrained, with Flux's defaults: Glorot uniform weights (Glorot & Bengio 2010), zero biases.
    Flux's `glorot_uniform` draws from ±sqrt(6 / (fan_in + fan_out)), where the fans of a convolution are
    kernel area × input channels and kernel area × output channels: the same as `nn.init.xavier_uniform_`, though
    not the same random numbers. (Flux also flips its kernels, which leaves a symmetric distribution as it is.)

    Args:
        seed: decides the weights; the global random state is neither read nor changed.

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
        self.dense1 = _with_relu("linear", skip_init(nn.Linear, FLAT_FEATURES, 128))
        self.dense2 = skip_init(nn.Linear, 128, len(PLACES))
        self.softmax = nn.Softmax(dim=1)
        generator = torch.Generator().manual_seed(seed)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter, generator=generator)
            else:
                nn.init.zeros_(parameter)
        self.to(memory_format=torch.channels_last)  # convolves twice as fast on CPUs

    @classmethod
    def pretrained(cls, path: str | Path = WEIGHTS) -> SceneCNN:
        """The network with trained weights, on the CPU, in float32 and in eval mode.

        Args:
            path: a file that `save_weights` wrote; by default the weights that ship with synthviz.

        Raises:
            FileNotFoundError: if the file is missing.
            ValueError: if the file is damaged, or holds another network or other classes.
        """
        name = Path(path).name
        if path == WEIGHTS:
            verify_shipped(WEIGHTS.parent)
        try:
            with safe_open(path, framework="pt") as file:
                labels = (file.metadata() or {}).get("class_names")
                weights = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118 - not a dict
        except FileNotFoundError:
            raise FileNotFoundError(f"the network's weights, {name}, are missing; install synthviz again") from None
        except SafetensorError as error:
            raise ValueError(f"the network's weights, {name}, are damaged ({error}); install synthviz again") from None
        if labels != json.dumps(PLACES):
            raise ValueError(
                f"the weights in {name} are labelled {labels}; this network's classes are {json.dumps(PLACES)}"
            )
        model = cls()
        expected = {key: tuple(value.shape) for key, value in model.state_dict().items()}
        if {key: tuple(value.shape) for key, value in weights.items()} != expected:
            raise ValueError(f"the weights in {name} belong to another network than SceneCNN")
        model.load_state_dict(weights)
        return model.eval()

    @classmethod
    def from_flux(cls, path: str | Path) -> SceneCNN:
        """The network with weights trained in Flux.jl, on the CPU, in float32 and in eval mode.

        Args:
            path: an .npz file of the arrays as Flux holds them: "conv1.weight" (3, 3, in, out), "conv1.bias" (out,),
                conv2, conv3, "dense1.weight" (128, 43264), "dense1.bias", "dense2.weight" (10, 128), "dense2.bias".
                What differs between the two frameworks is said in `synthviz.flux_weights`.

        Raises:
            FileNotFoundError, ValueError: see `synthviz.flux_weights.read_flux_weights`.
        """
        model = cls()
        shapes = {key: tuple(value.shape) for key, value in model.state_dict().items()}
        model.load_state_dict(read_flux_weights(path, shapes))
        return model.eval()

    def save_weights(self, path: str | Path) -> Path:
        """Write the weights as safetensors in float16, labelled with the class names; returns the path."""
        weights = {
            key: value.detach().to("cpu", torch.float16).contiguous() for key, value in self.state_dict().items()
        }
        with whole_file(path) as unfinished:
            save_file(weights, unfinished, metadata={"format": "pt", "class_names": json.dumps(PLACES)})
        return Path(path)

    def forward(self, x: Tensor) -> Tensor:
        """Class probabilities.

        Args:
            x: (N, 1, 224, 224) float32 in [0, 1].

        Returns:
            (N, 10) float32 in [0, 1]; each row sums to 1.

        Raises:
            TypeError: if x is not a float32 tensor.
            ValueError: if its shape is another, or a value is NaN or outside [0, 1].
        """
        _check_layout(x)
        low, high = (value.item() for value in x.detach().aminmax())
        if not (low >= 0 and high <= 1):  # also true for NaN
            found = "hold NaN" if low != low else f"lie between {low:.4g} and {high:.4g}"
            raise ValueError(f"the input's values {found}; they must lie in [0, 1]")
        return self.softmax(self.logits(x))

    def logits(self, x: Tensor) -> Tensor:
        """The ten scores that softmax turns into probabilities.

        Unlike `forward`, lets values outside [0, 1] pass: methods that follow gradients step there.

        Args:
            x: (N, 1, 224, 224) float32.

        Returns:
            (N, 10) float32, any real numbers.

        Raises:
            TypeError: if x is not a float32 tensor.
            ValueError: if its shape is another.
        """
        _check_layout(x)
        x = self.pool1(self.conv1(x))  # (N, 16, 111, 111)
        x = self.pool2(self.conv2(x))  # (N, 32, 54, 54)
        x = self.pool3(self.conv3(x))  # (N, 64, 26, 26)
        return self.dense2(self.dense1(self.flatten(x)))


def _convolution(inputs: int, outputs: int) -> nn.Sequential:
    return _with_relu("convolution", skip_init(nn.Conv2d, inputs, outputs, 3))


def _with_relu(name: str, layer: nn.Module) -> nn.Sequential:
    # A module for the ReLU, not a function, so that attribution methods can hook it.
    return nn.Sequential(OrderedDict([(name, layer), ("relu", nn.ReLU())]))


def _check_layout(x: Tensor) -> None:
    if not isinstance(x, Tensor):
        raise TypeError(f"the input is a {type(x).__name__}; it must be a float32 torch.Tensor")
    if x.dim() != 4 or tuple(x.shape[1:]) != INPUT_SHAPE or len(x) == 0:
        raise ValueError(f"the input has shape {tuple(x.shape)}; it must be (N, 1, 224, 224) with N at least 1")
    if x.dtype != torch.float32:
        raise TypeError(f"the input is {str(x.dtype).removeprefix('torch.')}; it must be float32")
