"""The modules that the browser runs, each as one text, which is what anywidget hands to the browser."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).parent / "browser"
STYLE = FOLDER / "views.css"
IMPORT = re.compile(r'^import \{[^}]*\} from "\./(\w+\.js)";\n', re.MULTILINE)


def bundled(name: str) -> str:
    """Return a module with the modules that it imports in front of it, instead of the imports.

    A page that has the whole folder imports the file itself.

    Args:
        name: of a file in the folder `browser`; the modules that it imports import no others.
    """
    source = (FOLDER / name).read_text(encoding="utf-8")
    imported = [(FOLDER / found).read_text(encoding="utf-8") for found in IMPORT.findall(source)]
    shared = [re.sub(r"^export ", "", text, flags=re.MULTILINE) for text in imported]
    return "\n".join([*shared, IMPORT.sub("", source)])
