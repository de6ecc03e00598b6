"""What a client looks at: runs, state, thread, history."""

from collections.abc import Sequence
from typing import Any

from outrigger_loadtests.client import answers
from outrigger_loadtests.client.client import NOT_FOUND, Client
from outrigger_loadtests.history.operations import (
    GONE,
    HistoryRead,
    Outcome,
    RunRead,
    RunRow,
    RunsRead,
    Settled,
    StateRead,
    ThreadRead,
)

PAGE = 200
MOST_ROWS = 200_000  # a server that has more of them goes round in circles
ENDLESS = "the pages have no end"


def read_run(client: Client, run_id: str) -> str:
    """Return the run's status, `gone` when it is not there, empty when nobody knows."""
    invoked = client.clock.now()
    answer = client.get(f"{client.thread}/runs/{run_id}", "read run", NOT_FOUND)
    body = answers.body_of(answer)
    told = client.told(answer, invoked)
    status = answers.text(body, "status")
    if answer.status in NOT_FOUND:
        status = GONE
        told |= {"outcome": Outcome.OK, "error": ""}
    elif told["outcome"] is Outcome.OK and not status:
        told |= {"outcome": Outcome.INFO, "error": "the answer names no status"}
    created_at = answers.moment_of(body, "created_at")
    client.record(RunRead(**told, run_id=run_id, status=status, created_at=created_at))
    return status


def read_state(client: Client, watched: Sequence[str] | None = None) -> tuple[str, ...] | None:
    """Read the thread's state; return the tokens whose questions wait there, None if unread.

    The last read of a conversation is given the words to be `watched` for.
    """
    invoked = client.clock.now()
    answer = client.get(f"{client.thread}/state", "read state")
    body = answers.body_of(answer)
    told = client.told(answer, invoked)
    if told["outcome"] is Outcome.OK and not isinstance(body, dict):
        told |= {"outcome": Outcome.INFO, "error": "the answer is no state"}
    values = body.get("values") if isinstance(body, dict) else None
    questions = answers.questions_of(body)
    client.record(
        StateRead(
            **told,
            final=watched is not None,
            log=answers.log_of(values),
            digest=answers.digest_of(values),
            checkpoint_id=answers.text(body, "checkpoint", "checkpoint_id"),
            questions=questions,
            mentions=answers.mentions_in(answer.body, watched or ()),
        )
    )
    return questions if told["outcome"] is Outcome.OK else None


def read_thread(client: Client, watched: Sequence[str] | None = None) -> str:
    """Return the thread's status, empty when nobody knows; see `read_state`."""
    invoked = client.clock.now()
    answer = client.get(client.thread, "read thread")
    body = answers.body_of(answer)
    told = client.told(answer, invoked)
    status = answers.text(body, "status")
    if told["outcome"] is Outcome.OK and not status:
        told |= {"outcome": Outcome.INFO, "error": "the answer names no status"}
    values = body.get("values") if isinstance(body, dict) else None
    client.record(
        ThreadRead(
            **told,
            final=watched is not None,
            status=status,
            log=answers.log_of(values),
            digest=answers.digest_of(values),
            mentions=answers.mentions_in(answer.body, watched or ()),
        )
    )
    return status


def list_runs(client: Client, *, record: bool = True) -> list[RunRow] | None:
    """Return all runs of the thread; None when they cannot be read."""
    invoked = client.clock.now()
    rows: list[RunRow] = []
    known: set[str] = set()
    while True:
        path = f"{client.thread}/runs?limit={PAGE}&offset={len(rows)}"
        answer = client.get(path, "list runs")
        page = answers.body_of(answer)
        told = client.told(answer, invoked)
        if told["outcome"] is Outcome.OK and not isinstance(page, list):
            told |= {"outcome": Outcome.INFO, "error": "the answer is no list"}
        if told["outcome"] is not Outcome.OK:
            break
        found = [answers.row_of(each) for each in page]
        if known.issuperset(row.run_id for row in found):
            break
        rows += found
        known.update(row.run_id for row in found)
        if len(page) < (1 if record else PAGE):  # some servers give less than they are asked for
            break
        if len(rows) >= MOST_ROWS:
            told |= {"outcome": Outcome.INFO, "error": ENDLESS}
            break
    if record:
        client.record(RunsRead(**told, rows=tuple(rows)))
    return rows if told["outcome"] is Outcome.OK else None


def read_history(client: Client, watched: Sequence[str]) -> bool:
    """Read the whole history, page after page, newest first; whether that worked."""
    invoked = client.clock.now()
    states: list[Any] = []
    bodies = []
    before = ""
    while True:
        body: dict[str, Any] = {"limit": PAGE}
        if before:
            body["before"] = {"configurable": {"checkpoint_id": before}}
        answer = client.post(f"{client.thread}/history", body, "read history")
        page = answers.body_of(answer)
        told = client.told(answer, invoked)
        if told["outcome"] is not Outcome.OK or not isinstance(page, list):
            if told["outcome"] is Outcome.OK:
                told |= {"outcome": Outcome.INFO, "error": "the answer is no history"}
            break
        states += page
        bodies.append(answer.body)
        oldest = answers.text(page[-1], "checkpoint", "checkpoint_id") if page else ""
        if len(page) < PAGE or oldest == before:
            break
        if len(states) >= MOST_ROWS:
            told |= {"outcome": Outcome.INFO, "error": ENDLESS}
            break
        before = oldest
    values = states[0].get("values") if states and isinstance(states[0], dict) else None
    client.record(
        HistoryRead(
            **told,
            checkpoints=answers.checkpoints_of(states),
            head_digest=answers.digest_of(values),
            mentions=answers.mentions_in(b"\n".join(bodies), watched),
        )
    )
    return told["outcome"] is Outcome.OK


def settled(client: Client, since: int, *, quiet: bool) -> None:
    """Write down how the wait for quiescence ended."""
    client.record(
        Settled(
            thread=client.conversation.name,
            process=client.process,
            invoked=since,
            completed=client.clock.now(),
            quiet=quiet,
        )
    )
