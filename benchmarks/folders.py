"""Folders of 12-megapixel JPEGs to tensors: `python -m benchmarks.folders`.

The files are paintings, enlarged to 4000×3000 pixels, with grain as a camera's sensor leaves it, at quality 90.

- The fast way is a prototype, here and not yet in the library: libjpeg decodes no more than needed, the brightness
  alone at an eighth, quarter or half of its size (Pillow's `draft`), and the rest is as in the exact way. It stands
  against the loop that everybody writes: open, convert, resize, `ToTensor`. On two cores, two threads share the files;
  Pillow decodes without the interpreter's lock.
- The exact way, `preprocess_image`, stands against torchvision's v2 transforms of the same file, to the same bits.
- Memory is the peak of a process that walks through a folder with `preprocess_folder`: hard links to one small JPEG,
  since what would grow with the number of files does not depend on their size. One round; memory hardly varies.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor
from torchvision.transforms import ToTensor, v2

from benchmarks.side_by_side import Check, Row, command_line, in_turns, row
from synthviz.preprocessing import preprocess_image
from synthviz.scenes import paint, sample_scene

SIZE = 224
FILES = 6
WAITING = 4  # files that the two threads may be ahead
EXACT = v2.Compose(
    [v2.Grayscale(), v2.Resize((SIZE, SIZE), antialias=True), v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
)
PEAK = """
import sys
from pathlib import Path
from synthviz.folders import preprocess_folder
for loaded in preprocess_folder(sys.argv[1]):
    pass
print(next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")))
"""


def write_photographs(folder: Path) -> list[Path]:
    """`FILES` JPEGs of 12 megapixels."""
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
    """The loop that everybody writes: (1, 224, 224)."""
    with Image.open(path) as picture:
        return ToTensor()(picture.convert("L").resize((SIZE, SIZE), Image.Resampling.BILINEAR))


def fast(path: Path) -> Tensor:
    """The prototype: decoded at no more than twice to four times the size that is wanted, (1, 224, 224)."""
    with Image.open(path) as picture:
        picture.draft("L", (2 * SIZE, 2 * SIZE))
        upright = ImageOps.exif_transpose(picture)
        return ToTensor()(upright.convert("L").resize((SIZE, SIZE), Image.Resampling.BILINEAR))


def two_at_once(paths: list[Path]) -> Iterator[Tensor]:
    """The prototype on two threads, in the order of the files, a few of them ahead."""
    with ThreadPoolExecutor(2) as threads:
        ahead: deque = deque()
        for path in paths:
            ahead.append(threads.submit(fast, path))
            if len(ahead) > WAITING:
                yield ahead.popleft().result()
        for waiting in ahead:
            yield waiting.result()


def torchvision_exact(path: Path) -> Tensor:
    """torchvision's transforms of the picture: (1, 224, 224)."""
    with Image.open(path) as picture:
        return EXACT(picture)


def peak_memory(source: Path, count: int) -> float:
    """Megabytes that a process takes at most while it walks through so many links to a file."""
    with tempfile.TemporaryDirectory(dir=source.parent) as folder:
        for number in range(count):
            os.link(source, Path(folder, f"{number}.jpg"))
        done = subprocess.run([sys.executable, "-c", PEAK, folder], check=True, capture_output=True, text=True)
    return int(done.stdout) / 1024


def memory_row(folder: Path, few: int, many: int) -> Row:
    small = folder / "small.jpg"
    Image.fromarray(paint(sample_scene(np.random.default_rng(0))).image).save(small)
    here, there = peak_memory(small, many), peak_memory(small, few)
    work = f"`preprocess_folder` on {many:,} files, peak memory"
    return row(work, f"{few} files", 1.05, [here], [there], unit="MB", note="hard links to one small file")


def measure(repeats: int, few: int = 100, many: int = 10_000) -> list[Row]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = write_photographs(folder)
        seconds = in_turns(
            {
                "usual": lambda: [usual(path) for path in paths],
                "fast": lambda: [fast(path) for path in paths],
                "two threads": lambda: list(two_at_once(paths)),
                "exact": lambda: [preprocess_image(path).tensor for path in paths],
                "torchvision": lambda: [torchvision_exact(path) for path in paths],
            },
            repeats,
        )
        exact = [preprocess_image(path).tensor[0] for path in paths]
        off = 255 * max((fast(path) - wanted).abs().mean().item() for path, wanted in zip(paths, exact, strict=True))
        same = all(torch.equal(torchvision_exact(path), wanted) for path, wanted in zip(paths, exact, strict=True))
        near = Check(f"mean error {off:.2f}/255 at most, at most 1/255 wanted", off <= 1)
        work = f"{FILES} JPEGs of 12 megapixels, fast (prototype)"
        loop = "Pillow's open, convert, resize, `ToTensor`"
        two = list(two_at_once(paths))
        in_order = Check("same tensors", all(map(torch.equal, two, map(fast, paths))))
        return [
            row(f"{work}, one core", loop, 1 / 3, seconds["fast"], seconds["usual"], [near]),
            row(f"{work}, two threads", "one", 1 / 1.8, seconds["two threads"], seconds["fast"], [in_order]),
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
    command_line(measure, __doc__, repeats=20)


if __name__ == "__main__":
    main()
