"""The queue and its truth: every change of a run, each a job of one transaction.

Functions here take the connection of the transaction they are part of. A thread's
`head_at` is kept by every job that changes the thread's runs; a claim looks only there,
so its cost does not grow with the number of waiting or finished runs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Connection,
    RowMapping,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    literal_column,
    null,
    select,
    update,
)

from outrigger_server.domain.multitask import Decision, InFlightRun, MultitaskStrategy, decide
from outrigger_server.domain.run import (
    AttemptToken,
    CancelAction,
    Run,
    RunId,
    RunRequest,
    RunStatus,
    ThreadId,
)
from outrigger_server.domain.thread import ThreadOutcome
from outrigger_server.errors import IllegalTransition, NotFound
from outrigger_server.stores import traces
from outrigger_server.stores.tables import runs, threads

# Written into the statement: SQLite matches partial indexes against constants only.
_PENDING = runs.c.status == literal_column("'pending'")
_RUNNING = runs.c.status == literal_column("'running'")
_IN_FLIGHT = runs.c.status.in_([literal_column("'pending'"), literal_column("'running'")])

_RUN_COLUMNS = [
    column for column in runs.c if column.name not in {"seq", "owner", "lease_until", "fenced"}
]


def to_run(row: Mapping[str, Any] | RowMapping) -> Run:
    """The row as a value."""
    fields = dict(row)
    fields["status"] = RunStatus(fields["status"])
    if fields["cancel_action"] is not None:
        fields["cancel_action"] = CancelAction(fields["cancel_action"])
    return Run(**fields)


# -- the thread's head ---------------------------------------------------------

_REFRESH_HEAD = (
    update(threads)
    .where(threads.c.thread_id == bindparam("thread"))
    .values(
        head_at=case(
            (threads.c.hold_token.is_not(None), null()),
            (
                exists().where(runs.c.thread_id == bindparam("thread"), _RUNNING, _IN_FLIGHT),
                null(),
            ),
            else_=select(func.min(runs.c.created_at))
            .where(runs.c.thread_id == bindparam("thread"), _PENDING, _IN_FLIGHT)
            .scalar_subquery(),
        )
    )
)


def refresh_head(connection: Connection, thread_id: ThreadId) -> None:
    """Say anew which of the thread's runs may be claimed, if any."""
    connection.execute(_REFRESH_HEAD, {"thread": thread_id})


# -- create --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Created:
    """What creating a run came to. `run` is None when it was refused."""

    decision: Decision
    run: Run | None
    queue_length: int
    dropped: tuple[Run, ...] = ()
    """The runs that ended without a start, as they were before."""


_THREAD = select(threads.c.metadata).where(threads.c.thread_id == bindparam("thread"))

_TOUCH_THREAD = (
    update(threads)
    .where(threads.c.thread_id == bindparam("thread"))
    .values(updated_at=bindparam("now"), metadata=bindparam("meta"))
)
_INSERT_RUN = insert(runs)

_THREAD_IN_FLIGHT = (
    select(runs.c.run_id, runs.c.status, runs.c.cancel_action)
    .where(runs.c.thread_id == bindparam("thread"), _IN_FLIGHT)
    .order_by(runs.c.created_at, runs.c.seq)
)


def in_flight(connection: Connection, thread_id: ThreadId) -> list[InFlightRun]:
    """The thread's pending and running runs, the next one to run first."""
    return [
        InFlightRun(
            RunId(run_id),
            RunStatus(status),
            CancelAction(action) if action is not None else None,
        )
        for run_id, status, action in connection.execute(_THREAD_IN_FLIGHT, {"thread": thread_id})
    ]


def in_flight_runs(connection: Connection, thread_id: ThreadId) -> list[Run]:
    """The same as whole rows."""
    query = select(*_RUN_COLUMNS).where(runs.c.thread_id == thread_id, _IN_FLIGHT)
    return [to_run(row) for row in connection.execute(query).mappings()]


def create_run(
    connection: Connection, thread_id: ThreadId, request: RunRequest, now: int
) -> Created:
    """Decide about the new run and carry the decision out, all or nothing.

    Raises:
        NotFound: There is no such thread.
        InvalidRequest: The thread has no such checkpoint to start from.
    """
    thread = connection.execute(_THREAD, {"thread": thread_id}).first()
    if thread is None:
        raise NotFound("Thread or assistant not found.")
    traces.require_checkpoint(connection, thread_id, request.kwargs.get("checkpoint_id"))
    present = in_flight(connection, thread_id)
    decision = decide(MultitaskStrategy(request.multitask_strategy), present)
    if not decision.accepted:
        return Created(decision, None, len(present))
    dropped = _apply(connection, decision, present, request.run_id, now)
    run = _insert(connection, thread_id, thread[0], request, now)
    thread_metadata = thread[0] if present else {**thread[0], **request.thread_metadata}
    connection.execute(_TOUCH_THREAD, {"thread": thread_id, "now": now, "meta": thread_metadata})
    refresh_head(connection, thread_id)
    return Created(decision, run, len(present) - len(dropped), dropped)


