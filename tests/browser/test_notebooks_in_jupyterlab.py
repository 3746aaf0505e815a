"""Each notebook in JupyterLab, in a real browser: restart and run all, then play with its explorer."""

from __future__ import annotations

import io

import pytest
from lab_page import (
    complaints,
    control,
    open_notebook,
    restart_and_run_all,
    screenshot_on_failure,
    slider,
    source,
    wait_for_another,
    wait_until,
)
from PIL import Image

# Restarting a kernel cuts off what JupyterLab's debugger is asking it.
JUPYTERLABS_OWN = "Could not restore the debugger state"
pytestmark = pytest.mark.browser


@pytest.fixture
def notebook(page, lab, request):
    """Opens a notebook by name, runs all of it, and sees that nothing complains, now and at the end of the test."""
    address, _ = lab

    def opened(name: str):
        open_notebook(page, address, name)
        restart_and_run_all(page)
        assert complaints(page) == []
        return page

    yield opened
    with screenshot_on_failure(page, request.node.name):
        assert complaints(page) == []
        assert [error for error in page.errors if not error.startswith(JUPYTERLABS_OWN)] == []


def test_generation(notebook):
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
    wait_for_another(page, image, before)

    before = source(image)
    slider(page, "Step").press("ArrowLeft")
    page.get_by_text("Step 3 of 4").wait_for()
    wait_for_another(page, image, before)

    before = source(image)
    page.get_by_label("Word map").select_option("boat")
    page.get_by_text("was read most").wait_for()
    wait_for_another(page, image, before)

    page.get_by_role("button", name="Keep this picture").click()
    page.get_by_text("Saved as kept_picture_1.png").wait_for()

    page.get_by_label("Model").select_option("embedded-teacher")
    page.get_by_role("button", name="Generate").click()
    page.locator("button.jupyter-button", has_text="Stop").click()
    page.get_by_text("Stopped.", exact=True).wait_for()


def test_preprocessing(notebook):
    page = notebook("02_preprocessing")
    images = page.locator("img.widget-image")
    view = images.last
    view.scroll_into_view_if_needed()

    for way in ("contour", "surface"):
        before = source(view)
        page.get_by_role("button", name=way, exact=True).click()
        wait_for_another(page, view, before)
    before = source(view)
    slider(page, "Turn").press("ArrowRight")
    wait_for_another(page, view, before)

    before = source(images.first)
    gradient = io.BytesIO()
    Image.linear_gradient("L").save(gradient, "PNG")
    with page.expect_file_chooser() as chooser:
        page.locator(".widget-upload").click()
    chooser.value.set_files({"name": "mine.png", "mimeType": "image/png", "buffer": gradient.getvalue()})
    wait_for_another(page, images.first, before)
    # The widget keeps its options from wrapping by spaces that do not break.
    wait_until(page, lambda: "yours: mine.png" in control(page, "Picture").inner_text().replace("\xa0", " "))

    page.get_by_role("button", name="heatmap", exact=True).click()
    slider(page, "Row").press("Home")
    page.get_by_text("Row 0, column").wait_for()


def test_features(notebook):
    page = notebook("03_feature_visualization")
    picture, trained, _, wanted = (page.locator("img.widget-image").nth(index) for index in range(4))
    picture.scroll_into_view_if_needed()

    before = source(trained)
    slider(page, "Channel, place").press("ArrowRight")
    wait_for_another(page, trained, before)
    before = source(trained)
    page.get_by_role("button", name="conv3", exact=True).click()
    wait_for_another(page, trained, before)

    before = source(picture)
    page.get_by_label("What mattered").select_option("Grad-CAM")
    wait_for_another(page, picture, before)
    before = source(picture)
    slider(page, "Opacity").press("ArrowLeft")
    wait_for_another(page, picture, before)

    before = source(wanted)
    page.get_by_role("button", name="What does it look for?").click()
    page.get_by_text("a picture that makes it answer most").wait_for()
    wait_for_another(page, wanted, before)
