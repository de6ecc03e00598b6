"""The run queue as a store keeps it, in a transaction that is open; see `ModelQueue`."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection, select

from fakes.open_transaction import OpenTransaction
from fakes.run_desk import dump, request, worded
from fakes.run_queue.attempt_writes import AttemptWriter
from fakes.run_queue.picture import Picture, RunRow, ThreadRow
from outrigger_server.domain.multitask import Decision, MultitaskStrategy
from outrigger_server.domain.run import AttemptToken, CancelAction, Lease, Run, RunStatus
from outrigger_server.domain.thread import ThreadOutcome
from outrigger_server.errors import Conflict, IllegalTransition, ThreadBusy
from outrigger_server.stores import claims, run_ends, run_rows, runs, tables, threads, traces
from outrigger_server.stores.checkpoint_tables.of import checkpoint_tables
from outrigger_server.stores.dialect import driver_of

_RUNS = """
SELECT run_id, thread_id, status, attempt, handed_back, created_at, cancel_action, superseded_by,
    fenced, lease_until FROM runs
"""
_THREADS = select(*threads.COLUMNS, tables.threads.c.head_at, tables.threads.c.hold_token)
CUT = {RunStatus.INTERRUPTED, RunStatus.TIMEOUT}


def picture_of(connection: Connection) -> Picture:
    """What the database shows of its queue."""
    rows = asked(connection, _RUNS)
    found = {name: RunRow(*rest[:-2], bool(rest[-2]), rest[-1]) for name, *rest in rows}
    shown = {
        row["thread_id"]: ThreadRow(row["status"], row["values"], row["head_at"], row["hold_token"])
        for row in connection.execute(_THREADS).mappings()
    }
    return Picture(found, shown, _traces(connection))


def _traces(connection: Connection) -> frozenset[str]:
    parts = [
        f"SELECT run_id FROM {name} WHERE run_id IS NOT NULL"
        for name in checkpoint_tables(connection).names
    ]
    parts.append("SELECT replaced_by FROM writes_kept")
    return frozenset(name for (name,) in asked(connection, " UNION ".join(parts)))


def asked(connection: Connection, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """The rows for a query in SQLite's words."""
    return driver_of(connection).execute(worded(connection, query), parameters).fetchall()


