"""Claims: a worker takes a run, keeps its lease, hands it back, or loses it to recovery.

A thread's `head_at` is kept by every job that changes the thread's runs; a claim looks only
there, so its cost does not grow with the number of waiting or finished runs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    bindparam,
    case,
    func,
    literal,
    null,
    select,
    update,
)

from outrigger_server.domain.run import AttemptToken, CancelAction, Run, RunId, RunStatus, ThreadId
from outrigger_server.stores.dialect import has_other_writers
from outrigger_server.stores.locks import lock_thread
from outrigger_server.stores.run_rows import (
    IN_FLIGHT,
    PENDING,
    RUN_COLUMNS,
    RUNNING,
    refresh_head,
    to_run,
)
from outrigger_server.stores.tables import runs, threads

# -- claim ---------------------------------------------------------------------

_DUE_THREADS = (
    select(threads.c.thread_id)
    .where(threads.c.head_at <= bindparam("now"))
    .order_by(threads.c.head_at)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
)
_NEXT_DUE = select(func.min(threads.c.head_at)).where(threads.c.head_at > bindparam("now"))
_FIRST_HEAD = select(func.min(threads.c.head_at))
_FIRST_PENDING = (
    select(runs.c.run_id)
    .where(runs.c.thread_id == bindparam("thread"), PENDING, IN_FLIGHT)
    .order_by(runs.c.created_at, runs.c.seq)
    .limit(1)
    .scalar_subquery()
)
_START_FIRST = (
    update(runs)
    .where(runs.c.run_id == _FIRST_PENDING, PENDING)
    .values(
        status=RunStatus.RUNNING.value,
        attempt=runs.c.attempt + 1,
        owner=bindparam("by"),
        lease_until=bindparam("until"),
        started_at=bindparam("now"),
        updated_at=bindparam("now"),
        fenced=False,
    )
    .returning(*RUN_COLUMNS)
)
_TAKE_HEAD = (
    update(threads).where(threads.c.thread_id == bindparam("thread")).values(head_at=null())
)


SKIPPED_MICROSECONDS = 20_000
"""When to look again at a due thread that another process was at."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """Runs a worker now holds, and when to claim again; None when nothing waits."""

    runs: tuple[Run, ...]
    next_due: int | None


def claim_runs(
    connection: Connection, *, owner: str, now: int, lease_until: int, limit: int
) -> Claimed:
    """Hand up to `limit` due runs to `owner`, at most one of each thread, oldest first.

    Each gets the next attempt number, which fences off every earlier attempt. A thread that
    another process is changing is left out, not waited for.
    """
    claimed: list[Run] = []
    due = connection.execute(_DUE_THREADS, {"now": now, "limit": limit}).scalars().all()
    for thread_id in due:
        start = {"thread": thread_id, "by": owner, "until": lease_until, "now": now}
        claimed.append(to_run(connection.execute(_START_FIRST, start).mappings().one()))
        connection.execute(_TAKE_HEAD, {"thread": thread_id})
    if len(claimed) == limit:  # there may be more at once
        return Claimed(tuple(claimed), now)
    next_due = connection.execute(_NEXT_DUE, {"now": now}).scalar()
    if has_other_writers(connection):
        first = connection.execute(_FIRST_HEAD).scalar()
        if first is not None and first <= now:  # another process is at that thread just now
            next_due = now + SKIPPED_MICROSECONDS
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
    for token in sorted(tokens, key=_lock_order):
        row = connection.execute(
            update(runs)
            .where(runs.c.run_id == token.run_id, runs.c.attempt == token.attempt, RUNNING)
            .values(lease_until=lease_until)
            .returning(runs.c.cancel_action)
        ).first()
        if row is None:
            lost.append(token)
        elif row[0] is not None:
            cancelled.append((token, CancelAction(row[0])))
    return Renewal(tuple(cancelled), tuple(lost))


def _lock_order(token: AttemptToken) -> RunId:
    """Rows of several runs are locked in one order by everybody, so nobody waits in a ring."""
    return token.run_id


def _spent_until(end: ColumnElement[int]) -> ColumnElement[int]:
    """What the run has spent once its attempt ended at `end`."""
    began = func.coalesce(runs.c.started_at, end)
    return runs.c.spent + case((end > began, end - began), else_=0)


def _end_of_lease(now: int) -> ColumnElement[int]:
    """The last moment at which a lost attempt may have been alive: no later than `now`."""
    lease = func.coalesce(runs.c.lease_until, now)
    return case((lease < now, lease), else_=literal(now, BigInteger))


def close_fence(connection: Connection, token: AttemptToken) -> None:
    """Refuse every later write of this attempt, though its row still shows `running`."""
    connection.execute(
        update(runs)
        .where(runs.c.run_id == token.run_id, runs.c.attempt == token.attempt, RUNNING)
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
    lock_thread(connection, thread_id)
    result = connection.execute(
        update(runs)
        .where(
            runs.c.run_id == token.run_id,
            runs.c.attempt == token.attempt,
            RUNNING,
            runs.c.cancel_action.is_(None),
        )
        .values(
            status=RunStatus.PENDING.value,
            spent=_spent_until(literal(now, BigInteger)),
            handed_back=runs.c.handed_back + int(blameless),
            owner=None,
            lease_until=None,
            updated_at=now,
            fenced=True,
        )
    )
    refresh_head(connection, thread_id)
    return bool(result.rowcount)


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
    for run in _lapsed(connection, now):
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


_LAPSED = (RUNNING, IN_FLIGHT, func.coalesce(runs.c.lease_until, 0) < bindparam("now"))
_LAPSED_RUNS = select(*RUN_COLUMNS).where(*_LAPSED)
_LAPSED_THREADS = (
    select(threads.c.thread_id)
    .where(threads.c.thread_id.in_(select(runs.c.thread_id).where(*_LAPSED)))
    .with_for_update(skip_locked=True)
)


def _lapsed(connection: Connection, now: int) -> list[Run]:
    """The runs whose lease ended, of threads that no other process is changing."""
    if not has_other_writers(connection):
        rows = connection.execute(_LAPSED_RUNS, {"now": now}).mappings()
        return [to_run(row) for row in rows]
    free = connection.execute(_LAPSED_THREADS, {"now": now}).scalars().all()
    if not free:
        return []
    query = _LAPSED_RUNS.where(runs.c.thread_id.in_(free)).order_by(runs.c.run_id)
    return [to_run(row) for row in connection.execute(query, {"now": now}).mappings()]


def _requeue(connection: Connection, run: Run, now: int) -> None:
    connection.execute(
        update(runs)
        .where(runs.c.run_id == run.run_id, runs.c.attempt == run.attempt, RUNNING)
        .values(
            status=RunStatus.PENDING.value,
            spent=_spent_until(_end_of_lease(now)),
            owner=None,
            lease_until=None,
            updated_at=now,
            fenced=True,
        )
    )
    refresh_head(connection, run.thread_id)


def expire_all_leases(connection: Connection, now: int) -> None:
    """End every lease and hold at once: for a start that owns the database alone.

    A lease that had ended before keeps its end: until then its attempt may have been alive.
    """
    connection.execute(
        update(runs)
        .where(RUNNING, IN_FLIGHT, func.coalesce(runs.c.lease_until, now) >= now)
        .values(lease_until=now - 1)
    )
    _end_holds(connection, connection.execute(_HELD_THREADS).scalars().all())


_HELD_THREADS = (
    select(threads.c.thread_id)
    .where(threads.c.hold_token.is_not(None))
    .with_for_update(skip_locked=True)
)
_LAPSED_HOLDS = _HELD_THREADS.where(threads.c.held_until < bindparam("now"))


def end_lapsed_holds(connection: Connection, now: int) -> int:
    """Let runs start again on threads whose holder did not release them in time.

    A holder that is alive after all is fenced by that. Returns how many there were.
    """
    lapsed = connection.execute(_LAPSED_HOLDS, {"now": now}).scalars().all()
    _end_holds(connection, lapsed)
    return len(lapsed)


def _end_holds(connection: Connection, held: Sequence[str]) -> None:
    for thread_id in held:
        connection.execute(
            update(threads)
            .where(threads.c.thread_id == thread_id)
            .values(hold_token=None, held_until=None)
        )
        refresh_head(connection, ThreadId(thread_id))
