"""Response times of the explorers: `python -m benchmarks.explorers` (needs Chromium).

JupyterLab runs in a real browser. A stopwatch in the page measures the time from the key press or click until the
browser has decoded another image, after a warm-up. The times are compared with a limit for a pleasant response.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from benchmarks.side_by_side import Row, command_line, row

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
STOPWATCH_OF_A_PICTURE = """image => { window.finished = new Promise(resolve => {
    document.addEventListener("click", event => {
        const label = `seed ${document.querySelector("input[type=number]").value}`;
        const chosen = () => [...document.querySelectorAll("option:checked")]
            .some(option => option.textContent.replaceAll("\\u00a0", " ") === label);
        // The explorer sends a picture first, then its caption.
        const described = () => [...document.querySelectorAll(".widget-html-content")]
            .some(caption => caption.textContent.includes("the finished picture"));
        const look = async () => {
            if (!chosen() || !described()) return requestAnimationFrame(look);
            await image.decode().catch(() => {});
            resolve(performance.now() - event.timeStamp);
        };
        look();
    }, {capture: true, once: true});
}); }"""
PATIENCE = 30_000  # milliseconds


def read_stopwatch(page: Any, watch: str) -> float:
    """Wait until a stopwatch has stopped; return its time in milliseconds.

    Raises:
        playwright.sync_api.Error: if it does not stop within `PATIENCE`.
    """
    late = f"setTimeout(() => give_up(new Error('no other picture within {PATIENCE} ms')), {PATIENCE})"
    time: float = page.evaluate(f"Promise.race([window.{watch}, new Promise((_, give_up) => {late})])")
    return time


def times(page: Any, image: Any, act: Callable[[int], None], repeats: int, pause: int = 150) -> list[float]:
    """Return the milliseconds from an action until the image has changed, for each repeat, after one to warm up."""
    taken = []
    for number in range(repeats + 1):
        image.evaluate(STOPWATCH)
        act(number)
        taken.append(read_stopwatch(page, "changed"))
        page.wait_for_timeout(pause)
    return taken[1:]


def arrows(page: Any, label: str) -> Callable[[int], None]:
    """Return an action that moves a slider one step forth and, the next time, back."""
    handle = slider(page, label)
    return lambda number: handle.press("ArrowLeft" if number % 2 else "ArrowRight")


def choices(menu: Any, indices: list[int]) -> Callable[[int], None]:
    """Return an action that chooses the next of these options from a menu."""
    return lambda number: menu.select_option(index=indices[number])


def within(work: str, limit: float, taken: list[float]) -> Row:
    """Return a row that compares milliseconds with a limit."""
    slowest = f"slowest {max(taken):.0f} ms"
    return row(work, f"a limit of {limit:g} ms", 1.0, taken, [limit] * len(taken), note=slowest, unit="ms")


def preprocessing(page: Any, repeats: int) -> Iterator[Row]:
    """Measure the explorer of notebook 2."""
    view = page.locator("img.widget-image").last
    yield within("preprocessing: a pixel in the heatmap", 100, times(page, view, arrows(page, "Row"), repeats))
    page.get_by_role("button", name="surface", exact=True).click()
    yield within("preprocessing: turn the surface", 100, times(page, view, arrows(page, "Turn"), repeats))


def features(page: Any, repeats: int) -> Iterator[Row]:
    """Measure the explorer of notebook 3."""
    picture, trained = (page.locator("img.widget-image").nth(index) for index in (0, 1))
    method, target = page.get_by_label("What mattered"), page.get_by_label("for the class")
    turns = arrows(page, "Channel, place")
    yield within("features: another channel", 100, times(page, trained, turns, repeats))
    method.select_option("Grad-CAM")
    page.wait_for_timeout(1000)
    yield within("features: opacity", 100, times(page, picture, arrows(page, "Opacity"), repeats))
    for name in ("Grad-CAM", "occlusion", "integrated gradients"):
        method.select_option(name)
        page.wait_for_timeout(2000)
        # Each class is chosen once, so that no result comes from a cache.
        used = target.evaluate("element => element.selectedIndex")
        others = [index for index in range(10) if index != used][: repeats + 1]
        taken = times(page, picture, choices(target, others), len(others) - 1, pause=1500)
        target.select_option(index=used)
        yield within(f"features: {name} of another class", 500, taken)


def generation(page: Any, repeats: int) -> Iterator[Row]:
    """Measure the explorer of notebook 1."""
    image = page.locator("img.widget-image").first
    taken = []
    for seed in range(repeats + 1):
        page.get_by_label("Seed").fill(str(seed))
        page.get_by_label("Seed").press("Enter")
        image.evaluate(STOPWATCH_OF_A_PICTURE)
        page.get_by_role("button", name="Generate").click()
        taken.append(read_stopwatch(page, "finished"))
    page.get_by_text("Step 4 of 4: the finished picture").wait_for()
    yield within("generation: a new four-step picture", 1000, taken[1:])
    slider(page, "Step").press("Home")
    page.wait_for_timeout(500)
    yield within("generation: the step slider", 100, times(page, image, arrows(page, "Step"), repeats))
    page.get_by_label("Word map").select_option(index=2)
    page.wait_for_timeout(500)
    yield within("generation: a word's map, opacity", 100, times(page, image, arrows(page, "Opacity"), repeats))


NOTEBOOKS = {"01_generation": generation, "02_preprocessing": preprocessing, "03_feature_visualization": features}


def measure(repeats: int, notebooks: tuple[str, ...] = tuple(NOTEBOOKS)) -> list[Row]:
    """Measure the explorers of these notebooks; return no rows if there is no Chromium."""
    if find_chromium() is None:
        return []
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as root, jupyterlab(Path(root)) as (address, token), sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.goto(f"{address}?token={token}&reset")
        for name in notebooks:
            open_notebook(page, address, name)
            restart_and_run_all(page)
            rows += NOTEBOOKS[name](page, repeats)
        browser.close()
    return rows


def main() -> None:
    """Measure from the command line."""
    command_line(measure, __doc__, repeats=20)


if __name__ == "__main__":
    main()
