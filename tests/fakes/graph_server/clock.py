"""Simulated time: greenlets that sleep without waiting, in an order that a seed repeats exactly.

Plain `greenlet`, nothing patched. One greenlet runs at a time, until it sleeps or waits; then the
clock jumps to whoever is due next. A minute of a conversation takes a few hundred microseconds.
"""

from collections.abc import Callable
from functools import partial
from heapq import heappop, heappush
from typing import TypeVar

from greenlet import GreenletExit, getcurrent, greenlet

Result = TypeVar("Result")

NANOSECONDS = 1_000_000_000


class Deadlock(Exception):
    """Nothing is left that could run, and the main call still waits."""


class TimeRanOut(Exception):
    """The main call took longer than the clock's limit: it waits for what never ends."""


class SimulatedTask:
    """See `Task` of the load tests' client."""

    def __init__(self, clock: "SimulatedClock", call: Callable[[], None]) -> None:
        self._call = call
        self._ended = Signal(clock)
        self.done = False
        self.error: BaseException | None = None
        self.told = False

    def run(self) -> None:
        try:
            self._call()
        except GreenletExit:
            raise
        except BaseException as error:  # noqa: BLE001  who joins gets it; if nobody does, `run`
            self.error = error
        self.done = True
        self._ended.notify()

    def join(self) -> None:
        while not self.done:
            self._ended.wait()
        if self.error is not None:
            self.told = True
            raise self.error


class SimulatedClock:
    """See `Clock` of the load tests' client. Good for one `run` at a time.

    `limit` seconds are the longest a `run` may take in simulated time.
    """

    def __init__(self, start: int = NANOSECONDS, limit: float = 86_400.0) -> None:
        self._now = start
        self._limit = round(limit * NANOSECONDS)
        self._stop_at = start + self._limit
        self._heap: list[tuple[int, int, _Sleeper]] = []
        self._numbers = 0
        self._hub: greenlet | None = None
        self._closing = False
        self._alive: dict[greenlet, None] = {}
        self._failed: list[SimulatedTask] = []

    def now(self) -> int:
        return self._now

    def sleep(self, seconds: float) -> None:
        due = self._now + max(0, round(seconds * NANOSECONDS))
        if self._closing:
            raise GreenletExit
        alone = not self._heap or due < self._heap[0][0]  # nobody else is due before
        if alone and due <= self._stop_at:
            self._now = due
            return
        self.wake_at(due, _Sleeper(getcurrent()))
        self.switch()

    def start(self, call: Callable[[], None]) -> SimulatedTask:
        """Begin `call` beside the caller; an error that nobody joins for comes out of `run`."""
        task = SimulatedTask(self, call)
        self._spawn(partial(self._run_task, task))
        return task

    def background(self, call: Callable[[], None]) -> None:
        """Begin `call` beside the caller; its error comes out of `run` at once."""
        self._spawn(call)

    def run(self, main: Callable[[], Result]) -> Result:
        """Call `main` in simulated time and return what it returns.

        Whatever is still under way then is dropped.

        Raises:
            Deadlock: `main` waits for something that can never come.
            TimeRanOut: `main` took longer than the limit.
        """
        assert self._hub is None, "the clock runs already"
        self._stop_at = self._now + self._limit
        self._hub, self._closing = getcurrent(), False
        results: list[Result] = []
        caller = self._spawn(lambda: results.append(main()))
        try:
            while not caller.dead:
                self._next_sleeper().greenlet.switch()
            self._raise_untold()
        finally:
            self._drop_all()
            self._hub = None
        return results[0]

    # -- for Signal ----------------------------------------------------------------

    def wake_at(self, due: int, sleeper: "_Sleeper") -> None:
        """Let the sleeper go on at `due`, not before and not at any earlier given time."""
        self._numbers += 1
        sleeper.number = self._numbers
        heappush(self._heap, (due, self._numbers, sleeper))

    def switch(self) -> None:
        """Let the others run until somebody wakes the caller."""
        if self._closing:
            raise GreenletExit
        assert self._hub is not None, "outside of SimulatedClock.run"
        self._hub.switch()

    # ------------------------------------------------------------------------------

    def _spawn(self, call: Callable[[], None]) -> greenlet:
        def live() -> None:
            try:
                call()
            finally:
                self._alive.pop(made, None)

        assert self._hub is not None, "outside of SimulatedClock.run"
        made = greenlet(live, self._hub)
        self._alive[made] = None
        self.wake_at(self._now, _Sleeper(made))
        return made

    def _run_task(self, task: SimulatedTask) -> None:
        task.run()
        if task.error is not None:
            self._failed.append(task)

    def _next_sleeper(self) -> "_Sleeper":
        while self._heap:
            due, number, sleeper = heappop(self._heap)
            if sleeper.number == number:
                if due > self._stop_at:
                    raise TimeRanOut(f"over {self._limit / NANOSECONDS:.0f} simulated seconds")
                self._now = due
                return sleeper
        self._raise_untold()
        raise Deadlock("nothing is left to run, but the main call has not returned")

    def _raise_untold(self) -> None:
        for task in self._failed:
            if not task.told and task.error is not None:
                raise task.error

    def _drop_all(self) -> None:
        self._closing = True
        while self._alive:
            left, _ = self._alive.popitem()
            left.throw()
        self._heap.clear()
        self._failed.clear()


class Signal:
    """Something greenlets wait for; a notification wakes all who wait at that moment."""

    __slots__ = ("_clock", "_waiting")

    def __init__(self, clock: SimulatedClock) -> None:
        self._clock = clock
        self._waiting: list[_Sleeper] = []

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the next notification; False when `timeout` seconds passed without one."""
        sleeper = _Sleeper(getcurrent())
        if timeout is not None:
            due = self._clock.now() + max(0, round(timeout * NANOSECONDS))
            self._clock.wake_at(due, sleeper)
        self._waiting.append(sleeper)
        self._clock.switch()
        if not sleeper.notified:
            self._waiting.remove(sleeper)
        return sleeper.notified

    def notify(self) -> None:
        """Wake everybody who waits."""
        waiting, self._waiting = self._waiting, []
        for sleeper in waiting:
            sleeper.notified = True
            self._clock.wake_at(self._clock.now(), sleeper)


class _Sleeper:
    """A greenlet that waits to be switched to; `number` is that of its valid place in the heap."""

    __slots__ = ("greenlet", "notified", "number")

    def __init__(self, sleeping: greenlet) -> None:
        self.greenlet = sleeping
        self.number = 0
        self.notified = False
