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
    "a serene sunset over a futuristic city with a calm lake",
    "snow-capped mountains at sunrise with two red balloons",
    "a tropical beach at noon with three white boats and clouds",
    "a quiet village at dusk with four yellow lanterns and stars",
    "a pine forest at night with a full moon on the left",
    "an erupting volcano at twilight with a crescent moon on the right",
    "desert dunes at golden hour with a blue balloon on the right",
    "a neon picture of a city skyline at night with rain",
    "a watercolor of the sea in the evening with a red boat on the left and two white birds",
    "an ink drawing of a red canyon by day with three green birds",
    "snowy hills in the morning with falling snow and a purple lantern",
    "a small village at sunset with lightning and two red towers",
)
HERO_COLUMNS = 6
HERO_SIDE = 256
GAP = 8


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
        make_montage([picture.image for picture in pictures], HERO_COLUMNS, HERO_SIDE, GAP).save(unfinished)


if __name__ == "__main__":
    main()
