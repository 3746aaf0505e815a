"""Each notebook in JupyterLab in a real browser: restart and run all cells, then use the explorer."""

from __future__ import annotations

import io

import pytest
from lab_page import (
    cell_errors,
    control,
    open_notebook,
    restart_and_run_all,
    screenshot_on_failure,
    slider,
    source,
    wait_for_new_picture,
    wait_until,
)
from PIL import Image

# A restart of the kernel interrupts a request of JupyterLab's debugger.
HARMLESS = "Could not restore the debugger state"
pytestmark = pytest.mark.browser


@pytest.fixture
def notebook(page, lab, request):
    """A function that opens a notebook and runs all cells; there must be no errors then and at the end of the test."""
    address, _ = lab

    def run_notebook(name: str):
        open_notebook(page, address, name)
        restart_and_run_all(page)
        assert cell_errors(page) == []
        return page

    yield run_notebook
    with screenshot_on_failure(page, request.node.name):
        assert cell_errors(page) == []
        assert [error for error in page.errors if not error.startswith(HARMLESS)] == []


def test_the_generation_explorer(notebook):
    page = notebook("01_generation")
    image = page.locator("img.widget-image").first
    image.scroll_into_view_if_needed()

    prompt = page.get_by_label("Prompt", exact=True)
    prompt.fill("a yacht on the oc")
    page.get_by_role("button", name="ocean").click()
    wait_until(page, lambda: prompt.input_value() == "a yacht on the ocean ")
    page.get_by_text("nearest known: boat").wait_for()
    prompt.fill("a red boat on the ocean at sunset")

    before = source(image)
    page.get_by_role("button", name="Generate").click()
    page.get_by_text("Step 4 of 4: the finished picture").wait_for()
    wait_for_new_picture(page, image, before)

    before = source(image)
    slider(page, "Step").press("ArrowLeft")
    page.get_by_text("Step 3 of 4").wait_for()
    wait_for_new_picture(page, image, before)

    before = source(image)
    page.get_by_label("Word map").select_option("boat")
    page.get_by_text("was read most").wait_for()
    wait_for_new_picture(page, image, before)

    page.get_by_role("button", name="Keep this picture").click()
    page.get_by_text("Saved as kept_picture_1.png").wait_for()

    page.get_by_label("Model").select_option("embedded-teacher")
    page.get_by_role("button", name="Generate").click()
    page.locator("button.jupyter-button", has_text="Stop").click()
    page.get_by_text("Stopped.", exact=True).wait_for()


def test_the_preprocessing_explorer(notebook):
    page = notebook("02_preprocessing")
    images = page.locator("img.widget-image")
    view = images.last
    view.scroll_into_view_if_needed()

    for name in ("contour", "surface"):
        before = source(view)
        page.get_by_role("button", name=name, exact=True).click()
        wait_for_new_picture(page, view, before)
    before = source(view)
    slider(page, "Turn").press("ArrowRight")
    wait_for_new_picture(page, view, before)

    before = source(images.first)
    gradient = io.BytesIO()
    Image.linear_gradient("L").save(gradient, "PNG")
    with page.expect_file_chooser() as chooser:
        page.locator(".widget-upload").click()
    chooser.value.set_files({"name": "mine.png", "mimeType": "image/png", "buffer": gradient.getvalue()})
    wait_for_new_picture(page, images.first, before)
    # The widget writes non-breaking spaces into its options.
    wait_until(page, lambda: "yours: mine.png" in control(page, "Picture").inner_text().replace("\xa0", " "))

    page.get_by_role("button", name="heatmap", exact=True).click()
    slider(page, "Row").press("Home")
    page.get_by_text("Row 0, column").wait_for()


def test_the_feature_explorer(notebook):
    page = notebook("03_feature_visualization")
    picture, trained, _, wanted = (page.locator("img.widget-image").nth(index) for index in range(4))
    picture.scroll_into_view_if_needed()

    before = source(trained)
    slider(page, "Channel, place").press("ArrowRight")
    wait_for_new_picture(page, trained, before)
    before = source(trained)
    page.get_by_role("button", name="conv3", exact=True).click()
    wait_for_new_picture(page, trained, before)

    before = source(picture)
    page.get_by_label("What mattered").select_option("Grad-CAM")
    wait_for_new_picture(page, picture, before)
    before = source(picture)
    slider(page, "Opacity").press("ArrowLeft")
    wait_for_new_picture(page, picture, before)

    before = source(wanted)
    page.get_by_role("button", name="What does it look for?").click()
    page.get_by_text("a picture that makes it answer most").wait_for()
    wait_for_new_picture(page, wanted, before)
