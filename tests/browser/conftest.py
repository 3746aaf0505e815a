"""Fixtures: a JupyterLab and a Chromium. Without a browser these tests are skipped, but in CI they fail."""

from __future__ import annotations

import pytest
from lab_page import find_chromium, jupyterlab, save_screenshot, skip_or_fail


# The scope is not the session: until Playwright stops, asyncio sees a running event loop in the thread of all tests.
@pytest.fixture(scope="module")
def browser():
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        skip_or_fail("Playwright is not installed (it is in [dev])")
    path = find_chromium()
    if path is None:
        skip_or_fail("there is no Chromium; on Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        # Chromium's sandbox does not work for the user root, and containers run as root.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def lab(browser, tmp_path_factory):
    """The address and the token of a JupyterLab with a copy of the notebooks."""
    with jupyterlab(tmp_path_factory.mktemp("lab")) as address_and_token:
        yield address_and_token


@pytest.fixture
def page(browser, lab, request):
    """A page that collects the errors of its console in `page.errors`; if the test fails, a screenshot is saved."""
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
        save_screenshot(page, request.node.name)
    context.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.when == "call":
        item.call_report = report
