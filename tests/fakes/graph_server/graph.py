"""The probe graphs as a server runs them: super-steps, checkpoints, events, the stop.

A run writes `source=input`, then a checkpoint for its input and for each of its three nodes. The
middle node takes its time, and differs in what a cancellation does to it; the last one may ask.
"""

from enum import Enum
from random import Random
from typing import Any

from fakes.graph_server.bugs import Bug, Bugs
from fakes.graph_server.checkpoints import Attached, Checkpoint
from fakes.graph_server.clock import NANOSECONDS, SimulatedClock
from fakes.graph_server.rows import Ids, RunRow, Status, iso
from fakes.graph_server.wrong_starts import wrong_base, wrong_input, wrong_parent, wrong_values

START, FIRST, MIDDLE, LAST = "__start__", "first", "middle", "last"
PROBES = ("probe_async", "probe_sync", "probe_cleanup", "probe_swallow", "probe_blocking")
CLEANUP_SECONDS = 0.9
GRACE_SECONDS = 2.0
WRITE_SECONDS = (0.0002, 0.003)
NODE_SECONDS = (0.0001, 0.001)
LATE_SECONDS = 0.1


class Ending(Enum):
    """How the graph of a run ended."""

    DONE = "done"
    STOPPED = "stopped"


class Execution:
    """One run of the graph. Returns once it writes no more: ended, stopped or fenced."""

    def __init__(
        self, run: RunRow, clock: SimulatedClock, random: Random, ids: Ids, bugs: Bugs
    ) -> None:
        self._run = run
        self._thread = run.thread
        self._history = run.thread.history
        self._clock = clock
        self._random = random
        self._ids = ids
        self._bugs = bugs
        self._place: Checkpoint | None = None  # where this run stands
        self._base: Checkpoint | None = None  # where it began

    def go(self) -> Ending:
        asked = self._run.kwargs["checkpoint_id"]
        base = self._history.get(asked) if asked else self._history.head
        if self._bugs and not asked:
            base = wrong_base(self._bugs, self._run, base)
        self._place = self._base = base
        given = self._run.kwargs["input"]
        if given is not None:
            self._take_input(base, given)
        else:
            self._take_answer(base)
        nodes = {
            START: self._start,
            FIRST: self._first,
            MIDDLE: self._middle,
            LAST: self._last,
        }
        while self._place is not None and self._place.next:
            if self._told_to_stop:
                return Ending.STOPPED
            ending = nodes[self._place.next[0]](self._place.values)
            if ending is not None:
                return ending
        return Ending.DONE

    # -- how it begins ---------------------------------------------------------------

    def _take_input(self, base: Checkpoint | None, given: dict[str, Any]) -> None:
        values = base.values if base is not None else {"log": []}
        marks = given["log"]
        parent_id = base.checkpoint_id if base is not None else ""
        if self._bugs:
            values = wrong_values(self._bugs, self._run, values)
            marks = wrong_input(self._bugs, self._run, marks)
            parent_id = wrong_parent(self._bugs, base, self._ids)
        if not self._told_to_stop:
            self._put("input", values, (START,), parent_id, given={**given, "log": marks})

    def _take_answer(self, base: Checkpoint | None) -> None:
        """Go on where the thread stands: in the node that asked, or in the one that was cut."""
        if base is None:
            return
        if not base.next:
            self._answer_again(base)
            return
        answer = (self._run.kwargs["command"] or {}).get("resume")
        kept = Bug.ANSWER_LEFT_BEHIND in self._bugs and base.answer is not None
        if base.next == (LAST,) and not kept:
            base.answer = Attached(self._run.run_id, answer)
        self._emit("values", base.values)

    def _answer_again(self, base: Checkpoint) -> None:
        token = self._run.question_then
        if Bug.TWO_ANSWERS_COUNT in self._bugs and token:
            answer = self._run.kwargs["command"]["resume"]
            self._step(base.values, LAST, [f"{token}:answer:{answer}", f"{token}:{LAST}"], ())

    # -- the nodes -------------------------------------------------------------------

    def _start(self, values: dict[str, Any]) -> Ending | None:
        """Apply the input."""
        given = self._place.given if self._place is not None and self._place.given else {}
        marks = given.get("log", [])
        log = values["log"] + self._strays() + marks
        if Bug.LOG_REORDERED in self._bugs:
            log = marks + values["log"]
        after = {**values, **given, "log": log}
        self._emit("values", after)
        self._put("loop", after, (FIRST,))
        return None

    def _first(self, values: dict[str, Any]) -> Ending | None:
        if self._pause(self._random.uniform(*NODE_SECONDS)):
            return Ending.STOPPED
        return self._step(values, FIRST, [f"{values['token']}:{FIRST}"], (MIDDLE,))

    def _middle(self, values: dict[str, Any]) -> Ending | None:
        marks = [f"{values['token']}:{MIDDLE}"]
        if Bug.NODE_SKIPPED in self._bugs:
            marks = []
        due = self._clock.now() + round(values.get("seconds", 0.3) * NANOSECONDS)
        if not self._pause(values.get("seconds", 0.3)):
            return self._step(values, MIDDLE, marks, (LAST,))
        left = (due - self._clock.now()) / NANOSECONDS
        probe = self._run.graph_id
        if probe == "probe_async":
            return Ending.STOPPED
        if probe == "probe_cleanup":
            self._clock.sleep(CLEANUP_SECONDS)
            return Ending.STOPPED
        self._clock.sleep(min(left, GRACE_SECONDS))
        # A thread's result has no one left to take it; nobody writes after the grace.
        if left > GRACE_SECONDS or probe == "probe_sync":
            return Ending.STOPPED
        return self._step(values, MIDDLE, marks, (LAST,))

    def _last(self, values: dict[str, Any]) -> Ending | None:
        marks = [f"{values['token']}:{LAST}"]
        if not values.get("ask"):
            if self._pause(self._random.uniform(*NODE_SECONDS)):
                return Ending.STOPPED
            return self._end(values, marks)
        assert self._place is not None
        answer = self._place.answer
        if answer is None or self._place is not self._base:
            return self._ask(self._place, values)
        if self._pause(values.get("linger", 0.0)):
            return Ending.STOPPED
        return self._end(values, [f"{values['token']}:answer:{answer.value}", *marks])

    def _ask(self, place: Checkpoint, values: dict[str, Any]) -> Ending:
        place.question = Attached(self._run.run_id, {"token": values["token"]})
        shown = [{**each, "response_schema": None} for each in place.questions()]
        self._emit("updates", {"__interrupt__": shown})
        self._emit("values", {**values, "__interrupt__": shown})
        return Ending.DONE

    def _end(self, values: dict[str, Any], marks: list[str]) -> Ending | None:
        if Bug.WRITES_AFTER_END not in self._bugs:
            return self._step(values, LAST, marks, ())

        def late() -> None:
            self._clock.sleep(LATE_SECONDS)
            if self._run.run_id in self._thread.runs:
                self._step(values, LAST, marks, ())

        self._clock.background(late)
        return Ending.DONE

    # -- what they do ----------------------------------------------------------------

    @property
    def _told_to_stop(self) -> bool:
        return self._run.cancel_action is not None and not self._deaf

    @property
    def _deaf(self) -> bool:
        return Bug.COMPLETE_YET_INTERRUPTED in self._bugs

    def _pause(self, seconds: float) -> bool:
        """Let time pass; True when the run was told to stop before it was over."""
        if self._told_to_stop:
            return True
        if self._deaf:
            self._clock.sleep(seconds)
            return False
        return self._run.told.wait(seconds)

    def _step(
        self, values: dict[str, Any], node: str, marks: list[str], then: tuple[str, ...]
    ) -> Ending | None:
        """Write what a node returned; None, for the graph goes on."""
        after = {**values, "log": values["log"] + self._strays() + marks}
        self._emit("updates", {node: {"log": marks}})
        self._emit("values", after)
        self._put("loop", after, then)
        return None

    def _strays(self) -> list[str]:
        """Marks that some fault lets into this step; none in a correct server."""
        strays = list(self._thread.strays)
        self._thread.strays.clear()
        return strays

    def _emit(self, name: str, payload: dict[str, Any]) -> None:
        if name not in self._run.kwargs["stream_mode"]:
            return
        self._run.events.publish(name, payload)
        if Bug.FOREIGN_EVENTS in self._bugs:
            for other in self._thread.runs.values():
                if other.status is Status.PENDING:
                    other.events.publish(name, payload)

    def _put(
        self,
        source: str,
        values: dict[str, Any],
        then: tuple[str, ...],
        parent_id: str = "",
        given: dict[str, Any] | None = None,
    ) -> None:
        """Write a checkpoint behind the run's last one, and wait until it is on disk."""
        place = self._place
        if source != "input":
            parent_id = place.checkpoint_id if place is not None else ""
        self._place = Checkpoint(
            self._ids.new(6),
            parent_id,
            self._run.run_id,
            self._run.graph_id,
            source,
            place.step + 1 if place is not None else -1,
            values,
            then,
            iso(self._ids.wall()),
            given,
        )
        self._history.put(self._place)
        self._clock.sleep(self._random.uniform(*WRITE_SECONDS))
