"""Write notebooks as single HTML pages that need no network: figures embedded, formulas as MathML, no script.

nbconvert's own page needs a network for its formulas: MathJax, which draws them, comes from a server.
"""

from __future__ import annotations

import json
import os
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from synthviz.files import user_path, write_text

if TYPE_CHECKING:
    from nbformat import NotebookNode

FORMULA = re.compile(r"\$\$(?P<block>.+?)\$\$|\$(?P<inline>[^\s$](?:[^$]*[^\s$])?)\$", re.DOTALL)


def export_html(notebook: str | Path, page: str | Path | None = None) -> Path:
    """Write a notebook with its stored outputs as one HTML page that is complete without a network.

    Args:
        notebook: an .ipynb file.
        page: the .html file to write; None for the notebook's own name beside it.

    Returns:
        The path of the page.

    Raises:
        ValueError: if the file does not exist or is not a notebook, or the page cannot be written.
    """
    from bs4 import BeautifulSoup
    from nbconvert import HTMLExporter

    notebook = user_path(notebook)
    content = _read_notebook(notebook)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the results that a run reads are not meant to be seen
        html, _ = HTMLExporter().from_notebook_node(content, resources={"metadata": {"name": notebook.stem}})
    soup = BeautifulSoup(html, "html.parser")
    for script in soup("script"):  # MathJax, Mermaid and RequireJS, all loaded from servers
        script.decompose()
    for text in soup.select(".jp-RenderedMarkdown"):
        for part in text.find_all(string=FORMULA):
            if part.find_parent(["code", "pre"]) is None:
                part.replace_with(BeautifulSoup(_with_mathml(str(part)), "html.parser"))
    page = user_path(page or notebook.with_suffix(".html"))
    try:
        return write_text(page, str(soup))
    except OSError as error:
        raise ValueError(f"the page {str(page)!r} cannot be written: {error.strerror}") from error


def _read_notebook(path: Path) -> NotebookNode:
    import nbformat

    if path.suffix != ".ipynb" or not os.path.isfile(path):  # also for a name that is too long
        raise ValueError(f"{str(path)!r} is not a notebook; name an existing .ipynb file")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError("it holds no notebook")
        nbformat.validate(content, version=4)
        notebook: NotebookNode = nbformat.read(path, as_version=4)
    except (ValueError, nbformat.ValidationError) as error:
        raise ValueError(f"{str(path)!r} cannot be read as a notebook: {str(error).splitlines()[0]}") from error
    return notebook


def _with_mathml(text: str) -> str:
    """Return plain text as HTML, with its TeX formulas as MathML, which browsers draw without a script."""
    import html

    from latex2mathml.converter import convert

    pieces, end = [], 0
    for match in FORMULA.finditer(text):
        pieces.append(html.escape(text[end : match.start()]))
        block = match["block"] is not None
        pieces.append(convert(match["block"] or match["inline"], display="block" if block else "inline"))
        end = match.end()
    return "".join([*pieces, html.escape(text[end:])])
