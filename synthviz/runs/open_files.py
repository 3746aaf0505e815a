"""How many files a process may have open at a time; sockets and pipes count too."""

from __future__ import annotations

from synthviz.runs.errors import RunError

NEEDED = 128  # for one run; its kernel has about 80 open


def check_open_files(needed: int = NEEDED) -> None:
    """Check that this process may have so many files open; libraries report the lack of one in odd ways, or hang.

    Raises:
        RunError: if not.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed != resource.RLIM_INFINITY and allowed < needed:
        raise RunError(
            f"only {allowed} files may be open at a time, and {needed} are needed; allow more: ulimit -n 1024"
        )
