"""What every thread's history must look like, read through the API and from the disk."""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

from langgraph_sdk.client import LangGraphClient

State = dict[str, Any]

WHOLE = 1000


def marks(token: str, *names: str) -> list[str]:
    """The marks of one run of a probe graph; all of them when none is named."""
    return [f"{token}:{name}" for name in names or ("input", "first", "middle", "last")]


async def chain(client: LangGraphClient, thread_id: str) -> list[State]:
    """The history, oldest first; fails unless it is one chain: one root, no fork, no gap."""
    states: list[State] = [
        dict(state) for state in await client.threads.get_history(thread_id, limit=WHOLE)
    ]
    states.reverse()
    if states:
        assert states[0]["parent_checkpoint"] is None
    for parent, child in pairwise(states):
        assert child["parent_checkpoint"] is not None, "a second root"
        assert child["parent_checkpoint"]["checkpoint_id"] == parent["checkpoint"]["checkpoint_id"]
    return states


def segments(states: Sequence[State]) -> list[str]:
    """The runs that wrote the history, in order; fails when one wrote at two places."""
    owners = [owner for owner, _ in groupby(states, lambda state: state["metadata"]["run_id"])]
    assert len(owners) == len(set(owners)), f"a run wrote at two places: {owners}"
    return owners


def written_by(states: Sequence[State], run_id: str) -> list[State]:
    """The run's own checkpoints."""
    return [state for state in states if state["metadata"]["run_id"] == run_id]


async def log_at_rest(client: LangGraphClient, thread_id: str, last_run_id: str) -> list[str]:
    """The log, which the history, the state, the thread and the last run's join must agree on."""
    states = await chain(client, thread_id)
    values: dict[str, Any] = states[-1]["values"]
    state = await client.threads.get_state(thread_id)
    thread = await client.threads.get(thread_id)
    joined = await client.runs.join(thread_id, last_run_id)
    assert state["values"] == values
    assert state["checkpoint"]["checkpoint_id"] == states[-1]["checkpoint"]["checkpoint_id"]
    assert thread["values"] == values
    assert joined == values
    log: list[str] = values["log"]
    return log


async def assert_no_trace(client: LangGraphClient, thread_id: str, *words: str) -> None:
    """Fail when a word stands anywhere in what the API shows of the thread."""
    shown = {
        "thread": await client.threads.get(thread_id),
        "state": await client.threads.get_state(thread_id, subgraphs=True),
        "history": await client.threads.get_history(thread_id, limit=WHOLE),
        "runs": await client.runs.list(thread_id, limit=WHOLE),
    }
    for place, content in shown.items():
        text = json.dumps(content)
        for word in words:
            assert word not in text, f"{word} is left in the {place}"


def tables_with(data_dir: Path, word: str) -> list[str]:
    """The tables of the server's database in which a row holds the word."""
    found = []
    with closing(sqlite3.connect(f"file:{data_dir}/outrigger.db?mode=ro", uri=True)) as database:
        named = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in named:
            rows = database.execute(f'SELECT * FROM "{table}"').fetchall()
            if any(_holds(field, word) for row in rows for field in row):
                found.append(str(table))
    return found


def _holds(field: object, word: str) -> bool:
    if isinstance(field, bytes):
        return word.encode() in field
    return isinstance(field, str) and word in field