class StoredQueue:
    """Carries out each step with the store's own jobs, every one undone when it raises."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._database = OpenTransaction(connection)
        self._writer = AttemptWriter(self._database)
        self._attempts: dict[AttemptToken, Run] = {}
        self._bases: dict[str, tuple[str, list[str]]] = {}

    def _do(self, job: Callable[..., Any], **arguments: Any) -> Any:
        return self._database.write_blocking(partial(job, **arguments))

    # -- look ------------------------------------------------------------------

    def picture(self) -> Picture:
        return picture_of(self._connection)

    def dump(self) -> dict[str, list[Any]]:
        return dump(self._connection)

    def _content(self, thread_id: str) -> list[str]:
        """Every checkpoint, value and write of the thread."""
        content = []
        for name in checkpoint_tables(self._connection).names:
            query = f"SELECT '{name}', x.* FROM {name} x WHERE thread_id = ?"
            content += [repr(row) for row in self._asked(query, thread_id)]
        return sorted(content)

    def _asked(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        return asked(self._connection, query, *parameters)

    # -- create and cancel -----------------------------------------------------

    def create_thread(self, thread_id: str, now: int) -> None:
        self._do(threads.create_thread, thread_id=thread_id, metadata={}, now=now)
        self._writer.back_to(thread_id, None)

    def create(
        self,
        thread_id: str,
        run_id: str,
        strategy: MultitaskStrategy,
        delay: int,
        now: int,
        lease: Lease | None,
    ) -> tuple[Decision, int, tuple[str, ...], AttemptToken | None]:
        wanted = request(run_id, strategy.value, after_seconds=delay)
        made = self._do(runs.create_run, thread_id=thread_id, request=wanted, now=now, lease=lease)
        assert (made.run is not None) is made.decision.accepted
        dropped = tuple(run.run_id for run in made.dropped)
        if made.decision.action is CancelAction.ROLLBACK:
            self._check_restored(*dropped)
        if made.started is not None:
            self._note_start(made.started)
        token = None if made.started is None else made.started.token
        return made.decision, made.queue_length, dropped, token

    def cancel(
        self, thread_id: str, names: Sequence[str], action: CancelAction, now: int
    ) -> tuple[list[str], list[str]]:
        done = self._do(
            runs.cancel_runs,
            thread_id=thread_id,
            run_ids=names,
            action=action,
            now=now,
            message="stop",
        )
        dropped = [run.run_id for run in done.dropped]
        if action is CancelAction.ROLLBACK:
            self._check_restored(*dropped)
        return list(done.signalled), dropped

    # -- attempts --------------------------------------------------------------

    def claim(
        self, owner: str, now: int, until: int, limit: int
    ) -> tuple[list[tuple[AttemptToken, str]], int | None]:
        done = self._do(claims.claim_runs, owner=owner, now=now, lease_until=until, limit=limit)
        for run in done.runs:
            self._note_start(run)
        return [(run.token, run.thread_id) for run in done.runs], done.next_due

    def _note_start(self, run: Run) -> None:
        self._attempts[run.token] = run
        if run.attempt == 1:  # later ones find what the earlier wrote
            self._bases[run.run_id] = (run.thread_id, self._content(run.thread_id))

    def renew(
        self, tokens: Sequence[AttemptToken], until: int
    ) -> tuple[set[AttemptToken], set[AttemptToken]]:
        done = self._do(claims.renew_leases, tokens=tokens, lease_until=until)
        return {token for token, _ in done.cancelled}, set(done.lost)

    def write(self, token: AttemptToken, thread_id: str) -> list[bool]:
        return self._writer.write(token, thread_id)

    def close_fence(self, token: AttemptToken) -> None:
        self._do(claims.close_fence, token=token)

    def hand_back(self, token: AttemptToken, thread_id: str, now: int, *, blameless: bool) -> bool:
        return self._do(
            claims.hand_back, token=token, thread_id=thread_id, now=now, blameless=blameless
        )

    def finish(
        self, token: AttemptToken, status: RunStatus, outcome: ThreadOutcome, now: int
    ) -> str:
        def job(connection: Connection) -> str:
            attempt = self._attempts[token]
            held = run_ends.finish_run(connection, attempt, status, outcome, now).run
            if status in CUT:
                traces.drop_unfinished_step(connection, attempt)
            return "rolled back" if held.cancel_action is CancelAction.ROLLBACK else "ended"

        return self._ended(job, token)

    def roll_back(self, token: AttemptToken, now: int) -> str:
        def job(connection: Connection) -> str:
            run_ends.roll_back_run(connection, run_rows.held_run(connection, token), now)
            return "rolled back"

        return self._ended(job, token)

    def _ended(self, job: Callable[[Connection], str], token: AttemptToken) -> str:
        try:
            end = self._do(job)
        except IllegalTransition:
            return "lost"
        if end == "rolled back":
            self._check_restored(token.run_id)
        return end

    def _check_restored(self, *names: str) -> None:
        """What a rolled-back run found when it first started is all that is left."""
        for name in names:
            if name in self._bases:
                thread_id, base = self._bases.pop(name)
                assert self._content(thread_id) == base, f"{name} left something, or took it"
                self._back_to_head(thread_id)

    def _back_to_head(self, thread_id: str) -> None:
        query = "SELECT max(checkpoint_id) FROM checkpoints WHERE thread_id = ?"
        ((head,),) = self._asked(query, thread_id)
        self._writer.back_to(thread_id, head)

    def sweep(
        self, now: int, live: frozenset[str], max_attempts: int
    ) -> tuple[set[AttemptToken], set[AttemptToken], set[AttemptToken]]:
        done = self._do(claims.recover_runs, now=now, max_attempts=max_attempts, live=live)
        groups = (done.requeued, done.exhausted, done.cancelled)
        requeued, exhausted, cancelled = ({run.token for run in group} for group in groups)
        return requeued, exhausted, cancelled

    # -- threads ---------------------------------------------------------------

    def expire_all(self, now: int) -> None:
        self._do(claims.expire_all_leases, now=now)

    def hold(self, thread_id: str, token: str, until: int) -> str:
        try:
            self._do(threads.hold_thread, thread_id=thread_id, token=token, until=until)
        except ThreadBusy:
            return "busy"
        except Conflict:
            return "conflict"
        return "held"

    def hold_quiet(self, thread_id: str, token: str, until: int) -> bool:
        return self._do(threads.hold_quiet_thread, thread_id=thread_id, token=token, until=until)

    def write_state(self, thread_id: str, token: str) -> bool:
        return self._writer.write_state(thread_id, token)

    def release(self, thread_id: str, token: str, outcome: ThreadOutcome | None, now: int) -> None:
        self._do(threads.release_thread, thread_id=thread_id, token=token, outcome=outcome, now=now)

    def end_holds(self, now: int) -> int:
        return self._do(claims.end_lapsed_holds, now=now)

    def delete_run(self, name: str) -> bool:
        run = run_rows.find_run(self._connection, name)
        try:
            self._do(run_ends.delete_finished_run, run=run)
        except IllegalTransition:
            return False
        self._forget(run.thread_id)
        return True

    def delete_thread(self, thread_id: str) -> set[str]:
        present = self._do(threads.delete_thread, thread_id=thread_id)
        self._forget(thread_id)
        return {run.run_id for run in present}

    def _forget(self, thread_id: str) -> None:
        """What the thread's runs found is not all there any more, and rightly so."""
        self._bases = {n: base for n, base in self._bases.items() if base[0] != thread_id}
        self._back_to_head(thread_id)
