"""`outrigger-loadtest capacity` from end to end: look at the target, lead workers, report."""

import fcntl
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

import gevent  # type: ignore[import-untyped]  # it ships no types
import msgspec
from locust.env import Environment
from locust.runners import LocalRunner, MasterRunner
from rich.console import Console

from outrigger_loadtests.capacity.fleet import LocustFleet, Worker, wait_for_workers
from outrigger_loadtests.capacity.results import PERCENT
from outrigger_loadtests.capacity.screen import CapacityScreen
from outrigger_loadtests.capacity.settings import CapacitySettings
from outrigger_loadtests.capacity.stage_judge import StageJudge
from outrigger_loadtests.capacity.trial import Trial, WorkerLost
from outrigger_loadtests.checkers.catalogue import INVARIANTS
from outrigger_loadtests.client.locust_transport import LocustTransport
from outrigger_loadtests.client.target import Identity, inspect
from outrigger_loadtests.environment import environment_here
from outrigger_loadtests.errors import TargetUnreachable, UsageError
from outrigger_loadtests.generator.metrics import GeneratorMetrics, served
from outrigger_loadtests.history.file import HISTORY
from outrigger_loadtests.report.capacity_console import print_capacity
from outrigger_loadtests.report.capacity_json import (
    CalibrationPart,
    CapacityPart,
    CapacityVerdict,
    Objective,
    StrategyPart,
)
from outrigger_loadtests.report.files import write_report
from outrigger_loadtests.report.outcome import CheckReport, Parameter, Target

LOOPBACK = "127.0.0.1"
DIAL_SECONDS = 120.0
_WORST = (
    CapacityVerdict.FAIL,
    CapacityVerdict.SLO_MISS,
    CapacityVerdict.INCONCLUSIVE,
    CapacityVerdict.PASS,
)


@dataclass(frozen=True)
class Crew:
    """Who makes the load: this process alone, `processes` of its own, or `expected` others.

    The others dial in at `bind` and `port`. `metrics` is where metrics are served, if anywhere.
    """

    processes: int = 1
    expected: int = 0
    bind: str = LOOPBACK
    port: int = 5557
    metrics: tuple[str, int] | None = None


def capacity(settings: CapacitySettings, crew: Crew, console: Console) -> int:
    """Measure a server's capacity and return the command's exit code.

    Writes history and reports into the output directory. Ctrl-C ends the stage that goes on and
    still reports. To be called once in a process, which it patches and whose signals it takes.

    Raises:
        UsageError: Another test writes to the output directory, or the workers did not come.
        TargetUnreachable: The server does not answer as one that can be tested; nothing was sent.
        OSError: The output directory cannot be written to.
    """
    hub = gevent.get_hub()
    hub.NOT_ERROR = (*hub.NOT_ERROR, KeyboardInterrupt)  # else Ctrl-C is a traceback on stderr
    environment = Environment()
    check = settings.check
    transport = LocustTransport(environment, check.host, check.api_key)
    identity = inspect(transport, check.host, (f"probe_{check.probes[0]}",))
    transport.close()
    path = check.output / HISTORY
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as lock, ExitStack() as stack:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(f"--output: another test writes to {path.parent}") from error
        began, started_at = time.monotonic(), datetime.now(UTC)
        judge = StageJudge(path, check.profile, INVARIANTS)
        metrics = GeneratorMetrics(f"{started_at:%Y%m%dT%H%M%SZ}")
        port = stack.enter_context(served(metrics, crew.metrics))
        screen = stack.enter_context(CapacityScreen(console, metrics))
        if crew.metrics is not None:
            place = f"http://{crew.metrics[0]}:{port}/metrics"
            screen.say(f"metrics at {place}, test {metrics.test}")
        fleet = stack.enter_context(_fleet(settings, crew, environment, screen))
        part = _measure(settings, fleet, judge, lambda: time.monotonic() - began, screen)
        part = _with_identity(part, identity)
        report = _report(settings, identity, judge, part, started_at, began, stopped=fleet.stopped)
        files = write_report(report, check.output)
    print_capacity(console, part)
    for file in (*files, path):
        console.print(f"wrote {file}", markup=False, soft_wrap=True)
    return report.exit_code


def _measure(
    settings: CapacitySettings,
    fleet: LocustFleet,
    judge: StageJudge,
    now: Callable[[], float],
    screen: CapacityScreen,
) -> CapacityPart:
    trial = Trial(settings, fleet, judge.judge, now, screen)
    calibration: CalibrationPart | None = None
    strategies: list[StrategyPart] = []
    with suppress(WorkerLost):
        calibration = trial.calibrate()
        labels = settings.check.labels if calibration.generator.kept_up else ()
        strategies.extend(trial.measure(label) for label in labels if not fleet.stopped)
    whole = len(strategies) == len(settings.check.labels)
    verdicts = {each.verdict for each in strategies}
    if not whole:
        verdicts.add(CapacityVerdict.INCONCLUSIVE)
    return CapacityPart(
        verdict=next(each for each in _WORST if each in verdicts),
        objectives=tuple(
            Objective(operation=name, percentile=PERCENT, seconds=seconds)
            for name, seconds in settings.objectives.items()
        ),
        error_budget=settings.error_budget,
        target=settings.target,
        workers=fleet.workers,
        server={},
        calibration=calibration,
        strategies=tuple(strategies),
        samples=tuple(trial.samples),
    )


def _with_identity(part: CapacityPart, identity: Identity) -> CapacityPart:
    return msgspec.structs.replace(part, server=dict(identity.told))


