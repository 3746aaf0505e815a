"""What an explorer has to say, in one sentence under its buttons."""

from __future__ import annotations

import html

import ipywidgets as widgets


def small(markup: str) -> str:
    """HTML in small print; JupyterLab gives widgets' text the height of a button unless told otherwise."""
    return f"<div style='font-size: 85%; line-height: 1.35'>{markup}</div>"


class Message(widgets.HTML):
    """A line of text; all of it is escaped, wherever it came from."""

    def say(self, text: str) -> None:
        """Show a plain sentence, or nothing."""
        self.value = html.escape(text)

    def fail(self, error: Exception) -> None:
        """Show an error as one sentence, marked by more than colour."""
        text = " ".join(str(error).split()) or type(error).__name__
        self.value = f"<b>⚠ {html.escape(text.rstrip('.'))}.</b>"
