"""Train the oracle that judges generated pictures: `python -m training.oracle --paintings DIR --output-dir DIR`.

The oracle is a residual network (He et al. 2016) that recognises every attribute of a scene in a picture. It learns
from paintings alone, held-out pairs among them, and has no part in training the generator. Blur and noise in its
training keep it from depending on details that only painted pixels have.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import nn

from synthviz.devices import pick_device
from synthviz.scenes import BODIES, COLORS, KINDS, PLACES, SIDES, STYLES, TIMES, WEATHERS
from training.loop import TrainingRun, autocast
from training.optimizers import MuonAndAdamW
from training.paintings import load_paintings

WEIGHTS = Path(__file__).with_name("oracle.safetensors")  # stored in float16
SIZE = 128  # side of the pictures the oracle sees; larger ones are averaged down
FEATURES = 256  # width of the layer before the answers
IGNORED = -1  # marks an attribute that a scene does not have, such as the colour of absent birds

# Every question the oracle answers, with its possible answers.
QUESTIONS: dict[str, tuple[str, ...]] = {
    "place": PLACES,
    "time": TIMES,
    "weather": WEATHERS,
    "style": STYLES,
    "body": ("none", *BODIES),
    "body side": SIDES,
    "stars": ("no", "yes"),
    "water": ("no", "yes"),
    **{f"{kind} count": ("0", "1", "2", "3", "4") for kind in KINDS},
    **{f"{kind} color": COLORS for kind in KINDS},
    **{f"{kind} side": SIDES for kind in KINDS},
}


def answers(scene: Mapping[str, Any]) -> dict[str, str]:
    """Return the right answers about a scene, which is given as a dictionary from `dataclasses.asdict`.

    Questions without an answer, such as the side of several birds, are left out.
    """
    right = {name: str(scene[name]) for name in ("place", "time", "weather")}
    if scene["style"] in STYLES:
        right["style"] = scene["style"]  # the natural style has no name
    right["body"] = scene["body"] or "none"
    if scene["body"]:
        right["body side"] = scene["body_side"]
    right["stars"] = "yes" if scene["stars"] else "no"
    right["water"] = "yes" if scene["water"] else "no"
    right |= {f"{kind} count": "0" for kind in KINDS}
    for group in scene["things"]:
        right[f"{group['kind']} count"] = str(group["count"])
        right[f"{group['kind']} color"] = group["color"]
        if group["side"]:
            right[f"{group['kind']} side"] = group["side"]
    return right


def encode_answers(given: Mapping[str, str]) -> list[int]:
    """Return answers as indices in the order of `QUESTIONS`, `IGNORED` for a question without an answer."""
    return [options.index(given[question]) if question in given else IGNORED for question, options in QUESTIONS.items()]


class _Residual(nn.Module):
    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        self.skip = nn.Conv2d(channels_in, channels, 1, stride, bias=False) if stride > 1 else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.skip(x) + self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x))))))


class Oracle(nn.Module):
    """Answers every question about pictures: (B, 3, 128, 128) in [0, 1] to the logits of all questions, concatenated.

    The convolutions end in an 8×8 grid, because counts and sides depend on where things are.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 32, 5, 2, 2, bias=False), nn.BatchNorm2d(32), nn.ReLU())
        self.blocks = nn.Sequential(
            _Residual(32, 64, 2), _Residual(64, 64, 1), _Residual(64, 128, 2), _Residual(128, 128, 1),
            _Residual(128, 192, 2),
        )  # fmt: skip
        self.squeeze = nn.Conv2d(192, 64, 1)
        self.hidden = nn.Linear(64 * 8 * 8, FEATURES)
        self.heads = nn.Linear(FEATURES, sum(len(options) for options in QUESTIONS.values()))

    def features(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return non-negative features, (B, 256), of pictures (B, 3, 128, 128) in [0, 1]."""
        maps = F.relu(self.squeeze(self.blocks(self.stem(pictures * 2 - 1))))
        return F.relu(self.hidden(maps.flatten(1)))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return the logits of all questions, concatenated: (B, total number of answers)."""
        logits: torch.Tensor = self.heads(F.dropout(self.features(pictures), 0.1, self.training))
        return logits


def split_logits(logits: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return the logits of each question, (B, number of its answers)."""
    parts = torch.split(logits, [len(options) for options in QUESTIONS.values()], dim=1)
    return dict(zip(QUESTIONS, parts, strict=True))


def to_oracle_input(pictures: np.ndarray) -> torch.Tensor:
    """Convert pictures (B, S, S, 3) uint8 to (B, 3, 128, 128) float32 in [0, 1]."""
    pixels = torch.tensor(np.asarray(pictures)).permute(0, 3, 1, 2).float() / 255
    return pixels if pixels.shape[-1] == SIZE else F.interpolate(pixels, (SIZE, SIZE), mode="area")


@torch.no_grad()
def ask(oracle: Oracle, pictures: np.ndarray, batch: int = 64) -> list[dict[str, str]]:
    """Return the oracle's answers to all questions about each of (B, S, S, 3) uint8 pictures."""
    device = next(oracle.parameters()).device
    seen: list[dict[str, str]] = []
    for start in range(0, len(pictures), batch):
        logits = split_logits(oracle(to_oracle_input(pictures[start : start + batch]).to(device)))
        picks = {question: part.argmax(dim=1).tolist() for question, part in logits.items()}
        for row in range(len(next(iter(picks.values())))):
            seen.append({question: QUESTIONS[question][rows[row]] for question, rows in picks.items()})
    return seen


def load_oracle(path: Path = WEIGHTS) -> Oracle:
    """Load the trained oracle, in float32 and evaluation mode."""
    oracle = Oracle()
    oracle.load_state_dict(load_file(path))
    return oracle.eval()


@dataclass(frozen=True)
class OracleTraining:
    """Settings of this stage; `minutes` counts all runs that resume one another."""

    minutes: float = 20
    batch: int = 64
    rate: float = 2e-3
    held_out: int = 1000
    compile: bool = False
    seed: int = 0


def roughen(pictures: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Add blur, noise and small changes of colour to a batch (B, 3, S, S); the whole batch has the same strengths."""
    kind = torch.rand(3, generator=generator)
    if kind[0] < 0.5:
        side = int(SIZE * (0.5 + 0.5 * kind[0].item() * 2))
        small = F.interpolate(pictures, (side, side), mode="area")
        pictures = F.interpolate(small, (SIZE, SIZE), mode="bilinear")
    noise = torch.randn(pictures.shape, generator=generator) * 0.05 * kind[1]
    gain = 1 + 0.08 * (torch.rand(len(pictures), 3, 1, 1, generator=generator) - 0.5)
    return (pictures * gain + noise).clamp(0, 1)


def train_oracle(folders: list[Path], output_dir: Path, settings: OracleTraining) -> Oracle:
    """Train on the paintings of several folders until the budget is spent; return the averaged oracle.

    Saves it as `oracle.safetensors` in `output_dir` too; resumes from the checkpoint there.
    """
    torch.manual_seed(settings.seed)
    device = pick_device()
    output_dir.mkdir(parents=True, exist_ok=True)
    pictures, targets = _read(folders)
    held_out = min(settings.held_out, len(pictures) // 5)
    shuffled = torch.randperm(len(pictures), generator=torch.Generator().manual_seed(settings.seed))
    test, train = shuffled[:held_out], shuffled[held_out:]
    test_set = (pictures[test.numpy()], targets[test])
    oracle = Oracle().to(device).to(memory_format=torch.channels_last)
    optimizer = MuonAndAdamW(oracle, settings.rate, weight_decay=0.02)
    run = TrainingRun(oracle, optimizer, output_dir / "oracle.checkpoint", settings.minutes)
    generator = torch.Generator().manual_seed(settings.seed + run.step)
    run_oracle = torch.compile(oracle) if settings.compile else oracle
    save_due = run.clock.every(min(4.0, settings.minutes / 2))
    while run.clock.progress < 1:
        run.set_learning_rate(settings.rate)
        rows = train[torch.randint(len(train), (settings.batch,), generator=generator)]
        batch = to_oracle_input(pictures[rows.numpy()])
        batch = roughen(batch, generator).to(device, memory_format=torch.channels_last)
        with autocast(device):
            logits = run_oracle(batch)
        loss = _loss(logits, targets[rows].to(device))
        run.descend(loss, longest_gradient=5.0)
        run.losses.update(loss=loss)
        if next(save_due):
            _save(run, output_dir, *test_set)
    return _save(run, output_dir, *test_set)


def _loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the cross-entropy of all questions that have an answer, summed, per picture of the batch."""
    losses = [
        F.cross_entropy(part.float(), targets[:, index], ignore_index=IGNORED, reduction="sum") / len(targets)
        for index, part in enumerate(split_logits(logits).values())
    ]
    return torch.stack(losses).sum()


def _save(run: TrainingRun, output_dir: Path, pictures: np.ndarray, targets: torch.Tensor) -> Oracle:
    """Write the checkpoint, the averaged oracle in float16 and a line of the log; return the averaged oracle."""
    run.save()
    averaged = Oracle()
    averaged.load_state_dict(run.average.on_cpu())
    halves = {
        name: value.half() if value.is_floating_point() else value for name, value in averaged.state_dict().items()
    }
    save_file(halves, output_dir / "oracle.safetensors")
    each, overall = measure_accuracies(averaged.eval(), pictures, targets)
    run.write_log(output_dir / "oracle.log", accuracy=overall, **each)
    print(f"worst: {min(each, key=lambda question: each[question])}", flush=True)
    return averaged


def measure_accuracies(oracle: Oracle, pictures: np.ndarray, targets: torch.Tensor) -> tuple[dict[str, float], float]:
    """Return the share of right answers to each question, and to all of them.

    Args:
        oracle: in evaluation mode.
        pictures: (N, S, S, 3) uint8.
        targets: the right answers, (N, questions), `IGNORED` for a question without an answer.
    """
    given = torch.tensor([encode_answers(row) for row in ask(oracle, pictures)])
    known = targets != IGNORED
    right = ((given == targets) & known).sum(dim=0)
    shares = (right / known.sum(dim=0).clamp(min=1)).tolist()
    return dict(zip(QUESTIONS, shares, strict=True)), (right.sum() / known.sum()).item()


def _read(folders: list[Path]) -> tuple[np.ndarray, torch.Tensor]:
    """Load all pictures, (N, 128, 128, 3) uint8, and all answers, (N, questions)."""
    pictures, targets = [], []
    for folder in folders:
        paintings = load_paintings(folder)
        for start in range(0, len(paintings.images), 256):
            small = to_oracle_input(paintings.images[start : start + 256])
            pictures.append((small * 255 + 0.5).to(torch.uint8).permute(0, 2, 3, 1).numpy())
        targets += [encode_answers(answers(scene)) for scene in paintings.scenes]
    return np.concatenate(pictures), torch.tensor(targets)


def main() -> None:
    """Train from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paintings", type=Path, required=True, nargs="+", help="one or more folders of paintings")
    parser.add_argument("--output-dir", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=OracleTraining.minutes)
    parser.add_argument("--compile", action="store_true", help="use torch.compile; pays off on a GPU and in long runs")
    arguments = parser.parse_args()
    settings = OracleTraining(minutes=arguments.minutes, compile=arguments.compile)
    train_oracle(arguments.paintings, arguments.output_dir, settings)


if __name__ == "__main__":
    main()
