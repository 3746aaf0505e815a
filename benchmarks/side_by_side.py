"""Compare several ways to do the same work: in turns, after a warm-up, round by round."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TypeVar

import numpy as np

Way = TypeVar("Way", bound=Hashable)  # a name or another key
LINEAR = 1.05  # the largest exponent that counts as linear


@dataclass(frozen=True)
class Check:
    """A condition besides the time, such as that both ways have the same result."""

    text: str
    holds: bool


@dataclass(frozen=True)
class Row:
    """One piece of work, done by synthviz and by an alternative.

    Attributes:
        work: the work.
        against: the alternative.
        goal: the largest ratio that reaches the goal.
        ratios: synthviz's value divided by the alternative's, for each round.
        medians: over the rounds, of synthviz and of the alternative.
        unit: of the medians.
        checks: further conditions.
        note: a remark for the reader.
    """

    work: str
    against: str
    goal: float
    ratios: tuple[float, ...]
    medians: tuple[float, float]
    unit: str = "s"
    checks: tuple[Check, ...] = ()
    note: str = ""

    @property
    def quartiles(self) -> tuple[float, float, float]:
        """Lower quartile, median and upper quartile of the ratios."""
        low, middle, high = np.percentile(self.ratios, [25, 50, 75]).tolist()
        return low, middle, high

    @property
    def reached(self) -> bool:
        """Whether the median ratio is at most the goal and every check holds."""
        return self.quartiles[1] <= self.goal and all(check.holds for check in self.checks)


@dataclass(frozen=True)
class Growth:
    """The growth of the time of some work with its size.

    Attributes:
        work: the work.
        of: the unit of the sizes, such as "pictures".
        sizes: in ascending order.
        seconds: for each round the seconds at each size.
        note: a remark for the reader.
    """

    work: str
    of: str
    sizes: tuple[int, ...]
    seconds: tuple[tuple[float, ...], ...]
    note: str = ""

    @property
    def medians(self) -> list[float]:
        """Median seconds at each size."""
        medians: list[float] = np.median(self.seconds, axis=0).tolist()
        return medians

    @property
    def exponent(self) -> float:
        """The slope of a line through the logarithms, median over the rounds: 1 is linear, 2 quadratic."""
        slopes = [np.polyfit(np.log(self.sizes), np.log(row), 1)[0] for row in self.seconds]
        return float(np.median(slopes))

    @property
    def last_exponent(self) -> float:
        """The slope between the two largest sizes, where fixed costs matter least."""
        rows = np.log(self.seconds)[:, -2:]
        return float(np.median((rows[:, 1] - rows[:, 0]) / np.log(self.sizes[-1] / self.sizes[-2])))

    @property
    def reached(self) -> bool:
        """Whether the growth is linear or slower, over all sizes and between the two largest."""
        return max(self.exponent, self.last_exponent) <= LINEAR


def in_turns(ways: Mapping[Way, Callable[[], object]], repeats: int, warm_up: int = 1) -> dict[Way, list[float]]:
    """Return the seconds of each way in each round.

    The ways take turns within a round, and every round begins with another way, so that other load on the machine
    affects all of them equally.

    Args:
        ways: the functions that do the work, by name.
        repeats: the number of measured rounds.
        warm_up: the number of rounds before them.
    """
    names = list(ways)
    seconds: dict[Way, list[float]] = {name: [] for name in names}
    for number in range(-warm_up, repeats):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            started = perf_counter()
            ways[name]()
            taken = perf_counter() - started
            if number >= 0:
                seconds[name].append(taken)
    return seconds


def row(
    work: str,
    against: str,
    goal: float,
    here: Sequence[float],
    there: Sequence[float],
    checks: Sequence[Check] = (),
    note: str = "",
    unit: str = "s",
) -> Row:
    """Return a row for values of synthviz (`here`) and of the alternative (`there`) from the same rounds."""
    ratios = tuple(ours / theirs for ours, theirs in zip(here, there, strict=True))
    medians = (float(np.median(here)), float(np.median(there)))
    return Row(work, against, goal, ratios, medians, unit, tuple(checks), note)


def growth(
    work: str, of: str, do: Callable[[int], object], sizes: Sequence[int], repeats: int, note: str = ""
) -> Growth:
    """Measure `do(size)` for all sizes in turns, once to warm up and then `repeats` times."""
    seconds = in_turns({size: partial(do, size) for size in sizes}, repeats)
    return Growth(work, of, tuple(sizes), tuple(zip(*seconds.values(), strict=True)), note)


def as_times(ratio: float, beside: float | None = None) -> str:
    """Format a ratio as "1.02", or as "1/12" if it, or the ratio `beside` which it stands, is small."""
    small = (ratio if beside is None else beside) <= 0.7
    return f"1/{1 / ratio:.3g}" if small else f"{ratio:.3g}"


def as_amount(value: float, unit: str) -> str:
    """Format a median with its unit; seconds below 1 become milliseconds."""
    if unit == "s" and value < 1:
        value, unit = 1000 * value, "ms"
    return f"{value:.3g} {unit}" if value < 999.5 else f"{value:,.0f} {unit}"


def table(rows: Sequence[Row]) -> str:
    """Format rows as a Markdown table."""
    lines = [
        "| work | alternative | synthviz | other | ratio (quartiles) | goal | reached | notes |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for each in rows:
        low, middle, high = (as_times(ratio, each.quartiles[1]) for ratio in each.quartiles)
        here, there = (as_amount(value, each.unit) for value in each.medians)
        notes = [check.text + ("" if check.holds else " (**not reached**)") for check in each.checks]
        cells = [each.work, each.against, here, there, f"**{middle}** ({low} to {high})", f"≤ {as_times(each.goal)}"]
        cells += ["yes" if each.reached else "**no**", "; ".join([*notes, each.note] if each.note else notes)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def growth_table(growths: Sequence[Growth]) -> str:
    """Format growths as a Markdown table."""
    lines = [
        "| work | sizes | medians | exponent | between the two largest | goal | reached | notes |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for each in growths:
        sizes = f"{', '.join(f'{size:,}' for size in each.sizes)} {each.of}"
        medians = ", ".join(as_amount(value, "s") for value in each.medians)
        cells = [each.work, sizes, medians, f"**{each.exponent:.2f}**", f"{each.last_exponent:.2f}", f"≤ {LINEAR}"]
        lines.append(f"| {' | '.join([*cells, 'yes' if each.reached else '**no**', each.note])} |")
    return "\n".join(lines)


def command_line(measure: Callable[[int], list[Row] | list[Growth]], description: str | None, repeats: int) -> None:
    """Run one benchmark from the command line: measure, print the tables, and write the numbers with `--json`."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=repeats, help=f"measured rounds, {repeats} by default")
    parser.add_argument("--json", type=Path, help="a file for the numbers")
    arguments = parser.parse_args()
    found = measure(arguments.repeats)
    rows = [each for each in found if isinstance(each, Row)]
    growths = [each for each in found if isinstance(each, Growth)]
    tables = [table(rows)] * bool(rows) + [growth_table(growths)] * bool(growths)
    print("\n\n".join(tables))
    if arguments.json is not None:
        numbers = {"rows": [asdict(each) for each in rows], "growths": [asdict(each) for each in growths]}
        arguments.json.write_text(json.dumps(numbers))


def read_numbers(path: Path) -> list[Row | Growth]:
    """Read the numbers that `command_line` wrote to a file."""
    numbers = json.loads(path.read_text())
    rows = [Row(**{**each, "checks": [Check(**check) for check in each["checks"]]}) for each in numbers["rows"]]
    return [*rows, *(Growth(**each) for each in numbers["growths"])]
