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
)
from PIL import Image
from playwright.sync_api import sync_playwright

from synthviz.files import whole_file

DOCS = Path(__file__).parents[2] / "docs"


def show_generation(page: Any) -> None:
    """Draw a picture from a prompt, and light the region of one word."""
    view = page.locator(".sv-prompt")
    canvas = view.get_by_role("img", name="The picture")
    page.get_by_label("Prompt", exact=True).fill("a quiet village at dusk with three red lanterns")
    view.get_by_text("“a quiet village at dusk with three red lanterns”, seed 0").wait_for()
    before = pixels(canvas)
    view.get_by_role("button", name="lanterns", exact=True).click()
    wait_for_pixels(page, canvas, before)


def show_features(page: Any) -> None:
    """Show an attribution, a channel of the third layer, and the picture that maximizes the channel."""
    explorer = page.locator(".jp-OutputArea-output").filter(has=page.locator(".sv-maps")).last
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


def main() -> None:
    demonstrations = {"01_generation": show_generation, "03_feature_visualization": show_features}
    with tempfile.TemporaryDirectory() as root, jupyterlab(Path(root)) as (address, token), sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1366, "height": 1400})
        page.set_default_timeout(60_000)
        page.goto(f"{address}?token={token}&reset")
        for name, demonstrate in demonstrations.items():
            open_notebook(page, address, name)
            restart_and_run_all(page)
            explorer = page.locator(".jp-OutputArea-output").filter(has=page.locator("img.widget-image, .sv-view")).last
            explorer.scroll_into_view_if_needed()
            demonstrate(page)
            page.mouse.move(0, 0)
            save(explorer.screenshot(), DOCS / f"explorer-{name.partition('_')[2]}.png")
        browser.close()


if __name__ == "__main__":
    main()
