"""How the browser tests report problems; these tests need no browser."""

from __future__ import annotations

import lab_page
import pytest


def test_without_a_browser_tests_are_skipped_but_fail_in_ci(monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no Chromium"):
        lab_page.skip_or_fail("no Chromium")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no Chromium"):
        lab_page.skip_or_fail("no Chromium")


def test_a_failed_check_saves_a_screenshot(monkeypatch, tmp_path):
    class Page:
        def screenshot(self, path) -> None:
            path.write_bytes(b"png")

    monkeypatch.setattr(lab_page, "SCREENSHOTS", tmp_path / "screenshots")
    with lab_page.screenshot_on_failure(Page(), "test_it"):
        assert True
    assert not (tmp_path / "screenshots").exists()
    with pytest.raises(AssertionError), lab_page.screenshot_on_failure(Page(), "test_it[a b]"):
        raise AssertionError
    assert [path.name for path in (tmp_path / "screenshots").iterdir()] == ["test_it_a_b_.png"]
