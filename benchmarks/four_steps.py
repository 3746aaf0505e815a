"""The student's four steps against its teacher's twenty-five: `python -m benchmarks.four_steps`.

Both draw one 256-pixel picture of the same prompt from the same seed, warm, in one process. The teacher runs as
diffusers alone would run it, with guidance: its own pipeline, two passes a step. The student runs as it is loaded by
default, in float32, and in OpenVINO. How well each obeys its prompts was measured by `training/evaluate.py`, whose
numbers are read; here only the time is.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import torch
from diffusers import DDIMScheduler, DiffusionPipeline, UNet2DConditionModel

from benchmarks.side_by_side import Check, Row, command_line, in_turns, row
from synthviz.diffusion.capabilities import engine_of
from synthviz.diffusion.config import GenerationConfig
from synthviz.diffusion.generation import generate
from synthviz.diffusion.pipelines import load_pipeline
from synthviz.shipped_models import MODELS, SHIPPED_DEFAULTS

EVALUATION = Path(__file__).parents[1] / "training" / "evaluation.json"
PROMPT = "a quiet village at dusk with two yellow lanterns"


def stock_teacher() -> DiffusionPipeline:
    """The teacher through diffusers alone; it is stored as what it does not share with its student."""
    folder = MODELS / "embedded-teacher"
    pipeline = DiffusionPipeline.from_pretrained(
        MODELS / "embedded",
        unet=UNet2DConditionModel.from_pretrained(folder / "unet"),
        scheduler=DDIMScheduler.from_pretrained(folder / "scheduler"),
        dtype=torch.float32,
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def obedience() -> Check:
    """What share of its teacher's prompt accuracy the student keeps, as the evaluation of both found it."""
    share = json.loads(EVALUATION.read_text())["agreement"]["Accuracy, student to teacher"]
    text = f"{share['value']:.1%} of the teacher's prompt accuracy by {EVALUATION.name}, {share['target']:.0%} wanted"
    return Check(text, share["reached"])


def measure(repeats: int) -> list[Row]:
    students = {
        "a four-step picture, warm": load_pipeline("embedded", "cpu"),
        "the same, `engine='torch'`": load_pipeline("embedded", "cpu", "torch"),
        "the same, `engine='openvino'`": load_pipeline("embedded", "cpu", "openvino"),
    }
    teacher = stock_teacher()
    steps, guidance = SHIPPED_DEFAULTS["embedded-teacher"]
    config = GenerationConfig(PROMPT, count=1, seed=0)
    ways = {work: partial(generate, student, config) for work, student in students.items()}

    def teach() -> object:
        generator = torch.Generator().manual_seed(0)
        return teacher(PROMPT, num_inference_steps=steps, guidance_scale=guidance, generator=generator).images[0]

    seconds = in_turns({**ways, "teacher": teach}, repeats)
    against = f"the teacher through diffusers, {steps} steps with guidance"
    return [
        row(
            work, against, 1 / 10, seconds[work], seconds["teacher"], [obedience()], f"computed in {engine_of(student)}"
        )
        for work, student in students.items()
    ]


def main() -> None:
    command_line(measure, __doc__, repeats=20)


if __name__ == "__main__":
    main()
