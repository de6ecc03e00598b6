"""Runs the crowd on Locust: so many users, one graph after the other, until time is up."""

import signal
from collections.abc import Callable, Sequence

import gevent  # type: ignore[import-untyped]  # it ships no types
from locust.env import Environment
from locust.runners import LocalRunner

from outrigger_loadtests.client.clock import Clock
from outrigger_loadtests.models.run import NANOSECONDS
from outrigger_loadtests.scenarios.crowd import Crowd
from outrigger_loadtests.scenarios.users import DoubleTexter

SPAWN_PER_SECOND = 50
TICK_SECONDS = 0.25
STALL_SECONDS = 0.25
TAIL_SECONDS = 4.0
STOPS = (signal.SIGINT, signal.SIGTERM)
ENOUGH = 2  # of Ctrl-C, to give up what still goes on
PATIENCE_SECONDS = 90.0  # after the end of sending, until what still goes on is given up


class Load:
    """So many conversations at once with each of the graphs, `duration` seconds over all graphs.

    What one graph began has come to rest before the next begins: a graph that blocks its server
    disturbs no other.
    """

    def __init__(
        self,
        environment: Environment,
        crowd: Crowd,
        clock: Clock,
        *,
        threads: int,
        on_tick: Callable[[str], None],
    ) -> None:
        self._environment = environment
        self._crowd = crowd
        self._clock = clock
        self._threads = threads
        self._on_tick = on_tick
        self._interrupts = 0

    def run(self, graphs: Sequence[str], duration: float) -> bool:
        """Make the load and return when everything is at rest; whether it was stopped early.

        The first Ctrl-C ends the sending, the second also what goes on.
        """
        users = self._users()
        self._environment.user_classes = [users]
        runner = self._environment.create_local_runner()
        self._listen()
        for graph in graphs:
            seconds = duration / len(graphs)
            users.probe = graph
            users.until = self._clock.now() + int(seconds * NANOSECONDS)
            # The last conversations need a while to come to their end.
            users.begin_until = users.until - int(min(TAIL_SECONDS, seconds / 3) * NANOSECONDS)
            self._hold(runner, users)
        runner.quit()
        return self._interrupts > 0

    def give_up(self) -> None:
        """End the sending and what goes on, as a second Ctrl-C does."""
        self._interrupts = ENOUGH
        self._crowd.stop()

    def _users(self) -> type[DoubleTexter]:
        class Texter(DoubleTexter):
            crowd = self._crowd

        return Texter

    def _hold(self, runner: LocalRunner, users: type[DoubleTexter]) -> None:
        if self._interrupts:
            return
        given_up = users.until + int(PATIENCE_SECONDS * NANOSECONDS)
        runner.start(self._threads, spawn_rate=SPAWN_PER_SECOND)
        spawning = runner.spawning_greenlet
        while runner.user_count or (spawning and not spawning.ready()):
            if self._clock.now() > given_up or self._interrupts >= ENOUGH:
                break
            self._tick()
            self._on_tick(users.probe)
        runner.stop()

    def _tick(self) -> None:
        """Let time pass; note when more of it passed than it should have, for then all was late."""
        before = self._clock.now()
        gevent.sleep(TICK_SECONDS)
        late = (self._clock.now() - before) / NANOSECONDS - TICK_SECONDS
        if late > STALL_SECONDS:
            self._crowd.stood_still(before)

    def _listen(self) -> None:
        """Take the signals, for good: given back, the next one would end the process unreported."""
        for number in STOPS:
            gevent.signal_handler(number, self._stop)

    def _stop(self) -> None:
        self._interrupts += 1
        self._crowd.stop()
