"""The traces that are open, and those that ended a moment ago, in bounded space."""

from collections.abc import Callable
from dataclasses import dataclass, field

from outrigger_sidecar.traces.causes import Causes

LINGER_SECONDS = 60.0
"""How long an ended trace is remembered for what arrives late."""
MAX_STEPS_OF_TRACE = 1000
MAX_STEPS = 100_000
"""Steps remembered of all traces together, to know a retry from a first call."""

Step = tuple[str | None, str]
"""A graph, if the run itself names it, and a node."""


@dataclass(slots=True)
class Trace:
    """What is remembered of one trace."""

    trace_id: str
    began: float
    heard: float
    graph: str | None = None
    """What its root is called."""
    is_copy: bool = False
    """Sent for a second project: all of it is in another trace, too."""
    steps: dict[int, None] = field(default_factory=dict)
    interrupts: Causes[Step] = field(default_factory=Causes)
    recursion_errors: Causes[Step] = field(default_factory=Causes)


class TraceTable:
    """Finds the trace of an operation; forgets those that are silent, or too many.

    `forgotten` is told of each open trace that is given up, and why: expired or crowded.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        ttl_seconds: float,
        max_open: int,
        forgotten: Callable[[Trace, str], None],
    ) -> None:
        self._clock = clock
        self._ttl = ttl_seconds
        self._max = max_open
        self._forgotten = forgotten
        self._open: dict[str, Trace] = {}  # both with the one heard last at the end
        self._ended: dict[str, Trace] = {}
        self._steps = 0

    def of(self, trace_id: str) -> Trace:
        """The trace, which is opened when it is new; it counts as heard."""
        now = self._clock()
        self._forget_silent(now)
        for traces in (self._open, self._ended):
            if (trace := traces.pop(trace_id, None)) is not None:
                trace.heard = now
                traces[trace_id] = trace
                return trace
        while len(self._open) >= self._max:
            self._give_up("crowded")
        trace = self._open[trace_id] = Trace(trace_id, now, now)
        return trace

    def is_again(self, trace: Trace, step: str) -> bool:
        """Take note of a call of a node in a step; True unless it is the first one."""
        number = hash(step)
        if number in trace.steps:
            return True
        if len(trace.steps) >= MAX_STEPS_OF_TRACE:
            trace.steps.pop(next(iter(trace.steps)))
        else:
            self._steps += 1
        trace.steps[number] = None
        if self._steps > MAX_STEPS:
            self._make_room()
        return False

    def end(self, trace: Trace) -> None:
        """Count it as open no longer; it lingers for what comes late. Safe to call twice."""
        if self._open.pop(trace.trace_id, None) is not None:
            self._ended[trace.trace_id] = trace
            if len(self._ended) > self._max:
                self._drop_ended()

    def open_ages(self) -> tuple[int, float]:
        """How many traces are open now, and the seconds since the oldest began."""
        now = self._clock()
        self._forget_silent(now)
        oldest = min((trace.began for trace in self._open.values()), default=now)
        return len(self._open), now - oldest

    def _forget_silent(self, now: float) -> None:
        while self._open and _first(self._open).heard <= now - self._ttl:
            self._give_up("expired")
        while self._ended and _first(self._ended).heard <= now - LINGER_SECONDS:
            self._drop_ended()

    def _make_room(self) -> None:
        while self._steps > MAX_STEPS and self._ended:
            self._drop_ended()
        while self._steps > MAX_STEPS and len(self._open) > 1:
            self._give_up("crowded")

    def _give_up(self, reason: str) -> None:
        trace = self._open.pop(next(iter(self._open)))
        self._steps -= len(trace.steps)
        self._forgotten(trace, reason)

    def _drop_ended(self) -> None:
        trace = self._ended.pop(next(iter(self._ended)))
        self._steps -= len(trace.steps)


def _first(traces: dict[str, Trace]) -> Trace:
    return next(iter(traces.values()))
