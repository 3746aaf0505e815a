"""Actions and checks in JupyterLab, as functions of a Playwright page."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
SCREENSHOTS = Path(os.environ.get("SYNTHVIZ_SCREENSHOTS", "outputs/screenshots"))
START_TIMEOUT = 90  # seconds
SETTINGS = {
    # Render all cells, so that the tests can check all of them.
    "notebook-extension/tracker": '{"windowingMode": "none"}',
    "apputils-extension/notification": '{"fetchNews": "false", "checkForUpdates": false}',
}
RUN_ALL_TIMEOUT = 600_000  # milliseconds; enough for a slow and busy machine
SHRUNK = """canvas => {
    const small = new OffscreenCanvas(64, 64).getContext("2d");
    small.drawImage(canvas, 0, 0, 64, 64);
    return [...small.getImageData(0, 0, 64, 64).data];
}"""
NOT_BLANK = """image => {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 64;
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0, 64, 64);
    const values = Array.from(context.getImageData(0, 0, 64, 64).data).filter((_, i) => i % 4 < 3);
    return Math.max(...values) - Math.min(...values) > 24;
}"""


def find_chromium() -> str | None:
    """Return the path of Chromium or Chrome on this machine; None without one."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def skip_or_fail(reason: str) -> NoReturn:
    """Skip the test; fail it in CI, where a browser is available and nobody would notice a skipped test."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)


def save_screenshot(page: Any, test: str) -> None:
    """Save a screenshot under the name of a test."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"\W+", "_", test)
    page.screenshot(path=SCREENSHOTS / f"{name}.png")


@contextmanager
def screenshot_on_failure(page: Any, test: str) -> Iterator[None]:
    """Save a screenshot if a check in the block fails."""
    try:
        yield
    except AssertionError:
        save_screenshot(page, test)
        raise


@contextmanager
def jupyterlab(root: Path) -> Iterator[tuple[str, str]]:
    """Run JupyterLab on a free port with a copy of the notebooks in `root`; yield its address and token."""
    for path in NOTEBOOKS.glob("*.ipynb"):
        shutil.copy(path, root)
    for name, text in SETTINGS.items():
        path = root / ".settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True)
        path.write_text(text)
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(root / ".config"),
        "JUPYTERLAB_SETTINGS_DIR": str(root / ".settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(root / ".workspaces"),
        "IPYTHONDIR": str(root / ".ipython"),
    }
    token, port = secrets.token_hex(8), _free_port()
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", f"--notebook-dir={root}", "--allow-root"]
    command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}"]
    log = root / ".lab.log"
    with log.open("w") as output:
        server = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT, cwd=root)
        try:
            _wait_for(f"http://127.0.0.1:{port}/lab?token={token}", server, log)
            yield f"http://127.0.0.1:{port}/lab", token
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_for(address: str, server: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.3)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-2000:]}")


def open_notebook(page: Any, address: str, name: str) -> None:
    """Open a notebook and wait until its kernel is idle."""
    page.goto(f"{address}/tree/{name}.ipynb?reset")
    page.locator(".jp-Toolbar-kernelName:visible").get_by_text("Python 3").wait_for()
    page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status='idle']:visible")


def restart_and_run_all(page: Any) -> None:
    """Choose "Restart Kernel and Run All Cells" in the menu; return when every cell has run."""
    page.get_by_role("menuitem", name="Kernel", exact=True).click()
    page.get_by_text("Restart Kernel and Run All Cells…").click()
    page.locator(".jp-Dialog").get_by_role("button", name="Confirm Kernel Restart").click()
    page.wait_for_function(
        """() => {
            const prompts = [...document.querySelectorAll(".jp-CodeCell .jp-InputPrompt")].map(e => e.textContent);
            const status = document.querySelector(".jp-Notebook-ExecutionIndicator").dataset.status;
            return prompts.length > 5 && status === "idle" && prompts.every(text => /^\\[\\d+\\]:$/.test(text));
        }""",
        timeout=RUN_ALL_TIMEOUT,
    )


def cell_errors(page: Any) -> list[str]:
    """Return all errors and all stderr output of the notebook's cells."""
    kinds = ("application/vnd.jupyter.error", "application/vnd.jupyter.stderr")
    return [text for kind in kinds for text in page.locator(f"[data-mime-type='{kind}']").all_text_contents()]


def control(page: Any, label: str) -> Any:
    """Return the whole widget with this label."""
    return page.locator(".jupyter-widgets").filter(has=page.locator("label", has_text=label)).last


def slider(page: Any, label: str) -> Any:
    """Return the handle of a slider; it reacts to the arrow keys."""
    return page.locator(".widget-slider").filter(has_text=label).locator(".noUi-handle").first


def source(image: Any) -> str:
    """Return the address of the picture in an image widget; every update changes it."""
    return image.get_attribute("src")


def wait_for_new_picture(page: Any, image: Any, before: str, timeout: float = 60_000) -> None:
    """Wait until an image widget has loaded a picture other than `before`, and check that it is not blank."""
    page.wait_for_function(
        "([image, before]) => image.src !== before && image.complete && image.naturalWidth > 0",
        arg=[image.element_handle(), before],
        timeout=timeout,
    )
    assert image.evaluate(NOT_BLANK), "the image is blank"


def pixels(canvas: Any) -> bytes:
    """Return the pixels of a canvas shrunk to 64×64, four bytes each."""
    return bytes(canvas.evaluate(SHRUNK))


def brightness(pixels: bytes) -> float:
    """Return the mean of all bytes of colours, 0 to 255."""
    return sum(sum(pixels[channel::4]) for channel in range(3)) / (3 * len(pixels) / 4)


def wait_for_pixels(page: Any, canvas: Any, before: bytes) -> bytes:
    """Wait until a canvas shows other pixels than `before` and is not blank; return them."""
    found: list[bytes] = []

    def has_changed() -> bool:
        found[:] = [pixels(canvas)]
        return found[0] != before and max(found[0][:-1:4]) - min(found[0][:-1:4]) > 24

    wait_until(page, has_changed)
    return found[0]


def wait_until(page: Any, condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until a condition holds, while the page continues to run."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"the condition did not hold within {seconds} s"
        page.wait_for_timeout(50)
