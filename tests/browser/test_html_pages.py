"""The HTML pages of the notebooks work in a browser without a network."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from synthviz.runs.chain import NOTEBOOKS, notebooks_folder
from synthviz.runs.html import export_html
from synthviz.runs.sweeps import PlannedRun
from synthviz.runs.sweeps.report import Report

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_page_is_complete_without_a_network(browser, name, tmp_path: Path):
    page_file = export_html(notebooks_folder() / f"{name}.ipynb", tmp_path / f"{name}.html")
    page = browser.new_context(offline=True).new_page()
    requests, messages = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: messages.append(message.text))
    page.goto(page_file.as_uri())
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    assert messages == []
    assert page.evaluate("document.images.length") >= 6
    assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    assert page.get_by_text("Loading widget").count() == 0
    page.evaluate("document.querySelectorAll('details').forEach(solution => solution.open = true)")
    assert all(formula.bounding_box()["width"] > 3 for formula in page.locator("math").all())
    page.context.close()


def test_the_pictures_of_a_sweep_fill_the_screen_one_after_another(browser, tmp_path: Path):
    runs = [PlannedRun(f"{n:016x}", {"prompt": prompt}) for n, prompt in enumerate(["a boat", "a city", "a forest"])]
    report = Report(tmp_path, runs)
    for run in runs[:2]:
        folder = tmp_path / "runs" / run.key
        folder.mkdir(parents=True)
        Image.linear_gradient("L").save(folder / "generated_image_1.png")
        prediction = {"class_name": "ocean", "probability": 0.97, "valid": True}
        done = {"files": {"generated_image_1.png": {}}, "notebooks": [], "fallbacks": []}
        report.add(run.key, {**done, "results": {"prediction": prediction}})
    report.write()
    page = browser.new_context(offline=True).new_page()
    errors = []
    page.on("console", lambda message: errors.append(message.text))
    page.goto((tmp_path / "index.html").as_uri())
    page.get_by_role("button", name="Show on the whole screen").press("Enter")
    screen = page.get_by_role("dialog")
    says = screen.locator(".says")
    assert says.inner_text() == "a boat"
    assert "ocean (97%)" in screen.inner_text()
    box = screen.bounding_box()
    assert (box["width"], box["height"]) == (page.viewport_size["width"], page.viewport_size["height"])
    for key, expected in (("ArrowRight", "a city"), (" ", "a boat"), ("ArrowLeft", "a city")):  # the third has none yet
        page.keyboard.press(key)
        assert says.inner_text() == expected
    assert screen.locator("img").get_attribute("data-film") is None
    page.keyboard.press("Escape")
    screen.wait_for(state="hidden")
    page.get_by_label("find").fill("city")
    page.get_by_role("button", name="Show on the whole screen").click()
    assert says.inner_text() == "a city"
    assert "1 of 1" in screen.inner_text()
    assert errors == []
    page.context.close()


def test_a_film_plays_under_the_pointer_and_with_the_focus(browser, tmp_path: Path):
    run = PlannedRun("0" * 16, {"prompt": "a boat"})
    folder = tmp_path / "runs" / run.key
    folder.mkdir(parents=True)
    picture = Image.linear_gradient("L")
    picture.save(folder / "generated_image_1.png")
    picture.save(folder / "denoising_film.webp", save_all=True, append_images=[picture.rotate(90)], duration=50)
    report = Report(tmp_path, [run])
    files = {"generated_image_1.png": {}, "denoising_film.webp": {}}
    report.add(run.key, {"files": files, "notebooks": [], "fallbacks": [], "results": {}})
    report.write()
    page = browser.new_context(offline=True).new_page()
    page.goto((tmp_path / "index.html").as_uri())
    image = page.locator(".pictures img")

    def shown() -> str:
        page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=image.element_handle())
        return image.evaluate("image => image.src.split('/').pop()")

    image.hover()
    assert shown() == "denoising_film.webp"
    page.mouse.move(0, 0)
    assert shown() == "generated_image_1.png"
    page.locator(".pictures a").focus()
    assert shown() == "denoising_film.webp"
    page.get_by_role("button", name="Show on the whole screen").press("Enter")
    image = page.get_by_role("dialog").locator("img")
    assert shown() == "generated_image_1.png"
    image.hover()
    assert shown() == "denoising_film.webp"
    page.context.close()
