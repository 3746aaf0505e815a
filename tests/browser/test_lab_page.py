"""What the browser's tests rely on when something goes wrong; needs no browser."""

from __future__ import annotations

import lab_page
import pytest


def test_a_missing_browser_is_skipped_except_in_ci(monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no Chromium"):
        lab_page.do_without("no Chromium")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no Chromium"):
        lab_page.do_without("no Chromium")


def test_a_check_that_fails_leaves_a_screenshot(monkeypatch, tmp_path):
    class Page:
        def screenshot(self, path) -> None:
            path.write_bytes(b"png")

    monkeypatch.setattr(lab_page, "SCREENSHOTS", tmp_path / "kept")
    with lab_page.screenshot_on_failure(Page(), "test_it"):
        assert True
    assert not (tmp_path / "kept").exists()
    with pytest.raises(AssertionError), lab_page.screenshot_on_failure(Page(), "test_it[a b]"):
        raise AssertionError
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["test_it_a_b_.png"]
