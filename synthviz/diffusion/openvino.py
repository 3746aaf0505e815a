"""Let OpenVINO compute a Stable Diffusion's UNet and decoder on a CPU, in about half of PyTorch's time.

OpenVINO comes from `pip install synthviz[openvino]`. It computes in bfloat16 if the processor can, else in float32.
The text encoder and the scheduler stay in PyTorch. To convert the networks takes some seconds; for a shipped model the
converted networks are stored in the user's cache folder, and are loaded from there the next time.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import warnings
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openvino
import torch
from diffusers import UNet2DConditionModel
from diffusers.models.autoencoders.vae import DecoderOutput
from diffusers.models.unets.unet_2d_condition import UNet2DConditionOutput
from openvino.frontend import FrontEndManager
from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder
from platformdirs import user_cache_path
from torch import Tensor, nn

from synthviz.records import versions
from synthviz.shipped_models import read_checksums

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline


def run_in_openvino(pipeline: DiffusionPipeline, cache_as: str | None = None) -> str:
    """Replace the UNet and the autoencoder of a `StableDiffusionPipeline` on the CPU by ones that OpenVINO computes.

    Args:
        pipeline: its `unet` and `vae` are replaced.
        cache_as: the name of a shipped model, whose converted networks may be read from and stored in the cache; None
            converts them anew.

    Returns:
        The engine's name for records: "openvino" with its version and precision ("bf16" or "f32").

    Raises:
        ValueError: for another kind of pipeline.
    """
    if type(pipeline).__name__ != "StableDiffusionPipeline":
        raise ValueError(f"engine 'openvino' runs a StableDiffusionPipeline, not a {type(pipeline).__name__}")
    with torch.no_grad():
        unet, decoder = _converted(pipeline) if cache_as is None else _cached(pipeline, cache_as)
    core = openvino.Core()
    compiled = core.compile_model(unet, "CPU")
    pipeline.unet = OpenVINOUNet(pipeline.unet, compiled)
    pipeline.vae = OpenVINOAutoencoder(pipeline.vae, core.compile_model(decoder, "CPU"))
    precision = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
    return f"openvino {openvino.__version__.split('-')[0]}, {precision}"


class _WithConfig(nn.Module):
    """Looks to a pipeline like the network that it replaces: the same config, dtype and device."""

    def __init__(self, original: Any, compiled: openvino.CompiledModel) -> None:
        super().__init__()
        self.original = original
        self.config = original.config
        self.dtype = original.dtype
        self.device = original.device
        self._compiled = compiled

    def compute(self, *inputs: Tensor) -> Tensor:
        """Run the compiled network; the result is copied, because OpenVINO reuses the memory for its next result."""
        return torch.from_numpy(self._compiled([tensor.numpy() for tensor in inputs])[0].copy())


class OpenVINOUNet(_WithConfig):
    """A UNet that OpenVINO computes; called as `UNet2DConditionModel` is."""

    def forward(
        self,
        sample: Tensor,
        timestep: Tensor,
        encoder_hidden_states: Tensor,
        timestep_cond: Tensor | None = None,
        return_dict: bool = True,
        **_: None,
    ) -> UNet2DConditionOutput | tuple[Tensor]:
        """Predict the noise or the velocity, (B, C, h, w)."""
        # PyTorch computes the timestep's sines and cosines: bfloat16 cannot hold 999.
        time = self.original.get_time_embed(sample, timestep)
        conditions = [] if timestep_cond is None else [timestep_cond]
        predicted = self.compute(sample, time, encoder_hidden_states, *conditions)
        return UNet2DConditionOutput(predicted) if return_dict else (predicted,)


class OpenVINOAutoencoder(_WithConfig):
    """An autoencoder whose decoder OpenVINO computes; PyTorch computes the encoder."""

    def encode(self, *args: Any, **kwargs: Any) -> Any:
        """Encode pictures as the original autoencoder does."""
        return self.original.encode(*args, **kwargs)

    def decode(self, latents: Tensor, return_dict: bool = True, **_: None) -> DecoderOutput | tuple[Tensor]:
        """Decode (B, C, h, w) latents to pictures, (B, 3, H, W) in [-1, 1]."""
        pixels = self.compute(latents)
        return DecoderOutput(pixels) if return_dict else (pixels,)


def _cached(pipeline: DiffusionPipeline, model: str) -> tuple[openvino.Model, openvino.Model]:
    """Read the converted networks of a shipped model from the cache; convert and store them if they are not there."""
    folder = user_cache_path("synthviz") / "openvino" / model / _key()
    files = [folder / "unet.xml", folder / "decoder.xml"]
    with suppress(RuntimeError, OSError):  # not there, or damaged
        core = openvino.Core()
        unet, decoder = (core.read_model(file) for file in files)
        return unet, decoder
    networks = _converted(pipeline)
    with suppress(RuntimeError, OSError):  # the cache cannot be written; the next start converts again
        _store(folder, dict(zip(files, networks, strict=True)))
    return networks


def _key() -> str:
    """Return a hash of everything that decides the converted networks."""
    libraries = {name: version for name, version in versions().items() if name in ("torch", "diffusers", "synthviz")}
    decisive = json.dumps([read_checksums(), libraries, openvino.__version__], sort_keys=True)
    return hashlib.sha256(decisive.encode()).hexdigest()[:16]


def _store(folder: Path, networks: dict[Path, openvino.Model]) -> None:
    """Write converted networks whole or not at all, in place of those of other versions."""
    shutil.rmtree(folder.parent, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        unfinished = Path(temporary) / folder.name
        for file, network in networks.items():
            openvino.save_model(network, unfinished / file.name, compress_to_fp16=False)
        unfinished.rename(folder)


def _converted(pipeline: DiffusionPipeline) -> tuple[openvino.Model, openvino.Model]:
    """Convert the UNet and the decoder of a pipeline."""
    config = pipeline.unet.config
    latents = torch.zeros(2, config.in_channels, config.sample_size, config.sample_size)
    time = pipeline.unet.get_time_embed(latents, 999)
    text = torch.zeros(2, pipeline.tokenizer.model_max_length, config.cross_attention_dim)
    conditions = [] if config.time_cond_proj_dim is None else [torch.zeros(2, config.time_cond_proj_dim)]
    unet = _convert(_PlainUNet(pipeline.unet), latents, time, text, *conditions)
    return unet, _convert(_PlainDecoder(pipeline.vae), latents)


class _UNetOfTimeEmbeddings(UNet2DConditionModel):  # type: ignore[misc]  # diffusers has no types
    """A UNet whose `timestep` is already the vector of the timestep's sines and cosines, (B, C)."""

    def get_time_embed(self, sample: Tensor, timestep: Tensor) -> Tensor:
        """Return the vector as it is."""
        return timestep


