"""Files: written whole or not at all, their checksums, and their names as printable text."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

UNFINISHED = ".unfinished-"  # how the names of files begin that are being written


def user_path(path: str | Path, start: str | Path = "") -> Path:
    """Return the path that a user means: the one rule for every path that the package gets.

    A "~" or "~name" at the beginning is a home folder, as in a shell; if there is no user of this name, it is a file's
    name. Everything else stays as it is typed: variables such as "$HOME", "file://" and drive letters are names too.
    The result means the same path if it is given to this function again.

    Args:
        path: a path as text or as an object; "./~x" is a file of the name "~x".
        start: the folder that a relative path starts from; "" is the current one.
    """
    found = Path(start, os.path.expanduser(path))
    return found.absolute() if str(found).startswith("~") else found


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Write a file whole or not at all.

    Yields a temporary path in the same folder; it is renamed into place when the block ends, and removed if the
    block raises. The suffix is kept, so that Pillow and matplotlib recognise the format.
    """
    path = user_path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=UNFINISHED, suffix=path.suffix)
    os.close(handle)
    unfinished = Path(name)
    try:
        yield unfinished
        unfinished.chmod(0o666 & ~_umask())
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def printable(text: str) -> str:
    """Return a text on one line, with the codes of line ends, control characters and unpaired surrogates.

    A terminal would obey control characters, and could not print unpaired surrogates.
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def printable_name(path: Path) -> str:
    """Return a file's name on one line; a name may hold bytes that are not text, which could not be printed."""
    return printable(path.name or str(path))


def write_text(path: str | Path, text: str) -> Path:
    """Write UTF-8 text whole or not at all; returns the path."""
    with whole_file(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8", newline="\n")
    return user_path(path)


def write_json(path: str | Path, value: Any) -> Path:
    """Write JSON, indented, with sorted keys and no NaN, whole or not at all; returns the path."""
    return write_text(path, json.dumps(value, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n")


def sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file, as 64 hexadecimal digits."""
    with user_path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
