"""How fast the embedded model can be on a CPU: `python -m benchmarks.cpu_best_effort`.

Measured is a picture of four steps, after a warm-up, compared with the default, PyTorch in float32 without compilation.
The first row is the engine that users can choose, `load_pipeline(engine="openvino")`. The other rows are for comparison
only; they change the UNet alone. Each row has the lowest PSNR of eight seeds against the default's pictures, and the
time of the first picture, which is mostly compilation. ONNX Runtime is measured if it is installed (`pip install
onnxruntime onnxscript`). A candidate that cannot run is reported and skipped.
"""

from __future__ import annotations

import copy
import os
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from diffusers import DiffusionPipeline
from torch import Tensor, nn

from benchmarks.side_by_side import Check, Row, command_line, in_turns, row
from synthviz.diffusion.config import GenerationConfig
from synthviz.diffusion.generation import generate
from synthviz.diffusion.pipelines import load_pipeline

PROMPT = "a quiet village at dusk with two yellow lanterns"
SEEDS = range(8)
LEAST_PSNR = 35.0

# Predicts from latents (B, 8, 32, 32), a timestep (), text (B, 48, C) and the embedded guidance scale (B, C).
Predictor = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


class Plain(nn.Module):
    """A UNet as a module with four tensors as inputs, for compilers and exporters."""

    def __init__(self, unet: nn.Module) -> None:
        super().__init__()
        self.unet = unet

    def forward(self, latents: Tensor, time: Tensor, text: Tensor, guidance: Tensor) -> Tensor:
        """Return the predicted velocity, like `latents`."""
        velocity: Tensor = self.unet(latents, time, text, timestep_cond=guidance, return_dict=False)[0]
        return velocity


def channels_last(plain: Plain) -> Predictor:
    """Store the weights channels last."""
    return plain.to(memory_format=torch.channels_last)


def bfloat16_autocast(plain: Plain) -> Predictor:
    """Compute in bfloat16 with autocast."""

    def predict(*inputs: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            velocity: Tensor = plain(*inputs)
        return velocity.float()

    return predict


def in_bfloat16(predict: Predictor) -> Predictor:
    """Convert the inputs to bfloat16 and the result back, so that the scheduler computes in float32."""
    return lambda latents, time, text, guidance: predict(
        latents.bfloat16(), time, text.bfloat16(), guidance.bfloat16()
    ).float()


def compiled(plain: Plain) -> Predictor:
    """Compile with `torch.compile`."""
    return torch.compile(plain)


def compiled_and_frozen(plain: Plain) -> Predictor:
    """Compile with autotuning and constant weights."""
    return torch.compile(plain, options={"max_autotune": True, "freezing": True})


def compiled_and_frozen_bfloat16(plain: Plain) -> Predictor:
    """Compile in the same way, with weights in bfloat16."""
    return in_bfloat16(compiled_and_frozen(plain.bfloat16()))


def onnx_runtime(plain: Plain) -> Predictor:
    """Export to ONNX and run in ONNX Runtime."""
    import onnxruntime

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "unet.onnx")
        torch.onnx.export(plain, example_inputs(plain), path, dynamo=True, verbose=False)
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]
    return lambda *inputs: torch.from_numpy(
        session.run(None, {name: each.numpy() for name, each in zip(names, inputs, strict=True)})[0]
    )


CANDIDATES: dict[str, Callable[[Plain], Predictor]] = {
    "channels last": channels_last,
    "bfloat16 autocast": bfloat16_autocast,
    "torch.compile": compiled,
    "torch.compile, max-autotune, frozen": compiled_and_frozen,
    "torch.compile, max-autotune, frozen, bfloat16 weights": compiled_and_frozen_bfloat16,
    "ONNX Runtime": onnx_runtime,
}


def example_inputs(plain: Plain) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return inputs of the right shapes for one picture."""
    config: Any = plain.unet.config
    latents = torch.zeros(1, config.in_channels, config.sample_size, config.sample_size)
    text = torch.zeros(1, 48, config.cross_attention_dim)
    return latents, torch.tensor(999), text, torch.zeros(1, config.time_cond_proj_dim)


def picture_maker(build: Callable[[Plain], Predictor]) -> Callable[[int], np.ndarray]:
    """Return a function from a seed to its picture, (H, W, 3) in [0, 255], drawn with a candidate's UNet."""
    pipeline = load_pipeline("embedded", "cpu", "torch")
    with torch.no_grad():
        predict = build(Plain(copy.deepcopy(pipeline.unet)).eval())

    def forward(sample: Tensor, timestep: Tensor, encoder_hidden_states: Tensor, **named: Any) -> tuple[Tensor]:
        return (predict(sample, timestep, encoder_hidden_states, named["timestep_cond"]),)

    pipeline.unet.forward = forward  # this pipeline is used here only; its UNet keeps config and dtype
    return lambda seed: draw(pipeline, seed)


def engine_picture_maker(engine: str) -> Callable[[int], np.ndarray]:
    """Return a function from a seed to its picture, (H, W, 3) in [0, 255], drawn in one of synthviz's engines."""
    pipeline = load_pipeline("embedded", "cpu", engine)
    return lambda seed: draw(pipeline, seed)


def draw(pipeline: DiffusionPipeline, seed: int) -> np.ndarray:
    """Draw one picture, (H, W, 3) float in [0, 255]."""
    return np.asarray(generate(pipeline, GenerationConfig(PROMPT, count=1, seed=seed))[0].image, float)


def psnr(picture: np.ndarray, wanted: np.ndarray) -> float:
    """Return the PSNR in dB of a picture with values from 0 to 255."""
    return float(10 * np.log10(255**2 / max(1e-9, np.square(picture - wanted).mean())))


def build_all() -> tuple[dict[str, Callable[[int], np.ndarray]], dict[str, float]]:
    """Return each candidate's function from seeds to pictures, and the seconds until its first picture."""
    makers, first = {}, {}
    ways = {"`load_pipeline(engine='openvino')`": partial(engine_picture_maker, "openvino")}
    ways |= {name: partial(picture_maker, build) for name, build in CANDIDATES.items()}
    for name, make in ways.items():
        started = perf_counter()
        try:
            makers[name] = make()
            makers[name](0)
        except Exception as error:  # each backend has its own
            makers.pop(name, None)
            print(f"{name} is skipped: {(str(error).strip().splitlines() or [type(error).__name__])[0]}\n", flush=True)
            continue
        first[name] = perf_counter() - started
    return makers, first


def measure(repeats: int) -> list[Row]:
    """Measure every candidate that runs on this machine."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = folder  # so that nothing comes from an earlier compilation
        makers, first = build_all()
        eager = picture_maker(lambda plain: plain)
        wanted = [eager(seed) for seed in SEEDS]
        seconds = in_turns({name: partial(make, 0) for name, make in {"eager": eager, **makers}.items()}, repeats)
        rows = []
        for name, make in makers.items():
            likeness = min(psnr(make(seed), right) for seed, right in zip(SEEDS, wanted, strict=True))
            check = Check(f"lowest PSNR {likeness:.1f} dB, goal {LEAST_PSNR:g}", likeness >= LEAST_PSNR)
            note = f"the first picture took {first[name]:.2g} s"
            rows.append(row(name, "the default, float32", 1 / 1.5, seconds[name], seconds["eager"], [check], note))
    return rows


def main() -> None:
    """Measure from the command line."""
    command_line(measure, __doc__, repeats=20)


if __name__ == "__main__":
    main()
