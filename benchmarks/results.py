"""The results of all benchmarks, as a page of Markdown and as charts."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from benchmarks.side_by_side import Growth, Row, as_times, growth_table, table
from synthviz.files import write_text
from synthviz.plots import add_caption, new_figure, save_figure

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "benchmarks" / "RESULTS.md"
RATIOS = ROOT / "docs" / "benchmarks.png"
GROWTHS = ROOT / "docs" / "growth.png"
PACKAGES = (
    "synthviz", "torch", "torchvision", "diffusers", "transformers", "numpy", "pillow", "matplotlib", "captum",
    "torchcam", "grad-cam", "openvino", "opencv-python-headless", "onnxruntime", "papermill", "distributed",
)  # fmt: skip
REACHED, MISSED = "#00695c", "#c62828"


def machine() -> str:
    """Describe this machine in one line: processor, cores, memory, system."""
    cpu_info = Path("/proc/cpuinfo")
    lines = cpu_info.read_text().splitlines() if cpu_info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    processor = names[0] if names else platform.processor() or platform.machine()
    memory = psutil.virtual_memory().total / 2**30
    return f"{processor}, {os.cpu_count()} cores, {memory:.0f} GiB of memory, {platform.system()}, no GPU used"


def write_results(
    sections: Mapping[str, Sequence[Row | Growth]], intros: Mapping[str, str], left_out: Sequence[str], minutes: float
) -> None:
    """Write the page and the two charts; the first chart shows the rows of the first section.

    Args:
        sections: the results, by heading.
        intros: the sentences below each heading.
        left_out: a sentence for each benchmark that was not measured.
        minutes: the time of all benchmarks.
    """
    main = [each for each in next(iter(sections.values())) if isinstance(each, Row)]
    rows = [each for found in sections.values() for each in found if isinstance(each, Row)]
    growths = [each for found in sections.values() for each in found if isinstance(each, Growth)]
    parts = [_opening(rows, minutes), *(f"**Not measured:** {sentence}" for sentence in left_out)]
    if main:
        save_figure(ratio_chart(main), RATIOS)
        parts.append(f"![Each ratio and its goal, on one axis](../docs/{RATIOS.name})")
    for heading, found in sections.items():
        rows = [each for each in found if isinstance(each, Row)]
        grown = [each for each in found if isinstance(each, Growth)]
        if not found:
            continue
        parts += [f"## {heading}", intros[heading]]
        parts += [table(rows)] * bool(rows) + [growth_table(grown)] * bool(grown)
    if growths:
        save_figure(growth_chart(growths), GROWTHS)
        parts.append(f"![Time against size, both axes logarithmic](../docs/{GROWTHS.name})")
    write_text(PAGE, "\n\n".join(parts) + "\n")


def _opening(rows: Sequence[Row], minutes: float) -> str:
    reached = sum(each.reached for each in rows)
    versions = ", ".join([f"Python {platform.python_version()}", *filter(None, map(_name_and_version, PACKAGES))])
    return f"""# Benchmarks

`make bench` measured this in {minutes:.0f} minutes. {reached} of {len(rows)} goals are reached; rows that miss their
goal are listed too.

- Date: {datetime.now(UTC):%Y-%m-%d}
- Machine: {machine()}
- Versions: {versions}

A ratio is synthviz's time divided by the alternative's time in the same round: less is better, and 1/4 means four times
as fast. Both take turns, after a warm-up unless a row says otherwise, for 20 rounds or more, or for five if a round
takes longer than ten seconds. The ratio is the median over the rounds, with its quartiles; the two times are medians
too. Each module in this folder describes its comparison and can be run alone, as `python -m benchmarks.mosaic`."""


def _name_and_version(package: str) -> str:
    """Return a package's name and version, or "" if it is not installed."""
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return ""


def ratio_chart(rows: Sequence[Row]) -> Figure:
    """Draw every row's median ratio with its quartiles, and its goal, on one logarithmic axis."""
    figure = new_figure(9, 0.36 * len(rows) + 1.5)
    axes = figure.subplots()
    for place, each in enumerate(rows):
        low, middle, high = each.quartiles
        color = REACHED if each.reached else MISSED
        axes.plot([low, high], [place, place], color=color, linewidth=3, alpha=0.4)
        axes.plot([middle], [place], "o", color=color, markersize=6)
        axes.plot([each.goal], [place], "|", color="0.2", markersize=13, markeredgewidth=1.6)
    axes.axvline(1, color="0.6", linewidth=0.8)
    axes.set(xscale="log", xlabel="synthviz's time divided by the alternative's", ylim=(len(rows) - 0.5, -0.5))
    axes.set_yticks(range(len(rows)), [_label(each) for each in rows], fontsize=8)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: as_times(value)))
    axes.grid(axis="x", color="0.9")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    add_caption(
        figure,
        "Dots are medians, bars go from quartile to quartile, and strokes are the goals. A green dot has reached its "
        "goal: it is at its stroke or left of it. A red dot has not.",
    )
    return figure


def _label(each: Row) -> str:
    return f"{each.work}  |  {each.against}".replace("`", "")


def growth_chart(growths: Sequence[Growth]) -> Figure:
    """Draw median seconds against size, one line for each growth; linear growth is parallel to the diagonals."""
    figure = new_figure(9, 5.5)
    axes = figure.subplots()
    for each in growths:
        sizes = [size / each.sizes[0] for size in each.sizes]
        label = f"{each.work}, from {each.sizes[0]:,} {each.of}: {each.exponent:.2f}".replace("`", "")
        axes.plot(sizes, each.medians, "o-", label=label)
    axes.set(xscale="log", yscale="log", xlabel="size, as a multiple of the smallest", ylabel="seconds")
    for start in (1e-4, 1e-3, 1e-2, 1e-1, 1, 10):
        axes.axline((1, start), (10, 10 * start), color="0.85", linewidth=0.8, zorder=0)
    axes.legend(fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    add_caption(figure, "Grey lines show linear growth. The numbers are the fitted exponents: 1 is linear.")
    return figure
