"""Begins what has arrived at its moment, whatever became of what came before: the open model.

One greenlet for each arrival. How late the dispatcher itself was is one thing, *send lag*: then the
generator is too slow and measures itself. Waiting for a place under the cap is another: then the
server is, and it shows in latencies counted from the intended moment.
"""

import math
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

from outrigger_loadtests.client.clock import Clock
from outrigger_loadtests.measures.histograms import Histogram
from outrigger_loadtests.models.run import NANOSECONDS

Hold = Callable[[int, int], None]  # the arrival's number, and its intended moment


class Dispatcher:
    """Calls `hold` for each arrival, at most `cap` at once; more wait `patience` seconds.

    `offered`, `ended`, `dropped`, `in_flight` and `most` count as it goes; `waited` is how many had
    to wait for a place.
    """

    def __init__(self, clock: Clock, hold: Hold, *, cap: int, patience: float) -> None:
        self.send_lag = Histogram()
        self.offered = 0
        self.ended = 0
        self.dropped = 0
        self.waited = 0
        self.in_flight = 0
        self.most = 0
        self._lags: list[int] = []
        self._clock = clock
        self._hold = hold
        self._cap = cap
        self._patience = int(patience * NANOSECONDS)
        self._waiting: deque[tuple[int, int]] = deque()
        self._stopped = False

    def stop(self) -> None:
        """Begin no more; drop what waits. What goes on comes to its end."""
        self._stopped = True
        self.dropped += len(self._waiting)
        self._waiting.clear()

    def dispatch(self, planned: Sequence[tuple[int, int]]) -> None:
        """Begin arrivals, each a number and a moment, in order; return when the last has begun."""
        clock = self._clock
        for number, due in planned:
            clock.sleep(max(0, due - clock.now()) / NANOSECONDS)
            if self._stopped:
                return
            lag = max(0, clock.now() - due)
            self.send_lag.record(lag)
            self._lags.append(lag)
            self.offered += 1
            if self.in_flight < self._cap:
                self._begin(number, due)
            else:
                self.waited += 1
                self._waiting.append((number, due))

    def recent_lag(self) -> float:
        """Return the p99 of the send lag since this was last asked, in seconds; 0 for none."""
        lags, self._lags = sorted(self._lags), []
        return lags[math.ceil(len(lags) * 0.99) - 1] / NANOSECONDS if lags else 0.0

    @property
    def is_idle(self) -> bool:
        """Whether everything that was begun has ended."""
        return not self.in_flight

    def _begin(self, number: int, due: int) -> None:
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        self._clock.start(partial(self._run, number, due))

    def _run(self, number: int, due: int) -> None:
        try:
            self._hold(number, due)
        finally:
            self.ended += 1
            self.in_flight -= 1
            self._begin_waiting()

    def _begin_waiting(self) -> None:
        oldest = self._clock.now() - self._patience
        while self._waiting:
            number, due = self._waiting.popleft()
            if due >= oldest:
                self._begin(number, due)
                return
            self.dropped += 1
