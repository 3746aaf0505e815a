"""Background work: a newer task cancels an older one, and errors are reported."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from synthviz.explorers.background import Background, Cancelled

WAIT = 20  # seconds; no test needs nearly as long


@pytest.fixture
def errors() -> list[Exception]:
    return []


@pytest.fixture
def background(errors) -> Background:
    return Background(on_error=errors.append)


def test_a_task_runs_in_another_thread(background):
    seen = []
    background.start(lambda checkpoint: seen.append(threading.current_thread()))
    assert background.wait(WAIT)
    assert seen
    assert seen[0] is not threading.main_thread()


def test_a_newer_task_cancels_the_older_one(background, errors):
    running, ends = threading.Event(), []

    def endless(checkpoint):
        try:
            while True:
                running.set()
                checkpoint()
        except Cancelled:
            ends.append("older")
            raise

    background.start(endless)
    assert running.wait(WAIT)
    background.start(lambda checkpoint: ends.append("newer"))
    assert background.wait(WAIT)
    assert ends == ["older", "newer"]
    assert errors == []


def test_only_the_newest_waiting_task_runs(background):
    begun, release, ran = threading.Event(), threading.Event(), []
    background.start(lambda checkpoint: begun.set() or release.wait(WAIT))
    assert begun.wait(WAIT)
    for number in range(5):
        background.start(lambda checkpoint, number=number: ran.append(number))
    release.set()
    assert background.wait(WAIT)
    assert ran == [4]


def test_stop_cancels_the_running_and_the_waiting_task(background):
    running, ran = threading.Event(), []

    def endless(checkpoint):
        while True:
            running.set()
            checkpoint()

    background.start(endless)
    assert running.wait(WAIT)
    background.start(lambda checkpoint: ran.append("waiting"))
    background.stop()
    assert background.wait(WAIT)
    assert ran == []


def test_a_cancelled_task_cannot_show_anything(background):
    begun, stopped = threading.Event(), threading.Event()
    shown = []

    def loads(checkpoint):
        background.show(shown.append, "Loading")
        begun.set()
        stopped.wait(WAIT)
        background.show(shown.append, "loaded")

    background.start(loads)
    assert begun.wait(WAIT)
    background.stop()
    background.show(shown.append, "Stopped.")
    stopped.set()
    assert background.wait(WAIT)
    assert shown == ["Loading", "Stopped."]


def test_an_error_is_reported_and_the_next_task_runs(background, errors):
    def fails(checkpoint):
        raise ValueError("seed is -1")

    ran = []
    background.start(fails)
    assert background.wait(WAIT)
    background.start(lambda checkpoint: ran.append(True))
    assert background.wait(WAIT)
    assert [str(error) for error in errors] == ["seed is -1"]
    assert ran


def test_an_error_of_a_cancelled_task_is_not_reported(background, errors):
    running, release = threading.Event(), threading.Event()

    def fails(checkpoint):
        running.set()
        release.wait(WAIT)
        raise ValueError("too late")

    background.start(fails)
    assert running.wait(WAIT)
    background.stop()
    release.set()
    assert background.wait(WAIT)
    assert errors == []


def test_in_an_event_loop_updates_run_in_the_thread_of_the_loop():
    shown = []

    async def kernel():
        background = Background(on_error=shown.append)
        done = asyncio.Event()

        def update(value):
            shown.append((value, threading.current_thread()))
            done.set()

        background.start(lambda checkpoint: background.show(update, 7))
        await asyncio.wait_for(done.wait(), WAIT)

    asyncio.run(kernel())
    assert shown == [(7, threading.main_thread())]


def test_updates_and_callbacks_never_run_at_the_same_time(background, errors):
    """JupyterLab calls the callbacks of widgets in another thread."""
    inside, begun = threading.Lock(), threading.Event()

    def exclusive(*_):
        assert inside.acquire(blocking=False), "two at the same time"
        begun.set()
        time.sleep(0.005)
        inside.release()

    callback = background.guarded(exclusive)
    background.start(lambda checkpoint: [background.show(exclusive) for _ in range(30)])
    assert begun.wait(WAIT)
    for _ in range(30):
        callback("a change")
    assert background.wait(WAIT)
    assert errors == []


def test_errors_of_updates_and_callbacks_are_reported(background, errors):
    background.guarded(lambda change: 1 / 0)("a change")
    background.start(lambda checkpoint: background.show(int, "seven"))
    assert background.wait(WAIT)
    assert [type(error) for error in errors] == [ZeroDivisionError, ValueError]


def test_busy_until_the_newest_task_has_ended_or_was_stopped(background, errors):
    release, seen = threading.Event(), []
    assert not background.busy
    background.start(lambda checkpoint: release.wait(WAIT))
    assert background.busy
    background.stop()
    assert not background.busy
    background.start(lambda checkpoint: seen.append(background.busy) or 1 / 0)
    assert background.busy
    release.set()
    assert background.wait(WAIT)
    assert seen == [True]
    assert not background.busy
    assert len(errors) == 1