class _PlainUNet(nn.Module):
    """A UNet with positional tensors only, as the conversion needs it."""

    def __init__(self, unet: UNet2DConditionModel) -> None:
        super().__init__()
        self.unet: Any = _UNetOfTimeEmbeddings.from_config(unet.config)
        self.unet.load_state_dict(unet.state_dict(), assign=True)

    def forward(self, latents: Tensor, time: Tensor, text: Tensor, condition: Tensor | None = None) -> Any:
        """Predict (B, C, h, w); `time` is (B, C), `condition` the guidance embedding of a distilled UNet."""
        return self.unet(latents, time, text, timestep_cond=condition, return_dict=False)[0]


class _PlainDecoder(nn.Module):
    """A decoder with one positional tensor, as the conversion needs it."""

    def __init__(self, autoencoder: Any) -> None:
        super().__init__()
        self.autoencoder = autoencoder

    def forward(self, latents: Tensor) -> Any:
        """Decode (B, C, h, w) latents."""
        return self.autoencoder.decode(latents, return_dict=False)[0]


def _convert(network: nn.Module, *example: Tensor) -> openvino.Model:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer warns of checks that hold for every size, and of its own age
        traced = TorchScriptPythonDecoder(network.eval(), example_input=example)
    # openvino.convert_model does the same, and sends statistics.
    frontend = FrontEndManager().load_by_framework("pytorch")
    return frontend.convert(frontend.load(traced))
