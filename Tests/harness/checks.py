"""What a check says when it fails, and how it waits."""
import time
from pathlib import Path

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())
STEP_SECONDS = 0.02


class Failure(Exception):
    """What a check found."""


def expect(condition, what):
    """Raises Failure where the condition is not true. `what` is the complaint: a text, or a function that gives it."""
    if not condition:
        raise Failure(what() if callable(what) else what)


def came_true(condition, seconds):
    """Asks again and again until condition() is true, or the seconds are over. Returns its last answer."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answer := condition():
            return answer
        time.sleep(STEP_SECONDS)
    return condition()


def wait_until(condition, what, seconds):
    """Returns the answer of condition() once it is true. Raises Failure where it is not within the seconds.

    `what` is the complaint. Where it is a function it is called when the waiting is over.
    """
    answer = came_true(condition, seconds)
    expect(answer, what)
    return answer
