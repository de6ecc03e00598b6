"""Hand-built histories of one thread, told in a few lines; they are read as real ones are.

Times are seconds: a number is a moment, a pair from sending to answer. Messages have numbers: the
token of message 1 is `x1-1-1`, its run is `run-1`. A mark is `"1:first"`, an answer of 2 to the
question of 1 `"1:answer:2"`. Checkpoints are `c1`, `c2` and so on, in the order they are told. All
is well at rest unless the story says otherwise.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

from outrigger_loadtests.checkers.catalogue import INVARIANTS
from outrigger_loadtests.checkers.judge import judge
from outrigger_loadtests.history.operations import (
    GONE,
    SUCCESS,
    Action,
    AnyOperation,
    Cancelled,
    Checkpoint,
    Created,
    Deleted,
    Ending,
    Faulted,
    Frame,
    HistoryRead,
    Joined,
    Opened,
    Outcome,
    RunRead,
    RunRow,
    RunsRead,
    Settled,
    Stalled,
    StateRead,
    Strategy,
    Streamed,
    ThreadRead,
)
from outrigger_loadtests.marks import STEPS
from outrigger_loadtests.models.reading import read_thread
from outrigger_loadtests.models.run import Run
from outrigger_loadtests.models.thread import Thread
from outrigger_loadtests.profiles import OUTRIGGER, ServerProfile
from outrigger_loadtests.verdict import Examination, Finding

NAME = "x1-1"
THREAD_ID = "thread-1"
REST = 100.0  # when all is read at rest
EPOCH = 1_700_000_000.0  # the server's clock at the client's 0
ASKED = ("input", "first", "middle")

Time = float | tuple[float, float | None]


def thread(probe: str = "probe_async", label: str = "mixed") -> "Story":
    """Begin the story of a thread."""
    return Story(probe, label)


def token(number: int) -> str:
    """The token of a message."""
    return f"{NAME}-{number}"


def marks(*short: str) -> tuple[str, ...]:
    """Write marks out: `1:first` is `x1-1-1:first`. What has no number stays as it is."""
    return tuple(
        ":".join(token(int(part)) if part.isdigit() else part for part in each.split(":"))
        for each in short
    )


def whole(*numbers: int) -> tuple[str, ...]:
    """All marks of messages, short."""
    return tuple(f"{number}:{step}" for number in numbers for step in STEPS)


def frame(at: float, *short: str, name: str = "values", **rest: Any) -> Frame:
    """One event of a stream, with marks."""
    return Frame(_ns(at), name, marks=marks(*short), **rest)


def events(number: int, at: float, *short: str) -> tuple[Frame, ...]:
    """The events of a run from its start: one that names it, then one for each mark."""
    named = frame(at, name="metadata", id="1", run_id=f"run-{number}")
    shown = enumerate(short or whole(number), 2)
    return (named, *(frame(at, each, name="updates", id=str(n)) for n, each in shown))


@dataclass
class Story:
    """What happened on one thread; every method adds something and returns the story."""

    probe: str
    label: str
    told: list[AnyOperation] = field(default_factory=list)
    stalls: list[Stalled] = field(default_factory=list)
    rows: dict[int, RunRow] = field(default_factory=dict)
    chain: list[Checkpoint] = field(default_factory=list)
    logs: dict[str, tuple[str, ...]] = field(default_factory=dict)
    head: str = ""
    rest: dict[str, Any] = field(default_factory=dict)

    def message(
        self,
        number: int,
        strategy: str = "enqueue",
        at: Time | None = None,
        created: float | None = None,
        **rest: Any,
    ) -> Self:
        """A message was accepted, by default 10 seconds after the one before; it succeeds."""
        at = 10.0 * number if at is None else at
        when = _when(at)
        created_at = _iso(when[0] if created is None else created)
        self._send(number, strategy, at, run_id=f"run-{number}", created_at=created_at, **rest)
        return self.listed(number, SUCCESS, created_at)

    def answer(self, number: int, to: int, at: Time | None = None, **rest: Any) -> Self:
        """An answer to the question of `to` was accepted."""
        return self.message(number, at=at, answers=token(to), **rest)

    def refused(self, number: int, strategy: str, at: Time, code: int = 409, **rest: Any) -> Self:
        """A message was refused."""
        return self._send(number, strategy, at, code=code, outcome=Outcome.FAIL, **rest)

    def lost(self, number: int, strategy: str, at: Time, **rest: Any) -> Self:
        """A message was sent, and nobody knows what became of it."""
        rest = {"code": 0, "error": "reset", **rest}
        return self._send(number, strategy, at, outcome=Outcome.INFO, **rest)

    def turn(self, number: int, strategy: str = "enqueue", **rest: Any) -> Self:
        """A message was accepted, did all its work and was seen to succeed 5 seconds later."""
        sent = self.message(number, strategy, **rest).wrote(number)
        return sent.seen(number, SUCCESS, 10.0 * number + 5)

    def seen(self, number: int, status: str, at: Time) -> Self:
        """Somebody read the run's status."""
        return self._add(RunRead, at, run_id=f"run-{number}", status=status)

    def cancel(self, number: int, at: Time, action: str = "interrupt", **rest: Any) -> Self:
        """Somebody cancelled the run."""
        if rest.get("code", 200) // 100 == 4:
            rest["outcome"] = Outcome.FAIL
        return self._add(Cancelled, at, run_id=f"run-{number}", action=Action(action), **rest)

    def delete(self, number: int, at: Time, **rest: Any) -> Self:
        """Somebody deleted the run."""
        return self._add(Deleted, at, run_id=f"run-{number}", **rest)

    def stream(self, number: int, at: Time, frames: Sequence[Frame] = (), **rest: Any) -> Self:
        """Somebody read the run's events."""
        rest = {"from_start": not rest.get("after_id"), **rest}
        on = {"run_id": f"run-{number}", "token": token(number), "frames": tuple(frames)}
        return self._add(Streamed, at, **on, **rest)

    def silent(self, number: int, at: Time) -> Self:
        """Somebody read the run's events until their patience ended."""
        return self.stream(number, at, ending=Ending.SILENT)

    def join(self, number: int, at: Time, log: Iterable[str] | None = None, **rest: Any) -> Self:
        """Somebody waited for the run."""
        shown = None if log is None else marks(*log)
        return self._add(Joined, at, run_id=f"run-{number}", token=token(number), log=shown, **rest)

    def state(self, at: Time, *short: str, questions: Iterable[int] = ()) -> Self:
        """Somebody read the state."""
        asked = tuple(token(each) for each in questions)
        return self._add(StateRead, at, log=marks(*short), questions=asked)

    def status(self, status: str, at: Time, *short: str) -> Self:
        """Somebody read the thread's row."""
        return self._add(ThreadRead, at, status=status, log=marks(*short))

    def fault(self, name: str, at: Time) -> Self:
        """Something was done to the server."""
        return self._add(Faulted, at, name=name)

    def stalled(self, start: float, stop: float) -> Self:
        """The client itself stood still."""
        self.stalls.append(Stalled(thread="", invoked=_ns(start), completed=_ns(stop)))
        return self

    def wrote(
        self,
        number: int,
        *steps: str,
        after: str | None = None,
        keeps: int | None = None,
        at: Sequence[float] = (),
        then: Sequence[str] = (),
    ) -> Self:
        """The run wrote a checkpoint for every step, all of them when none is named.

        They follow the newest checkpoint, or the one `after`; the first keeps the log of that one,
        or only so many marks of it. `at`: when the server wrote each; `then`: what is left to do.
        """
        parent = self.head if after is None else after
        moments = [_iso(each) for each in at]
        for n, step in enumerate(steps or STEPS):
            added = marks(step if ":" in step else f"{number}:{step}")
            before = self.logs.get(parent, ())
            kept = len(before) if keeps is None or n else keeps
            self.head = f"c{len(self.chain) + 1}"
            created_at = moments[n] if n < len(moments) else ""
            run_id = f"run-{number}"
            left = tuple(then) if n == len(steps or STEPS) - 1 else ()
            self.chain.append(Checkpoint(self.head, parent, run_id, created_at, kept, added, left))
            self.logs[self.head] = before[:kept] + added
            parent = self.head
        return self

    def listed(self, number: int, status: str, created_at: str = "", **rest: Any) -> Self:
        """At rest the run is listed so."""
        rest = {"token": token(number), "thread_id": THREAD_ID, **rest}
        self.rows[number] = RunRow(f"run-{number}", status, created_at, **rest)
        return self

    def ended(self, number: int, status: str) -> Self:
        """At rest the run is not a success."""
        if status == GONE:
            del self.rows[number]
            return self
        return self.listed(number, status, self.rows[number].created_at)

    def at_rest(self, **changes: Any) -> Self:
        """Change what is read at rest.

        `quiet`, `status`; `state`, `values`: their marks; `head`: the state's checkpoint;
        `mentions`: by place; `without`: places that could not be read, of runs, history, state,
        thread, settled.
        """
        self.rest |= changes
        return self

    def operations(self) -> list[AnyOperation]:
        """Everything in the order it was sent."""
        found = [*self._opening(), *self.told, *self._resting()]
        return sorted(found, key=lambda each: each.invoked)

    def read(self) -> Thread:
        """Read it as a thread."""
        found = read_thread(self.operations(), self.stalls)
        assert found is not None
        return found

    def run(self, number: int) -> Run:
        """Read it, and return one of its runs."""
        return self.read().by_token[token(number)]

    def _opening(self) -> list[AnyOperation]:
        begun = {"invoked": _ns(-2), "completed": _ns(-1), "code": 200}
        more = {"thread_id": THREAD_ID, "label": self.label, "probe": self.probe}
        return [Opened(thread=NAME, **begun, **more)]

    def _resting(self) -> list[AnyOperation]:
        log = self.logs.get(self.head, ())
        mentions = {place: marks(*found) for place, found in self.rest.get("mentions", {}).items()}
        newest = self.chain[-1].checkpoint_id if self.chain else ""
        state = marks(*self.rest["state"]) if "state" in self.rest else log
        values = marks(*self.rest["values"]) if "values" in self.rest else log
        reads = {
            "settled": (Settled, {"quiet": self.rest.get("quiet", True)}),
            "runs": (RunsRead, {"rows": tuple(self.rows.values())}),
            "history": (
                HistoryRead,
                {
                    "checkpoints": tuple(self.chain[::-1]),
                    "head_digest": _digest(log),
                    "mentions": mentions.get("history", ()),
                },
            ),
            "state": (
                StateRead,
                {
                    "final": True,
                    "log": state,
                    "digest": _digest(state),
                    "checkpoint_id": self.rest.get("head", newest),
                    "mentions": mentions.get("state", ()),
                },
            ),
            "thread": (
                ThreadRead,
                {
                    "final": True,
                    "status": self.rest.get("status", "idle"),
                    "log": values,
                    "digest": _digest(values),
                    "mentions": mentions.get("thread", ()),
                },
            ),
        }
        return [
            _operation(kind, REST + number, fields)
            for number, (place, (kind, fields)) in enumerate(reads.items())
            if place not in self.rest.get("without", ())
        ]

    def _send(self, number: int, strategy: str, at: Time, **rest: Any) -> Self:
        return self._add(Created, at, token=token(number), strategy=Strategy(strategy), **rest)

    def _add(self, kind: type[Any], at: Time, **rest: Any) -> Self:
        self.told.append(_operation(kind, at, rest))
        return self