def _insert(
    connection: Connection,
    thread_id: ThreadId,
    thread_metadata: dict[str, Any],
    request: RunRequest,
    now: int,
) -> Run:
    due = now + round(request.after_seconds * 1_000_000)
    run = Run(
        run_id=request.run_id,
        thread_id=thread_id,
        assistant_id=request.assistant_id,
        graph_id=request.graph_id,
        status=RunStatus.PENDING,
        multitask_strategy=request.multitask_strategy,
        metadata={**thread_metadata, **request.metadata},
        kwargs=request.kwargs,
        created_at=due,
        updated_at=now,
        source=request.source,
        request_id=request.request_id,
    )
    connection.execute(
        _INSERT_RUN,
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
        },
    )
    return run


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
    chosen = (runs.c.run_id.in_(run_ids), _PENDING)
    query = select(*_RUN_COLUMNS).where(*chosen).order_by(runs.c.created_at, runs.c.seq)
    dropped = tuple(to_run({**row, **ending}) for row in connection.execute(query).mappings().all())
    if action is CancelAction.ROLLBACK:
        for run in dropped:
            traces.erase_run(connection, run.run_id)
        connection.execute(delete(runs).where(*chosen))
    else:
        ended = {**ending, "status": RunStatus.INTERRUPTED.value}
        connection.execute(update(runs).where(*chosen).values(ended))
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
        .where(runs.c.run_id == run_id, _RUNNING)
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


# -- claim ---------------------------------------------------------------------

_DUE_THREADS = (
    select(threads.c.thread_id)
    .where(threads.c.head_at <= bindparam("now"))
    .order_by(threads.c.head_at)
    .limit(bindparam("limit"))
)
_NEXT_DUE = select(func.min(threads.c.head_at)).where(threads.c.head_at > bindparam("now"))
_FIRST_PENDING = (
    select(*_RUN_COLUMNS)
    .where(runs.c.thread_id == bindparam("thread"), _PENDING, _IN_FLIGHT)
    .order_by(runs.c.created_at, runs.c.seq)
    .limit(1)
)
_START = (
    update(runs)
    .where(runs.c.run_id == bindparam("run"), _PENDING)
    .values(
        status=RunStatus.RUNNING.value,
        attempt=runs.c.attempt + 1,
        owner=bindparam("by"),
        lease_until=bindparam("until"),
        started_at=bindparam("now"),
        updated_at=bindparam("now"),
        fenced=False,
    )
)
_TAKE_HEAD = (
    update(threads).where(threads.c.thread_id == bindparam("thread")).values(head_at=null())
)


@dataclass(frozen=True, slots=True)
class Claimed:
    """Runs a worker now holds, and when the next delayed one is due."""

    runs: tuple[Run, ...]
    next_due: int | None


def claim_runs(
    connection: Connection, *, owner: str, now: int, lease_until: int, limit: int
) -> Claimed:
    """Hand up to `limit` due runs to `owner`, at most one of each thread, oldest first.

    Each gets the next attempt number, which fences off every earlier attempt.
    """
    claimed: list[Run] = []
    due = connection.execute(_DUE_THREADS, {"now": now, "limit": limit}).scalars().all()
    for thread_id in due:
        row = connection.execute(_FIRST_PENDING, {"thread": thread_id}).mappings().one()
        connection.execute(
            _START, {"run": row["run_id"], "by": owner, "until": lease_until, "now": now}
        )
        connection.execute(_TAKE_HEAD, {"thread": thread_id})
        started = {"status": "running", "attempt": row["attempt"] + 1, "started_at": now}
        claimed.append(to_run({**row, **started}))
    next_due = connection.execute(_NEXT_DUE, {"now": now}).scalar()
    return Claimed(tuple(claimed), next_due)


# -- lease ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Renewal:
    """What a heartbeat learned about the attempts it kept alive."""

    cancelled: tuple[tuple[AttemptToken, CancelAction], ...]
    lost: tuple[AttemptToken, ...]


