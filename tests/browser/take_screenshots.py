"""Take the README's screenshots of the explorers: `make screenshots`."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import Any

from lab_page import (
    find_chromium,
    jupyterlab,
    open_notebook,
    pixels,
    restart_and_run_all,
    source,
    wait_for_new_picture,
    wait_for_pixels,
    wait_until,
)
from PIL import Image, ImageOps
from playwright.sync_api import sync_playwright

from synthviz.files import whole_file

PROMPT = "a quiet village at dusk with three red lanterns"
DOCS = Path(__file__).parents[2] / "docs"


class Recorder:
    """Collects screenshots of one part of a page, each with its time in milliseconds."""

    def __init__(self, part: Any) -> None:
        self._part = part
        self._frames: list[Image.Image] = []
        self._times: list[int] = []

    def keep(self, milliseconds: int) -> None:
        """Take a screenshot that stays for so long."""
        self._frames.append(Image.open(io.BytesIO(self._part.screenshot())).convert("RGB"))
        self._times.append(milliseconds)

    def save(self, path: Path) -> None:
        """Save the animation, which loops; frames that are smaller than others get white below."""
        height = max(frame.height for frame in self._frames)
        first, *others = (
            ImageOps.pad(frame, (frame.width, height), color="white", centering=(0, 0)) for frame in self._frames
        )
        with whole_file(path) as unfinished:
            first.save(
                unfinished,
                "WEBP",
                save_all=True,
                append_images=others,
                duration=self._times,
                quality=72,
                method=6,
                loop=0,
            )
        print(f"{path.name}: {path.stat().st_size // 1024} KB")


def record_generation(page: Any) -> None:
    """Type a prompt while the model draws, light the region of a word, put another in its place, and show the steps."""
    view = page.locator(".sv-prompt")
    canvas = view.get_by_role("img", name="The picture")
    words = view.get_by_role("toolbar", name="Words of the prompt")
    prompt = page.get_by_label("Prompt", exact=True)
    page.mouse.move(0, 0)
    film = Recorder(view)
    typed = ""
    for word in PROMPT.split():
        typed = f"{typed} {word}".strip()
        prompt.fill(typed)
        view.get_by_text(f"“{typed}”, seed 0").wait_for()
        wait_until(page, lambda: not view.get_by_role("button", name="Stop").is_enabled())
        film.keep(350)
    film.keep(1200)
    before = pixels(canvas)
    words.get_by_role("button", name="lanterns", exact=True).click()
    wait_for_pixels(page, canvas, before)
    page.mouse.move(0, 0)
    film.keep(1800)
    view.get_by_role("group", name="Other words").get_by_role("button", name="balloons", exact=True).click()
    view.get_by_text(f"before: “{PROMPT}”").wait_for()
    wait_until(page, lambda: not view.get_by_role("button", name="Stop").is_enabled())
    page.mouse.move(0, 0)
    film.keep(2400)
    view.get_by_role("button", name="One picture").click()
    prompt.focus()  # so that the whole picture is lit
    step = view.get_by_label("Step", exact=True)
    for key in ("Home", "ArrowRight", "ArrowRight", "ArrowRight"):
        before = pixels(canvas)
        step.press(key)
        wait_for_pixels(page, canvas, before)
        film.keep(500)
    film.keep(1200)
    film.save(DOCS / "explorer-generation.webp")


def show_features(page: Any, explorer: Any) -> None:
    """Show an attribution, a channel of the third layer, and the picture that maximizes the channel."""
    picture, channel, _, wanted = (explorer.locator("img.widget-image").nth(index) for index in range(4))
    before = source(channel)
    page.get_by_role("group", name="Feature maps").get_by_role("button").nth(3).click()
    wait_for_new_picture(page, channel, before)
    before = source(picture)
    page.get_by_label("What mattered").select_option("Grad-CAM")
    wait_for_new_picture(page, picture, before)
    before = source(wanted)
    page.get_by_role("button", name="What does it look for?").click()
    page.get_by_text("a picture that makes it answer most").wait_for()
    wait_for_new_picture(page, wanted, before)


def save(screenshot: bytes, path: Path) -> None:
    """Save a screenshot as a small PNG file."""
    with whole_file(path) as unfinished:
        Image.open(io.BytesIO(screenshot)).convert("RGB").save(unfinished, "PNG", optimize=True)
    print(f"{path.name}: {path.stat().st_size // 1024} KB")


def photograph_features(page: Any) -> None:
    """Save a screenshot of the explorer of notebook 3."""
    explorer = page.locator(".jp-OutputArea-output").filter(has=page.locator(".sv-maps")).last
    explorer.scroll_into_view_if_needed()
    show_features(page, explorer)
    page.mouse.move(0, 0)
    save(explorer.screenshot(), DOCS / "explorer-feature_visualization.png")


def main() -> None:
    """Take them all."""
    takers = {"01_generation": record_generation, "03_feature_visualization": photograph_features}
    with tempfile.TemporaryDirectory() as root, jupyterlab(Path(root)) as (address, token), sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1366, "height": 1400})
        page.set_default_timeout(60_000)
        page.goto(f"{address}?token={token}&reset")
        for name, take in takers.items():
            open_notebook(page, address, name)
            restart_and_run_all(page)
            take(page)
        browser.close()


if __name__ == "__main__":
    main()
