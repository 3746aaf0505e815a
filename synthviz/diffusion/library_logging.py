"""Silence the warnings of diffusers and transformers while synthviz uses them, and keep their texts for notes."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

ESCAPES = re.compile(r"\x1b\[[0-9;]*m")  # which colour a terminal


@contextmanager
def quiet_libraries(bars_too: bool = False) -> Iterator[list[str]]:
    """Show only errors of diffusers and transformers in the block; synthviz reports what matters in its own notes.

    Yields the texts of the warnings that were not shown, in their order; more may come while the block runs.

    Args:
        bars_too: hide progress bars as well, for work that takes no time; a download should show its own.
    """
    import diffusers.utils.logging as diffusers_logging
    import transformers.utils.logging as transformers_logging

    hidden: list[str] = []

    def is_shown(record: logging.LogRecord) -> bool:  # a new function in each block, since blocks may overlap
        # A program may have given the same handler to other loggers.
        of_library = record.name.partition(".")[0] in ("diffusers", "transformers")
        if not of_library or record.levelno >= logging.ERROR:
            return True
        text = " ".join(ESCAPES.sub("", record.getMessage()).split())
        if record.levelno >= logging.WARNING and text not in hidden:
            hidden.append(text)
        return False

    libraries = (diffusers_logging, transformers_logging)
    bars = [library for library in libraries if bars_too and library.is_progress_bar_enabled()]
    # A filter, because a change of level clears the caches of all loggers, which costs 1% of a picture's time.
    handlers = [handler for library in libraries for handler in library.get_logger().handlers]
    for handler in handlers:
        handler.addFilter(is_shown)
    for library in bars:
        library.disable_progress_bar()
    try:
        yield hidden
    finally:
        for handler in handlers:
            handler.removeFilter(is_shown)
        for library in bars:
            library.enable_progress_bar()