def renew_leases(
    connection: Connection, tokens: Sequence[AttemptToken], lease_until: int
) -> Renewal:
    """Keep the attempts' leases until `lease_until`; say which are cancelled or lost."""
    cancelled: list[tuple[AttemptToken, CancelAction]] = []
    lost: list[AttemptToken] = []
    for token in tokens:
        row = connection.execute(
            update(runs)
            .where(runs.c.run_id == token.run_id, runs.c.attempt == token.attempt, _RUNNING)
            .values(lease_until=lease_until)
            .returning(runs.c.cancel_action)
        ).first()
        if row is None:
            lost.append(token)
        elif row[0] is not None:
            cancelled.append((token, CancelAction(row[0])))
    return Renewal(tuple(cancelled), tuple(lost))


def close_fence(connection: Connection, token: AttemptToken) -> None:
    """Refuse every later write of this attempt, though its row still shows `running`."""
    connection.execute(
        update(runs)
        .where(runs.c.run_id == token.run_id, runs.c.attempt == token.attempt, _RUNNING)
        .values(fenced=True)
    )


def hand_back(
    connection: Connection,
    token: AttemptToken,
    thread_id: ThreadId,
    now: int,
    *,
    blameless: bool = True,
) -> bool:
    """Put a run back into the queue; its next attempt goes on from here."""
    result = connection.execute(
        update(runs)
        .where(
            runs.c.run_id == token.run_id,
            runs.c.attempt == token.attempt,
            _RUNNING,
            runs.c.cancel_action.is_(None),
        )
        .values(
            status=RunStatus.PENDING.value,
            handed_back=runs.c.handed_back + int(blameless),
            owner=None,
            lease_until=None,
            updated_at=now,
            fenced=True,
        )
    )
    refresh_head(connection, thread_id)
    return bool(result.rowcount)


# -- end -----------------------------------------------------------------------


_END = (
    update(runs)
    .where(runs.c.run_id == bindparam("run"), runs.c.attempt == bindparam("number"), _RUNNING)
    .values(
        status=bindparam("status"),
        ended_at=bindparam("now"),
        updated_at=bindparam("now"),
        fenced=True,
        lease_until=null(),
        owner=null(),
    )
)


def finish_run(
    connection: Connection,
    run: Run,
    status: RunStatus,
    outcome: ThreadOutcome,
    now: int,
) -> Run:
    """End an attempt: status, fence and the thread's values together.

    A rollback asked for while the graph ended wins: then every trace of the run goes.

    Returns:
        The row as it was before the end, with what was asked of it meanwhile.

    Raises:
        IllegalTransition: The attempt no longer holds the run; nothing was written.
    """
    held = held_run(connection, run.token)
    if held.cancel_action is CancelAction.ROLLBACK:
        roll_back_run(connection, held, now)
        return held
    connection.execute(
        _END, {"run": run.run_id, "number": run.attempt, "status": status.value, "now": now}
    )
    settle_thread(connection, run.thread_id, outcome, now)
    return held


_SETTLE = (
    update(threads)
    .where(threads.c.thread_id == bindparam("thread"))
    .values(
        error=bindparam("problem", type_=threads.c.error.type),
        rest_status=bindparam("rest"),
        updated_at=bindparam("now"),
    )
)
_SETTLE_WITH_STATE = _SETTLE.values(
    {
        "values": bindparam("state"),
        "interrupts": bindparam("waiting"),
        "state_updated_at": bindparam("now"),
    }
)


def settle_thread(
    connection: Connection, thread_id: ThreadId, outcome: ThreadOutcome, now: int
) -> None:
    """Write what the head of the history is now, and let the next run start."""
    settled = {
        "thread": thread_id,
        "problem": outcome.error,
        "rest": outcome.rest_status.value,
        "now": now,
    }
    if outcome.values is None:
        connection.execute(_SETTLE, settled)
    else:
        connection.execute(
            _SETTLE_WITH_STATE,
            {**settled, "state": outcome.values, "waiting": outcome.interrupts},
        )
    refresh_head(connection, thread_id)


_HELD = select(*_RUN_COLUMNS).where(
    runs.c.run_id == bindparam("run"), runs.c.attempt == bindparam("number"), _RUNNING
)


def held_run(connection: Connection, token: AttemptToken) -> Run:
    """The run an attempt holds.

    Raises:
        IllegalTransition: The attempt does not hold it any more.
    """
    row = (
        connection.execute(_HELD, {"run": token.run_id, "number": token.attempt}).mappings().first()
    )
    if row is None:
        raise IllegalTransition
    return to_run(row)


