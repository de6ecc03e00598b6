"""Reads the server's JSON into what a history keeps. Pure; whatever is odd becomes empty.

The bodies are those of the LangGraph Server API: a run, a thread, a thread's state.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import takewhile
from typing import Any

import orjson

from outrigger_loadtests.client.sse import ServerEvent
from outrigger_loadtests.client.transport import Answer
from outrigger_loadtests.history.operations import Checkpoint, Frame, Outcome, RunRow
from outrigger_loadtests.marks import MARK, thread_of, token_of

Json = Any
_ENDS = frozenset(
    {"interrupted", "rolled_back", "timeout", "success", "error", "gone", "not_found", "deleted"}
)
_LOST = "events_lost"
_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.:-]{0,199}")
_NO_VALUES: Mapping[str, Json] = {}


def outcome_of(answer: Answer) -> Outcome:
    """Return what an answer says of the effect of its request."""
    if not answer.reached:
        return Outcome.FAIL
    if answer.status // 100 == 2:  # noqa: PLR2004  the class of statuses
        return Outcome.OK
    return Outcome.FAIL if answer.status // 100 == 4 else Outcome.INFO  # noqa: PLR2004


def complaint_of(answer: Answer) -> str:
    """Return in a few words why an answer is not ok."""
    if answer.error or outcome_of(answer) is Outcome.OK:
        return answer.error
    return answer.body[:200].decode(errors="replace")


def body_of(answer: Answer) -> Json:
    """Return the JSON of a body; None when it is none."""
    try:
        return orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return None


def text(value: Json, *path: str) -> str:
    """Return the string at a path of keys; empty when there is none."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""


def id_of(value: Json, *path: str) -> str:
    """Return the id at a path of keys; empty when there is none that can stand in a URL."""
    found = text(value, *path)
    return found if _ID.fullmatch(found) else ""


def moment_of(value: Json, *path: str) -> str:
    """Return the moment at a path of keys; empty when there is none, or none of our era."""
    found = text(value, *path)
    try:
        datetime.fromisoformat(found).timestamp()
    except (ValueError, OverflowError):
        return ""
    return found


def log_of(values: Json) -> tuple[str, ...]:
    """Return the marks in a graph's values."""
    return _texts(values.get("log")) if isinstance(values, dict) else ()


def digest_of(values: Json) -> str:
    """Return a short text that stands for the values, whatever the order of their keys."""
    if not isinstance(values, dict):
        values = _NO_VALUES
    kept = {key: value for key, value in values.items() if key != "__interrupt__"}
    try:
        encoded = orjson.dumps(kept, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:  # nested more deeply than it writes
        return ""
    return hashlib.blake2b(encoded, digest_size=8).hexdigest()


def questions_of(state: Json) -> tuple[str, ...]:
    """Return the tokens of the questions that wait in a thread's state."""
    tasks = state.get("tasks") if isinstance(state, dict) else None
    found: dict[str, None] = {}
    for task in tasks if isinstance(tasks, list) else []:
        interrupts = task.get("interrupts") if isinstance(task, dict) else None
        for interrupt in interrupts if isinstance(interrupts, list) else []:
            if token := text(interrupt, "value", "token"):
                found[token] = None
    return tuple(found)


def mentions_in(body: bytes, watched: Sequence[str]) -> tuple[str, ...]:
    """Return which of the watched words stand anywhere in a body, as whole words."""
    if not watched:
        return ()
    longest_first = sorted(watched, key=len, reverse=True)
    pattern = re.compile(
        b"(?:" + b"|".join(map(re.escape, map(str.encode, longest_first))) + b")(?![0-9a-z-])"
    )
    return tuple(dict.fromkeys(match.group().decode() for match in pattern.finditer(body)))


def row_of(run: Json) -> RunRow:
    """Return one run of a list of runs."""
    resume = text(run, "kwargs", "command", "resume")
    return RunRow(
        run_id=id_of(run, "run_id"),
        status=text(run, "status"),
        created_at=moment_of(run, "created_at"),
        token=text(run, "kwargs", "input", "token") or resume,
        thread_id=text(run, "thread_id"),
    )


def checkpoints_of(states: Sequence[Json]) -> tuple[Checkpoint, ...]:
    """Return a history in its own order, each log as what it adds to its parent's."""
    logs = {text(state, "checkpoint", "checkpoint_id"): log_of(_values(state)) for state in states}
    found = []
    for state in states:
        checkpoint_id = text(state, "checkpoint", "checkpoint_id")
        parent_id = text(state, "parent_checkpoint", "checkpoint_id")
        log = logs[checkpoint_id]
        kept = _common(logs.get(parent_id, ()), log)
        found.append(
            Checkpoint(
                checkpoint_id=checkpoint_id,
                parent_id=parent_id,
                run_id=text(state, "metadata", "run_id"),
                created_at=moment_of(state, "created_at"),
                kept=kept,
                added=log[kept:],
                next=_texts(state.get("next")) if isinstance(state, dict) else (),
            )
        )
    return tuple(found)


def _texts(value: Json) -> tuple[str, ...]:
    if not isinstance(value, list):
        return ()
    return tuple(each if isinstance(each, str) else "" for each in value)


def _values(state: Json) -> Json:
    return state.get("values") if isinstance(state, dict) else None


def _common(earlier: Sequence[str], later: Sequence[str]) -> int:
    """Return how many marks both logs begin with."""
    if later[: len(earlier)] == earlier:
        return len(earlier)
    return sum(
        1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(earlier, later, strict=False))
    )


def frame_of(event: ServerEvent, at: int, thread: str, own: frozenset[str]) -> Frame:
    """Return what a history keeps of one event.

    Of the state in a `values` event only the run's `own` marks are kept and those of other
    threads; of every other event all marks.
    """
    marks = tuple(match.group() for match in MARK.finditer(event.data.decode(errors="replace")))
    if event.name == "values":
        marks = tuple(
            each for each in marks if token_of(each) in own or thread_of(token_of(each)) != thread
        )
    run_id = status = ""
    if event.name == "metadata":
        try:
            told = orjson.loads(event.data)
        except orjson.JSONDecodeError:
            told = None
        run_id, status = text(told, "run_id"), text(told, "status")
    end = status if status in _ENDS else ""
    return Frame(at, event.name, event.id, run_id, marks, end, status == _LOST)
