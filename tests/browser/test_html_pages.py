"""The HTML pages of the notebooks work in a browser without a network."""

from __future__ import annotations

from pathlib import Path

import pytest

from synthviz.runs.chain import NOTEBOOKS, notebooks_folder
from synthviz.runs.html import export_html

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
