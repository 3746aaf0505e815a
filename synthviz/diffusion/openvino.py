"""Run a Stable Diffusion's UNet and decoder in OpenVINO: half of PyTorch's time on the CPU it was measured on.

OpenVINO comes from `pip install synthviz[openvino]`. It computes in bfloat16 where the processor can, else in float32;
all else of the pipeline stays as it is. Converting takes some seconds, once for each loaded pipeline.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline


class Compiled:
    """A module's `forward`, in OpenVINO.

    Attributes:
        precision: what it computes in, "bf16" or "f32".
        version: OpenVINO's.
    """

    def __init__(self, module: nn.Module, example: Sequence[Tensor]) -> None:
        import openvino
        from openvino.frontend import FrontEndManager
        from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", torch.jit.TracerWarning)  # of checks that hold for every size
            warnings.simplefilter("ignore", FutureWarning)  # PyTorch means to drop tracing one day
            traced = TorchScriptPythonDecoder(module.eval(), example_input=tuple(example))
        # Not openvino.convert_model, which does the same and sends statistics where it may.
        frontend = FrontEndManager().load_by_framework("pytorch")
        model = frontend.convert(frontend.load(traced))
        self._run = openvino.Core().compile_model(model, "CPU")
        self.precision = self._run.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        self.version = openvino.__version__.split("-")[0]

    def __call__(self, *inputs: Tensor) -> Tensor:
        # Copied, since OpenVINO writes its next answer over this one.
        return torch.from_numpy(self._run([each.numpy() for each in inputs])[0].copy())


class _Unet(nn.Module):
    def __init__(self, unet: nn.Module) -> None:
        super().__init__()
        self.unet: Any = unet

    def forward(self, latents: Tensor, time: Tensor, text: Tensor, told: Tensor | None = None) -> Tensor:
        """`time`: the timestep's sines and cosines, (B, C)."""
        self.unet.get_time_embed = lambda sample, timestep: time
        try:
            return self.unet(latents, 0, text, timestep_cond=told, return_dict=False)[0]
        finally:
            del self.unet.get_time_embed


class _Decoder(nn.Module):
    def __init__(self, vae: nn.Module) -> None:
        super().__init__()
        self.vae = vae

    def forward(self, latents: Tensor) -> Tensor:
        return self.vae.decode(latents, return_dict=False)[0]  # type: ignore[operator]


def run_in_openvino(pipeline: DiffusionPipeline) -> None:
    """Let a `StableDiffusionPipeline` on the CPU compute in OpenVINO from now on.

    Raises:
        ImportError: where OpenVINO is not installed.
        ValueError: for another kind of pipeline.
    """
    import openvino  # noqa: F401 - before the work
    from diffusers.models.autoencoders.vae import DecoderOutput
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionOutput

    if type(pipeline).__name__ != "StableDiffusionPipeline":
        raise ValueError(f"engine 'openvino' runs a StableDiffusionPipeline, not a {type(pipeline).__name__}")
    config: Any = pipeline.unet.config
    latents = torch.zeros(2, config.in_channels, config.sample_size, config.sample_size)
    text = torch.zeros(2, pipeline.tokenizer.model_max_length, config.cross_attention_dim)
    told = [] if config.time_cond_proj_dim is None else [torch.zeros(2, config.time_cond_proj_dim)]
    with torch.no_grad():
        time = pipeline.unet.get_time_embed(latents, 999)
        unet = Compiled(_Unet(pipeline.unet), [latents, time, text, *told])
        decoder = Compiled(_Decoder(pipeline.vae), [latents])

    def predict(
        sample: Tensor,
        timestep: Tensor,
        encoder_hidden_states: Tensor,
        timestep_cond: Tensor | None = None,
        return_dict: bool = True,
        **_: None,
    ) -> Any:
        conditions = [] if timestep_cond is None else [timestep_cond]
        # By PyTorch, since bfloat16 has no 999: of 1000 the sines and cosines are others.
        time = pipeline.unet.get_time_embed(sample, timestep)
        velocity = unet(sample, time, encoder_hidden_states, *conditions)
        return UNet2DConditionOutput(velocity) if return_dict else (velocity,)

    def decode(latents: Tensor, return_dict: bool = True, **_: None) -> Any:
        pixels = decoder(latents)
        return DecoderOutput(pixels) if return_dict else (pixels,)

    pipeline.unet.forward, pipeline.vae.decode = predict, decode
    pipeline.unet.engine = f"openvino {unet.version}, {unet.precision}"
