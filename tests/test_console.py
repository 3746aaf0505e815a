"""console.py: log lines as plain text, once, on stdout, unless a program configures logging."""

from __future__ import annotations

import subprocess
import sys

import pytest

SETUPS = {
    "shown": "from synthviz.console import show_log_lines; show_log_lines(); show_log_lines()",
    "notebook": "import ipykernel; import synthviz",
    "configured": "from synthviz.console import show_log_lines; show_log_lines(); import logging, sys; "
    "logging.basicConfig(stream=sys.stderr, format='mine: %(message)s')",
    "library": "import synthviz",
}


def lines_of(setup: str, log: str) -> tuple[str, str]:
    """Return stdout and stderr of a program that sets logging up and logs with `logger`."""
    program = f"{setup}\nimport logging, threading\nlogger = logging.getLogger('synthviz.room')\n{log}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout, done.stderr


@pytest.mark.parametrize("name", ["shown", "notebook"])
def test_lines_are_plain_text_on_stdout_once(name):
    out, err = lines_of(SETUPS[name], "logger.warning('a note'); logger.info('step 1'); logger.debug('detail')")
    assert out == "a note\nstep 1\n"
    assert "note" not in err


def test_a_program_that_configures_logging_gets_the_lines_instead():
    assert lines_of(SETUPS["configured"], "logger.warning('a note')") == ("", "mine: a note\n")


def test_without_any_setup_only_warnings_are_shown_on_stderr_as_in_any_library():
    out, err = lines_of(SETUPS["library"], "logger.warning('a note'); logger.info('step 1')")
    assert (out, err) == ("", "a note\n")


def test_lines_of_other_threads_are_left_to_those_who_started_them():
    log = "thread = threading.Thread(target=logger.warning, args=('hidden',)); thread.start(); thread.join()"
    assert lines_of(SETUPS["shown"], log) == ("", "")
