"""How much faster the embedded model can be on a CPU: `python -m benchmarks.cpu_best_effort`.

A whole picture of four steps, warm, against float32 in eager mode. The first two rows are the engines of
`load_pipeline`, UNet and decoder; in the others, which were tried beside them, only the UNet runs in another way.
Beside each stand how far its pictures are from float32's (the lowest PSNR of eight seeds) and what its first picture
took, which is mostly compilation. ONNX Runtime takes part where it is installed (`pip install onnxruntime
onnxscript`); a candidate that cannot run here says so and is left out.
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

# A UNet's answer to latents (B, 8, 32, 32), a timestep (), text (B, 48, C) and the guidance it is told (B, C).
Answer = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


class Plain(nn.Module):
    """A UNet as a module of four tensors, which is what compilers and exporters take."""

    def __init__(self, unet: nn.Module) -> None:
        super().__init__()
        self.unet = unet

    def forward(self, latents: Tensor, time: Tensor, text: Tensor, told: Tensor) -> Tensor:
        return self.unet(latents, time, text, timestep_cond=told, return_dict=False)[0]


def channels_last(plain: Plain) -> Answer:
    return plain.to(memory_format=torch.channels_last)


def bfloat16_autocast(plain: Plain) -> Answer:
    def answer(*inputs: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return plain(*inputs).float()

    return answer


def in_bfloat16(answer: Answer) -> Answer:
    """With inputs in bfloat16; the scheduler stays in float32."""
    return lambda latents, time, text, told: answer(latents.bfloat16(), time, text.bfloat16(), told.bfloat16()).float()


def compiled(plain: Plain) -> Answer:
    return torch.compile(plain)


def compiled_and_frozen(plain: Plain) -> Answer:
    return torch.compile(plain, options={"max_autotune": True, "freezing": True})


def compiled_and_frozen_bfloat16(plain: Plain) -> Answer:
    return in_bfloat16(compiled_and_frozen(plain.bfloat16()))


def onnx_runtime(plain: Plain) -> Answer:
    import onnxruntime

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "unet.onnx")
        torch.onnx.export(plain, example_inputs(plain), path, dynamo=True, verbose=False)
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]
    return lambda *inputs: torch.from_numpy(
        session.run(None, {name: each.numpy() for name, each in zip(names, inputs, strict=True)})[0]
    )


ENGINES = ("bfloat16", "openvino")
CANDIDATES: dict[str, Callable[[Plain], Answer]] = {
    "channels last": channels_last,
    "bfloat16 autocast": bfloat16_autocast,
    "torch.compile": compiled,
    "torch.compile, max-autotune, frozen": compiled_and_frozen,
    "torch.compile, max-autotune, frozen, bfloat16 weights": compiled_and_frozen_bfloat16,
    "ONNX Runtime": onnx_runtime,
}


def example_inputs(plain: Plain) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Inputs of the right shapes for one picture."""
    config: Any = plain.unet.config
    latents = torch.zeros(1, config.in_channels, config.sample_size, config.sample_size)
    text = torch.zeros(1, 48, config.cross_attention_dim)
    return latents, torch.tensor(999), text, torch.zeros(1, config.time_cond_proj_dim)


def picture_maker(build: Callable[[Plain], Answer]) -> Callable[[int], np.ndarray]:
    """A function from a seed to the picture, (H, W, 3) of 0 to 255, drawn in a candidate's way."""
    pipeline = load_pipeline("embedded", "cpu", "torch")
    with torch.no_grad():
        answer = build(Plain(copy.deepcopy(pipeline.unet)).eval())

    def forward(sample: Tensor, timestep: Tensor, encoder_hidden_states: Tensor, **named: Any) -> tuple[Tensor]:
        return (answer(sample, timestep, encoder_hidden_states, named["timestep_cond"]),)

    pipeline.unet.forward = forward
    return lambda seed: draw(pipeline, seed)


def engine_picture_maker(engine: str) -> Callable[[int], np.ndarray]:
    """The same by one of the library's own engines."""
    pipeline = load_pipeline("embedded", "cpu", engine)
    return lambda seed: draw(pipeline, seed)


def draw(pipeline: DiffusionPipeline, seed: int) -> np.ndarray:
    return np.asarray(generate(pipeline, GenerationConfig(PROMPT, count=1, seed=seed))[0].image, float)


def psnr(picture: np.ndarray, wanted: np.ndarray) -> float:
    """In dB, of values from 0 to 255."""
    return float(10 * np.log10(255**2 / max(1e-9, np.square(picture - wanted).mean())))


def build_all() -> tuple[dict[str, Callable[[int], np.ndarray]], dict[str, float]]:
    """What makes pictures in each candidate's way, and the seconds until its first one."""
    makers, first = {}, {}
    ways = {f"`load_pipeline(engine='{engine}')`": partial(engine_picture_maker, engine) for engine in ENGINES}
    ways |= {name: partial(picture_maker, build) for name, build in CANDIDATES.items()}
    for name, make in ways.items():
        started = perf_counter()
        try:
            makers[name] = make()
            makers[name](0)
        except Exception as error:  # each backend has its own
            makers.pop(name, None)
            print(f"{name} is left out: {(str(error).strip().splitlines() or [type(error).__name__])[0]}\n", flush=True)
            continue
        first[name] = perf_counter() - started
    return makers, first


def measure(repeats: int) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = folder  # so that compilation is not taken from an earlier time
        makers, first = build_all()
        eager = picture_maker(lambda plain: plain)
        wanted = [eager(seed) for seed in SEEDS]
        seconds = in_turns(
            {name: lambda make=make: make(0) for name, make in {"eager": eager, **makers}.items()}, repeats
        )
        rows = []
        for name, make in makers.items():
            likeness = min(psnr(make(seed), right) for seed, right in zip(SEEDS, wanted, strict=True))
            check = Check(f"PSNR {likeness:.1f} dB at least, {LEAST_PSNR:g} wanted", likeness >= LEAST_PSNR)
            note = f"the first picture took {first[name]:.2g} s"
            rows.append(row(name, "float32 eager", 1 / 1.5, seconds[name], seconds["eager"], [check], note))
    return rows


def main() -> None:
    command_line(measure, __doc__, repeats=20)


if __name__ == "__main__":
    main()
