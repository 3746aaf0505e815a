"""HTML pages of notebooks: complete without a network, with formulas as MathML."""

from __future__ import annotations

import os

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from synthviz.__main__ import main
from synthviz.runs.html import export_html

DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABpfZFQAAAAABJRU5ErkJggg=="


@pytest.fixture
def notebook(tmp_path):
    path = tmp_path / "lesson.ipynb"
    cells = [
        new_markdown_cell("At $t$ it is $a < b$, and\n\n$$x_t = \\sqrt{\\bar\\alpha}\\,x_0$$\n\nbut `$HOME` costs $5."),
        new_code_cell("1", outputs=[new_output("display_data", {"image/png": DOT, "text/plain": ""})]),
    ]
    nbformat.write(new_notebook(cells=cells), path)
    return path


def page_of(notebook) -> BeautifulSoup:
    return BeautifulSoup(export_html(notebook).read_text(encoding="utf-8"), "html.parser")


def test_a_page_loads_nothing_and_has_no_script(notebook):
    page = page_of(notebook)
    assert not page("script")
    assert all(tag["src"].startswith("data:") for tag in page(src=True))
    assert not page.find_all("link", href=True)


def test_formulas_become_mathml(notebook):
    page = page_of(notebook)
    assert [math["display"] for math in page("math")] == ["inline", "inline", "block"]
    assert page("math")[1].get_text() == "a<b"
    assert page.find("msqrt") is not None


def test_a_dollar_in_code_or_alone_is_no_formula(notebook):
    text = page_of(notebook).select_one(".jp-RenderedMarkdown").get_text()
    assert "$HOME costs $5." in text


def test_figures_are_embedded(notebook):
    assert DOT in str(page_of(notebook).find("img")["src"])


def test_the_page_is_written_beside_the_notebook_or_to_the_given_path(notebook, tmp_path):
    assert export_html(notebook) == tmp_path / "lesson.html"
    assert export_html(notebook, tmp_path / "other.html").exists()


@pytest.mark.filterwarnings("error")
def test_results_that_a_run_reads_are_left_out_without_a_word(tmp_path):
    result = nbformat.v4.new_output("display_data", {"application/vnd.synthviz.result+json": {"seen": 1}})
    cell = nbformat.v4.new_code_cell("records.report('seen', 1)", outputs=[result])
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "run.ipynb")
    assert "vnd.synthviz" not in export_html(tmp_path / "run.ipynb").read_text(encoding="utf-8")


def test_a_page_that_cannot_be_written_is_named(notebook, tmp_path):
    (tmp_path / "lesson.html").mkdir()
    with pytest.raises(ValueError, match=r"lesson\.html' cannot be written: Is a directory"):
        export_html(notebook)
    assert sorted(os.listdir(tmp_path)) == ["lesson.html", "lesson.ipynb"]


def test_a_name_that_is_too_long_is_no_notebook(tmp_path):
    with pytest.raises(ValueError, match="is not a notebook"):
        export_html(tmp_path / f"{'x' * 300}.ipynb")


@pytest.mark.parametrize("content", [None, "no notebook", '{"cells": 3}', "[1]"])
def test_a_file_that_is_not_a_notebook_is_named(tmp_path, content):
    path = tmp_path / "strange.ipynb"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ValueError, match=r"strange\.ipynb"):
        export_html(path)
    assert not path.with_suffix(".html").exists()


def test_the_command_prints_the_pages_or_an_error(notebook, tmp_path, capsys):
    assert main(["html", str(notebook)]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "lesson.html")
    assert main(["html", str(tmp_path / "none.ipynb")]) == 1
    assert "is not a notebook" in capsys.readouterr().err
