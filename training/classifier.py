"""Train the small CNN: `python -m training.classifier --paintings DIR --output-dir DIR --minutes 10`.

`SceneCNN` learns to name the place from grey 224×224 pictures, made from the paintings as preprocessing makes
them. The architecture has no dropout, so weight decay, label smoothing and augmentation (crops, mirroring,
brightness, contrast, blur or sharpening, noise) prevent overfitting. With them it also recognises generated
pictures, which are softer than paintings.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from synthviz.cnn.network import SceneCNN
from synthviz.devices import pick_device
from synthviz.preprocessing.steps import LUMA
from training.loop import TrainingRun, autocast
from training.optimizers import MuonAndAdamW
from training.paintings import load_paintings

SIDE = 224
Labelled = tuple[Sequence[np.ndarray], np.ndarray]  # pictures, (H, W, 3) uint8 on disk, and the indices of their places


@dataclass(frozen=True)
class ClassifierTraining:
    """Settings of this stage; `minutes` counts all runs that resume one another."""

    minutes: float = 10
    batch: int = 32
    rate: float = 1e-3
    weight_decay: float = 0.05
    label_smoothing: float = 0.05
    held_out: int = 2000
    smallest_crop: float = 0.8
    brightness: float = 0.1
    contrast: float = 0.2
    sharpness: float = 1.0
    noise: float = 0.02
    seed: int = 0  # SceneCNN(seed=0) is what notebook 3 shows beside the trained network


def grey(images: torch.Tensor) -> torch.Tensor:
    """Return the luma of pictures (B, H, W, 3) uint8 as (B, 1, H, W) float32 in [0, 1]."""
    weights = torch.tensor(LUMA, device=images.device)
    return (images.float() @ weights)[:, None] / 255


def enlarge(images: torch.Tensor) -> torch.Tensor:
    """Resize (B, 1, H, W) to (B, 1, 224, 224), bilinear with antialiasing, as preprocessing does it."""
    return F.interpolate(images, (SIDE, SIDE), mode="bilinear", antialias=True)


def augment(images: torch.Tensor, settings: ClassifierTraining, generator: torch.Generator) -> torch.Tensor:
    """Return a random view of each picture: (B, 1, H, W) in [0, 1] becomes (B, 1, 224, 224) in [0, 1].

    Sharpness varies from blurred (-1) to sharpened (+1), because generated pictures are softer than paintings and large
    pictures are sharper. One bilinear sampling crops, mirrors and enlarges; it costs most, so it comes last.
    """
    batch, device = len(images), images.device

    def between(low: float, high: float) -> torch.Tensor:
        return torch.empty(batch).uniform_(low, high, generator=generator).to(device)

    def for_each(low: float, high: float) -> torch.Tensor:
        return between(low, high)[:, None, None, None]

    blurred = F.avg_pool2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    images = images + for_each(-settings.sharpness, settings.sharpness) * (images - blurred)
    middle = images.mean(dim=(1, 2, 3), keepdim=True)
    images = middle + (images - middle) * for_each(1 - settings.contrast, 1 + settings.contrast)
    noise = torch.randn(images.shape, generator=generator).to(device)
    images = images + for_each(0, settings.noise) * noise + for_each(-settings.brightness, settings.brightness)

    zoom = between(settings.smallest_crop, 1.0)
    views = torch.zeros(batch, 2, 3, device=device)
    views[:, 0, 0], views[:, 1, 1] = zoom * between(-1, 1).sign(), zoom
    views[:, 0, 2], views[:, 1, 2] = between(-1, 1) * (1 - zoom), between(-1, 1) * (1 - zoom)
    grid = F.affine_grid(views, [batch, 1, SIDE, SIDE], align_corners=False)
    images = F.grid_sample(images.clamp(0, 1), grid, padding_mode="border", align_corners=False)
    return images.clamp(0, 1)  # interpolation may round past 1


def take(images: Sequence[np.ndarray], rows: np.ndarray, device: torch.device) -> torch.Tensor:
    """Read rows of the memory-mapped pictures onto the device, grey: (B, 1, H, W) float32 in [0, 1]."""
    return grey(torch.from_numpy(np.stack([images[row] for row in rows])).to(device))


def split(folders: Sequence[Path], held_out: int) -> tuple[Labelled, Labelled]:
    """Split the paintings of several folders into those to learn from and the held-out ones.

    Held out are the last `held_out` paintings of each folder, but at most a tenth of it.
    """
    images: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    places: tuple[list[int], list[int]] = ([], [])
    for folder in folders:
        paintings = load_paintings(folder)
        first_kept = len(paintings.images) - min(held_out, len(paintings.images) // 10)
        for part, rows in enumerate((slice(first_kept), slice(first_kept, None))):
            images[part].extend(paintings.images[rows])
            places[part].extend(paintings.places[rows].tolist())
    return (images[0], np.array(places[0])), (images[1], np.array(places[1]))


@torch.no_grad()
def measure_accuracy(model: SceneCNN, images: Sequence[np.ndarray], places: np.ndarray, device: torch.device) -> float:
    """Return the share of pictures, each (H, W, 3) uint8, whose place the network names correctly."""
    correct = 0
    for start in range(0, len(images), 64):
        rows = np.arange(start, min(start + 64, len(images)))
        named = model.logits(enlarge(take(images, rows, device))).argmax(dim=1).cpu().numpy()
        correct += int((named == places[rows]).sum())
    return correct / len(images)


def train_classifier(folders: Sequence[Path], output_dir: Path, settings: ClassifierTraining) -> SceneCNN:
    """Train until the budget is spent, resuming from the folder's checkpoint; return the averaged model.

    Saves `model.safetensors` in `output_dir`, ready for `synthviz/models/scene-cnn`.

    Args:
        folders: folders that `training.paintings` filled; the last paintings of each are held out.
        output_dir: the folder for checkpoint, log and weights.
        settings: the budget and the other settings.
    """
    device = pick_device()
    (images, places), held_out = split(folders, settings.held_out)
    model = SceneCNN(settings.seed).to(device).to(memory_format=torch.channels_last)
    optimizer = MuonAndAdamW(model, settings.rate, settings.weight_decay)
    output_dir.mkdir(parents=True, exist_ok=True)
    run = TrainingRun(model, optimizer, output_dir / "classifier.checkpoint", settings.minutes)
    rng = np.random.default_rng([settings.seed, run.step])
    generator = torch.Generator().manual_seed(settings.seed + run.step)
    save_due = run.clock.every(min(5.0, settings.minutes / 2))  # measuring costs training time
    while run.clock.progress < 1:
        run.set_learning_rate(settings.rate, warmup=100)
        rows = rng.integers(len(images), size=settings.batch)
        views = augment(take(images, rows, device), settings, generator)
        target = torch.from_numpy(places[rows]).to(device)
        with autocast(device):
            scores = model.logits(views.contiguous(memory_format=torch.channels_last))
        loss = F.cross_entropy(scores.float(), target, label_smoothing=settings.label_smoothing)
        run.descend(loss)
        run.losses.update(loss=loss)
        run.print_losses()
        if next(save_due):
            _save(run, output_dir, held_out, settings.batch, device)
    return _save(run, output_dir, held_out, settings.batch, device).cpu()


def _save(run: TrainingRun, output_dir: Path, held_out: Labelled, batch: int, device: torch.device) -> SceneCNN:
    """Write the checkpoint, the averaged model and a line of the log; return the averaged model."""
    run.save()
    averaged = SceneCNN()
    averaged.load_state_dict(run.average.on_cpu())
    averaged.save_weights(output_dir / "model.safetensors")
    averaged = averaged.to(device).to(memory_format=torch.channels_last).eval()
    accuracy = measure_accuracy(averaged, *held_out, device)
    run.write_log(output_dir / "classifier.log", pictures=run.step * batch, held_out_accuracy=accuracy)
    return averaged


def main() -> None:
    """Train from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paintings", type=Path, required=True, nargs="+", help="one or more folders of paintings")
    parser.add_argument("--output-dir", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=ClassifierTraining.minutes)
    arguments = parser.parse_args()
    train_classifier(arguments.paintings, arguments.output_dir, ClassifierTraining(minutes=arguments.minutes))


if __name__ == "__main__":
    main()
