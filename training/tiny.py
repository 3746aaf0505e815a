"""Run every stage at toy size, in under five minutes on a CPU: `python -m training.tiny --output-dir DIR`.

This shows that all stages run and fit together. The resulting models cannot draw recognisable pictures.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from training.__main__ import Batches, Plan, train_all

SIZE = 64


def train_tiny(output_dir: Path, minutes: float = 2.0, count: int = 96) -> None:
    """Paint small pictures, train every stage for its share of the minutes, and export both pipelines.

    Args:
        output_dir: the folder to fill; stages that already ran there are resumed.
        minutes: of training, all stages together.
        count: the number of scenes to paint.
    """
    held_out, batches = max(8, count // 8), Batches(diffusion=8, distillation=8)
    train_all(Plan(output_dir, minutes / 60, paintings=count, held_out=held_out, size=SIZE, batches=batches))


def main() -> None:
    """Train from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output-dir", type=Path, default=Path("outputs/train-tiny"))
    arguments = parser.parse_args()
    train_tiny(arguments.output_dir)


if __name__ == "__main__":
    main()
