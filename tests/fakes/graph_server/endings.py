"""Ends of runs: what becomes of the row, the checkpoints, the thread, and who is told what."""

from typing import Any

import orjson

from fakes.graph_server.bugs import Bug, Bugs
from fakes.graph_server.checkpoints import Checkpoint
from fakes.graph_server.clock import SimulatedClock
from fakes.graph_server.graph import MIDDLE
from fakes.graph_server.rows import Action, Ids, RunEnd, RunRow, Status, ThreadRow, iso
from fakes.graph_server.wrong_starts import token_of

ROLLED_BACK = "rolled_back"
ZOMBIE_SECONDS = 0.3
STREAM_SECONDS = 20.0


class Endings:
    """Writes the end of a run, all of it at one moment, and tells those who wait."""

    def __init__(self, clock: SimulatedClock, ids: Ids, bugs: Bugs) -> None:
        self._clock = clock
        self._ids = ids
        self._bugs = bugs

    def succeed(self, run: RunRow) -> None:
        """The graph came to its end; a question is one, too."""
        if Bug.WAITING_RUN_FAILS in self._bugs and run.waited:
            self.fail(run)
            return
        self._settle(run, Status.SUCCESS)
        head = run.thread.history.head
        if Bug.JOIN_LAGS in self._bugs and head is not None:
            head = run.thread.history.get(head.parent_id) or head
        self._tell(run, RunEnd(Status.SUCCESS, values_body(head)))

    def interrupt(self, run: RunRow) -> None:
        """The run was cut; it is a success when its last step was finished all the same."""
        head = run.thread.history.head
        own = head is not None and head.run_id == run.run_id
        if own and head is not None and not head.next and not self._deaf:
            self.succeed(run)
            return
        status = self._wrong_status(run)
        if Bug.CUT_DROPS_STEP in self._bugs and own and run.superseded_by:
            run.thread.history.keep(run.thread.history.checkpoints[:-1])
        self._settle(run, status)
        if not run.superseded_by:
            run.thread.error = {"error": "UserInterrupt", "message": run.cancel_message}
        self._tell(run, RunEnd(run.status, values_body(run.thread.history.head)))
        self._haunt(run)
        if self._cut_gone(run):
            run.thread.runs.pop(run.run_id, None)

    def roll_back(self, run: RunRow) -> None:
        """The run was cut, and everything goes that it ever did."""
        if Bug.CANCEL_ONLY_INTERRUPTS in self._bugs and not run.superseded_by:
            self.interrupt(run)
            return
        thread = run.thread
        before = values_body(thread.history.head)
        self._erase(run)
        if Bug.LEFT_INTERRUPTED in self._bugs and run.superseded_by:
            run.status = Status.INTERRUPTED
        else:
            thread.runs.pop(run.run_id, None)
        if not run.superseded_by:
            thread.error = {"error": "UserRollback", "message": run.cancel_message}
        end = rolled_back(run)
        if Bug.ROLLED_BACK_SUCCESS in self._bugs:
            end = RunEnd(Status.SUCCESS, before)
        self._tell(run, end)
        if Bug.ROLLED_BACK_WRITES in self._bugs:
            self._write_late(run, beside=False)

    def drop(self, run: RunRow, action: Action) -> None:
        """End a run that has not started."""
        run.cancel_action = action
        if action is Action.INTERRUPT:
            run.status, run.updated_at = Status.INTERRUPTED, self._ids.wall()
            self._tell(run, RunEnd(Status.INTERRUPTED, b"{}"))
            return
        if Bug.LEFT_INTERRUPTED in self._bugs:
            run.status = Status.INTERRUPTED
        else:
            run.thread.runs.pop(run.run_id, None)
        self._tell(run, rolled_back(run))

    def fail(self, run: RunRow) -> None:
        self._settle(run, Status.ERROR)
        error = {"error": "RuntimeError", "message": "boom"}
        run.thread.failed, run.thread.error = True, error
        body = orjson.dumps({"__error__": error})
        self._tell(run, RunEnd(Status.ERROR, body, error))

    def follow_head(self, thread: ThreadRow) -> None:
        """Write the thread's values anew: they are those at the head of its history."""
        head = thread.history.head
        if Bug.THREAD_VALUES_STALE in self._bugs and thread.values is not None:
            return
        thread.values = head.values if head is not None else {}
        if thread.strays_kept:
            log = thread.values.get("log", [])
            thread.values = {**thread.values, "log": log + thread.strays_kept}
        asked = head.questions() if head is not None else []
        thread.interrupts = {head.task_id: asked} if asked and head is not None else {}
        thread.updated_at = self._ids.wall()

    # -- inside ----------------------------------------------------------------------

    @property
    def _deaf(self) -> bool:
        return Bug.COMPLETE_YET_INTERRUPTED in self._bugs

    def _settle(self, run: RunRow, status: Status) -> None:
        run.status, run.updated_at = status, self._ids.wall()
        run.thread.failed, run.thread.error = False, None
        self.follow_head(run.thread)
        if Bug.RUN_VANISHES in self._bugs:
            for other in list(run.thread.runs.values()):
                if other is not run and not other.in_flight:
                    del run.thread.runs[other.run_id]

    def _tell(self, run: RunRow, end: RunEnd) -> None:
        """Tell those who stream the run, join it, or wait for it to stop."""
        run.end = end
        run.events.mute = self._hangs(run)
        run.ended.notify()
        if run.events.mute:
            return
        last_words = None
        if end.status not in (Status.SUCCESS, Status.ERROR) and Bug.NO_REASON not in self._bugs:
            last_words = {"run_id": run.run_id, "status": end.status}
            if run.superseded_by:
                last_words["superseded_by"] = run.superseded_by
        if Bug.STREAM_STAYS_OPEN not in self._bugs:
            run.events.end(last_words, end.error)
            return

        def later() -> None:
            self._clock.sleep(STREAM_SECONDS)
            run.events.end(last_words, end.error)

        self._clock.background(later)

    def _erase(self, run: RunRow) -> None:
        """Take back what the run wrote."""
        history = run.thread.history
        if Bug.CANCEL_HALF_DONE in self._bugs and not run.superseded_by:
            return
        kept = history.checkpoints[:]
        answers = [(each, each.answer) for each in kept]
        if Bug.VALUES_KEPT in self._bugs:
            run.thread.strays_kept += [
                mark for mark in _log(history.head) if mark.startswith(f"{token_of(run)}:")
            ]
        history.erase(run.run_id)
        if Bug.VALUES_KEPT in self._bugs:
            self.follow_head(run.thread)
        if Bug.CHECKPOINT_LEFT in self._bugs:
            first = next((each for each in kept if each.run_id == run.run_id), None)
            history.keep([each for each in kept if each.run_id != run.run_id or each is first])
        if Bug.EARLIER_SUCCESS_LOST in self._bugs and history.head is not None:
            history.erase(history.head.run_id)
        self._wrong_answers(run, answers)

    def _wrong_answers(self, run: RunRow, answers: list[tuple[Checkpoint, Any]]) -> None:
        if run.kwargs["input"] is not None:
            return
        for checkpoint, answer in answers:
            if answer is None or answer.run_id != run.run_id:
                continue
            if Bug.ANSWER_LEFT_BEHIND in self._bugs:
                checkpoint.answer = answer
            if Bug.QUESTION_LOST in self._bugs:
                checkpoint.question, checkpoint.next = None, ()

    # -- faults of the cut -----------------------------------------------------------

    def _wrong_status(self, run: RunRow) -> Status:
        if Bug.CUT_RUN_IS_SUCCESS in self._bugs:
            return Status.SUCCESS
        fault = Bug.VICTIM_FAILS if run.superseded_by else Bug.CANCELLED_FAILS
        return Status.ERROR if fault in self._bugs else Status.INTERRUPTED

    def _cut_gone(self, run: RunRow) -> bool:
        fault = Bug.VICTIM_GONE if run.superseded_by else Bug.CANCELLED_GONE
        return fault in self._bugs

    def _hangs(self, run: RunRow) -> bool:
        if not run.superseded_by:
            return False
        fault = Bug.CUT_READER_HANGS
        if run.cancel_action is Action.ROLLBACK:
            fault = Bug.ROLLED_BACK_READER_HANGS
        return fault in self._bugs

    def _haunt(self, run: RunRow) -> None:
        """What the node of a run that was cut does afterwards; nothing in a correct server."""
        if Bug.VICTIM_LATE_MARK in self._bugs and run.superseded_by:
            run.thread.strays.append(f"{token_of(run)}:{MIDDLE}")
        if Bug.ZOMBIE_WRITES in self._bugs:
            self._write_late(run, beside=False)
        if Bug.FORKED_BY_LATE_WRITE in self._bugs:
            self._write_late(run, beside=True)

    def _write_late(self, run: RunRow, *, beside: bool) -> None:
        cut_point = run.thread.history.head

        def write() -> None:
            self._clock.sleep(ZOMBIE_SECONDS)
            base = cut_point if beside else run.thread.history.head
            values = base.values if base is not None else {"log": []}
            mark = f"{token_of(run)}:{MIDDLE}"
            run.thread.history.put(
                Checkpoint(
                    self._ids.new(6),
                    base.checkpoint_id if base is not None else "",
                    run.run_id,
                    run.graph_id,
                    "loop",
                    base.step + 1 if base is not None else 0,
                    {**values, "log": [*values["log"], mark]},
                    (),
                    iso(self._ids.wall()),
                )
            )

        self._clock.background(write)


def values_body(head: Checkpoint | None) -> bytes:
    """The values at a checkpoint as `/wait` and `/join` answer them, with an open question."""
    if head is None:
        return b"{}"
    asked = head.questions()
    if not asked:
        return orjson.dumps(head.values)
    shown = [{**each, "response_schema": None} for each in asked]
    return orjson.dumps({**head.values, "__interrupt__": shown})


def rolled_back(run: RunRow) -> RunEnd:
    error = {"error": "UserRollback", "message": run.cancel_message or "rolled back"}
    return RunEnd(ROLLED_BACK, orjson.dumps({"__error__": error}))


def _log(checkpoint: Checkpoint | None) -> list[str]:
    return checkpoint.values["log"] if checkpoint is not None else []
