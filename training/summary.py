"""The summary of an evaluation: one table with every measure, its target and each model's result."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from synthviz.files import write_text
from training.reconstruction import PSNR_TARGET

BEGIN, END = "<!-- evaluation -->", "<!-- /evaluation -->"
NOTHING = "–"

Row = tuple[str, ...]  # the measure, its target, a cell for each model

SCORES = (
    ("One attribute", "single"),
    ("· place", "single: place"),
    ("· time of day", "single: time"),
    ("· weather", "single: weather"),
    ("· style", "single: style"),
    ("· sun or moon", "single: body"),
    ("· stars", "single: stars"),
    ("Two attributes", "two"),
    ("Colour of one thing or two", "color"),
    ("Position", "position"),
    ("Counting, 1 to 4", "counting"),
    ("· one", "counting: 1"),
    ("· two", "counting: 2"),
    ("· three", "counting: 3"),
    ("· four", "counting: 4"),
    ("Colours never seen on the thing", "held-out: color"),
    ("· the same prompts, colours seen", "seen: color"),
    ("Times never seen at the place", "held-out: time"),
    ("· the same prompts, times seen", "seen: time"),
)


def summary_rows(results: dict[str, Any]) -> list[Row]:
    """Return the header and all rows; rows without a value for any model are left out."""
    models: dict[str, dict[str, Any]] = results["models"]
    every = list(models.values())
    rows: list[Row] = [("Measure", "Target", *models)]

    def add(name: str, target: str, cells: Iterable[str]) -> None:
        cells = list(cells)
        if any(cell != NOTHING for cell in cells):
            rows.append((name, target, *cells))

    for name, key in SCORES:
        scores = [one["prompts"].get(key) for one in every]
        add(name, _target(scores), map(_score, scores))
    ratios = [one["held-out to seen"]["all"] for one in every]
    add("Never seen together, as a share of seen", _target(ratios), map(_share, ratios))
    named = [one["places the CNN names"] for one in every]
    add("Place named by the CNN", _target(named), map(_score, named))
    add("KID to fresh paintings", NOTHING, (_distance(one["KID"]) for one in every))
    copies = [one["memorisation"] for one in every]
    shares = (f"{one['closer']:.1%}" if one else NOTHING for one in copies)
    add("Nearer to the training set than 99% of fresh paintings", NOTHING, shares)
    medians = (f"{one['generated']:.3f}, paintings {one['fresh']:.3f}" if one else NOTHING for one in copies)
    add("· median distance to the training set", NOTHING, medians)
    decoders = [one["autoencoder"] for one in every]
    add("Autoencoder, PSNR", f"≥ {PSNR_TARGET} dB", map(_decibels, decoders))
    for name, thing in (("· stars read as before", "stars"), ("· birds counted as before", "bird count")):
        add(name, NOTHING, (_score(one["kept"][thing]) if one else NOTHING for one in decoders))
    for name, thing in (("· mean error in stars", "error in stars"), ("· mean error in birds", "error in birds")):
        add(name, NOTHING, (f"{one[thing]:.3f}" if one and one[thing] is not None else NOTHING for one in decoders))
    seconds = [one["seconds per picture"] for one in every]
    add("Seconds for one picture", NOTHING, (f"{one:.2f}" if one else NOTHING for one in seconds))
    for name, record in (results["agreement"] or {}).items():
        add(name, _target([record], percent=False), [_number(record), NOTHING])
    return rows


def summary_notes(results: dict[str, Any]) -> list[str]:
    """Return the notes below the table."""
    judge, settings = results["oracle"]["single attributes"], results["settings"]
    return [
        "In brackets: 95% intervals (Wilson 1927). ✓: target reached, ✗: not reached.",
        f"Judged by an oracle that reads {judge['accuracy']:.2%} of the single attributes of {settings['fresh']} fresh "
        f"paintings correctly (target {_target([judge])}{_mark(judge)}).",
        f"KID (Binkowski et al. 2018) is computed on the oracle's features, of {settings['pictures']} pictures against "
        f"{settings['references']} paintings of other fresh scenes; for as many paintings it is "
        f"{_distance(results['KID floor'])}.",
    ]


def format_table(rows: list[Row]) -> str:
    """Format rows as plain text with aligned columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def format_markdown(results: dict[str, Any]) -> str:
    """Format an evaluation as a Markdown table with its notes, between marker comments."""
    header, *rows = summary_rows(results)
    lines = [header, tuple("---" for _ in header), *rows]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{BEGIN}\n{table}\n\n" + "\n".join(summary_notes(results)) + f"\n{END}"


def check_markdown(path: Path) -> None:
    """Raise a ValueError if the file exists without the marker comments that enclose the table."""
    if path.exists() and not all(marker in path.read_text(encoding="utf-8") for marker in (BEGIN, END)):
        raise ValueError(f"{path} exists but has no {BEGIN} and {END}; put them where the table should stand")


def write_markdown(path: Path, table: str) -> None:
    """Replace the table between the marker comments of a file, or write a new file with the table alone."""
    check_markdown(path)
    if not path.exists():
        write_text(path, table + "\n")
        return
    text = path.read_text(encoding="utf-8")
    before, after = text[: text.index(BEGIN)], text[text.index(END) + len(END) :]
    write_text(path, before + table + after)


def _score(record: dict[str, Any] | None) -> str:
    if not record or not record["count"]:
        return NOTHING
    return f"{record['accuracy']:.1%} ({record['low']:.1%}–{record['high']:.1%}) of {record['count']}{_mark(record)}"


def _distance(record: dict[str, Any]) -> str:
    error = "" if record["standard error"] is None else f" ± {record['standard error']:.2g}"
    return f"{record['value']:.3g}{error}"


def _decibels(record: dict[str, Any] | None) -> str:
    if record is None:
        return NOTHING
    return f"{record['psnr']:.1f} dB {'✓' if record['psnr'] >= PSNR_TARGET else '✗'}"


def _share(record: dict[str, Any]) -> str:
    return NOTHING if record["value"] is None else f"{record['value']:.1%}{_mark(record)}"


def _number(record: dict[str, Any]) -> str:
    return NOTHING if record["value"] is None else f"{record['value']:.3g}{_mark(record)}"


def _mark(record: dict[str, Any]) -> str:
    return (" ✓" if record["reached"] else " ✗") if "target" in record else ""


def _target(records: list[dict[str, Any] | None], percent: bool = True) -> str:
    """Return the target that the records of one measure share."""
    record = next((record for record in records if record and "target" in record), None)
    if record is None:
        return NOTHING
    target = f"{100 * record['target']:g}%" if percent else f"{record['target']:g}"
    return f"{'≤' if record.get('at most') else '≥'} {target}"
