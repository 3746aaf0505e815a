"""A JupyterLab on a free port and a Chromium to look at it; without a browser these tests are skipped, except in CI."""

from __future__ import annotations

import pytest
from lab_page import do_without, find_chromium, jupyterlab, keep_screenshot


# Not for the whole session: until Playwright stops, its event loop counts as running in the tests' thread.
@pytest.fixture(scope="module")
def browser():
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        do_without("Playwright is not installed (it is in [dev])")
    path = find_chromium()
    if path is None:
        do_without("there is no Chromium to drive; on Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        # Chromium's own sandbox does not work for root, which containers run as.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def lab(browser, tmp_path_factory):
    """The address and token of a JupyterLab whose root is a copy of the notebooks."""
    with jupyterlab(tmp_path_factory.mktemp("lab")) as found:
        yield found


@pytest.fixture
def page(browser, lab, request):
    """A page that collects what its console calls errors; a screenshot is kept if the test fails."""
    address, token = lab
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.errors = []
    page.on("console", lambda message: page.errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.goto(f"{address}?token={token}&reset")
    yield page
    report = getattr(request.node, "call_report", None)
    if report is not None and report.failed:
        keep_screenshot(page, request.node.name)
    context.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.when == "call":
        item.call_report = report
