"""The summary of an evaluation: one table with every figure, its target, and what models and paintings reach."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from synthviz.files import write_text
from training.targets import TARGETS, with_unit

BEGIN, END = "<!-- evaluation -->", "<!-- /evaluation -->"
NOTHING = "–"

Row = tuple[str, ...]  # the figure, its target, a cell for each model and one for the paintings

# What the table says, and the figure's name in the results.
FIGURES = (
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
    ("Never seen together ÷ seen", "held-out to seen"),
    ("Place named by the CNN", "places the CNN names"),
    ("Place named by the photo network", "places the photo network names"),
    ("· pictures ÷ paintings of the same scenes", "named places, pictures to paintings"),
    ("Spread of one prompt's pictures ÷ paintings under it", "seed spread, pictures to paintings"),
    ("Power at 4–16 cycles a picture ÷ paintings", "spectrum 4-16"),
    ("· 16–32", "spectrum 16-32"),
    ("· 32–64", "spectrum 32-64"),
    ("· 64–96", "spectrum 64-96"),
    ("· 96–128", "spectrum 96-128"),
    ("Density", "density"),
    ("Coverage", "coverage"),
    ("KID to fresh paintings", "KID"),
    ("Nearer to the training set than 99% of fresh paintings", "nearer to the training set"),
    ("The worst unknown word's change ÷ another place's", "unknown words"),
    ("Word maps, IoU with the painter's masks", "word maps"),
    ("· counted things", "word maps: counted things"),
    ("· places", "word maps: places"),
    ("· sun and moon", "word maps: sun and moon"),
    ("Autoencoder, PSNR", "autoencoder PSNR"),
    ("· power kept at 64–96 cycles a picture", "autoencoder spectrum 64-96"),
    ("· power kept at 96–128", "autoencoder spectrum 96-128"),
    ("· stars read as before", "autoencoder keeps stars"),
    ("· birds counted as before", "autoencoder keeps bird count"),
    ("· mean error in stars", "autoencoder error in stars"),
    ("· mean error in birds", "autoencoder error in bird"),
    ("Seconds for one picture", "seconds for one picture"),
)


def summary_rows(results: dict[str, Any]) -> list[Row]:
    """Return the header and all rows; rows without a value are left out."""
    models = results["models"]
    columns = [*(model["figures"] for model in models.values()), results["paintings"]]
    rows: list[Row] = [("Figure", "Target", *models, "paintings")]
    rows += [_row(shown, name, [figures.get(name) for figures in columns]) for shown, name in FIGURES]
    # What is measured once stands in the student's column.
    once = {**results["agreement"], **results["shipped"]}
    shown = {"weights": "All weights together", "largest file": "Largest file"}
    rows += [_row(shown.get(name, name), name, [one, *[None] * (len(columns) - 1)]) for name, one in once.items()]
    return [row for row in rows if any(cell != NOTHING for cell in row[2:])]


def _row(shown: str, name: str, records: list[dict[str, Any] | None]) -> Row:
    target = str(TARGETS[name]) if name in TARGETS else NOTHING
    return (shown, target, *(_cell(name, record) for record in records))


def _cell(name: str, record: dict[str, Any] | None) -> str:
    """Write a value, how sure it is, and whether it reaches its target."""
    if record is None or record.get("value") is None:
        return NOTHING
    target = TARGETS.get(name)
    unit = "%" if "count" in record else target.unit if target else ""
    text = with_unit(record["value"], unit)
    if record.get("low") is not None:
        text += f" ({with_unit(record['low'], unit)}–{with_unit(record['high'], unit)})"
    if "count" in record:
        text += f" of {record['count']}"
    if record.get("standard error") is not None:
        text += f" ± {record['standard error']:.2g}"
    return text if target is None else f"{text} {'✓' if target.reached(record['value']) else '✗'}"


def summary_notes(results: dict[str, Any]) -> list[str]:
    """Return the notes below the table."""
    judge, settings, target = results["oracle"]["single attributes"], results["settings"], TARGETS["oracle"]
    return [
        "In brackets: 95% intervals (Wilson 1927; of ratios Donner & Zou 2012). ±: standard error. ✓: target reached, "
        "✗: not reached. The last column measures paintings of fresh scenes as if they were pictures.",
        f"Judged by an oracle that reads {judge['value']:.2%} of the single attributes of "
        f"{settings['pictures'] + settings['references']} fresh paintings correctly (target {target} "
        f"{'✓' if target.reached(judge['value']) else '✗'}).",
        f"KID (Binkowski et al. 2018), density and coverage (Naeem et al. 2020) compare {settings['pictures']} "
        f"pictures with {settings['references']} paintings of other fresh scenes, through the features of "
        "EfficientNet-Lite0, which learnt from photographs; so does the spread.",
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
