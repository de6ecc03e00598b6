"""The end of a conversation: wait until nothing happens any more, then read everything."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from outrigger_loadtests.client import reads, streams
from outrigger_loadtests.client.client import Client
from outrigger_loadtests.client.clock import Task
from outrigger_loadtests.history.operations import IN_FLIGHT, SUCCESS, RunRow
from outrigger_loadtests.models.run import NANOSECONDS
from outrigger_loadtests.scenarios.plan import Plan

POLL_SECONDS = 0.1
READERS_SECONDS = 4.0
BUSY_SECONDS = 5.0

Read = TypeVar("Read")


@dataclass
class Patience:
    """How long a conversation waits, in seconds, until nothing is in flight any more.

    In a `hurry` a conversation begins no more rounds and comes to its end. `tries`: of each last
    read.
    """

    settle: float = 30.0
    tries: int = 3
    hurry: bool = False


def until_quiet(client: Client, seconds: float) -> bool:
    """Wait until the thread has nothing in flight and says so; whether that came in time.

    A thread that still calls itself busy long after its last run has ended will not stop to.
    """
    now = client.clock.now()
    deadline, given_up = now + int(seconds * NANOSECONDS), 0
    while True:
        rows = reads.list_runs(client, record=False)
        now = client.clock.now()
        if rows is None or any(row.status in IN_FLIGHT for row in rows):
            given_up = 0
        elif reads.read_thread(client) not in {"busy", ""}:
            return True
        else:
            given_up = given_up or now + int(BUSY_SECONDS * NANOSECONDS)
        if now > deadline or 0 < given_up < now:
            return False
        client.clock.sleep(POLL_SECONDS)


def settle(client: Client, plan: Plan, readers: Sequence[Task], patience: Patience) -> None:
    """Wait for quiescence, let the readers end, and read runs, history, state, thread and join.

    A node that does not stop when it is told to may still write when its run has long been cut, so
    where one may be at work the reads come after the last of them must have ended.
    """
    began = client.clock.now()
    quiet = until_quiet(client, patience.settle)
    client.clock.sleep(_afterglow(plan))
    if quiet:
        quiet = until_quiet(client, patience.settle)
    conversation = client.conversation
    conversation.give_up_at = client.clock.now() + int(READERS_SECONDS * NANOSECONDS)
    for reader in readers:
        reader.join()
    reads.settled(client, began, quiet=quiet)
    tries = patience.tries
    rows = _insist(client, tries, lambda: reads.list_runs(client))
    watched = _watched(client, rows)
    _insist(client, tries, lambda: reads.read_history(client, watched) or None)
    _insist(client, tries, lambda: reads.read_state(client, watched))
    _insist(client, tries, lambda: reads.read_thread(client, watched) or None)
    if rows:
        newest = max(rows, key=lambda row: (row.created_at, row.run_id))
        if newest.status == SUCCESS:
            streams.join(client, newest.run_id, newest.token)


def _insist(client: Client, tries: int, read: Callable[[], Read | None]) -> Read | None:
    """Read until it works, a few times; None when it never did."""
    for _ in range(tries):
        found = read()
        if found is not None:
            return found
        client.clock.sleep(POLL_SECONDS)
    return None


def _afterglow(plan: Plan) -> float:
    """Return how long a node may still be at work after its run was cut."""
    if "async" in plan.probe:
        return 0.0
    sent = [message for each in plan.rounds for act in each.acts for message in act.messages]
    return max((message.seconds for message in sent), default=0.0) + 0.2


def _watched(client: Client, rows: Sequence[RunRow] | None) -> list[str]:
    """Return what must not stand anywhere: refused tokens, and tokens and ids of runs now gone."""
    if rows is None:
        return []
    conversation = client.conversation
    listed = {row.run_id for row in rows}
    gone = [
        word
        for token, run_id in conversation.runs.items()
        if run_id not in listed
        for word in (token, run_id)
    ]
    return [*sorted(conversation.refused), *gone]
