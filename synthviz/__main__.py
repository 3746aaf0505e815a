"""The command line: `python -m synthviz run`, `sweep`, `inspect` and `html`."""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys

from synthviz import __version__
from synthviz.console import show_log_lines


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(prog="synthviz", description="From a prompt to feature maps.")
    parser.add_argument("--version", action="version", version=f"synthviz {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser(
        "run",
        help="run the three notebooks headless",
        description="Run the three notebooks headless and leave pictures, figures and a manifest in a folder.",
    )
    run.add_argument(
        "--output-dir", type=_path, default="outputs", help="the folder for all files (default: %(default)s)"
    )
    run.add_argument(
        "-p",
        dest="parameters",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        help="a notebook parameter, such as -p prompt 'a forest at night' -p seed 7; may be given many times",
    )
    run.add_argument(
        "--minutes",
        type=float,
        default=60.0,
        help="the longest time; a run that takes longer is stopped (default: %(default)g)",
    )
    sweep = commands.add_parser(
        "sweep",
        help="many runs, on all cores or a Dask cluster",
        description="Do every run that a file describes and that is not done yet; the same command again goes on.",
    )
    sweep.add_argument(
        "file", type=_path, metavar="sweep.yaml", help="fixed parameters, and a grid, a zip or a list of runs"
    )
    sweep.add_argument(
        "--output-dir", type=_path, help="the folder for all files; every worker must see it; --dry-run needs none"
    )
    sweep.add_argument("--dry-run", action="store_true", help="only list the runs, and which of them are done already")
    sweep.add_argument("--workers", type=int, help="workers to start here (default: as many as cores and memory allow)")
    sweep.add_argument("--scheduler", metavar="ADDRESS", help="an existing Dask cluster, such as tls://host:8786")
    for flag in ("--tls-ca-file", "--tls-cert", "--tls-key"):
        sweep.add_argument(
            flag, type=_path, metavar="FILE", help="as in `dask scheduler` (default: from Dask's configuration)"
        )
    sweep.add_argument(
        "--pages", action="store_true", help="also write the notebooks of each run as HTML pages that need no network"
    )
    inspect = commands.add_parser(
        "inspect",
        help="show what a picture records about itself",
        description="Show whether pictures are labelled as made by AI, and how they record that they were made.",
    )
    inspect.add_argument("pictures", type=_path, nargs="+", metavar="PICTURE")
    html = commands.add_parser(
        "html",
        help="turn notebooks into pages that need no network",
        description="Write executed notebooks as HTML pages that are complete without a network.",
    )
    html.add_argument(
        "notebooks", type=_path, nargs="+", metavar="NOTEBOOK", help="an .ipynb file; the page goes beside it"
    )
    return parser


def _path(text: str) -> str:
    """Return the name of a file or folder; an empty one, as of a variable that is not set, is an error."""
    if not text:
        raise argparse.ArgumentTypeError("'' names nothing; give the name of a file or folder")
    return text


def main(arguments: list[str] | None = None) -> int:
    """Run a command; return the exit status: 0 for success, 1 for failure, 130 after Ctrl-C."""
    _print_every_character()
    show_log_lines()
    parser = build_parser()
    options = parser.parse_args(arguments)
    if options.command == "sweep" and options.output_dir is None and not options.dry_run:
        parser.error("a sweep needs --output-dir; only a --dry-run goes without it")
    commands = {"run": _run, "sweep": _sweep, "inspect": _inspect, "html": _write_pages}
    if not _current_folder_exists():
        return _fail(FileNotFoundError("the current folder does not exist any more; change to another one first"))
    try:
        status = commands[options.command](options)
        sys.stdout.flush()
    except BrokenPipeError:  # nobody reads on, as in `python -m synthviz inspect *.png | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes stdout once more at its end
        return 1
    return status


def _run(options: argparse.Namespace) -> int:
    from synthviz import runs
    from synthviz.runs.errors import RunError

    _stop_at_sigterm()
    _silence_debugger()
    try:
        limits = runs.Limits(minutes=options.minutes)
        finished = runs.run_within(limits, options.output_dir, [tuple(pair) for pair in options.parameters])
    except (RunError, OSError) as error:  # OSError: a full disk, or a folder that cannot be written
        return _fail(error)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    print()
    print(runs.describe(finished))
    return 0


def _sweep(options: argparse.Namespace) -> int:
    """Run a sweep; return 1 also if a single run has failed."""
    from synthviz.runs import sweeps
    from synthviz.runs.errors import RunError

    _stop_at_sigterm()
    _silence_debugger()
    try:
        cluster = sweeps.ClusterSettings(
            options.scheduler, options.workers, options.tls_ca_file, options.tls_cert, options.tls_key
        )
        plan = sweeps.read_plan(options.file)
        if options.dry_run:
            print(sweeps.describe_plan(plan, options.output_dir))
            return 0
        finished = sweeps.run_sweep(plan, options.output_dir, cluster, pages=options.pages)
    except RunError as error:
        return _fail(error)
    except KeyboardInterrupt:
        print("stopped; finished runs are kept, the same command goes on with the rest", file=sys.stderr)
        return 130
    print(f"{finished.done} done, {finished.failed} failed.")
    return 1 if finished.failed else 0


def _inspect(options: argparse.Namespace) -> int:
    from synthviz.inspection import InspectionError, describe_picture

    status = 0
    for number, picture in enumerate(options.pictures):
        try:
            print("\n" * (number > 0) + describe_picture(picture))
        except InspectionError as error:
            status = _fail(error)
    return status


def _write_pages(options: argparse.Namespace) -> int:
    from synthviz.runs.html import export_html

    try:
        for notebook in options.notebooks:
            print(export_html(notebook))
    except (ValueError, OSError) as error:
        return _fail(error)
    return 0


def _current_folder_exists() -> bool:
    try:
        os.getcwd()
    except FileNotFoundError:
        return False
    return True


def _print_every_character() -> None:
    """Print characters that the terminal's encoding lacks as their codes, instead of failing on them."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _stop_at_sigterm() -> None:
    """Let the signal that asks a program to end do what Ctrl-C does."""

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)


def _silence_debugger() -> None:
    """Keep the debugger of ipykernel, which is not used here, from warning about its own files."""
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")


def _fail(error: Exception) -> int:
    print(f"error: {error}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
