import asyncio
import threading
from collections.abc import Callable

from outrigger_sidecar.health import CheckReport, CheckState, Reading
from outrigger_sidecar.probes.monitor import HealthMonitor, Rhythm, open_monitor
from outrigger_telemetry.metric_specs import HEALTH_CHECK_SECONDS
from outrigger_telemetry.metrics import local_metrics

RHYTHM = Rhythm(interval=0.01, timeout=0.05, stale=60, fails_down=2, passes_up=1)


class ScriptedProbe:
    """Does what its script says; the last line counts for ever."""

    name = "server"
    is_critical = True

    def __init__(self, *script: Callable[[], Reading]) -> None:
        self._script = list(script)
        self.checks = 0

    def check(self) -> Reading:
        self.checks += 1
        step = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        return step()


def ok() -> Reading:
    return Reading(CheckState.OK, "fine")


def failing() -> Reading:
    return Reading(CheckState.FAILED, "broken")


def raising() -> Reading:
    message = "postgres://secret@path"
    raise RuntimeError(message)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.002)


def only(monitor: HealthMonitor) -> CheckReport:
    (report,) = monitor.reports()
    return report


async def test_before_the_first_result_all_is_unknown() -> None:
    gate = threading.Event()

    def waiting() -> Reading:
        gate.wait(10)
        return ok()

    rhythm = Rhythm(interval=0.01, timeout=10, stale=60, fails_down=2, passes_up=1)
    async with open_monitor([ScriptedProbe(waiting)], rhythm, local_metrics()) as monitor:
        assert not monitor.is_started
        assert only(monitor).state is CheckState.UNKNOWN
        assert only(monitor).age_seconds is None

        gate.set()
        await until(lambda: monitor.is_started)

        assert monitor.state("server") is CheckState.OK


async def test_failures_turn_it_down_and_a_pass_heals_it() -> None:
    probe = ScriptedProbe(ok, failing, failing, failing, ok)
    seen = []

    async with open_monitor([probe], RHYTHM, local_metrics()) as monitor:
        await until(lambda: only(monitor).state is CheckState.FAILED)
        seen.append(only(monitor).detail)
        await until(lambda: only(monitor).state is CheckState.OK)

    assert seen == ["broken"]


async def test_probe_that_hangs_has_failed_and_is_not_started_again() -> None:
    gate = threading.Event()

    def hanging() -> Reading:
        gate.wait(10)
        return ok()

    probe = ScriptedProbe(hanging, ok)
    metrics = local_metrics()
    async with open_monitor([probe], RHYTHM, metrics) as monitor:
        await until(lambda: metrics.value(HEALTH_CHECK_SECONDS, check="server") >= 2)
        assert only(monitor).state is CheckState.FAILED
        assert only(monitor).detail == "no result within 0.05 s"
        assert probe.checks == 1

        gate.set()
        await until(lambda: only(monitor).state is CheckState.OK)


async def test_probe_that_raises_is_unknown_and_shows_no_text_of_it() -> None:
    async with open_monitor([ScriptedProbe(raising)], RHYTHM, local_metrics()) as monitor:
        await until(lambda: monitor.is_started)

        assert only(monitor).state is CheckState.UNKNOWN
        assert "secret" not in only(monitor).detail


async def test_a_result_that_is_too_old_is_unknown() -> None:
    now = [100.0]
    rhythm = Rhythm(interval=3600, timeout=10, stale=6, fails_down=2, passes_up=1)
    monitor = HealthMonitor([ScriptedProbe(ok)], rhythm, local_metrics(), lambda: now[0])
    watching = asyncio.create_task(monitor.watch())
    await until(lambda: monitor.is_started)
    assert only(monitor).state is CheckState.OK

    now[0] += 7

    assert only(monitor).state is CheckState.UNKNOWN
    assert only(monitor).detail == "no result for 7 s"
    watching.cancel()
    await asyncio.wait([watching])
