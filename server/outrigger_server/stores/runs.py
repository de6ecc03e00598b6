"""Runs until they start: how they enter the queue, and how they are asked to stop.

Each function that changes a run is part of one transaction. The claim is in `claims`, the
end of an attempt in `run_ends`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    Connection,
    bindparam,
    column,
    delete,
    exists,
    func,
    insert,
    select,
    table,
    update,
)

from outrigger_server.domain.clock import MICROSECONDS
from outrigger_server.domain.multitask import Decision, InFlightRun, MultitaskStrategy, decide
from outrigger_server.domain.run import (
    CancelAction,
    Lease,
    Run,
    RunId,
    RunRequest,
    RunStatus,
    ThreadId,
)
from outrigger_server.domain.thread import config_after
from outrigger_server.errors import NotFound
from outrigger_server.stores import traces
from outrigger_server.stores.locks import lock_thread
from outrigger_server.stores.ready_statement import ReadyStatement
from outrigger_server.stores.run_rows import (
    HEAD_AT,
    IN_FLIGHT,
    PENDING,
    RUN_COLUMNS,
    RUNNING,
    refresh_head,
    to_run,
)
from outrigger_server.stores.tables import runs, threads
from outrigger_server.stores.webhooks import put_cut_delivery

# -- in flight -----------------------------------------------------------------

_THREAD_IN_FLIGHT = ReadyStatement(
    select(runs.c.run_id, runs.c.status, runs.c.cancel_action)
    .where(runs.c.thread_id == bindparam("thread"), IN_FLIGHT)
    .order_by(runs.c.created_at, runs.c.seq)
)


def in_flight(connection: Connection, thread_id: ThreadId) -> list[InFlightRun]:
    """The thread's pending and running runs, the next one to run first."""
    return [
        InFlightRun(
            RunId(row["run_id"]),
            RunStatus(row["status"]),
            CancelAction(row["cancel_action"]) if row["cancel_action"] is not None else None,
        )
        for row in _THREAD_IN_FLIGHT.all(connection, {"thread": thread_id})
    ]


def in_flight_runs(connection: Connection, thread_id: ThreadId) -> list[Run]:
    """The same as whole rows."""
    query = (
        select(*RUN_COLUMNS)
        .where(runs.c.thread_id == thread_id, IN_FLIGHT)
        .order_by(runs.c.created_at, runs.c.seq)
    )
    return [to_run(row) for row in connection.execute(query).mappings()]


# -- create --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Created:
    """What creating a run came to. `run` is None when it was refused."""

    decision: Decision
    run: Run | None
    queue_length: int
    started: Run | None = None
    """The same run as it stands when it was started at once."""
    fresh: bool = False
    """Whether its thread has no history yet."""
    dropped: tuple[Run, ...] = ()
    """The runs that ended without a start, as they were before."""


CHECKPOINTS = table("checkpoints", column("thread_id"))
"""What every database's checkpoint tables have in common."""

_THREAD = ReadyStatement(
    select(
        threads.c.metadata,
        threads.c.config,
        threads.c.updated_at,
        threads.c.hold_token,
        exists()
        .where(CHECKPOINTS.c.thread_id == bindparam("thread"))
        .select_from(CHECKPOINTS)
        .label("has_history"),
    )
    .where(threads.c.thread_id == bindparam("thread"))
    .with_for_update()
)

_TOUCH_THREAD = ReadyStatement(
    update(threads)
    .where(threads.c.thread_id == bindparam("thread"))
    .values(
        updated_at=bindparam("now"),
        metadata=bindparam("meta"),
        config=bindparam("settings"),
        head_at=HEAD_AT,
    )
)
_INSERT_RUN = ReadyStatement(insert(runs).inline())


def create_run(
    connection: Connection,
    thread_id: ThreadId,
    request: RunRequest,
    now: int,
    lease: Lease | None = None,
) -> Created:
    """Decide about the new run and carry the decision out, all or nothing.

    With a `lease` a run that has nothing to wait for starts at once, as if the owner had
    claimed it: that saves the claim.

    Raises:
        NotFound: There is no such thread.
        InvalidRequest: The thread has no such checkpoint to start from.
    """
    thread = _THREAD.first(connection, {"thread": thread_id})
    if thread is None:
        raise NotFound("Thread or assistant not found.")
    start, inside = (request.kwargs.get(key) for key in ("checkpoint_id", "checkpoint_ns"))
    traces.require_checkpoint(connection, thread_id, start, inside or "")
    # Whoever gets the thread later is later, whatever the clock of its process says.
    now = max(now, thread["updated_at"])
    present = in_flight(connection, thread_id)
    decision = decide(MultitaskStrategy(request.multitask_strategy), present)
    if not decision.accepted:
        return Created(decision, None, len(present))
    dropped = _apply(connection, decision, present, request.run_id, now)
    run = _new_run(thread_id, thread["metadata"], request, now)
    waits = bool(present) or thread["hold_token"] is not None or run.created_at > now
    started = None if waits or lease is None else _started(run, now)
    _insert(connection, started or run, lease if started is not None else None)
    touched = {
        "thread": thread_id,
        "now": now,
        "meta": thread["metadata"],
        "settings": thread["config"],
    }
    if not present:
        touched["meta"] = thread["metadata"] | request.thread_metadata
        touched["settings"] = config_after(
            thread["config"], request.assistant_config, request.given_config
        )
    _TOUCH_THREAD.run(connection, touched)
    fresh = not thread["has_history"]
    return Created(decision, run, len(present) - len(dropped), started, fresh, dropped)


