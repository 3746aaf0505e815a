"""Notebooks as single HTML pages that need no network: figures inside, formulas as MathML, no script.

nbconvert's own page is fine online; offline its formulas stay TeX, since MathJax comes from a server.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from synthviz.files import write_text

FORMULA = re.compile(r"\$\$(?P<block>.+?)\$\$|\$(?P<inline>[^\s$](?:[^$]*[^\s$])?)\$", re.DOTALL)


def export_html(notebook: str | Path, page: str | Path | None = None) -> Path:
    """Write one notebook, as it was executed, as one page that is complete without a network.

    Args:
        notebook: an .ipynb file.
        page: the .html file to write; None for the notebook's own name beside it.

    Returns:
        The page's path.

    Raises:
        ValueError: if there is no such notebook, or the file is none.
    """
    import nbformat
    from bs4 import BeautifulSoup
    from nbconvert import HTMLExporter

    notebook = Path(notebook)
    if notebook.suffix != ".ipynb" or not notebook.is_file():
        raise ValueError(f"{str(notebook)!r} is not a notebook; name an existing .ipynb file")
    try:
        nbformat.validate(json.loads(notebook.read_text(encoding="utf-8")), version=4)
        content = nbformat.read(notebook, as_version=4)
    except (ValueError, nbformat.ValidationError) as error:
        raise ValueError(f"{str(notebook)!r} cannot be read as a notebook: {str(error).splitlines()[0]}") from error
    html, _ = HTMLExporter().from_notebook_node(content, resources={"metadata": {"name": notebook.stem}})
    soup = BeautifulSoup(html, "html.parser")
    for script in soup("script"):  # MathJax, Mermaid and RequireJS, all from servers
        script.decompose()
    for text in soup.select(".jp-RenderedMarkdown"):
        for part in text.find_all(string=FORMULA):
            if part.find_parent(["code", "pre"]) is None:
                part.replace_with(BeautifulSoup(_with_mathml(str(part)), "html.parser"))
    return write_text(page or notebook.with_suffix(".html"), str(soup))


def _with_mathml(text: str) -> str:
    """Plain text as HTML, its TeX formulas as MathML, which browsers draw themselves."""
    import html

    from latex2mathml.converter import convert

    pieces, end = [], 0
    for match in FORMULA.finditer(text):
        pieces.append(html.escape(text[end : match.start()]))
        block = match["block"] is not None
        pieces.append(convert(match["block"] or match["inline"], display="block" if block else "inline"))
        end = match.end()
    return "".join([*pieces, html.escape(text[end:])])
