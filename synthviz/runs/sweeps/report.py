"""What a sweep looks like so far: pages that open from disk, and a table for pandas."""

from __future__ import annotations

import csv
import html
import io
import json
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from synthviz.files import whole_file, write_text
from synthviz.runs.sweeps.plan import PlannedRun
from synthviz.runs.sweeps.run_on_worker import FAILURES, RUNS

RUNS_A_PAGE = 100
LEAST_PAUSE = 5.0  # seconds between two reports while a sweep runs
PAUSE_TO_WORK = 20  # and at least so many times what the last one took
PAGE_NAME = re.compile(r"page-\d+\.html")
DONE, FAILED, WAITING = "done", "failed", "waiting"
SIGNS = {DONE: "✓", FAILED: "✗", WAITING: "…"}

STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 78rem; padding: 0 1rem; color: #1b1b1b; }
h1 { font-size: 1.5rem; margin-bottom: .2rem; }
.filters { display: flex; gap: .8rem; margin: 1rem 0; flex-wrap: wrap; }
.filters input { width: 22rem; max-width: 100%; }
.filters input, .filters select { font: inherit; padding: .25rem .5rem; }
.runs { display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); gap: 1rem; }
.run { border: 1px solid #d5d5d5; border-radius: 6px; padding: .7rem; overflow-wrap: anywhere; }
.run.failed { border: 2px solid #a40000; } .run.waiting { color: #666; border-style: dashed; }
.run h2 { font-size: 1rem; margin: 0 0 .4rem; } .run p { margin: .3rem 0; }
.pictures { display: grid; grid-template-columns: repeat(3, 1fr); gap: 4px; }
.pictures img { width: 100%; aspect-ratio: 1; object-fit: cover; display: block; }
dl { display: grid; grid-template-columns: auto 1fr; gap: 0 .6rem; margin: .4rem 0; }
dt { color: #555; } dd { margin: 0; }
nav a, nav b { margin-right: .5rem; } [hidden] { display: none; }
"""
FILTER = """
const text = document.getElementById("text"), status = document.getElementById("status");
function filter() {
  for (const run of document.querySelectorAll(".run"))
    run.hidden = !(run.textContent.toLowerCase().includes(text.value.toLowerCase())
      && (!status.value || run.classList.contains(status.value)));
}
text.addEventListener("input", filter); status.addEventListener("change", filter);
document.querySelector(".filters").hidden = false;
"""


class Report:
    """The pages and the table of one sweep, rewritten as runs end.

    Args:
        folder: the sweep's.
        runs: all of them, in the order of the pages.
    """

    def __init__(self, folder: Path, runs: Sequence[PlannedRun]) -> None:
        self.folder = folder
        self.runs = list(runs)
        self._place = {run.key: index for index, run in enumerate(self.runs)}
        self._ends: dict[str, dict[str, Any]] = {}  # key -> manifest or failure
        self.counts = {DONE: 0, FAILED: 0, WAITING: len(self.runs)}
        self._changed = set(range(self.pages))
        self._due = 0.0

    @property
    def pages(self) -> int:
        """How many."""
        return max(1, -(-len(self.runs) // RUNS_A_PAGE))

    def status(self, run: PlannedRun) -> str:
        """ "done", "failed" or "waiting"."""
        end = self._ends.get(run.key)
        return WAITING if end is None else DONE if "files" in end else FAILED

    def add(self, key: str, end: dict[str, Any]) -> None:
        """Note a run's manifest, or its failure."""
        run = self.runs[self._place[key]]
        self.counts[self.status(run)] -= 1
        self._ends[key] = end
        self.counts[self.status(run)] += 1
        self._changed |= {0, self._place[key] // RUNS_A_PAGE}  # the first page has the counts

    def write_if_due(self) -> None:
        """Write what has changed, unless that was done a moment ago: reporting must stay a small share of the work."""
        if time.monotonic() >= self._due:
            started = time.monotonic()
            self.write()
            now = time.monotonic()
            self._due = now + max(LEAST_PAUSE, PAUSE_TO_WORK * (now - started))

    def write(self) -> None:
        """Write the pages that have changed, and the table; pages of a sweep that had more runs go.

        Raises:
            OSError: if the disk does not take them.
        """
        for page in sorted(self._changed):
            write_text(self.folder / _page_name(page), self._page(page))
        self._changed.clear()
        wanted = {_page_name(page) for page in range(self.pages)}
        for path in self.folder.glob("page-*.html"):
            if PAGE_NAME.fullmatch(path.name) and path.name not in wanted:
                path.unlink()
        self._write_table()

    def _page(self, page: int) -> str:
        shown = self.runs[page * RUNS_A_PAGE : (page + 1) * RUNS_A_PAGE]
        title = f"Sweep {self.folder.name}"
        counts = ", ".join(f"{count} {status}" for status, count in self.counts.items()) + "."
        said = counts if page == 0 else f"Page {page + 1} of {self.pages}."
        near = {0, self.pages - 1, *range(max(0, page - 3), min(self.pages, page + 4))}
        links = " ".join(
            f"<b>{number + 1}</b>" if number == page else f'<a href="{_page_name(number)}">{number + 1}</a>'
            for number in sorted(near)
        )
        options = "".join(f'<option value="{status}">{status}</option>' for status in (DONE, FAILED, WAITING))
        return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{_text(title)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head><body>
<h1>{_text(title)}</h1>
<p>{said} All runs as a table: <a href="runs.csv">runs.csv</a>.</p>
<div class="filters" hidden><input id="text" type="search" placeholder="find in prompts, parameters, classes"
 aria-label="find">
<select id="status" aria-label="status"><option value="">every status</option>{options}</select></div>
<div class="runs">
{"".join(self._card(run) for run in shown)}</div>
{f"<nav>{links}</nav>" if self.pages > 1 else ""}
<script>{FILTER}</script></body></html>
"""

    def _card(self, run: PlannedRun) -> str:
        status, end = self.status(run), self._ends.get(run.key, {})
        lines = [f'<article class="run {status}"><h2>{SIGNS[status]} {status} · {run.key}</h2>']
        if status == DONE:
            folder = f"{RUNS}/{run.key}"
            pictures = [name for name in end["files"] if name.startswith("generated_image_")]
            images = "".join(
                f'<a href="{folder}/{quote(name)}"><img loading="lazy" alt="{_text(name)}" '
                f'src="{folder}/{quote(name)}"></a>'
                for name in pictures
            )
            lines.append(f'<div class="pictures">{images}</div>' if images else "")
        parameters = "".join(f"<dt>{_text(n)}</dt><dd>{_text(value)}</dd>" for n, value in run.parameters.items())
        lines.append(f"<dl>{parameters}</dl>")
        if status == DONE:
            seen = _prediction(end)
            if seen:
                doubt = "" if seen["valid"] else f" ⚠ not valid: {_text(seen['reason'])}"
                lines.append(f"<p>The CNN sees: {_text(seen['class_name'])} ({seen['probability']:.0%}){doubt}</p>")
            lines += [f"<p>⚠ {_text(reason)}</p>" for reason in end.get("fallbacks", [])]
            links = ["manifest.json", *(name for name in end["files"] if name.endswith(".ipynb"))]
            lines.append("<p>" + " · ".join(f'<a href="{folder}/{quote(n)}">{_text(n)}</a>' for n in links) + "</p>")
        elif status == FAILED:
            lines.append(f"<p><b>{_text(end['error'])}</b></p>")
            if "source" in end:
                lines.append(f"<details><summary>the cell</summary><pre>{_text(end['source'])}</pre></details>")
                lines.append(f"<details><summary>traceback</summary><pre>{_text(end['traceback'])}</pre></details>")
            lines.append(f'<p><a href="{FAILURES}/{run.key}/">what there is of it</a></p>')
        return "\n".join(line for line in lines if line) + "</article>\n"

    def _write_table(self) -> None:
        names = sorted({name for run in self.runs for name in run.parameters})
        results = ["class_name", "probability", "valid", "seconds", "fallbacks", "error", "folder"]
        columns = ["key", "status", *names, *results]
        rows = [self._row(run, names) for run in self.runs]
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(["" if value is None else value for value in row] for row in rows)
        write_text(self.folder / "runs.csv", text.getvalue())
        try:
            import pyarrow
            from pyarrow import parquet
        except ImportError:  # optional; the CSV file says the same
            return
        values = [list(column) for column in zip(*rows, strict=True)]
        table = pyarrow.table(dict(zip(columns, values, strict=True)))
        with whole_file(self.folder / "runs.parquet") as unfinished:
            parquet.write_table(table, unfinished)

    def _row(self, run: PlannedRun, names: Sequence[str]) -> list[Any]:
        status, end = self.status(run), self._ends.get(run.key, {})
        seen = _prediction(end) or {}
        seconds = end.get("seconds")
        if status == DONE:
            seconds = round(sum(notebook["seconds"] for notebook in end["notebooks"]), 2)
        folder = {DONE: f"{RUNS}/{run.key}", FAILED: f"{FAILURES}/{run.key}", WAITING: None}[status]
        return [
            run.key,
            status,
            *(run.parameters.get(name) for name in names),
            seen.get("class_name"),
            seen.get("probability"),
            seen.get("valid"),
            seconds,
            json.dumps(end["fallbacks"], ensure_ascii=False) if end.get("fallbacks") else None,
            end.get("error"),
            folder,
        ]


def _page_name(page: int) -> str:
    return "index.html" if page == 0 else f"page-{page + 1}.html"


def _prediction(end: dict[str, Any]) -> dict[str, Any] | None:
    return end.get("results", {}).get("prediction")


def _text(value: Any) -> str:
    """Anything as text that HTML shows and never obeys."""
    return html.escape(str(value))
