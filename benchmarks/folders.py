"""Convert folders of 12-megapixel JPEGs to tensors: `python -m benchmarks.folders`.

The files are paintings, enlarged to 4000×3000 pixels, with grain like a camera sensor's, at quality 90.

- Fast mode, `preprocess_image(fast=True)`: libjpeg decodes only the brightness, at an eighth of its size. It is
  compared with the usual loop: open, convert, resize, `ToTensor`.
- Two worker processes of `preprocess_folder` are compared with one; their start is not timed.
- Exact mode, `preprocess_image`, is compared with torchvision's v2 transforms of the same file; the values must be
  equal to the bit.
- Memory is the peak of a process that iterates over a folder with `preprocess_folder`. The folder holds hard links to
  one small JPEG, because the growth with the number of files does not depend on their size. There is one round, because
  memory hardly varies.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import deque
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms import ToTensor, v2

from benchmarks.side_by_side import Check, Row, command_line, in_turns, row
from synthviz.preprocessing.folder import preprocess_folder
from synthviz.preprocessing.image import preprocess_image
from synthviz.scenes import paint, sample_scene

SIZE = 224
FILES = 6
LINKS = 48  # for the two workers
EXACT = v2.Compose(
    [v2.Grayscale(), v2.Resize((SIZE, SIZE), antialias=True), v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
)
PEAK = """
import sys
from pathlib import Path
from synthviz.preprocessing import preprocess_folder
for loaded in preprocess_folder(sys.argv[1]):
    pass
print(next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")))
"""


def write_photographs(folder: Path) -> list[Path]:
    """Write `FILES` JPEGs of 12 megapixels; return their paths."""
    paths = []
    for number in range(FILES):
        rng = np.random.default_rng(number)
        large = Image.fromarray(paint(sample_scene(rng), 512).image).resize((4000, 3000), Image.Resampling.BICUBIC)
        grain = rng.normal(0, 5, (3000, 4000, 1)).astype(np.float32)
        pixels = (np.asarray(large, np.float32) + grain).round().clip(0, 255).astype(np.uint8)
        paths.append(folder / f"{number}.jpg")
        Image.fromarray(pixels).save(paths[-1], quality=90)
    return paths


def usual(path: Path) -> Tensor:
    """Load a picture in the usual way: (1, 224, 224)."""
    with Image.open(path) as picture:
        tensor: Tensor = ToTensor()(picture.convert("L").resize((SIZE, SIZE), Image.Resampling.BILINEAR))
    return tensor


def fast(path: Path) -> Tensor:
    """Load a picture in synthviz's fast mode: (1, 224, 224)."""
    return preprocess_image(path, size=SIZE, fast=True).tensor[0]


def steady_seconds(folder: Path, workers: int) -> float:
    """Return the seconds from the first picture of a folder to the last, with this number of worker processes."""
    load = partial(preprocess_image, size=SIZE, fast=True)
    pictures = preprocess_folder(folder, load=load, isolate=True, workers=workers)
    next(pictures)
    started = perf_counter()
    deque(pictures, maxlen=0)
    return perf_counter() - started


def workers_row(paths: list[Path], repeats: int) -> Row:
    """Compare two workers with one."""
    with tempfile.TemporaryDirectory(dir=paths[0].parent) as name:
        folder = Path(name)
        for number in range(LINKS):
            os.link(paths[number % len(paths)], folder / f"{number}.jpg")
        seconds: dict[int, list[float]] = {1: [], 2: []}
        for number in range(repeats):
            for workers in (1, 2) if number % 2 else (2, 1):
                seconds[workers].append(steady_seconds(folder, workers))
    work = f"`preprocess_folder`, {LINKS} JPEGs of 12 megapixels, fast, two workers"
    return row(
        work, "one worker", 1 / 1.8, seconds[2], seconds[1], note="hard links; the start of the processes is not timed"
    )


def torchvision_exact(path: Path) -> Tensor:
    """Load a picture with torchvision's transforms: (1, 224, 224)."""
    with Image.open(path) as picture:
        tensor: Tensor = EXACT(picture)
    return tensor


def peak_memory(source: Path, count: int) -> float:
    """Return the peak memory, in MB, of a process that iterates over this number of links to a file."""
    with tempfile.TemporaryDirectory(dir=source.parent) as folder:
        for number in range(count):
            os.link(source, Path(folder, f"{number}.jpg"))
        done = subprocess.run([sys.executable, "-c", PEAK, folder], check=True, capture_output=True, text=True)
    return int(done.stdout) / 1024


def memory_row(folder: Path, few: int, many: int) -> Row:
    """Compare the peak memory on many files with that on few."""
    small = folder / "small.jpg"
    Image.fromarray(paint(sample_scene(np.random.default_rng(0))).image).save(small)
    here, there = peak_memory(small, many), peak_memory(small, few)
    work = f"`preprocess_folder` on {many:,} files, peak memory"
    return row(work, f"{few} files", 1.05, [here], [there], unit="MB", note="hard links to one small file")


def measure(repeats: int, few: int = 100, many: int = 10_000) -> list[Row]:
    """Measure fast mode, two workers, exact mode and memory."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = write_photographs(folder)
        seconds = in_turns(
            {
                "usual": lambda: [usual(path) for path in paths],
                "fast": lambda: [fast(path) for path in paths],
                "exact": lambda: [preprocess_image(path).tensor for path in paths],
                "torchvision": lambda: [torchvision_exact(path) for path in paths],
            },
            repeats,
        )
        exact = [preprocess_image(path).tensor[0] for path in paths]
        off = 255 * max((fast(path) - wanted).abs().mean().item() for path, wanted in zip(paths, exact, strict=True))
        same = all(torch.equal(torchvision_exact(path), wanted) for path, wanted in zip(paths, exact, strict=True))
        near = Check(f"largest mean error {off:.2f}/255, limit 1/255", off <= 1)
        work = f"{FILES} JPEGs of 12 megapixels, fast, one core"
        loop = "Pillow's open, convert, resize, `ToTensor`"
        return [
            row(work, loop, 1 / 3, seconds["fast"], seconds["usual"], [near]),
            workers_row(paths, repeats),
            row(
                f"{FILES} JPEGs of 12 megapixels, exact",
                "torchvision's v2 transforms",
                1.05,
                seconds["exact"],
                seconds["torchvision"],
                [Check("same values", same)],
            ),
            memory_row(folder, few, many),
        ]


def main() -> None:
    """Measure from the command line."""
    command_line(measure, __doc__, repeats=20)


if __name__ == "__main__":
    main()
