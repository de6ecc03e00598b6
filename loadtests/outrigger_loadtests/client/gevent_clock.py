"""The real clock: time passes, and tasks are greenlets. Importing this imports gevent."""

import time
from collections.abc import Callable

import gevent  # type: ignore[import-untyped]  # it ships no types
from typing_extensions import override

from outrigger_loadtests.client.clock import Clock, Task


class GeventTask(Task):
    """A greenlet that was started."""

    def __init__(self, greenlet: gevent.Greenlet) -> None:
        self._greenlet = greenlet

    @override
    def join(self) -> None:
        self._greenlet.get()


class GeventClock(Clock):
    """The machine's monotonic clock, which all processes of a machine share."""

    @override
    def now(self) -> int:
        return time.monotonic_ns()

    @override
    def sleep(self, seconds: float) -> None:
        """Let others go on for so long; not longer than one turn when it is zero or less."""
        gevent.sleep(max(0.0, seconds))

    @override
    def start(self, call: Callable[[], object]) -> GeventTask:
        return GeventTask(gevent.spawn(call))
