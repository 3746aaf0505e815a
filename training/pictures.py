"""Make the pictures that ship, and the README's: `python -m training.pictures`.

Nothing is picked by hand: each prompt is drawn once, from seed 0.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from synthviz.generation import GenerationConfig, generate
from synthviz.pipelines import load_pipeline
from synthviz.records import whole_file, write_png
from synthviz.shipped_pictures import FOLDER

ROOT = Path(__file__).parents[1]
PROMPTS = (
    "a serene sunset over a futuristic city",
    "snow-capped mountains at sunrise with a calm lake",
    "a tropical beach at midday with clouds",
    "a quiet village at dusk with stars",
    "a pine forest at night with the moon",
    "an erupting volcano at twilight",
    "desert dunes at golden hour with a big sun",
    "the open sea at night with a bright moon and stars",
    "a red canyon at noon with drifting clouds",
    "snowy hills at dawn with mist",
)
HERO_COLUMNS = 5
HERO_SIDE = 256
HERO_GAP = 8


def make_montage(images: list[Image.Image], columns: int, side: int, gap: int) -> Image.Image:
    """Pictures in rows on white, each enlarged to `side` pixels."""
    rows = -(-len(images) // columns)
    montage = Image.new("RGB", (columns * (side + gap) - gap, rows * (side + gap) - gap), "white")
    for index, image in enumerate(images):
        row, column = divmod(index, columns)
        enlarged = image.resize((side, side), Image.Resampling.LANCZOS)
        montage.paste(enlarged, (column * (side + gap), row * (side + gap)))
    return montage


def main() -> None:
    pipeline = load_pipeline("embedded")
    pictures = [generate(pipeline, GenerationConfig(prompt, count=1, seed=0))[0] for prompt in PROMPTS]
    for number, picture in enumerate(pictures, start=1):
        write_png(FOLDER / f"picture_{number}.png", picture.image, picture.record)
    with whole_file(ROOT / "docs" / "hero.png") as unfinished:
        make_montage([picture.image for picture in pictures], HERO_COLUMNS, HERO_SIDE, HERO_GAP).save(unfinished)


if __name__ == "__main__":
    main()
