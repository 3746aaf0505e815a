"""Each notebook in JupyterLab in a real browser: restart and run all cells, then use the explorer."""

from __future__ import annotations

import io

import pytest
from lab_page import (
    brightness,
    cell_errors,
    control,
    open_notebook,
    pixels,
    restart_and_run_all,
    screenshot_on_failure,
    slider,
    source,
    wait_for_new_picture,
    wait_for_pixels,
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
    view = page.locator(".sv-prompt")
    view.scroll_into_view_if_needed()
    canvas = view.get_by_role("img", name="The picture")
    caption = view.locator("figcaption").last
    wait_until(page, lambda: "seed 0" in caption.inner_text())
    wait_for_pixels(page, canvas, b"")

    # Words are chips; one that has the focus lights its region, and Enter offers others in its place.
    prompt = page.get_by_label("Prompt", exact=True)
    prompt.fill("a red boat on the ocean at sunset")
    wait_until(page, lambda: "red boat" in caption.inner_text())
    plain = pixels(canvas)
    words = view.get_by_role("toolbar", name="Words of the prompt")
    words.get_by_role("button", name="red", exact=True).focus()
    page.keyboard.press("ArrowRight")
    view.get_by_text("where the model read “boat”").wait_for()
    lit = wait_for_pixels(page, canvas, plain)
    assert brightness(lit) < 0.8 * brightness(plain)
    page.keyboard.press("Enter")
    view.get_by_role("group", name="Other words").get_by_role("button", name="balloon", exact=True).press("Enter")
    view.get_by_text("before: “a red boat on the ocean at sunset”").wait_for()
    assert prompt.input_value() == "a red balloon on the ocean at sunset"
    wait_for_pixels(page, view.get_by_role("img", name="Before"), b"")
    view.get_by_role("button", name="One picture").press("Enter")
    wait_until(page, lambda: not view.get_by_role("img", name="Before").is_visible())

    # The model draws while one types, and an unknown word falls apart.
    prompt.press("End")
    page.keyboard.type(" with a dragon", delay=30)
    wait_until(page, lambda: "a dragon”" in caption.inner_text() and not stop_is_enabled(view))
    dragon = words.get_by_role("button", name="dragon", exact=True)
    assert dragon.locator("span").count() > 1

    # The film.
    before = pixels(canvas)
    view.get_by_label("Step", exact=True).press("ArrowLeft")
    view.get_by_text("step 3 of 4").wait_for()
    wait_for_pixels(page, canvas, before)

    # Several pictures, each of which can be chosen and kept.
    page.get_by_label("How many").fill("3")
    page.keyboard.press("Enter")
    pictures = view.get_by_role("group", name="Pictures").get_by_role("button")
    wait_until(page, lambda: pictures.count() == 3 and not stop_is_enabled(view))
    pictures.nth(1).press("Enter")
    wait_until(page, lambda: "seed 1" in caption.inner_text())
    page.get_by_role("button", name="Keep this picture").click()
    page.get_by_text("Saved as kept_picture_1.png").wait_for()

    # Another prompt from some step on, and a walk to another seed.
    page.get_by_text("Steer it").last.click()  # the text above names it too
    page.get_by_label("Go on with").fill("a forest at night")
    page.get_by_role("button", name="Draw so").click()
    wait_until(page, lambda: "a forest at night" in caption.inner_text())
    slider(page, "how far").press("End")
    wait_until(page, lambda: "100% of the way to seed 1" in caption.inner_text())

    # A slow model can be stopped; what it has drawn stays.
    page.get_by_text("Model and steps").click()
    page.get_by_label("Model").select_option("embedded-teacher")
    wait_until(page, lambda: not page.get_by_label("draw while I type").is_enabled())
    page.get_by_label("Steps").fill("100")
    view.get_by_role("button", name="Draw", exact=True).click()
    wait_until(page, lambda: stop_is_enabled(view))
    before = pixels(canvas)
    wait_for_pixels(page, canvas, before)
    view.get_by_role("button", name="Stop").click()
    view.get_by_text("Stopped on the way.").wait_for()
    assert not stop_is_enabled(view)


def stop_is_enabled(view) -> bool:
    return view.get_by_role("button", name="Stop").is_enabled()


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
    page.get_by_label("Side (pixels)").fill("300")
    page.keyboard.press("Enter")
    page.get_by_text("reads 224 × 224 pixels only").wait_for()
    slider(page, "Row").press("End")
    page.get_by_text("Row 299, column").wait_for()


def test_the_feature_explorer(notebook):
    page = notebook("03_feature_visualization")
    maps = page.get_by_role("group", name="Feature maps").get_by_role("button")
    explorer = page.locator(".jp-OutputArea-output").filter(has=page.locator(".sv-maps")).last
    picture, trained, _, wanted = (explorer.locator("img.widget-image").nth(index) for index in range(4))
    wait_until(page, lambda: maps.count() == 64)
    picture.scroll_into_view_if_needed()

    before = source(trained)
    maps.nth(5).click()
    wait_for_new_picture(page, trained, before)
    before = source(trained)
    page.keyboard.press("ArrowDown")
    wait_for_new_picture(page, trained, before)
    assert maps.nth(13).get_attribute("aria-pressed") == "true"
    before = source(trained)
    page.get_by_role("button", name="conv1", exact=True).click()
    wait_for_new_picture(page, trained, before)
    wait_until(page, lambda: maps.count() == 16)

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


def test_the_critic(notebook):
    page = notebook("03_feature_visualization")
    view = page.locator(".sv-critic")
    view.scroll_into_view_if_needed()
    canvas, verdict = view.get_by_role("img", name="What the network sees"), view.locator(".sv-verdict")
    bars = view.get_by_role("group", name="What the network says").get_by_role("button")
    wait_until(page, lambda: "The network says" in verdict.inner_text() and bars.count() == 10)
    plain = wait_for_pixels(page, canvas, b"")

    # A square under the pointer, moved by the arrow keys, and taken away.
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 3, box["y"] + box["height"] / 2, steps=8)
    page.mouse.up()
    wait_until(page, lambda: "became" in verdict.inner_text())
    covered = wait_for_pixels(page, canvas, plain)
    before = canvas.get_attribute("data-square")
    page.keyboard.press("ArrowDown")
    wait_for_pixels(page, canvas, covered)
    left, top, side = map(int, before.split())
    wait_until(page, lambda: canvas.get_attribute("data-square") == f"{left} {top + 8} {side}")
    view.get_by_role("button", name="Take the square away").press("Enter")
    wait_until(page, lambda: "The network says" in verdict.inner_text())

    # The reasons for any class are lit.
    view.get_by_role("button", name="Light what mattered").press("Enter")
    lit = wait_for_pixels(page, canvas, plain)
    bars.nth(6).press("Enter")
    wait_for_pixels(page, canvas, lit)

    # A prompt is drawn and judged.
    page.get_by_label("Fool the critic with").fill("a volcano at night")
    page.keyboard.press("Enter")
    page.get_by_text("Painter and critic agreed").wait_for()
    wait_until(page, lambda: "a volcano at night" in view.locator("figcaption").inner_text())
