"""How the explorers feel: `python benchmarks/explorers.py` (needs Chromium).

JupyterLab runs in a real browser; a stopwatch in the page runs from the key press, or the click, until the browser
has decoded another image. Medians over many presses, warm.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "browser"))
from lab_page import find_chromium, jupyterlab, open_notebook, restart_and_run_all, slider

STOPWATCH = """image => {
    window.changed = new Promise(resolve => {
        const begin = event => {
            const started = event.timeStamp;
            new MutationObserver(async (_, observer) => {
                observer.disconnect();
                await image.decode().catch(() => {});
                resolve(performance.now() - started);
            }).observe(image, {attributes: true, attributeFilter: ["src"]});
        };
        for (const kind of ["keydown", "click", "change"])
            document.addEventListener(kind, begin, {capture: true, once: true});
    });
}"""


def measure(page: Any, image: Any, act: Callable[[int], None], repeats: int) -> list[float]:
    """Milliseconds from what `act` presses until the image has changed, for each repeat but a first one to warm up."""
    taken = []
    for number in range(repeats + 1):
        image.evaluate(STOPWATCH)
        act(number)
        taken.append(page.evaluate("window.changed"))
        page.wait_for_timeout(150)
    return taken[1:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--only", default="", help="the beginning of a notebook's name")
    arguments = parser.parse_args()
    rows: list[tuple[str, int, list[float]]] = []
    with tempfile.TemporaryDirectory() as root, jupyterlab(Path(root)) as (address, token), sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.goto(f"{address}?token={token}&reset")

        def arrows(label: str) -> Callable[[int], None]:
            handle = slider(page, label)
            return lambda number: handle.press("ArrowLeft" if number % 2 else "ArrowRight")

        def add(name: str, goal: int, image: Any, act: Callable[[int], None]) -> None:
            rows.append((name, goal, measure(page, image, act, arguments.repeats)))

        if "02_preprocessing".startswith(arguments.only):
            open_notebook(page, address, "02_preprocessing")
            restart_and_run_all(page)
            view = page.locator("img.widget-image").last
            add("preprocessing: a pixel in the heatmap", 100, view, arrows("Row"))
            page.get_by_role("button", name="surface", exact=True).click()
            add("preprocessing: the surface turns", 100, view, arrows("Turn"))

        if "03_feature_visualization".startswith(arguments.only):
            open_notebook(page, address, "03_feature_visualization")
            restart_and_run_all(page)
            picture, trained = (page.locator("img.widget-image").nth(index) for index in (0, 1))
            add("features: another channel", 100, trained, arrows("Channel, place"))
            page.get_by_label("What mattered").select_option("Grad-CAM")
            page.wait_for_timeout(1000)
            add("features: opacity", 100, picture, arrows("Opacity"))
            for method in ("Grad-CAM", "occlusion", "integrated gradients"):
                target = page.get_by_label("for the class")
                page.get_by_label("What mattered").select_option(method)
                page.wait_for_timeout(2000)
                # Each class is asked for once, so that nothing comes from what is kept.
                used = target.evaluate("element => element.selectedIndex")
                others = [index for index in range(10) if index != used]
                taken = []
                for index in others:
                    image = picture
                    image.evaluate(STOPWATCH)
                    target.select_option(index=index)
                    taken.append(page.evaluate("window.changed"))
                    page.wait_for_timeout(1500)
                target.select_option(index=used)
                rows.append((f"features: {method} of another class", 500, taken))

        if "01_generation".startswith(arguments.only):
            open_notebook(page, address, "01_generation")
            restart_and_run_all(page)
            image = page.locator("img.widget-image").first
            generate = page.get_by_role("button", name="Generate")
            finished = page.get_by_text("Step 4 of 4: the finished picture")
            taken = []
            for number in range(arguments.repeats + 1):
                page.get_by_label("Seed").fill(str(number))
                page.get_by_label("Seed").press("Enter")
                page.evaluate(
                    """() => { window.finished = new Promise(resolve => {
                        document.addEventListener("click", event => {
                            const label = `seed ${document.querySelector("input[type=number]").value}`;
                            const chosen = () => [...document.querySelectorAll("option:checked")]
                                .some(option => option.textContent === label);
                            const look = () => chosen()
                                ? resolve(performance.now() - event.timeStamp) : requestAnimationFrame(look);
                            look();
                        }, {capture: true, once: true});
                    }); }"""
                )
                generate.click()
                taken.append(page.evaluate("window.finished"))
            finished.wait_for()
            rows.append(("generation: a new four-step picture", 1000, taken[1:]))
            add("generation: the step slider", 100, image, arrows("Step"))
            page.get_by_label("Word map").select_option(index=2)
            page.wait_for_timeout(500)
            add("generation: a word's map, opacity", 100, image, arrows("Opacity"))
        browser.close()
    print("| from key press to another picture | median (ms) | slowest (ms) | goal (ms) |")
    print("|---|---|---|---|")
    for name, goal, taken in rows:
        print(f"| {name} | {statistics.median(taken):.0f} | {max(taken):.0f} | {goal} |")


if __name__ == "__main__":
    main()
