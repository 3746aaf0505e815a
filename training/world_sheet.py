"""Paint the sheet of the world, docs/world.jpg: `python -m training.world_sheet`.

A row for each place, a column for each hour, in clear and cloudy weather. No picture is selected by hand.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from synthviz.files import whole_file
from synthviz.world import NATURAL, PLACES, TIMES, Scene, paint
from synthviz.world.scene import DARK_TIMES, SEA_PLACES, stars_can_show
from training.pictures import GAP, make_montage

SHEET = Path(__file__).parents[1] / "docs" / "world.jpg"
SIDE = 192
WEATHERS = ("clear", "clear", "clouds")


def scene_of(place: str, time: str) -> Scene:
    """Return the scene of one cell of the sheet."""
    rng = np.random.default_rng([PLACES.index(place), TIMES.index(time)])
    weather = str(rng.choice(WEATHERS))
    body = ("moon" if time in DARK_TIMES else "sun") if rng.random() < 0.5 else None
    return Scene(
        place,
        time,
        weather,
        body=body,
        body_side=str(rng.choice(("left", "center", "right"))) if body else None,
        stars=stars_can_show(time, weather),
        water=place in SEA_PLACES or bool(rng.random() < 0.4),
        style=NATURAL,
        seed=int(rng.integers(2**31)),
    )


def main() -> None:
    """Paint the sheet."""
    pictures = [Image.fromarray(paint(scene_of(place, time)).image) for place in PLACES for time in TIMES]
    with whole_file(SHEET) as unfinished:
        make_montage(pictures, len(TIMES), SIDE, GAP).save(unfinished, quality=86)


if __name__ == "__main__":
    main()
