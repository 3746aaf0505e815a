"""The report of a sweep while it runs and afterwards: HTML pages that open from disk, and a CSV table for pandas."""

from __future__ import annotations

import csv
import functools
import io
import json
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2

from synthviz.files import write_text
from synthviz.runs.chain import FILM
from synthviz.runs.sweeps.folder import FAILURES, RUNS
from synthviz.runs.sweeps.plan import PlannedRun

RUNS_PER_PAGE = 100
LEAST_PAUSE = 5.0  # seconds between two reports while a sweep runs
PAUSE_TO_WORK = 20  # the pause is at least this many times as long as writing the last report took
PAGE_NAME = re.compile(r"page-\d+\.html")
DONE, FAILED, WAITING = "done", "failed", "waiting"
SIGNS = {DONE: "✓", FAILED: "✗", WAITING: "…"}
TEMPLATE = "report.html.j2"


class Report:
    """The pages and the table of one sweep, rewritten while its runs end.

    Args:
        folder: the sweep's folder.
        runs: all its runs, in the order of the pages.

    Attributes:
        counts: how many runs are done, failed and waiting.
    """

    def __init__(self, folder: Path, runs: Sequence[PlannedRun]) -> None:
        self.folder = folder
        self.runs = list(runs)
        self.counts = {DONE: 0, FAILED: 0, WAITING: len(self.runs)}
        self._place = {run.key: index for index, run in enumerate(self.runs)}
        self._shared = _shared_parameters(self.runs)
        self._results: dict[str, dict[str, Any]] = {}  # manifest or failure, by key
        self._changed: set[int] = set()
        self._due = 0.0
        self.mark_changed()

    @property
    def pages(self) -> int:
        """The number of pages."""
        return max(1, -(-len(self.runs) // RUNS_PER_PAGE))

    def status(self, run: PlannedRun) -> str:
        """Return `DONE`, `FAILED` or `WAITING`."""
        result = self._results.get(run.key)
        if result is None:
            return WAITING
        return DONE if "files" in result else FAILED

    def add(self, key: str, result: dict[str, Any]) -> None:
        """Add the result of a run.

        Args:
            key: the run's key.
            result: its manifest, or its failure.
        """
        run = self.runs[self._place[key]]
        self.counts[self.status(run)] -= 1
        self._results[key] = result
        self.counts[self.status(run)] += 1
        self._changed |= {0, self._place[key] // RUNS_PER_PAGE}  # the first page shows the counts

    def mark_changed(self) -> None:
        """Have all pages written by the next `write`, as after a change in the folders of the runs."""
        self._changed = set(range(self.pages))

    def write_if_due(self) -> None:
        """Write what has changed, except shortly after the last time: reporting is a small share of the work."""
        if time.monotonic() >= self._due:
            started = time.monotonic()
            self.write()
            now = time.monotonic()
            self._due = now + max(LEAST_PAUSE, PAUSE_TO_WORK * (now - started))

    def write(self) -> None:
        """Write the changed pages and the table; remove pages that a sweep with more runs has left.

        Raises:
            OSError: if they cannot be written.
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
        """Return one page as HTML; pages count from 0."""
        counts = ", ".join(f"{count} {status}" for status, count in self.counts.items()) + "."
        linked = {0, self.pages - 1, *range(max(0, page - 3), min(self.pages, page + 4))}
        return _template().render(
            title=f"Sweep {self.folder.name}",
            summary=counts if page == 0 else f"Page {page + 1} of {self.pages}.",
            statuses=list(SIGNS),
            shared=self._shared,
            cards=[self._card(run) for run in self.runs[page * RUNS_PER_PAGE : (page + 1) * RUNS_PER_PAGE]],
            pages=[
                {"number": number + 1, "file": _page_name(number), "shown": number == page} for number in sorted(linked)
            ],
        )

    def _card(self, run: PlannedRun) -> dict[str, Any]:
        """Return what the template shows of one run."""
        status, result = self.status(run), self._results.get(run.key, {})
        files = list(result["files"]) if status == DONE else []
        notebooks = [name for name in files if name.endswith(".ipynb")]
        folder = _folder(run, status)
        return {
            "key": run.key,
            "status": status,
            "sign": SIGNS[status],
            "folder": folder,
            "title": run.parameters.get("prompt") or run.key,
            "parameters": {
                name: value for name, value in run.parameters.items() if name != "prompt" and name not in self._shared
            },
            "pictures": [name for name in files if name.startswith("generated_image_")],
            "film": FILM if FILM in files else None,
            "pages": self._notebook_pages(folder, notebooks),
            "prediction": _prediction(result),
            "fallbacks": result.get("fallbacks", []),
            "links": ["manifest.json", *notebooks] if status == DONE else [],
            "error": result.get("error"),
            "source": result.get("source"),
            "traceback": result.get("traceback"),
        }

    def _notebook_pages(self, folder: str | None, notebooks: Sequence[str]) -> list[dict[str, str]]:
        """Return the file and the title of each notebook of a run that is there as an HTML page."""
        if folder is None:
            return []
        pages = [Path(name).with_suffix(".html").name for name in notebooks]
        return [
            {"file": page, "title": page.removesuffix(".html").partition("_")[2].replace("_", " ")}
            for page in pages
            if (self.folder / folder / page).exists()
        ]

    def _write_table(self) -> None:
        names = sorted({name for run in self.runs for name in run.parameters})
        results = ["class_name", "probability", "valid", "seconds", "fallbacks", "error", "folder"]
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")  # writes None as an empty field
        writer.writerow(["key", "status", *names, *results])
        writer.writerows(self._row(run, names) for run in self.runs)
        write_text(self.folder / "runs.csv", text.getvalue())

    def _row(self, run: PlannedRun, names: Sequence[str]) -> list[Any]:
        status, result = self.status(run), self._results.get(run.key, {})
        prediction = _prediction(result) or {}
        seconds = result.get("seconds")
        if status == DONE:
            seconds = round(sum(notebook["seconds"] for notebook in result["notebooks"]), 2)
        return [
            run.key,
            status,
            *(run.parameters.get(name) for name in names),
            prediction.get("class_name"),
            prediction.get("probability"),
            prediction.get("valid"),
            seconds,
            json.dumps(result["fallbacks"], ensure_ascii=False) if result.get("fallbacks") else None,
            result.get("error"),
            _folder(run, status),
        ]


def _shared_parameters(runs: Sequence[PlannedRun]) -> dict[str, Any]:
    """Return the parameters besides the prompt that have the same value in all of several runs."""
    if len(runs) < 2:
        return {}
    first, *others = (run.parameters for run in runs)
    missing = object()
    return {
        name: value
        for name, value in first.items()
        if name != "prompt" and all(other.get(name, missing) == value for other in others)
    }


@functools.cache
def _template() -> jinja2.Template:
    """Return the template of a page; it escapes every value that is put into it."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(TEMPLATE)


def _page_name(page: int) -> str:
    return "index.html" if page == 0 else f"page-{page + 1}.html"


def _folder(run: PlannedRun, status: str) -> str | None:
    """Return the folder of a run's files, relative to the report; None if it has none yet."""
    return {DONE: f"{RUNS}/{run.key}", FAILED: f"{FAILURES}/{run.key}", WAITING: None}[status]


def _prediction(result: dict[str, Any]) -> dict[str, Any] | None:
    prediction: dict[str, Any] | None = result.get("results", {}).get("prediction")
    return prediction
