"""Ways to do the same work, side by side: in turns, warm, compared round by round."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import TypeVar

import numpy as np

Way = TypeVar("Way", bound=Hashable)  # a name, or what else tells ways apart
LINEAR = 1.05  # the exponent up to which a measured growth is called linear


@dataclass(frozen=True)
class Check:
    """What has to hold besides the time, such as that both ways come to the same result."""

    text: str
    holds: bool


@dataclass(frozen=True)
class Row:
    """One piece of work, done here and by an alternative.

    Attributes:
        work: what was done.
        against: the alternative.
        goal: the ratio that is wanted, or less.
        ratios: what it took here over what the alternative took, one for each round.
        medians: over the rounds, here and there.
        unit: of the medians.
        checks: what has to hold besides.
        note: what a reader should know.
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
        """Whether the median ratio is within the goal and every check holds."""
        return self.quartiles[1] <= self.goal and all(check.holds for check in self.checks)


@dataclass(frozen=True)
class Growth:
    """How the time of some work grows with its size.

    Attributes:
        work: what was done.
        of: what its size counts, such as "pictures".
        sizes: growing.
        seconds: for each round the seconds at each size.
        note: what a reader should know.
    """

    work: str
    of: str
    sizes: tuple[int, ...]
    seconds: tuple[tuple[float, ...], ...]
    note: str = ""

    @property
    def medians(self) -> list[float]:
        """Seconds at each size."""
        return np.median(self.seconds, axis=0).tolist()

    @property
    def exponent(self) -> float:
        """The slope of a line through the logarithms: 1 is linear, 2 quadratic. Median over the rounds."""
        slopes = [np.polyfit(np.log(self.sizes), np.log(row), 1)[0] for row in self.seconds]
        return float(np.median(slopes))

    @property
    def last_exponent(self) -> float:
        """The same slope between the two largest sizes alone, where fixed costs hide the least."""
        rows = np.log(self.seconds)[:, -2:]
        return float(np.median((rows[:, 1] - rows[:, 0]) / np.log(self.sizes[-1] / self.sizes[-2])))

    @property
    def reached(self) -> bool:
        """Whether it is linear or better, as a whole and at its end."""
        return max(self.exponent, self.last_exponent) <= LINEAR


def in_turns(ways: Mapping[Way, Callable[[], object]], repeats: int, warm_up: int = 1) -> dict[Way, list[float]]:
    """Seconds that each way takes in each round.

    The ways take turns within a round, and every round begins with the next of them, so that what else the machine
    does falls on all of them alike.

    Args:
        ways: name to what does the work.
        repeats: rounds that count.
        warm_up: rounds before those.
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
    """A row of what was measured in the same rounds, here and by the alternative."""
    ratios = tuple(ours / theirs for ours, theirs in zip(here, there, strict=True))
    medians = (float(np.median(here)), float(np.median(there)))
    return Row(work, against, goal, ratios, medians, unit, tuple(checks), note)


def growth(
    work: str, of: str, do: Callable[[int], object], sizes: Sequence[int], repeats: int, note: str = ""
) -> Growth:
    """Time `do(size)` for all sizes in turns, once to warm up and then `repeats` times."""
    seconds = in_turns({str(size): lambda size=size: do(size) for size in sizes}, repeats)
    return Growth(work, of, tuple(sizes), tuple(zip(*seconds.values(), strict=True)), note)


def as_times(ratio: float, beside: float | None = None) -> str:
    """A ratio for people: "1.02", or "1/12" for a small part; the same way as another that it stands beside."""
    small = (ratio if beside is None else beside) <= 0.7
    return f"1/{1 / ratio:.3g}" if small else f"{ratio:.3g}"


def as_amount(value: float, unit: str) -> str:
    """A median with its unit; seconds below one as milliseconds."""
    if unit == "s" and value < 1:
        value, unit = 1000 * value, "ms"
    return f"{value:.3g} {unit}" if value < 999.5 else f"{value:,.0f} {unit}"


def table(rows: Sequence[Row]) -> str:
    """Rows as a Markdown table."""
    lines = [
        "| work | against | here | there | ratio (quartiles) | goal | reached | besides |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for each in rows:
        low, middle, high = (as_times(ratio, each.quartiles[1]) for ratio in each.quartiles)
        here, there = (as_amount(value, each.unit) for value in each.medians)
        besides = [check.text + ("" if check.holds else " (**does not hold**)") for check in each.checks]
        cells = [each.work, each.against, here, there, f"**{middle}** ({low} to {high})", f"≤ {as_times(each.goal)}"]
        cells += ["yes" if each.reached else "**no**", "; ".join([*besides, each.note] if each.note else besides)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def growth_table(growths: Sequence[Growth]) -> str:
    """Growths as a Markdown table."""
    lines = [
        "| work | sizes | medians | exponent | between the two largest | goal | reached | besides |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for each in growths:
        sizes = f"{', '.join(f'{size:,}' for size in each.sizes)} {each.of}"
        medians = ", ".join(as_amount(value, "s") for value in each.medians)
        cells = [each.work, sizes, medians, f"**{each.exponent:.2f}**", f"{each.last_exponent:.2f}", f"≤ {LINEAR}"]
        lines.append(f"| {' | '.join([*cells, 'yes' if each.reached else '**no**', each.note])} |")
    return "\n".join(lines)


def command_line(measure: Callable[[int], list[Row] | list[Growth]], description: str | None, repeats: int) -> None:
    """What every benchmark does when it is run alone: measure, print the table, and keep the numbers if asked to."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=repeats, help=f"rounds that count, {repeats} by default")
    parser.add_argument("--json", type=Path, help="a file for the numbers")
    arguments = parser.parse_args()
    found = measure(arguments.repeats)
    rows = [each for each in found if isinstance(each, Row)]
    growths = [each for each in found if isinstance(each, Growth)]
    print("\n\n".join(filter(None, [rows and table(rows), growths and growth_table(growths)])))
    if arguments.json is not None:
        numbers = {"rows": [asdict(each) for each in rows], "growths": [asdict(each) for each in growths]}
        arguments.json.write_text(json.dumps(numbers))


def read_numbers(path: Path) -> list[Row | Growth]:
    """What `command_line` kept in a file."""
    numbers = json.loads(path.read_text())
    rows = [Row(**{**each, "checks": [Check(**check) for check in each["checks"]]}) for each in numbers["rows"]]
    return [*rows, *(Growth(**each) for each in numbers["growths"])]
