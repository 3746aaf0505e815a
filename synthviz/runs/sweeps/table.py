"""Read a table of runs, as a spreadsheet or an editor saves it: one row for each run, one column for each parameter."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from synthviz.runs.errors import RunError
from synthviz.runs.sweeps.typed_yaml import read_text

# What a spreadsheet saves where a formula has failed.
SPREADSHEET_ERRORS = ("#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#SPILL!", "#CALC!")


def read_table(path: Path) -> list[dict[str, str]]:
    """Return the fields of each row by the names in the first row, without empty fields and empty rows.

    The fields are separated by the first of semicolon, tab and comma that stands in the first row, because a
    spreadsheet writes semicolons where the comma is the decimal sign. Spaces around a field do not count.

    Raises:
        RunError: if the file cannot be read, the first row has no name or a name twice, a row has more or fewer fields
            than the first, a field has no name above it, or a field is an error of the spreadsheet.
    """
    text = read_text(path)
    if text[:4].lower() == "sep=":  # tells Excel which separator follows
        text = text.partition("\n")[2]
    first = (text.lstrip().splitlines() or [""])[0]
    separator = next((sign for sign in (";", "\t") if sign in first), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True, strict=True)
    rows = []
    names: list[str] | None = None
    try:
        for row in reader:
            fields = [field.strip() for field in row]
            if not any(fields):
                continue
            where = f"{path.name}, line {reader.line_num}"
            if names is None:
                names = _check_names(fields, where)
            else:
                rows.append(_fields_by_name(fields, names, where))
    except csv.Error as error:
        raise RunError(f"{path.name} is not a table of fields with {separator!r} between them: {error}") from error
    if names is None:
        raise RunError(f"{path.name} is empty; its first row must hold the names of parameters")
    return rows


def _check_names(fields: list[str], where: str) -> list[str]:
    """Return the names in the first row; a column at the end may have none."""
    twice = sorted({name for name in fields if name and fields.count(name) > 1})
    if twice:
        raise RunError(f"{where} has {', '.join(twice)} twice; give each name to one column")
    return fields


def _fields_by_name(fields: list[str], names: list[str], where: str) -> dict[str, str]:
    """Return the fields of a row that are not empty, by name."""
    if len(fields) < len(names):
        raise RunError(f"{where} has {len(fields)} fields; the first line has {len(names)}")
    for number, field in enumerate(fields):
        if field and (number >= len(names) or not names[number]):
            raise RunError(f"{where} has {field!r} in column {number + 1}, which has no name in the first line")
        if field.upper() in SPREADSHEET_ERRORS:
            raise RunError(f"{where}: {names[number]} is {field!r}, an error of the spreadsheet; correct it there")
    return {name: field for name, field in zip(names, fields, strict=False) if field}