def examinations(story: Story, profile: ServerProfile = OUTRIGGER) -> dict[str, Examination]:
    """Judge a story by every invariant; fails when a check breaks down."""
    results = judge(story.read(), profile, INVARIANTS)
    assert not [each.crash for each in results.values() if each.crash]
    return results


def findings(story: Story, profile: ServerProfile = OUTRIGGER) -> list[Finding]:
    """Everything that is found in a story."""
    return [found for each in examinations(story, profile).values() for found in each.findings]


def rules(story: Story, profile: ServerProfile = OUTRIGGER) -> set[str]:
    """The rules that a story breaks."""
    return {each.rule for each in findings(story, profile)}


def _operation(kind: type[Any], at: Time, fields: dict[str, Any]) -> AnyOperation:
    start, stop = _when(at)
    completed = None if stop is None else _ns(stop)
    made: AnyOperation = kind(
        thread=NAME, invoked=_ns(start), completed=completed, **{"code": 200, **fields}
    )
    return made


def _when(at: Time) -> tuple[float, float | None]:
    return at if isinstance(at, tuple) else (at, at + 0.01)


def _ns(seconds: float) -> int:
    return round((seconds + 10) * 1_000_000_000)


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(EPOCH + seconds, UTC).isoformat()


def _digest(log: Sequence[str]) -> str:
    return "+".join(log) or "empty"
