"""The queue and its workers: accepts runs, runs them one after another, stops them.

Each thread has at most one worker, a greenlet that lives while something is pending. A run is
pending until the worker takes it, then running until it has ended; only then comes the next.
"""

from functools import partial
from random import Random
from typing import Any

from fakes.graph_server.bugs import Bug, Bugs
from fakes.graph_server.clock import Signal, SimulatedClock
from fakes.graph_server.endings import Endings
from fakes.graph_server.events import EventLog
from fakes.graph_server.graph import Ending, Execution
from fakes.graph_server.multitask import Decision, decide, wrongly_decide
from fakes.graph_server.rows import Action, Ids, RunRow, Status, ThreadRow
from fakes.graph_server.wrong_starts import token_of

QUEUE_SECONDS = (0.001, 0.02)
FINISH_SECONDS = (0.0002, 0.001)
SLOW_SECONDS = 8.0
BACK_DATED = 10_000_000


class Engine:
    def __init__(self, clock: SimulatedClock, random: Random, ids: Ids, bugs: Bugs) -> None:
        self._clock = clock
        self._random = random
        self._ids = ids
        self._bugs = bugs
        self.endings = Endings(clock, ids, bugs)

    # -- create ----------------------------------------------------------------------

    def create(
        self, thread: ThreadRow, place: tuple[str, str], strategy: str, kwargs: dict[str, Any]
    ) -> RunRow | None:
        """Decide about a new run and carry it out, all at one moment; None when refused.

        `place` is (assistant id, graph id); kwargs hold `after_seconds` besides the row's.
        """
        now = self._ids.wall()
        present = thread.in_flight()
        decision = decide(strategy, present)
        if self._bugs:
            decision = wrongly_decide(self._bugs, strategy, thread, present, now)
        run = self._row(thread, place, strategy, kwargs, now)
        if not decision.accepted:
            self._refused(run, present)
            return None
        run.waited = bool(present)
        run.victims = decision.drop + decision.cut
        self._apply(decision, run)
        if not present:
            thread.assistant_id, thread.graph_id = place
        if Bug.ACCEPTED_RUN_LOST in self._bugs and present:
            return run
        if self._bugs:
            self._side_effects(run, decision, present)
        thread.runs[run.run_id] = run
        if decision.drop_newcomer:
            self.endings.drop(run, decision.action or Action.INTERRUPT)
        self.wake(thread)
        return run

    def _row(
        self,
        thread: ThreadRow,
        place: tuple[str, str],
        strategy: str,
        kwargs: dict[str, Any],
        now: int,
    ) -> RunRow:
        after = round(max(0.0, kwargs.pop("after_seconds")) * 1_000_000)
        created_at = now + after
        if Bug.CREATED_AT_GOES_BACK in self._bugs and len(thread.runs) % 2:
            created_at -= BACK_DATED
        return RunRow(
            run_id=self._ids.new(),
            thread=thread,
            assistant_id=place[0],
            graph_id=place[1],
            strategy=strategy,
            kwargs=kwargs,
            created_at=created_at,
            seq=self._ids.count,
            events=EventLog(self._clock, self._ids.wall, self._bugs, with_ids=kwargs["resumable"]),
            told=Signal(self._clock),
            ended=Signal(self._clock),
            updated_at=now,
            accepted_at=now,
        )

    def _apply(self, decision: Decision, newcomer: RunRow) -> None:
        if decision.action is None:
            return
        message = f"superseded by run {newcomer.run_id} (multitask_strategy={decision.action})"
        for run in decision.drop:
            run.cancel_message, run.superseded_by = message, newcomer.run_id
            self.endings.drop(run, decision.action)
            run.lost = Bug.DROPPED_RUN_STARTS in self._bugs
        for run in decision.cut:
            self.tell_to_stop(run, decision.action, message, newcomer.run_id)

    # -- stop ------------------------------------------------------------------------

    def tell_to_stop(
        self, run: RunRow, action: Action, message: str, superseded_by: str = ""
    ) -> None:
        """Ask for the end of a running run; a rollback outweighs an interrupt."""
        if run.cancel_action is not Action.ROLLBACK:
            run.cancel_action = action
        run.cancel_message = message
        run.superseded_by = superseded_by or run.superseded_by
        run.told.notify()

    def cancel(self, run: RunRow, action: Action, message: str) -> bool:
        """Cancel a run; False when it has ended or is being cancelled that way already."""
        if run.status is Status.PENDING:
            run.cancel_message = message
            self.endings.drop(run, action)
            run.thread.changed.notify()
            return True
        if run.status is not Status.RUNNING:
            return False
        if run.cancel_action is Action.ROLLBACK or run.cancel_action is action:
            return False
        self.tell_to_stop(run, action, message)
        return True

    def delete(self, run: RunRow) -> None:
        """Remove a run that has ended, with its checkpoints; later ones are tied together."""
        run.thread.history.unlink(run.run_id)
        run.thread.history.erase(run.run_id)
        run.thread.runs.pop(run.run_id, None)
        if not any(each.status is Status.RUNNING for each in run.thread.runs.values()):
            self.endings.follow_head(run.thread)

    # -- run -------------------------------------------------------------------------

    def wake(self, thread: ThreadRow) -> None:
        """See to it that the thread's runs are worked on."""
        if thread.working:
            thread.changed.notify()
            return
        thread.working = True
        self._clock.background(partial(self._work, thread))

    def _work(self, thread: ThreadRow) -> None:
        while (run := self._next(thread)) is not None:
            self._attempt(run)
            self._wait_wrongly(thread)
        thread.working = False

    def _next(self, thread: ThreadRow) -> RunRow | None:
        """Wait for the first run in the queue, as long as there is one, and take it."""
        while (first := self._first_pending(thread)) is not None:
            delay = first.created_at - self._ids.wall()
            if delay > 0:
                thread.changed.wait(delay / 1_000_000)
                continue
            self._clock.sleep(self._random.uniform(*QUEUE_SECONDS))
            if Bug.SLOW_START in self._bugs and not first.waited:
                self._clock.sleep(SLOW_SECONDS)
            if self._first_pending(thread) is first:
                return first
        return None

    def _first_pending(self, thread: ThreadRow) -> RunRow | None:
        waiting = [run for run in thread.runs.values() if self._may_start(run)]
        newest_first = Bug.QUEUE_IS_LIFO in self._bugs
        choose = max if newest_first else min
        return choose(waiting, key=lambda run: run.order, default=None)

    def _may_start(self, run: RunRow) -> bool:
        if Bug.DROPPED_RUN_STARTS in self._bugs and run.lost:
            return True
        if Bug.WAKEUP_LOST in self._bugs and run.waited and not run.victims:
            return False
        return run.status is Status.PENDING

    def _attempt(self, run: RunRow) -> None:
        if run.status is not Status.PENDING:
            self._run_the_dropped(run)
            return
        run.status, run.updated_at = Status.RUNNING, self._ids.wall()
        run.attempt += 1
        run.started_at = self._clock.now()
        run.events.publish("metadata", {"run_id": run.run_id, "attempt": run.attempt})
        ending = Execution(run, self._clock, self._random, self._ids, self._bugs).go()
        self._clock.sleep(self._random.uniform(*FINISH_SECONDS))
        if run.cancel_action is Action.ROLLBACK:
            self.endings.roll_back(run)
        elif ending is Ending.DONE and not self._interrupted_all_the_same(run):
            self.endings.succeed(run)
        else:
            self.endings.interrupt(run)

    # -- faults ----------------------------------------------------------------------

    def _interrupted_all_the_same(self, run: RunRow) -> bool:
        return Bug.COMPLETE_YET_INTERRUPTED in self._bugs and run.cancel_action is not None

    def _run_the_dropped(self, run: RunRow) -> None:
        run.lost, run.cancel_action = False, None
        Execution(run, self._clock, self._random, self._ids, self._bugs).go()

    def _wait_wrongly(self, thread: ThreadRow) -> None:
        if Bug.SLOW_SUCCESSOR in self._bugs and thread.in_flight():
            self._clock.sleep(SLOW_SECONDS)

    def _refused(self, run: RunRow, present: list[RunRow]) -> None:
        """What a refusal leaves behind: nothing in a correct server."""
        thread = run.thread
        if Bug.REFUSED_INPUT_LANDS in self._bugs and run.kwargs["input"] is not None:
            thread.strays += run.kwargs["input"]["log"]
        if Bug.REFUSED_ROW_STAYS in self._bugs:
            run.status = Status.INTERRUPTED
            thread.runs[run.run_id] = run
        if Bug.REFUSAL_CUTS in self._bugs:
            for each in present:
                self.cancel(each, Action.INTERRUPT, "refused")

    def _side_effects(self, run: RunRow, decision: Decision, present: list[RunRow]) -> None:
        thread, head = run.thread, run.thread.history.head
        run.head_then = head.checkpoint_id if head is not None else ""
        if head is not None and head.question is not None and head.next:
            run.question_then = str(head.question.value["token"])
        if Bug.SUCCESS_OVERWRITTEN in self._bugs:
            for each in thread.runs.values():
                if each.status is Status.SUCCESS:
                    each.status = Status.INTERRUPTED
        if Bug.WAITING_INPUT_TWICE in self._bugs and present and run.strategy == "enqueue":
            thread.strays += (run.kwargs["input"] or {}).get("log", ())
        if Bug.DROPPED_INPUT_LANDS in self._bugs:
            for victim in decision.drop:
                if token_of(victim):
                    thread.strays += victim.kwargs["input"]["log"]