@contextmanager
def _fleet(
    settings: CapacitySettings, crew: Crew, environment: Environment, screen: CapacityScreen
) -> Iterator[LocustFleet]:
    check = settings.check
    worker = Worker(environment, check.host, check.api_key)
    environment.user_classes = [worker.users()]
    count = crew.expected or crew.processes
    children: list[subprocess.Popen[bytes]] = []
    runner: LocalRunner | MasterRunner
    if count == 1 and not crew.expected:
        runner = environment.create_local_runner()
        worker.listen()
    else:
        bind = crew.bind if crew.expected else LOOPBACK
        port = crew.port if crew.expected else _free_port()
        runner = environment.create_master_runner(bind, port)
        if not crew.expected:
            children = [_child(check.host, port) for _ in range(count)]
    fleet = LocustFleet(runner, count, screen.tell)
    for number in (signal.SIGINT, signal.SIGTERM):
        gevent.signal_handler(number, fleet.stop)
    try:
        if isinstance(runner, MasterRunner) and not wait_for_workers(runner, count, DIAL_SECONDS):
            raise UsageError(f"--expect-workers: {count} workers did not come")
        runner.start(count, spawn_rate=count)
        yield fleet
    finally:
        runner.quit()
        worker.close()
        for child in children:
            child.terminate()
            child.wait()


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind((LOOPBACK, 0))
        port: int = sock.getsockname()[1]
        return port


def _child(host: str, port: int) -> subprocess.Popen[bytes]:
    words = ["worker", "--host", host, "--master-host", LOOPBACK, "--master-port", str(port)]
    return subprocess.Popen(
        [sys.executable, "-m", "outrigger_loadtests.cli", *words], stdin=subprocess.DEVNULL
    )


def work(host: str, api_key: str | None, master_host: str, master_port: int) -> int:
    """Be a worker until the master goes; return the command's exit code.

    Raises:
        TargetUnreachable: No master answers.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the master hears it and says what to do
    environment = Environment()
    worker = Worker(environment, host, api_key)
    environment.user_classes = [worker.users()]
    try:
        runner = environment.create_worker_runner(master_host, master_port)
    except ConnectionError as error:
        raise TargetUnreachable(f"no master answers at {master_host}:{master_port}") from error
    worker.listen()
    runner.greenlet.join()
    worker.close()
    return 0


def _report(  # noqa: PLR0913  what a report is made of
    settings: CapacitySettings,
    identity: Identity,
    judge: StageJudge,
    part: CapacityPart,
    started_at: datetime,
    began: float,
    *,
    stopped: bool,
) -> CheckReport:
    judgement = judge.judgement
    return CheckReport(
        version=version("langgraph-outrigger"),
        started_at=started_at.isoformat(timespec="seconds"),
        duration=round(time.monotonic() - began, 3),
        target=Target(settings.check.host, identity.version, settings.check.profile.name),
        parameters=parameters(settings),
        threads=judgement.threads,
        operations=judgement.operations,
        promises={each.name: each.promise for each in INVARIANTS},
        examinations=judgement.examinations,
        repeat=repeat_command(settings),
        counts=judgement.counts,
        notes=_notes(part),
        stopped_early=stopped,
        environment=environment_here(),
        grafana_url=settings.check.grafana_url,
        capacity=part,
    )


def _notes(part: CapacityPart) -> tuple[str, ...]:
    if part.calibration and not part.calibration.generator.kept_up:
        generator = part.calibration.generator
        told = (
            f"the generator cannot keep up with {part.calibration.rate:.0f} empty conversations a "
            f"second: send lag p99 {generator.send_lag_p99 * 1000:.1f} ms, "
            f"{generator.cpu:.0%} of a core; nothing was measured"
        )
        return (told,)
    return ()


def parameters(settings: CapacitySettings) -> Mapping[str, Parameter]:
    """Return what makes two tests comparable: everything but where the server is."""
    behaviour = msgspec.json.encode(settings.behaviour).decode()
    return {
        "kind": "capacity",
        "strategy": settings.check.strategy,
        "probe": settings.check.probe,
        "seed": settings.check.seed,
        "behaviour": behaviour,
        "objectives": ",".join(f"{name}={each:g}s" for name, each in settings.objectives.items()),
        "error_budget": settings.error_budget,
        "stage": settings.stage,
        "warm_up": settings.warm_up,
        "repeats": settings.repeats,
        "start_rate": settings.start,
        "max_rate": settings.most,
        "checked_share": settings.checked_share,
        "closed_users": ",".join(str(each) for each in settings.users),
        "max_send_lag": settings.limits.send_lag,
        "max_cpu": settings.limits.cpu,
        "in_flight_cap": settings.cap,
        "server_profile": settings.check.profile.name,
    }


def repeat_command(settings: CapacitySettings) -> str:
    """Return the command that sends the same plans again; it names no key."""
    check = settings.check
    options = {
        "--host": check.host,
        "--strategy": check.strategy,
        "--probe": check.probe,
        "--seed": f"{check.seed}",
        "--profile": settings.profile_option,
        "--error-budget": f"{settings.error_budget:g}",
        "--stage": f"{settings.stage:g}",
        "--warm-up": f"{settings.warm_up:g}",
        "--repeats": f"{settings.repeats}",
        "--start-rate": f"{settings.start:g}",
        "--max-rate": f"{settings.most:g}",
        "--checked-share": f"{settings.checked_share:g}",
        "--closed-users": ",".join(str(each) for each in settings.users),
        "--server-profile": check.profile.name,
    }
    words = [word for option in options.items() for word in option]
    for name, seconds in settings.objectives.items():
        words += ["--slo-p95", f"{name}={seconds:g}s"]
    key = ["--api-key", "…"] if check.api_key else []
    return shlex.join(["outrigger-loadtest", "capacity", *words, *key])