def _new_run(
    thread_id: ThreadId, thread_metadata: dict[str, Any], request: RunRequest, now: int
) -> Run:
    return Run(
        run_id=request.run_id,
        thread_id=thread_id,
        assistant_id=request.assistant_id,
        graph_id=request.graph_id,
        status=RunStatus.PENDING,
        multitask_strategy=request.multitask_strategy,
        metadata={**thread_metadata, **request.metadata},
        kwargs=request.kwargs,
        created_at=now + round(request.after_seconds * MICROSECONDS),
        updated_at=now,
        source=request.source,
        request_id=request.request_id,
    )


def _started(run: Run, now: int) -> Run:
    return replace(run, status=RunStatus.RUNNING, attempt=1, started_at=now)


def _insert(connection: Connection, run: Run, lease: Lease | None) -> None:
    _INSERT_RUN.run(
        connection,
        {
            "run_id": run.run_id,
            "thread_id": run.thread_id,
            "assistant_id": run.assistant_id,
            "graph_id": run.graph_id,
            "status": run.status.value,
            "multitask_strategy": run.multitask_strategy,
            "metadata": run.metadata,
            "kwargs": run.kwargs,
            "created_at": run.created_at,
            "updated_at": run.updated_at,
            "source": run.source,
            "request_id": run.request_id,
            "attempt": run.attempt,
            "handed_back": run.handed_back,
            "spent": run.spent,
            "fenced": False,
            "started_at": run.started_at,
            "owner": None if lease is None else lease.owner,
            "lease_until": None if lease is None else lease.until,
        },
    )


def _apply(
    connection: Connection,
    decision: Decision,
    present: Sequence[InFlightRun],
    newcomer: RunId,
    now: int,
) -> tuple[Run, ...]:
    if decision.action is None:
        return ()
    message = f"superseded by run {newcomer} (multitask_strategy={decision.action})"
    dropped = drop_pending(
        connection, decision.drop, decision.action, now, message, superseded_by=newcomer
    )
    earlier = {run.run_id: run.cancel_action for run in present}
    for run_id in decision.cut:
        mark_cancelled(
            connection,
            run_id,
            decision.action.or_stronger(earlier[run_id]),
            now,
            message,
            superseded_by=newcomer,
        )
    return dropped


# -- stop ----------------------------------------------------------------------


def drop_pending(
    connection: Connection,
    run_ids: Sequence[RunId],
    action: CancelAction,
    now: int,
    message: str | None,
    *,
    superseded_by: RunId | None = None,
) -> tuple[Run, ...]:
    """End runs that have not started: interrupted, or gone with every trace.

    Returns:
        The runs as they are remembered: with what ended them.
    """
    if not run_ids:
        return ()
    ending = {
        "cancel_action": action.value,
        "cancel_requested_at": now,
        "cancel_message": message,
        "superseded_by": superseded_by,
        "updated_at": now,
        "ended_at": now,
    }
    chosen = (runs.c.run_id.in_(run_ids), PENDING)
    query = select(*RUN_COLUMNS).where(*chosen).order_by(runs.c.created_at, runs.c.seq)
    dropped = tuple(to_run({**row, **ending}) for row in connection.execute(query).mappings().all())
    if action is CancelAction.ROLLBACK:
        for run in dropped:
            traces.erase_run(connection, run.run_id)
        connection.execute(delete(runs).where(*chosen))
    else:
        ended = {**ending, "status": RunStatus.INTERRUPTED.value}
        connection.execute(update(runs).where(*chosen).values(ended))
    for run in dropped:
        if message is not None:  # else it was deleted, which needs no telling
            rolled_back = action is CancelAction.ROLLBACK
            put_cut_delivery(connection, run, now, rolled_back=rolled_back)
    return dropped


def mark_cancelled(
    connection: Connection,
    run_id: RunId,
    action: CancelAction,
    now: int,
    message: str | None,
    *,
    superseded_by: RunId | None = None,
) -> None:
    """Ask for the end of a running run; it stays `running` until its worker cut it."""
    connection.execute(
        update(runs)
        .where(runs.c.run_id == run_id, RUNNING)
        .values(
            cancel_action=action.value,
            cancel_requested_at=func.coalesce(runs.c.cancel_requested_at, now),
            cancel_message=message,
            superseded_by=func.coalesce(superseded_by, runs.c.superseded_by),
            updated_at=now,
        )
    )


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What a cancel request found: runs told to stop, and runs that never started."""

    signalled: tuple[RunId, ...]
    dropped: tuple[Run, ...]


def cancel_runs(
    connection: Connection,
    thread_id: ThreadId,
    run_ids: Sequence[RunId],
    action: CancelAction,
    now: int,
    message: str | None,
) -> Cancelled:
    """Cancel those of `run_ids` that are in flight and not being cancelled that way already."""
    signalled: list[RunId] = []
    dropped: list[Run] = []
    lock_thread(connection, thread_id)
    for run in in_flight(connection, thread_id):
        if run.run_id not in run_ids:
            continue
        if run.status is RunStatus.PENDING:
            dropped += drop_pending(connection, [run.run_id], action, now, message)
            continue
        wanted = action.or_stronger(run.cancel_action)
        if wanted is run.cancel_action:
            continue
        mark_cancelled(connection, run.run_id, wanted, now, message)
        signalled.append(run.run_id)
    if dropped:
        refresh_head(connection, thread_id)
    return Cancelled(tuple(signalled), tuple(dropped))
