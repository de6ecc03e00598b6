"""Runs the probes on a timer and says how things stand, without ever probing for a request."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import dataclass
from queue import SimpleQueue

from outrigger_sidecar.health import CheckReport, CheckState, Reading, Settling, overall
from outrigger_sidecar.probes.base import Probe
from outrigger_telemetry.logging import get_logger
from outrigger_telemetry.metric_specs import HEALTH_CHECK_SECONDS, HEALTH_TRANSITIONS_TOTAL
from outrigger_telemetry.metrics import Metrics

# So that a probe with a timeout of its own, which knows more, speaks first.
_PATIENCE = 0.2

log = get_logger("outrigger_sidecar.health")


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often, how long, and how sure."""

    interval: float
    timeout: float
    stale: float
    fails_down: int
    passes_up: int


@dataclass(slots=True)
class _Watched:
    probe: Probe
    settling: Settling
    measured_at: float | None = None
    duration: float | None = None
    is_broken: bool = False


class HealthMonitor:
    """Knows the state of every check. Made by `open_monitor`."""

    def __init__(
        self,
        probes: Sequence[Probe],
        rhythm: Rhythm,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rhythm = rhythm
        self._metrics = metrics
        self._clock = clock
        self._overall = ""
        self._watched = [
            _Watched(probe, Settling(fails_down=rhythm.fails_down, passes_up=rhythm.passes_up))
            for probe in probes
        ]

    @property
    def is_started(self) -> bool:
        """True once every check has given a first result."""
        return all(watched.measured_at is not None for watched in self._watched)

    def reports(self) -> list[CheckReport]:
        """Say how each check stands now; a result that is too old is unknown."""
        return [self._report(watched) for watched in self._watched]

    def state(self, name: str) -> CheckState:
        """Say how the check `name` stands now."""
        return next(report.state for report in self.reports() if report.name == name)

    async def watch(self) -> None:
        """Run all probes until cancelled."""
        async with asyncio.TaskGroup() as group:
            for watched in self._watched:
                group.create_task(self._watch(watched))

    async def _watch(self, watched: _Watched) -> None:
        thread = _ProbeThread(watched.probe)
        try:
            await self._check_for_ever(watched, thread)
        finally:
            thread.end()

    async def _check_for_ever(self, watched: _Watched, thread: "_ProbeThread") -> None:
        waiting: asyncio.Future[Reading] | None = None
        while True:
            started = self._clock()
            # A probe that hangs is not started again; its result counts when it comes.
            waiting = waiting or asyncio.wrap_future(thread.start())
            reading = await self._wait_for(watched, waiting)
            if waiting.done():
                waiting = None
            self._record(watched, reading, self._clock() - started)
            await asyncio.sleep(max(0.0, self._rhythm.interval - (self._clock() - started)))

    async def _wait_for(self, watched: _Watched, waiting: asyncio.Future[Reading]) -> Reading:
        # Not wait_for: in Python 3.11 it can swallow the cancellation that ends us.
        await asyncio.wait({waiting}, timeout=self._rhythm.timeout + _PATIENCE)
        if not waiting.done():
            return Reading(CheckState.FAILED, f"no result within {self._rhythm.timeout:g} s")
        try:
            reading = waiting.result()
        except Exception:
            if not watched.is_broken:  # once, not at every check
                log.exception("probe_broke", check=watched.probe.name)
            watched.is_broken = True
            return Reading(CheckState.UNKNOWN, "the check itself broke; see the sidecar's log")
        watched.is_broken = False
        return reading

    def _record(self, watched: _Watched, reading: Reading, duration: float) -> None:
        before = watched.settling.settled
        after = watched.settling.add(reading)
        watched.measured_at, watched.duration = self._clock(), duration
        self._metrics.observe(HEALTH_CHECK_SECONDS, duration, check=watched.probe.name)
        if before is None or before.state != after.state:
            self._metrics.increment(
                HEALTH_TRANSITIONS_TOTAL, check=watched.probe.name, state=after.state.value
            )
            is_bad = after.state not in {CheckState.OK, CheckState.OFF}
            (log.warning if is_bad else log.info)(
                "check_changed",
                check=watched.probe.name,
                before=before.state.value if before else CheckState.UNKNOWN.value,
                after=after.state.value,
                detail=after.detail,
            )
        self._note_overall()

    def _note_overall(self) -> None:
        if not self.is_started:
            return
        now = overall(self.reports()).value
        if now != self._overall:
            log.info("health_changed", before=self._overall or "starting", after=now)
            self._overall = now

    def _report(self, watched: _Watched) -> CheckReport:
        probe, settled = watched.probe, watched.settling.settled
        if settled is None or watched.measured_at is None:
            nothing = "no result yet"
            return CheckReport(
                probe.name, CheckState.UNKNOWN, nothing, probe.is_critical, None, None
            )
        age = max(0.0, self._clock() - watched.measured_at)
        if age > self._rhythm.stale:
            settled = Reading(CheckState.UNKNOWN, f"no result for {age:.0f} s")
        return CheckReport(
            probe.name,
            settled.state,
            settled.detail,
            probe.is_critical,
            watched.duration,
            age,
        )


@asynccontextmanager
async def open_monitor(
    probes: Sequence[Probe], rhythm: Rhythm, metrics: Metrics
) -> AsyncIterator[HealthMonitor]:
    """Run the probes for as long as the block lasts."""
    monitor = HealthMonitor(probes, rhythm, metrics)
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(monitor.watch())
        try:
            yield monitor
        finally:
            watching.cancel()


class _ProbeThread:
    """One thread for one probe: begun with its first check, and used for all of them.

    A daemon: a probe that hangs must not hold up the exit.
    """

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._asked: SimpleQueue[Future[Reading] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"probe-{probe.name}", daemon=True)
        self._thread.start()

    def start(self) -> Future[Reading]:
        result: Future[Reading] = Future()
        result.set_running_or_notify_cancel()  # from here on nobody can cancel it
        self._asked.put(result)
        return result

    def end(self) -> None:
        """Let the thread end after the check it is at."""
        self._asked.put(None)

    def _run(self) -> None:
        while (result := self._asked.get()) is not None:
            try:
                result.set_result(self._probe.check())
            except Exception as error:  # noqa: BLE001  handed to the monitor, which logs it
                result.set_exception(error)
