"""Text in an explorer, in plain words and escaped."""

from __future__ import annotations

import html

import ipywidgets as widgets


def small(markup: str) -> str:
    """Set HTML in small print; without a line height, JupyterLab gives every line the height of a button."""
    return f"<div style='font-size: 85%; line-height: 1.35'>{markup}</div>"


class Message(widgets.HTML):  # type: ignore[misc]  # ipywidgets has no types
    """A line of text. All of the text is escaped."""

    def show(self, text: str) -> None:
        """Show a plain sentence; "" clears the line."""
        self.value = html.escape(text)

    def show_error(self, error: Exception) -> None:
        """Show an error as one bold sentence with a warning sign."""
        text = " ".join(str(error).split()) or type(error).__name__
        self.value = f"<b>⚠ {html.escape(text.rstrip('.'))}.</b>"
