"""The modules that the browser runs, each as one text, which is what anywidget hands to the browser."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).parent / "browser"
STYLE = FOLDER / "views.css"
IMPORT = re.compile(r'^import \{[^}]*\} from "\./(\w+\.js)";\n', re.MULTILINE)


def bundled(name: str) -> str:
    """Return a module of the folder `browser` with all that it needs in front of it, instead of the imports.

    A page that has the whole folder imports the file itself.
    """
    modules: dict[str, str] = {}

    def add(name: str) -> None:
        source = (FOLDER / name).read_text(encoding="utf-8")
        for imported in IMPORT.findall(source):
            if imported not in modules:
                add(imported)
        modules[name] = IMPORT.sub("", source)

    add(name)
    *imported, own = modules.values()
    return "\n".join([*(re.sub(r"^export ", "", text, flags=re.MULTILINE) for text in imported), own])