def roll_back_run(connection: Connection, run: Run, now: int) -> None:
    """Remove a run as if it had never been: row, checkpoints, writes, store untouched.

    The thread's values need no change: they are written only when a run ends.
    """
    traces.erase_run(connection, run.run_id)
    connection.execute(delete(runs).where(runs.c.run_id == run.run_id))
    row: dict[str, Any] = {"updated_at": now}
    if run.superseded_by is None and run.cancel_message is not None:
        row["error"] = {"error": "UserRollback", "message": run.cancel_message}
    connection.execute(update(threads).where(threads.c.thread_id == run.thread_id).values(row))
    refresh_head(connection, run.thread_id)


# -- recovery ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Recovered:
    """Runs whose worker is gone: back in the queue, out of attempts, or to be cut."""

    requeued: tuple[Run, ...]
    exhausted: tuple[Run, ...]
    cancelled: tuple[Run, ...]


def recover_runs(
    connection: Connection, *, now: int, max_attempts: int, live: frozenset[RunId]
) -> Recovered:
    """Take back the running runs whose lease ended, except the caller's own live ones.

    Requeued runs are pending again. Exhausted and cancelled ones are fenced and still
    `running`: the caller ends them, since that needs the graph's state.
    """
    requeued: list[Run] = []
    exhausted: list[Run] = []
    cancelled: list[Run] = []
    rows = connection.execute(
        select(*_RUN_COLUMNS).where(
            _RUNNING, _IN_FLIGHT, func.coalesce(runs.c.lease_until, 0) < now
        )
    ).mappings()
    for run in [to_run(row) for row in rows]:
        if run.run_id in live:
            continue
        if run.cancel_action is not None:
            close_fence(connection, run.token)
            cancelled.append(run)
        elif run.attempt - run.handed_back >= max_attempts:
            close_fence(connection, run.token)
            exhausted.append(run)
        else:
            _requeue(connection, run, now)
            requeued.append(run)
    return Recovered(tuple(requeued), tuple(exhausted), tuple(cancelled))


def _requeue(connection: Connection, run: Run, now: int) -> None:
    connection.execute(
        update(runs)
        .where(runs.c.run_id == run.run_id, runs.c.attempt == run.attempt, _RUNNING)
        .values(
            status=RunStatus.PENDING.value,
            owner=None,
            lease_until=None,
            updated_at=now,
            fenced=True,
        )
    )
    refresh_head(connection, run.thread_id)


def expire_all_leases(connection: Connection) -> None:
    """End every lease and hold at once: for a start that owns the database alone."""
    connection.execute(update(runs).where(_RUNNING, _IN_FLIGHT).values(lease_until=0))
    held = connection.execute(
        select(threads.c.thread_id).where(threads.c.hold_token.is_not(None))
    ).scalars()
    for thread_id in held.all():
        connection.execute(
            update(threads).where(threads.c.thread_id == thread_id).values(hold_token=None)
        )
        refresh_head(connection, ThreadId(thread_id))


# -- read ----------------------------------------------------------------------

_BY_ID = select(*_RUN_COLUMNS).where(runs.c.run_id == bindparam("run"))


def find_run(connection: Connection, run_id: RunId) -> Run | None:
    """The run, or None when there is none or none any more."""
    row = connection.execute(_BY_ID, {"run": run_id}).mappings().first()
    return to_run(row) if row is not None else None


def get_run(connection: Connection, thread_id: ThreadId, run_id: RunId) -> Run:
    """The thread's run.

    Raises:
        NotFound: The thread has no such run.
    """
    run = find_run(connection, run_id)
    if run is None or run.thread_id != thread_id:
        raise NotFound
    return run


def list_runs(
    connection: Connection,
    thread_id: ThreadId,
    *,
    limit: int,
    offset: int,
    status: str | None = None,
) -> list[Run]:
    """The thread's runs, newest first."""
    query = (
        select(*_RUN_COLUMNS)
        .where(runs.c.thread_id == thread_id)
        .order_by(runs.c.created_at.desc(), runs.c.seq.desc())
        .limit(limit)
        .offset(offset)
    )
    if status is not None:
        query = query.where(runs.c.status == status)
    return [to_run(row) for row in connection.execute(query).mappings()]


def delete_finished_run(connection: Connection, run: Run) -> None:
    """Remove an ended run with its checkpoints; later ones are tied to what came before.

    Raises:
        IllegalTransition: The run is in flight.
    """
    traces.unlink_run(connection, run.run_id)
    traces.erase_run(connection, run.run_id)
    result = connection.execute(delete(runs).where(runs.c.run_id == run.run_id, ~_IN_FLIGHT))
    if not result.rowcount:
        raise IllegalTransition
