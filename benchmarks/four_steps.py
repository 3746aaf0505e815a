"""Four steps of the student, compared with twenty-five of its teacher: `python -m benchmarks.four_steps`.

Both draw one picture of 256 pixels for the same prompt and seed, after a warm-up, in one process. The teacher runs in
diffusers alone, with guidance, which needs two passes per step. The student runs in both engines of `load_pipeline`.
Only time is measured here; the accuracy of both models comes from the results of `training/evaluate.py`.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import torch
from diffusers import DDIMScheduler, DiffusionPipeline, UNet2DConditionModel

from benchmarks.side_by_side import Check, Row, command_line, in_turns, row
from synthviz.diffusion.config import GenerationConfig
from synthviz.diffusion.generation import generate
from synthviz.diffusion.pipeline_info import info_of
from synthviz.diffusion.pipelines import load_pipeline
from synthviz.shipped_models import MODELS, SHIPPED_DEFAULTS
from training.targets import TARGETS

EVALUATION = Path(__file__).parents[1] / "training" / "evaluation.json"
PROMPT = "a quiet village at dusk with two yellow lanterns"


def stock_teacher() -> DiffusionPipeline:
    """Load the teacher with diffusers alone; its folder holds only the parts that it does not share."""
    folder = MODELS / "embedded-teacher"
    pipeline = DiffusionPipeline.from_pretrained(
        MODELS / "embedded",
        unet=UNet2DConditionModel.from_pretrained(folder / "unet"),
        scheduler=DDIMScheduler.from_pretrained(folder / "scheduler"),
        dtype=torch.float32,
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def check_accuracy() -> Check:
    """Check the student's prompt accuracy, as a share of its teacher's, in the stored evaluation."""
    name = "Accuracy, student to teacher"
    share, target = json.loads(EVALUATION.read_text())["agreement"][name]["value"], TARGETS[name]
    return Check(
        f"prompt accuracy {share:.3f} of the teacher's ({EVALUATION.name}), goal {target}", target.reached(share)
    )


def measure(repeats: int) -> list[Row]:
    """Measure the student in both engines."""
    students = {
        "a four-step picture": load_pipeline("embedded", "cpu"),
        "the same, `engine='openvino'`": load_pipeline("embedded", "cpu", "openvino"),
    }
    teacher = stock_teacher()
    steps, guidance = SHIPPED_DEFAULTS["embedded-teacher"]
    config = GenerationConfig(PROMPT, count=1, seed=0)
    ways = {work: partial(generate, student, config) for work, student in students.items()}

    def draw_with_teacher() -> object:
        generator = torch.Generator().manual_seed(0)
        return teacher(PROMPT, num_inference_steps=steps, guidance_scale=guidance, generator=generator).images[0]

    seconds = in_turns({**ways, "teacher": draw_with_teacher}, repeats)
    against = f"the teacher in diffusers, {steps} steps with guidance"
    return [
        row(
            work,
            against,
            1 / 10,
            seconds[work],
            seconds["teacher"],
            [check_accuracy()],
            f"computed in {info_of(student).engine}",
        )
        for work, student in students.items()
    ]


def main() -> None:
    """Measure from the command line."""
    command_line(measure, __doc__, repeats=20)


if __name__ == "__main__":
    main()
