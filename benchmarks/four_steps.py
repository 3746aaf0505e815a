"""The student's four steps against its teacher's twenty-five: `python benchmarks/four_steps.py`.

Both draw the same prompt from the same seed in turns, one 256-pixel picture at a time, warm, in one process.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch

from synthviz.generation import GenerationConfig, generate
from synthviz.pipelines import load_pipeline

PROMPT = "a quiet village at dusk with two yellow lanterns"
STEPS = {"embedded": 4, "embedded-teacher": 25}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--device", help="cuda, mps or cpu; default: the best there is")
    arguments = parser.parse_args()
    pipelines = {model: load_pipeline(model, arguments.device) for model in STEPS}
    seconds: dict[str, list[float]] = {model: [] for model in STEPS}
    for seed in range(arguments.rounds + 1):
        for model, steps in STEPS.items():
            started = time.perf_counter()
            generate(pipelines[model], GenerationConfig(PROMPT, count=1, seed=seed, steps=steps))
            seconds[model].append(time.perf_counter() - started)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {pipelines['embedded'].device}")
    for model, steps in STEPS.items():
        warm = seconds[model][1:]
        print(f"{model}, {steps} steps: median {statistics.median(warm):.3f} s (fastest {min(warm):.3f} s)")
    ratios = [long / short for short, long in zip(*(seconds[model][1:] for model in STEPS), strict=True)]
    print(f"ratio, round by round: median {statistics.median(ratios):.1f} (least {min(ratios):.1f})")


if __name__ == "__main__":
    main()
