"""The run queue as it should be: the rules of `domain`, applied to runs in a dictionary.

Every step has the name, the arguments and the result that `StoredQueue` has.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from fakes.run_queue.picture import Picture, RunRow, ThreadRow
from outrigger_server.domain.multitask import Decision, InFlightRun, MultitaskStrategy, decide
from outrigger_server.domain.run import AttemptToken, CancelAction, Lease, RunStatus
from outrigger_server.domain.thread import ThreadOutcome

PENDING, RUNNING = RunStatus.PENDING, RunStatus.RUNNING


@dataclass
class ModelRun:
    thread_id: str
    created_at: int
    status: RunStatus = PENDING
    attempt: int = 0
    handed_back: int = 0
    cancel_action: CancelAction | None = None
    superseded_by: str | None = None
    fenced: bool = False
    lease_until: int | None = None
    wrote: bool = False


@dataclass
class ModelThread:
    rest: str = "idle"
    values: str | None = None
    hold_token: str | None = None
    held_until: int = 0


@dataclass
class ModelQueue:
    """Runs in the order of their creation; every method is one transaction."""

    threads: dict[str, ModelThread] = field(default_factory=dict)
    runs: dict[str, ModelRun] = field(default_factory=dict)

    # -- look ------------------------------------------------------------------

    def in_flight(self, thread_id: str) -> list[str]:
        """The next one to run first."""
        own = [name for name, run in self.runs.items() if run.thread_id == thread_id]
        alive = [name for name in own if not self.runs[name].status.is_terminal]
        return sorted(alive, key=lambda name: self.runs[name].created_at)

    def head(self, thread_id: str) -> int | None:
        present = [self.runs[name] for name in self.in_flight(thread_id)]
        if self.threads[thread_id].hold_token or any(run.status is RUNNING for run in present):
            return None
        return present[0].created_at if present else None

    def holds(self, token: AttemptToken) -> bool:
        run = self.runs.get(token.run_id)
        return run is not None and (run.status, run.attempt) == (RUNNING, token.attempt)

    def may_write(self, token: AttemptToken) -> bool:
        return self.holds(token) and not self.runs[token.run_id].fenced

    def picture(self) -> Picture:
        rows = {
            name: RunRow(
                run.thread_id,
                run.status.value,
                run.attempt,
                run.handed_back,
                run.created_at,
                run.cancel_action and run.cancel_action.value,
                run.superseded_by,
                run.fenced,
                run.lease_until,
            )
            for name, run in self.runs.items()
        }
        threads = {
            name: ThreadRow(
                "busy" if self.in_flight(name) else thread.rest,
                thread.values,
                self.head(name),
                thread.hold_token,
            )
            for name, thread in self.threads.items()
        }
        return Picture(rows, threads, frozenset(n for n, run in self.runs.items() if run.wrote))

    # -- create and cancel -----------------------------------------------------

    def create_thread(self, thread_id: str, _now: int) -> None:
        self.threads[thread_id] = ModelThread()

    def create(
        self,
        thread_id: str,
        run_id: str,
        strategy: MultitaskStrategy,
        delay: int,
        now: int,
        lease: Lease | None,
    ) -> tuple[Decision, int, tuple[str, ...], AttemptToken | None]:
        present = [
            InFlightRun(name, self.runs[name].status, self.runs[name].cancel_action)
            for name in self.in_flight(thread_id)
        ]
        decision = decide(strategy, present)
        if not decision.accepted:
            return decision, len(present), (), None
        for name in decision.drop:
            self._drop(name, decision.action, run_id)
        for name in decision.cut:
            victim = self.runs[name]
            victim.cancel_action = decision.action.or_stronger(victim.cancel_action)
            victim.superseded_by = run_id
        self.runs[run_id] = ModelRun(thread_id, now + delay * 1_000_000)
        waits = present or delay or self.threads[thread_id].hold_token is not None
        token = None if waits or lease is None else self.start(thread_id, lease.until)
        return decision, len(present) - len(decision.drop), decision.drop, token

    def _drop(self, name: str, action: CancelAction, newcomer: str | None) -> None:
        if action is CancelAction.ROLLBACK:
            del self.runs[name]
            return
        run = self.runs[name]
        run.status, run.cancel_action = RunStatus.INTERRUPTED, action
        run.superseded_by = newcomer

    def cancel(
        self, thread_id: str, names: Sequence[str], action: CancelAction, _now: int
    ) -> tuple[list[str], list[str]]:
        signalled, dropped = [], []
        for name in self.in_flight(thread_id):
            if name not in names:
                continue
            run = self.runs[name]
            if run.status is PENDING:
                self._drop(name, action, None)
                dropped.append(name)
            elif action.or_stronger(run.cancel_action) is not run.cancel_action:
                run.cancel_action = action.or_stronger(run.cancel_action)
                signalled.append(name)
        return signalled, dropped

    # -- attempts --------------------------------------------------------------

    def start(self, thread_id: str, until: int) -> AttemptToken:
        """One of the threads that were claimed."""
        name = self.in_flight(thread_id)[0]
        run = self.runs[name]
        run.status, run.attempt, run.fenced = RUNNING, run.attempt + 1, False
        run.lease_until = until
        return AttemptToken(name, run.attempt)

    def renew(
        self, tokens: Sequence[AttemptToken], until: int
    ) -> tuple[set[AttemptToken], set[AttemptToken]]:
        lost = {token for token in tokens if not self.holds(token)}
        cancelled = set()
        for token in set(tokens) - lost:
            run = self.runs[token.run_id]
            run.lease_until = until
            if run.cancel_action is not None:
                cancelled.add(token)
        return cancelled, lost

    def write(self, token: AttemptToken, _thread_id: str) -> list[bool]:
        passes = self.may_write(token)
        if passes:
            self.runs[token.run_id].wrote = True
        return [passes] * 3

    def close_fence(self, token: AttemptToken) -> None:
        if self.holds(token):
            self.runs[token.run_id].fenced = True

    def hand_back(
        self, token: AttemptToken, _thread_id: str, _now: int, *, blameless: bool
    ) -> bool:
        if not self.holds(token) or self.runs[token.run_id].cancel_action is not None:
            return False
        self.runs[token.run_id].handed_back += blameless
        self._requeue(token.run_id)
        return True

    def _requeue(self, name: str) -> None:
        run = self.runs[name]
        run.status, run.fenced, run.lease_until = PENDING, True, None

    def finish(
        self, token: AttemptToken, status: RunStatus, outcome: ThreadOutcome, _now: int
    ) -> str:
        if not self.holds(token):
            return "lost"
        run = self.runs[token.run_id]
        if run.cancel_action is CancelAction.ROLLBACK:
            del self.runs[token.run_id]
            return "rolled back"
        run.status, run.fenced, run.lease_until = status, True, None
        self._settle(run.thread_id, outcome)
        return "ended"

    def _settle(self, thread_id: str, outcome: ThreadOutcome) -> None:
        thread = self.threads[thread_id]
        thread.rest = outcome.rest_status.value
        if outcome.values is not None:
            thread.values = outcome.values

    def roll_back(self, token: AttemptToken, _now: int) -> str:
        if not self.holds(token):
            return "lost"
        del self.runs[token.run_id]
        return "rolled back"

    def sweep(
        self, now: int, live: frozenset[str], max_attempts: int
    ) -> tuple[set[AttemptToken], set[AttemptToken], set[AttemptToken]]:
        requeued, exhausted, cancelled = set(), set(), set()
        for name, run in self.runs.items():
            if run.status is not RUNNING or name in live or run.lease_until >= now:
                continue
            token = AttemptToken(name, run.attempt)
            if run.cancel_action is None and run.attempt - run.handed_back < max_attempts:
                self._requeue(name)
                requeued.add(token)
                continue
            run.fenced = True
            (exhausted if run.cancel_action is None else cancelled).add(token)
        return requeued, exhausted, cancelled

    # -- threads ---------------------------------------------------------------

    def expire_all(self, now: int) -> None:
        for run in self.runs.values():
            if run.status is RUNNING and run.lease_until >= now:
                run.lease_until = now - 1
        for thread in self.threads.values():
            thread.hold_token = None

    def hold(self, thread_id: str, token: str, until: int) -> str:
        thread = self.threads[thread_id]
        if self.in_flight(thread_id):
            return "busy"
        if thread.hold_token is not None:
            return "conflict"
        thread.hold_token, thread.held_until = token, until
        return "held"

    def hold_quiet(self, thread_id: str, token: str, until: int) -> bool:
        thread = self.threads[thread_id]
        running = any(self.runs[name].status is RUNNING for name in self.in_flight(thread_id))
        if running or thread.hold_token is not None:
            return False
        thread.hold_token, thread.held_until = token, until
        return True

    def write_state(self, thread_id: str, token: str) -> bool:
        return self.threads[thread_id].hold_token == token

    def release(self, thread_id: str, token: str, outcome: ThreadOutcome | None, _now: int) -> None:
        thread = self.threads[thread_id]
        if thread.hold_token != token:
            return
        thread.hold_token = None
        if outcome is not None:
            self._settle(thread_id, outcome)

    def end_holds(self, now: int) -> int:
        lapsed = [t for t in self.threads.values() if t.hold_token and t.held_until < now]
        for thread in lapsed:
            thread.hold_token = None
        return len(lapsed)

    def delete_run(self, name: str) -> bool:
        if not self.runs[name].status.is_terminal:
            return False
        del self.runs[name]
        return True

    def delete_thread(self, thread_id: str) -> set[str]:
        present = set(self.in_flight(thread_id))
        self.runs = {n: run for n, run in self.runs.items() if run.thread_id != thread_id}
        del self.threads[thread_id]
        return present
