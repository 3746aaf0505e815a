"""The pages and the table of a sweep: correct, escaped, and rewritten only where something has changed."""

from __future__ import annotations

import csv
import os

import pytest
from bs4 import BeautifulSoup

from synthviz.runs.sweeps import PlannedRun
from synthviz.runs.sweeps.report import RUNS_PER_PAGE, Report

NASTY = '<script>alert("x")</script> & "quotes", \'and\', commas\nand lines'


def manifest(**more) -> dict:
    prediction = {"class_name": "ocean", "probability": 0.97, "valid": True}
    return {
        "files": {"generated_image_1.png": {}, "01_generation.ipynb": {}},
        "notebooks": [{"seconds": 1.5}, {"seconds": 2.0}],
        "results": {"prediction": prediction},
        "fallbacks": [],
        **more,
    }


def failure(**more) -> dict:
    failed = {"kind": "cell", "error": "it broke", "source": "1 / 0", "traceback": "ZeroDivisionError", "seconds": 3}
    return {**failed, **more}


@pytest.fixture
def report(tmp_path):
    return Report(tmp_path, [PlannedRun(f"{n:016x}", {"seed": n, "prompt": NASTY}) for n in range(3)])


def soup(path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def test_a_page_has_a_card_per_run_with_its_result(report, tmp_path):
    report.add(report.runs[0].key, manifest())
    report.add(report.runs[1].key, failure())
    report.write()
    page = soup(tmp_path / "index.html")
    cards = page.select(".run")
    assert [card["class"][1] for card in cards] == ["done", "failed", "waiting"]
    assert "ocean (97%)" in cards[0].get_text()
    assert cards[0].img["src"] == f"runs/{report.runs[0].key}/generated_image_1.png"
    assert "it broke" in cards[1].get_text()
    assert "1 done, 1 failed, 1 waiting." in page.get_text()


def test_an_invalid_prediction_is_shown_as_invalid(report, tmp_path):
    doubtful = {"class_name": "ocean", "probability": 0.97, "valid": False, "reason": "the picture is <blank>"}
    report.add(report.runs[0].key, manifest())
    report.add(report.runs[1].key, manifest(results={"prediction": doubtful}))
    report.add(report.runs[2].key, manifest(results={}))
    report.write()
    texts = [card.get_text() for card in soup(tmp_path / "index.html").select(".run")]
    assert "not valid: the picture is <blank>" in texts[1]
    assert "not valid" not in texts[0] + texts[2]
    with (tmp_path / "runs.csv").open(encoding="utf-8", newline="") as file:
        assert [row["valid"] for row in csv.DictReader(file)] == ["True", "False", ""]


def test_pages_of_an_earlier_sweep_with_more_runs_are_removed(tmp_path):
    runs = [PlannedRun(f"{n:016x}", {"seed": n}) for n in range(2 * RUNS_PER_PAGE + 1)]
    Report(tmp_path, runs).write()
    (tmp_path / "page-of-my-own.html").touch()
    Report(tmp_path, runs[: RUNS_PER_PAGE + 1]).write()
    assert sorted(os.listdir(tmp_path)) == ["index.html", "page-2.html", "page-of-my-own.html", "runs.csv"]


def test_text_is_shown_and_never_becomes_html(report, tmp_path):
    report.add(report.runs[0].key, manifest(fallbacks=[NASTY]))
    report.add(report.runs[1].key, failure(error=NASTY, source=NASTY, traceback=NASTY))
    report.write()
    page = soup(tmp_path / "index.html")
    assert '"quotes"' not in (tmp_path / "index.html").read_text()
    assert len(page("script")) == 1  # the filters'
    assert page.get_text().count(NASTY) == 7
    assert [card.h2.get_text().endswith(NASTY) for card in page.select(".run")] == [True] * 3


def test_what_all_runs_share_is_said_once_and_the_prompt_is_the_title(tmp_path):
    runs = [PlannedRun(f"{n:016x}", {"prompt": f"a boat {n}", "seed": n, "steps": 4}) for n in range(3)]
    Report(tmp_path, runs).write()
    page = soup(tmp_path / "index.html")
    assert "In all runs: steps 4." in page.header.get_text()
    cards = page.select(".run")
    assert [card.h2.get_text() for card in cards] == [f"… waiting · a boat {n}" for n in range(3)]
    assert [card.select_one(".settings").get_text() for card in cards] == [f"seed {n}" for n in range(3)]
    Report(tmp_path, runs[:1]).write()
    assert "steps 4" in soup(tmp_path / "index.html").select_one(".settings").get_text()


def test_keys_and_notebooks_are_behind_details(report, tmp_path):
    report.add(report.runs[0].key, manifest())
    report.write()
    card = soup(tmp_path / "index.html").select_one(".run")
    hidden = card.details.get_text()
    card.details.decompose()
    for text in (report.runs[0].key, "01_generation.ipynb"):
        assert text in hidden
        assert text not in card.get_text()


def test_a_notebook_that_is_there_as_a_page_is_linked_in_the_open(report, tmp_path):
    folder = tmp_path / "runs" / report.runs[0].key
    report.add(report.runs[0].key, manifest())
    report.write()
    assert ".html" not in str(soup(tmp_path / "index.html").select_one(".run"))
    folder.mkdir(parents=True)
    (folder / "01_generation.html").touch()
    report.mark_changed()
    report.write()
    card = soup(tmp_path / "index.html").select_one(".run")
    card.details.decompose()
    links = {link.get_text(): link["href"] for link in card("a") if link["href"].endswith(".html")}
    assert links == {"generation": f"runs/{report.runs[0].key}/01_generation.html"}


def test_the_first_picture_of_a_run_knows_its_film(report, tmp_path):
    files = {"generated_image_1.png": {}, "generated_image_2.png": {}, "denoising_film.webp": {}}
    report.add(report.runs[0].key, manifest(files=files))
    report.add(report.runs[1].key, manifest())
    report.write()
    films = [image.get("data-film") for image in soup(tmp_path / "index.html")("img") if image.get("src")]
    assert films == [f"runs/{report.runs[0].key}/denoising_film.webp", None, None]


def test_the_table_reads_back(report, tmp_path):
    report.add(report.runs[0].key, manifest(fallbacks=["a shipped picture"]))
    report.add(report.runs[1].key, failure())
    report.write()
    with (tmp_path / "runs.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["prompt"] for row in rows] == [NASTY] * 3
    assert rows[0]["class_name"] == "ocean"
    assert float(rows[0]["probability"]) == 0.97
    assert float(rows[0]["seconds"]) == 3.5
    assert rows[0]["fallbacks"] == '["a shipped picture"]'
    assert (rows[1]["status"], rows[1]["error"], rows[1]["class_name"]) == ("failed", "it broke", "")
    assert (rows[2]["status"], rows[2]["folder"]) == ("waiting", "")


def test_names_of_files_are_quoted_in_links(report, tmp_path):
    report.add(report.runs[0].key, manifest(files={'generated_image_"1 #.png': {}}))
    report.write()
    picture = soup(tmp_path / "index.html").img
    assert picture["src"] == f"runs/{report.runs[0].key}/generated_image_%221%20%23.png"
    assert picture["alt"] == 'generated_image_"1 #.png'


def test_pages_are_linked_and_only_changed_ones_are_rewritten(tmp_path):
    report = Report(tmp_path, [PlannedRun(f"{n:016x}", {"seed": n}) for n in range(2 * RUNS_PER_PAGE + 1)])
    report.write()
    names = ["index.html", "page-2.html", "page-3.html"]
    assert sorted(os.listdir(tmp_path)) == [*names, "runs.csv"]
    assert [len(soup(tmp_path / name).select(".run")) for name in names] == [RUNS_PER_PAGE, RUNS_PER_PAGE, 1]
    assert [link["href"] for link in soup(tmp_path / "page-2.html").select("nav a")] == ["index.html", "page-3.html"]
    before = {name: (tmp_path / name).stat().st_ino for name in names}
    report.add(report.runs[-1].key, manifest())
    report.write()
    after = {name: (tmp_path / name).stat().st_ino for name in names}
    assert [name for name in names if before[name] != after[name]] == ["index.html", "page-3.html"]


def test_the_report_is_not_rewritten_after_every_run(report, tmp_path):
    report.write_if_due()
    (tmp_path / "index.html").unlink()
    report.add(report.runs[0].key, manifest())
    report.write_if_due()
    assert not (tmp_path / "index.html").exists()
