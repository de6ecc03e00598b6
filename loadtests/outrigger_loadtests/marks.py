"""Tokens and marks: what a run of a probe graph leaves in its thread's log.

The probe graphs (`loadtests/probe/graphs.py`) are loaded by path by whatever server is tested, so
their form is written down here again; a test holds the two together.
"""

import re
from collections.abc import Iterable

INPUT = "input"
FIRST = "first"
MIDDLE = "middle"
LAST = "last"
ANSWER = "answer"

STEPS = (INPUT, FIRST, MIDDLE, LAST)
UNASKED = 3  # marks of a run before it asks
TOKEN = re.compile(r"x[0-9a-z]{1,16}-\d{1,12}-\d{1,12}")  # bounded, else long junk takes for ever
MARK = re.compile(rf"{TOKEN.pattern}:[a-z]+(?::{TOKEN.pattern})?")


def thread_name(seed: int, number: int) -> str:
    """Name one conversation of a plan: `x<seed in hex>-<number>`."""
    return f"x{seed:x}-{number}"


def token(thread: str, number: int) -> str:
    """Name one message of a conversation."""
    return f"{thread}-{number}"


def thread_of(token: str) -> str:
    """Return the conversation a token belongs to."""
    return token.rpartition("-")[0]


def token_of(mark: str) -> str:
    """Return the token of a mark."""
    return mark.partition(":")[0]


def mark(token: str, step: str) -> str:
    """Return the mark that `step` of the run `token` leaves."""
    return f"{token}:{step}"


def answer_mark(token: str, answer: str) -> str:
    """Return the mark of an answer to the question of the run `token`."""
    return f"{token}:{ANSWER}:{answer}"


def steps_by_token(log: Iterable[str]) -> dict[str, list[str]]:
    """Return what stands behind each token in its marks, in the order of the log."""
    found: dict[str, list[str]] = {}
    for each in log:
        token, _, step = each.partition(":")
        found.setdefault(token, []).append(step)
    return found
