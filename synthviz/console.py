"""Log lines as plain text on stdout, for people who look at a notebook or a terminal.

synthviz never prints. It logs to `logging.getLogger("synthviz")`: notes and fallbacks as warnings, progress as
information. A program configures logging as it likes; in a notebook and on the command line `show_log_lines` shows
every line once.
"""

from __future__ import annotations

import logging
import sys
import threading

LOGGER = logging.getLogger("synthviz")


class _PlainLines(logging.Handler):
    """Writes each message to stdout; steps back where the root logger has handlers, which show it already."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        # The explorers work in threads of their own and show their lines themselves.
        if logging.getLogger().handlers or record.thread != threading.main_thread().ident:
            return
        sys.stdout.write(record.getMessage() + "\n")
        sys.stdout.flush()


def show_log_lines() -> None:
    """Show log lines from now on; a second call changes nothing."""
    if not any(isinstance(handler, _PlainLines) for handler in LOGGER.handlers):
        LOGGER.addHandler(_PlainLines())
    if LOGGER.level == logging.NOTSET:
        LOGGER.setLevel(logging.INFO)


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    return "ipykernel" in sys.modules


def shows_progress() -> bool:
    """Whether somebody sees a line that updates in place: in a notebook and on a terminal."""
    return in_notebook() or sys.stdout.isatty()
