"""Keep the warnings of diffusers and transformers down."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_libraries(bars_too: bool = False) -> Iterator[None]:
    """Keep diffusers' and transformers' own warnings down: what matters in them is said by synthviz itself.

    Args:
        bars_too: progress bars as well, for what takes no time; a download should show its own.
    """
    import diffusers.utils.logging as diffusers_logging
    import transformers.utils.logging as transformers_logging

    def is_error(record: logging.LogRecord) -> bool:  # each use has its own, as they may overlap
        return record.levelno >= logging.ERROR

    libraries = (diffusers_logging, transformers_logging)
    bars = [each for each in libraries if bars_too and each.is_progress_bar_enabled()]
    # A filter, since a change of level empties the caches of every logger there is, a hundredth of a picture's time.
    handlers = [handler for each in libraries for handler in each.get_logger().handlers]
    for handler in handlers:
        handler.addFilter(is_error)
    for each in bars:
        each.disable_progress_bar()
    try:
        yield
    finally:
        for handler in handlers:
            handler.removeFilter(is_error)
        for each in bars:
            each.enable_progress_bar()
