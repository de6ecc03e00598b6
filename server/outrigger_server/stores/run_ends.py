"""Ends of runs: an attempt finished, a run rolled back, an ended run deleted."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, null, update

from outrigger_server.domain.run import CancelAction, Run, RunStatus
from outrigger_server.domain.thread import ThreadOutcome
from outrigger_server.errors import IllegalTransition
from outrigger_server.stores import traces
from outrigger_server.stores.locks import lock_run, lock_run_and_live, lock_thread
from outrigger_server.stores.ready_statement import ReadyStatement
from outrigger_server.stores.run_rows import (
    IN_FLIGHT,
    RUN_COLUMNS,
    RUNNING,
    held_run,
    refresh_head,
    settle_thread,
    to_run,
)
from outrigger_server.stores.tables import runs, threads
from outrigger_server.stores.webhooks import put_cut_delivery, put_delivery

_END = ReadyStatement(
    update(runs)
    .where(
        runs.c.run_id == bindparam("run"),
        runs.c.attempt == bindparam("number"),
        RUNNING,
        func.coalesce(runs.c.cancel_action, "") != CancelAction.ROLLBACK.value,
    )
    .values(
        status=bindparam("status"),
        ended_at=bindparam("now"),
        updated_at=bindparam("now"),
        fenced=True,
        lease_until=null(),
        owner=null(),
    )
    .returning(*RUN_COLUMNS)
)


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that was ended, with what was asked of it meanwhile."""

    run: Run
    more: bool
    """Whether the thread has a run that may start now, or later."""


def finish_run(
    connection: Connection,
    run: Run,
    status: RunStatus,
    outcome: ThreadOutcome,
    now: int,
) -> Ended:
    """End an attempt: status, fence and the thread's values together.

    A rollback asked for while the graph ended wins: then every trace of the run goes.

    Raises:
        IllegalTransition: The attempt no longer holds the run; nothing was written.
    """
    lock_thread(connection, run.thread_id)
    end = {"run": run.run_id, "number": run.attempt, "status": status.value, "now": now}
    row = _END.first(connection, end)
    if row is None:
        return roll_back_run(connection, held_run(connection, run.token), now)
    ended = to_run(row)
    if ended.kwargs.get("webhook") is not None:
        _tell_webhook(connection, ended, outcome, now)
    return Ended(ended, settle_thread(connection, run.thread_id, outcome, now))


def _tell_webhook(connection: Connection, run: Run, outcome: ThreadOutcome, now: int) -> None:
    if run.status is RunStatus.INTERRUPTED:
        put_cut_delivery(connection, run, now, rolled_back=False, values=outcome.values)
        return
    status, error = run.status.value, outcome.error
    put_delivery(connection, run, now, status=status, values=outcome.values, error=error)


def roll_back_run(connection: Connection, run: Run, now: int) -> Ended:
    """Remove a run as if it had never been: row, checkpoints, writes, store untouched.

    The thread's values need no change: they are written only when a run ends.
    """
    lock_thread(connection, run.thread_id)
    lock_run(connection, run.run_id)
    traces.erase_run(connection, run.run_id)
    connection.execute(delete(runs).where(runs.c.run_id == run.run_id))
    if run.cancel_message is not None:  # else it was deleted, which needs no telling
        put_cut_delivery(connection, run, now, rolled_back=True)
    row: dict[str, Any] = {"updated_at": now}
    if run.superseded_by is None and run.cancel_message is not None:
        row["error"] = {"error": "UserRollback", "message": run.cancel_message}
    connection.execute(update(threads).where(threads.c.thread_id == run.thread_id).values(row))
    return Ended(run, refresh_head(connection, run.thread_id))


def delete_finished_run(connection: Connection, run: Run) -> None:
    """Remove an ended run with its checkpoints; later ones are tied to what came before.

    Raises:
        IllegalTransition: The run is in flight.
    """
    lock_thread(connection, run.thread_id)
    lock_run_and_live(connection, run.run_id, run.thread_id)
    traces.unlink_run(connection, run.run_id)
    traces.erase_run(connection, run.run_id)
    result = connection.execute(delete(runs).where(runs.c.run_id == run.run_id, ~IN_FLIGHT))
    if not result.rowcount:
        raise IllegalTransition
