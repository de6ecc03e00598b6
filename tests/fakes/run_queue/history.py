"""Carries a program out on the model, and on a store beside it, and checks after every step."""

from dataclasses import dataclass, field
from itertools import count
from typing import Any

from fakes.clock import TurnedClock
from fakes.run_queue.model import ModelQueue
from fakes.run_queue.picture import (
    Picture,
    RunRow,
    check_change,
    check_double_text,
    check_sound,
)
from fakes.run_queue.programs import HOLD_SECONDS, LEASE_SECONDS, OWNERS, THREADS, outcome
from fakes.run_queue.stored import StoredQueue
from outrigger_server.domain.clock import MICROSECONDS
from outrigger_server.domain.multitask import MultitaskStrategy
from outrigger_server.domain.run import AttemptToken, CancelAction, Lease, RunStatus

MAX_ATTEMPTS = 2


@dataclass
class History:
    """One example. Without `stored` it shows what `decide` and the transitions come to alone."""

    stored: StoredQueue | None = None
    model: ModelQueue = field(default_factory=ModelQueue)
    clock: TurnedClock = field(default_factory=TurnedClock)
    tokens: dict[AttemptToken, str] = field(default_factory=dict)
    """Every attempt there ever was, with its thread: lost ones try again too."""
    live: dict[str, set[AttemptToken]] = field(default_factory=lambda: {o: set() for o in OWNERS})
    holds: dict[str, str] = field(default_factory=dict)
    may_vanish: set[str] = field(default_factory=set)
    order: list[str] = field(default_factory=list)
    seen: Picture = field(default_factory=lambda: Picture({}, {}, frozenset()))
    _refused: dict[AttemptToken, RunRow | None] = field(default_factory=dict)
    _numbers: Any = field(default_factory=lambda: count(1))

    # -- a program -------------------------------------------------------------

    def carry_out(self, program: list[tuple[Any, ...]]) -> None:
        """Do every step, then let everything come to rest."""
        for thread_id in THREADS:
            self._both("create_thread", thread_id, self.clock.now())
        self._check()
        for name, *arguments in program:
            getattr(self, name)(*arguments)
            self._check()
        self.drain()

    def drain(self) -> None:
        """One worker that goes on is all it takes: every run ends, every thread comes to rest."""
        self.wait(HOLD_SECONDS + 1)
        self.end_holds()
        rounds = len(self.seen.runs) + 1
        while any(run.in_flight for run in self.seen.runs.values()) and rounds:
            rounds -= 1
            self.wait(LEASE_SECONDS + 1)
            self.crash(OWNERS[0])
            self.sweep(OWNERS[1], True)
            self._check()
            self.claim(OWNERS[1], 10)
            self._check()
            for token in sorted(self.live[OWNERS[1]], key=lambda each: each.run_id):
                self._end(token, RunStatus.SUCCESS, has_next=False)
            self._check()
        stuck = {name: run for name, run in self.seen.runs.items() if run.in_flight}
        assert stuck == {}
        assert "busy" not in {thread.status for thread in self.seen.threads.values()}

    def _both(self, name: str, *arguments: Any, **named: Any) -> Any:
        expected = getattr(self.model, name)(*arguments, **named)
        if self.stored is not None:
            assert getattr(self.stored, name)(*arguments, **named) == expected, name
        return expected

    def _check(self) -> None:
        now = self.model.picture()
        found = now if self.stored is None else self.stored.picture()
        check_sound(found, max_attempts=MAX_ATTEMPTS)
        check_change(self.seen, found, self.may_vanish)
        assert found == now
        self.seen = now
        self._try_what_was_lost()

    def _try_what_was_lost(self) -> None:
        """Each attempt that may not write any more tries to, whenever its run has changed."""
        for token, thread_id in self.tokens.items():
            row = self.seen.runs.get(token.run_id)
            if self.model.may_write(token) or self._refused.get(token, ()) == row:
                continue
            self._refused[token] = row
            assert self._both("write", token, thread_id) == [False] * 3

    def _picked(self, number: int) -> AttemptToken | None:
        tokens = sorted(self.tokens, key=self.model.holds)  # those that hold their run come last
        return tokens[-1 - number % len(tokens)] if tokens else None

    def _picked_run(self, number: int) -> str | None:
        runs = sorted(self.seen.runs, key=lambda name: self.seen.runs[name].in_flight)
        return runs[-1 - number % len(runs)] if runs else None

    # -- people ----------------------------------------------------------------

    def create(
        self,
        thread_id: str,
        strategy: MultitaskStrategy,
        delay: int,
        pause: int = 0,
        starter: str | None = None,
    ) -> None:
        """Runs created without a pause have the same time, and yet an order.

        A `starter` has a slot for the run, and starts it at once when nothing is in its way.
        """
        self.wait(pause)
        run_id = f"r{next(self._numbers):03}"
        present = self.seen.in_flight(thread_id)
        if strategy is MultitaskStrategy.ROLLBACK:
            self.may_vanish |= set(present)
        before = self.stored.dump() if self.stored and strategy == "reject" else None
        now = self.clock.now()
        lease = None if starter is None else Lease(starter, now + LEASE_SECONDS * MICROSECONDS)
        free = not present and self.seen.threads[thread_id].hold_token is None
        decision, _, _, token = self._both("create", thread_id, run_id, strategy, delay, now, lease)
        assert (token is not None) is (free and starter is not None and delay == 0)
        assert decision.accepted is not (strategy == "reject" and bool(present))
        after = self.model.picture()
        check_double_text(self.seen, after, thread_id, strategy)
        if decision.accepted:
            self.order.append(run_id)
            assert after.runs[run_id].status == ("running" if token else "pending")
            if token is not None:
                self._began(starter, token, thread_id)
        else:
            assert after == self.seen
            assert before is None or self.stored.dump() == before

    def cancel(self, number: int, action: CancelAction) -> None:
        run_id = self._picked_run(number)
        if run_id is None:
            return
        if action is CancelAction.ROLLBACK and self.seen.runs[run_id].in_flight:
            self.may_vanish.add(run_id)
        thread_id = self.seen.runs[run_id].thread_id
        self._both("cancel", thread_id, [run_id], action, self.clock.now())

    def delete_run(self, number: int) -> None:
        run_id = self._picked_run(-1 - number)  # an ended one, if there is one
        if run_id is not None and self._both("delete_run", run_id):
            assert not self.seen.runs[run_id].in_flight
            self.may_vanish.add(run_id)

    def delete_thread(self, thread_id: str) -> None:
        self.may_vanish |= set(self.seen.of(thread_id))
        self._both("delete_thread", thread_id)
        self._both("create_thread", thread_id, self.clock.now())

    def hold(self, thread_id: str, quiet: bool) -> None:
        token = f"hold-{next(self._numbers)}"
        until = self.clock.now() + HOLD_SECONDS * MICROSECONDS
        got = self._both("hold_quiet" if quiet else "hold", thread_id, token, until)
        if got in (True, "held"):
            assert not self.seen.running(thread_id)
            assert quiet or not self.seen.in_flight(thread_id)
            self.holds[thread_id] = token

    def write_state(self, thread_id: str) -> None:
        token = self.holds.get(thread_id, "nobody")
        if not self.seen.in_flight(thread_id):  # a quiet hold, beside pending runs, writes nothing
            passed = self._both("write_state", thread_id, token)
            assert passed is (self.seen.threads[thread_id].hold_token == token)

    def release(self, thread_id: str, wrote: bool) -> None:
        end = outcome(next(self._numbers), has_next=False) if wrote else None
        token = self.holds.get(thread_id, "nobody")
        self._both("release", thread_id, token, end, self.clock.now())

    def end_holds(self) -> None:
        self._both("end_holds", self.clock.now())

    # -- workers ---------------------------------------------------------------

    def claim(self, owner: str, limit: int) -> None:
        now = self.clock.now()
        until = now + LEASE_SECONDS * MICROSECONDS
        heads = {name: self.model.head(name) for name in self.model.threads}
        due = sorted((head, name) for name, head in heads.items() if head and head <= now)
        later = [head for head in heads.values() if head and head > now]
        if self.stored is None:
            claimed = [(self.model.start(name, until), name) for _, name in due[:limit]]
        else:
            claimed, next_due = self.stored.claim(owner, now, until, limit)
            full = len(claimed) == limit  # there may be more at once
            assert next_due == (now if full else min(later, default=None))
            assert [self.model.start(name, until) for _, name in claimed] == [
                token for token, _ in claimed
            ]
        assert [heads[name] for _, name in claimed] == [head for head, _ in due[:limit]]
        for token, thread_id in claimed:
            assert self._first(thread_id) == token.run_id
            self._began(owner, token, thread_id)

    def _began(self, owner: str, token: AttemptToken, thread_id: str) -> None:
        self.tokens[token] = thread_id
        self.live[owner].add(token)
        assert self._both("write", token, thread_id) == [True] * 3

    def _first(self, thread_id: str) -> str:
        """The run that has waited longest, as those see it who created them."""
        waiting = {n: r for n, r in self.seen.of(thread_id).items() if r.status == "pending"}

        def place(name: str) -> tuple[int, int]:
            row: RunRow = waiting[name]
            return row.created_at, self.order.index(name)

        return min(waiting, key=place)

    def renew(self, owner: str) -> None:
        until = self.clock.now() + LEASE_SECONDS * MICROSECONDS
        tokens = sorted(self.live[owner], key=lambda each: (each.run_id, each.attempt))
        _, lost = self._both("renew", tokens, until)
        self.live[owner] -= lost

    def write(self, number: int) -> None:
        token = self._picked(number)
        if token is not None:
            self._both("write", token, self.tokens[token])

    def finish(self, number: int, end: tuple[RunStatus, bool]) -> None:
        token = self._picked(number)
        if token is not None:
            self._end(token, end[0], has_next=end[1])

    def _end(self, token: AttemptToken, status: RunStatus, *, has_next: bool) -> None:
        held = self.model.holds(token)
        failed = status in (RunStatus.ERROR, RunStatus.TIMEOUT)
        left = outcome(next(self._numbers), has_next=has_next, failed=failed)
        end = self._both("finish", token, status, left, self.clock.now())
        assert (end != "lost") is held
        self._let_go(token)

    def _let_go(self, token: AttemptToken) -> None:
        for live in self.live.values():
            live.discard(token)

    def cut(self, then_ends: bool) -> None:
        """What workers do with the attempts that are to be cancelled."""
        for token in [each for each in self.tokens if self.model.holds(each)]:
            action = self.model.runs[token.run_id].cancel_action
            if action is not None:
                self._both("close_fence", token)
                assert self._both("write", token, self.tokens[token]) == [False] * 3
                if then_ends:
                    self._finish_cut(token, action)

    def _finish_cut(self, token: AttemptToken, action: CancelAction) -> None:
        if action is CancelAction.ROLLBACK:
            assert self._both("roll_back", token, self.clock.now()) == "rolled back"
            self._let_go(token)
        else:
            self._end(token, RunStatus.INTERRUPTED, has_next=True)

    def hand_back(self, number: int, blameless: bool) -> None:
        token = self._picked(number)
        if token is None:
            return
        run = self.model.runs.get(token.run_id)
        last = run is not None and run.attempt - run.handed_back >= MAX_ATTEMPTS
        self._both(
            "hand_back",
            token,
            self.tokens[token],
            self.clock.now(),
            blameless=blameless or last,  # as a worker does: its last attempt ends in error
        )
        if not self.model.holds(token):
            self._let_go(token)

    def crash(self, owner: str) -> None:
        self.live[owner].clear()

    def lapse(self, owner: str, ends: bool) -> None:
        """The owner vanishes, or is only held up beyond its lease; another takes over."""
        self.wait(LEASE_SECONDS + 1)
        self.sweep(next(other for other in OWNERS if other != owner), ends)

    def sweep(self, owner: str, ends: bool) -> None:
        """With `ends` the sweeper lives long enough to end what it found."""
        live = frozenset(token.run_id for token in self.live[owner])
        _, exhausted, cancelled = self._both("sweep", self.clock.now(), live, MAX_ATTEMPTS)
        if not ends:
            return
        for token in sorted(exhausted, key=lambda each: each.run_id):
            self._end(token, RunStatus.ERROR, has_next=False)
        for token in sorted(cancelled, key=lambda each: each.run_id):
            action = self.model.runs[token.run_id].cancel_action
            assert action is not None
            self._finish_cut(token, action)

    def restart(self) -> None:
        """Every process is gone; a new one finds the database to itself."""
        for owner in OWNERS:
            self.crash(owner)
        self._both("expire_all", self.clock.now())
        self.sweep(OWNERS[0], True)

    def wait(self, seconds: int) -> None:
        self.clock.turn(seconds)
