"""The command line: `python -m synthviz run`, `sweep`, `inspect` and `html`."""

from __future__ import annotations

import argparse
import os
import sys

from synthviz import __version__


def build_parser() -> argparse.ArgumentParser:
    """The command line's grammar."""
    parser = argparse.ArgumentParser(prog="synthviz", description="From a prompt to feature maps.")
    parser.add_argument("--version", action="version", version=f"synthviz {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser(
        "run",
        help="run the three notebooks headless",
        description="Run the three notebooks headless and leave pictures, figures and a manifest in a folder.",
    )
    run.add_argument("--output-dir", default="outputs", help="where everything goes (default: %(default)s)")
    run.add_argument(
        "-p",
        dest="parameters",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        help="a notebook parameter, such as -p prompt 'a forest at night' -p seed 7; may be given many times",
    )
    sweep = commands.add_parser(
        "sweep",
        help="many runs, on all cores or a Dask cluster",
        description="Do every run that a file describes and that is not done yet; the same command again goes on.",
    )
    sweep.add_argument("file", metavar="sweep.yaml", help="fixed parameters, and a grid, a zip or a list of runs")
    sweep.add_argument("--output-dir", help="where everything goes, seen by every worker; not needed to --dry-run")
    sweep.add_argument("--dry-run", action="store_true", help="only say what would run, and what is done already")
    sweep.add_argument("--workers", type=int, help="how many to start here (default: as cores and memory allow)")
    sweep.add_argument("--scheduler", metavar="ADDRESS", help="a Dask cluster that exists, such as tls://host:8786")
    for flag in ("--tls-ca-file", "--tls-cert", "--tls-key"):
        sweep.add_argument(flag, metavar="FILE", help="as of `dask scheduler` (default: from Dask's configuration)")
    inspect = commands.add_parser(
        "inspect",
        help="what a picture says about itself",
        description="Say whether pictures are labelled as made by AI, and what they record of how they were made.",
    )
    inspect.add_argument("pictures", nargs="+", metavar="PICTURE")
    html = commands.add_parser(
        "html",
        help="turn notebooks into pages that need no network",
        description="Write notebooks, as they were executed, as HTML pages that are complete without a network.",
    )
    html.add_argument("notebooks", nargs="+", metavar="NOTEBOOK", help="an .ipynb file; the page goes beside it")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns the exit status: 0 done, 1 failed, 130 stopped by Ctrl-C."""
    parser = build_parser()
    options = parser.parse_args(arguments)
    if options.command == "html":
        return _write_pages(options.notebooks)
    if options.command == "inspect":
        return _inspect(options.pictures)
    if options.command == "sweep":
        if options.output_dir is None and not options.dry_run:
            parser.error("a sweep needs --output-dir; only a --dry-run goes without it")
        return _sweep(options)
    from synthviz import runs
    from synthviz.runs.errors import RunError

    # Debuggers are not used here, and ipykernel's warns about its own files otherwise.
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    try:
        finished = runs.run_notebooks(options.output_dir, [tuple(pair) for pair in options.parameters])
    except (RunError, OSError) as error:  # OSError: a full disk, a folder that cannot be written
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    print()
    print(runs.describe(finished))
    return 0


def _inspect(pictures: list[str]) -> int:
    from synthviz.inspection import InspectionError, describe_picture

    status = 0
    for number, picture in enumerate(pictures):
        try:
            print("\n" * (number > 0) + describe_picture(picture))
        except InspectionError as error:
            print(f"error: {error}", file=sys.stderr)
            status = 1
    return status


def _sweep(options: argparse.Namespace) -> int:
    """Returns 0 when every run is done, 1 when some failed or nothing could be started, 130 when it was stopped."""
    import signal

    from synthviz.runs import sweeps
    from synthviz.runs.errors import RunError

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    try:
        cluster = sweeps.ClusterSettings(
            options.scheduler, options.workers, options.tls_ca_file, options.tls_cert, options.tls_key
        )
        plan = sweeps.read_plan(options.file)
        if options.dry_run:
            print(sweeps.describe_plan(plan, options.output_dir))
            return 0
        finished = sweeps.run_sweep(plan, options.output_dir, cluster)
    except RunError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; what is done is kept, the same command goes on with the rest", file=sys.stderr)
        return 130
    print(f"{finished.done} done, {finished.failed} failed.")
    return 1 if finished.failed else 0


def _write_pages(notebooks: list[str]) -> int:
    from synthviz.runs.html import export_html

    try:
        for notebook in notebooks:
            print(export_html(notebook))
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
