"""Draw the pictures that ship and those of the README: `python -m training.pictures`.

No picture is selected by hand: each prompt is drawn from seeds 0 to 11, and the picture of seed 0 ships.
"""

from __future__ import annotations

import textwrap
from pathlib import Path

import matplotlib
from PIL import Image, ImageDraw, ImageFont

from synthviz.diffusion.config import GenerationConfig
from synthviz.diffusion.generation import generate
from synthviz.diffusion.pipelines import load_pipeline
from synthviz.files import whole_file
from synthviz.records import write_png
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
SEEDS = 12
HERO_COLUMNS = 6
HERO_SIDE = 256
HERO_TEXT = 21  # pixels; a README shows the picture at half its size
GALLERY_SIDE = 144
GALLERY_TEXT = 17
GAP = 8
INK = "#222222"


def make_montage(images: list[Image.Image], columns: int, side: int, gap: int) -> Image.Image:
    """Arrange pictures in rows on white, each resized to `side` pixels."""
    rows = -(-len(images) // columns)
    montage = Image.new("RGB", (columns * (side + gap) - gap, rows * (side + gap) - gap), "white")
    for index, image in enumerate(images):
        row, column = divmod(index, columns)
        resized = image.resize((side, side), Image.Resampling.LANCZOS)
        montage.paste(resized, (column * (side + gap), row * (side + gap)))
    return montage


def make_hero(pictures: dict[str, Image.Image], columns: int, side: int, gap: int) -> Image.Image:
    """Arrange pictures in rows on white, each with its prompt below."""
    texts = [textwrap.fill(prompt, round(1.85 * side / HERO_TEXT)) for prompt in pictures]
    height = side + round(1.3 * HERO_TEXT * max(text.count("\n") + 1 for text in texts)) + 2 * gap
    rows = -(-len(texts) // columns)
    hero = Image.new("RGB", (columns * (side + 2 * gap) - 2 * gap, rows * height), "white")
    pen = ImageDraw.Draw(hero)
    for index, (text, image) in enumerate(zip(texts, pictures.values(), strict=True)):
        row, column = divmod(index, columns)
        left, top = column * (side + 2 * gap), row * height
        hero.paste(image.resize((side, side), Image.Resampling.LANCZOS), (left, top))
        pen.multiline_text((left, top + side + gap / 2), text, fill=INK, font=_font(HERO_TEXT), spacing=2)
    return hero


def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", size)


def make_gallery(rows: dict[str, list[Image.Image]], side: int, gap: int) -> Image.Image:
    """Arrange one row of pictures for each prompt, with the prompt above it."""
    text_height = 30  # pixels for a line of text
    strips = [make_montage(images, len(images), side, gap) for images in rows.values()]
    height = len(rows) * (text_height + side + gap)
    gallery = Image.new("RGB", (max(strip.width for strip in strips), height), "white")
    pen = ImageDraw.Draw(gallery)
    for row, (prompt, strip) in enumerate(zip(rows, strips, strict=True)):
        top = row * (text_height + side + gap)
        pen.text((2, top + text_height / 2), prompt, fill=INK, font=_font(GALLERY_TEXT), anchor="lm")
        gallery.paste(strip, (0, top + text_height))
    return gallery


def main() -> None:
    """Draw all prompts; write the shipped pictures, the hero picture and the gallery."""
    pipeline = load_pipeline("embedded")
    drawn = {prompt: generate(pipeline, GenerationConfig(prompt, count=SEEDS, seed=0)) for prompt in PROMPTS}
    first = [pictures[0] for pictures in drawn.values()]
    for number, picture in enumerate(first, start=1):
        write_png(FOLDER / f"picture_{number}.png", picture.image, picture.record)
    with whole_file(ROOT / "docs" / "hero.png") as unfinished:
        shown = {prompt: picture.image for prompt, picture in zip(drawn, first, strict=True)}
        make_hero(shown, HERO_COLUMNS, HERO_SIDE, GAP).save(unfinished, optimize=True)
    gallery = {prompt: [picture.image for picture in pictures] for prompt, pictures in drawn.items()}
    with whole_file(ROOT / "docs" / "gallery.jpg") as unfinished:
        make_gallery(gallery, GALLERY_SIDE, GAP).save(unfinished, quality=88)


if __name__ == "__main__":
    main()
