"""One check from end to end: look at the target, talk, wait for rest, judge, report."""

import fcntl
import shlex
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import gevent  # type: ignore[import-untyped]  # it ships no types
import msgspec
from locust.env import Environment
from rich.console import Console

from outrigger_loadtests.behaviour.profile import Behaviour
from outrigger_loadtests.checkers.catalogue import INVARIANTS
from outrigger_loadtests.client.gevent_clock import GeventClock
from outrigger_loadtests.client.locust_transport import LocustTransport
from outrigger_loadtests.client.target import Identity, inspect
from outrigger_loadtests.environment import environment_here
from outrigger_loadtests.errors import TargetNotStarted, UnreadableFaults, UsageError
from outrigger_loadtests.faults.kinds import LONGEST_RECOVERY
from outrigger_loadtests.faults.started import Started, started
from outrigger_loadtests.history.faults_log import read_faults
from outrigger_loadtests.history.file import (
    HISTORY,
    append,
    history_file,
    operations_of_threads,
)
from outrigger_loadtests.history.operations import Operation
from outrigger_loadtests.judging import Judgement
from outrigger_loadtests.models.reading import read_thread
from outrigger_loadtests.models.run import NANOSECONDS
from outrigger_loadtests.models.thread import returned
from outrigger_loadtests.report.console import print_summary
from outrigger_loadtests.report.files import write_report
from outrigger_loadtests.report.findings import evidence
from outrigger_loadtests.report.measures import Measures, Stretch
from outrigger_loadtests.report.outcome import CheckReport, Target
from outrigger_loadtests.report.progress import ProgressBar, Standing
from outrigger_loadtests.report.timeline import evidence_timeline
from outrigger_loadtests.scenarios.crowd import Crowd, Draw, Plans
from outrigger_loadtests.scenarios.load import STOPS, Load
from outrigger_loadtests.scenarios.people import People
from outrigger_loadtests.scenarios.plan import plan_of
from outrigger_loadtests.scenarios.settling import Patience
from outrigger_loadtests.settings import CheckSettings
from outrigger_loadtests.shares import judge_on_every_core

TAIL_SECONDS = 4.0  # at the end of the sending no fault begins
PATIENT = Patience(tries=100)  # ten seconds: a server that is restarted meanwhile comes back


def check(settings: CheckSettings, console: Console) -> int:
    """Check a server and return the command's exit code.

    Writes the history and the reports into the output directory. Ctrl-C ends the sending and still
    reports; a second one gives up what goes on and reports without it. To be called once in a
    process, which it patches and whose signals it takes.

    Raises:
        UsageError: Another check writes to the output directory; nothing was sent.
        TargetUnreachable: The server does not answer as one that can be tested; nothing was sent.
        OSError: The output directory cannot be written to.
    """
    if settings.start is None:
        return _check(settings, None, console)
    with TemporaryDirectory(prefix="outrigger-faults-") as folder:
        log = Path(folder) / "faults.jsonl"
        with ExitStack() as stack:
            with console.status("starting the server"):
                own = started(settings.start, settings.environment, settings.faults, log)
                server = stack.enter_context(own)
            there = replace(settings, host=server.url, faults_log=log)
            return _check(there, server, console)


def _check(settings: CheckSettings, harm: Started | None, console: Console) -> int:
    hub = gevent.get_hub()
    hub.NOT_ERROR = (*hub.NOT_ERROR, KeyboardInterrupt)  # else Ctrl-C is a traceback on stderr
    environment = Environment()
    transport = LocustTransport(environment, settings.host, settings.api_key)
    identity = inspect(transport, settings.host, _graphs(settings))
    path = settings.output / HISTORY
    with _alone_in(path):
        if harm is not None:
            harm.begin(settings.duration - TAIL_SECONDS)
        load = _load(settings, console, environment, transport, path)
        for stop in STOPS:
            signal.signal(stop, signal.SIG_IGN)  # nothing comes between a load and its report
        unread = _rested(harm) or _add_faults(settings.faults_log, load, path)
        judgement = judge_on_every_core(path, settings.profile, load.unfinished)
        if unread:
            judgement.doubt_the_faults(unread)
        judgement.doubt_the_untested()
        if not load.stopped:  # else it is the user who gave them up
            judgement.doubt_the_given_up()
        report = _report(settings, identity, judgement, load)
        report = replace(report, timelines=_timelines(path, report))
        measures = _measures(judgement, load, settings.duration)
        files = write_report(report, settings.output, measures)
    print_summary(console, report, [*files, path])
    return report.exit_code


def _rested(harm: Started | None) -> str:
    """Wait until no fault is under way; return why faults are not known, empty if they are."""
    try:
        if harm is not None:
            harm.rest()
    except TargetNotStarted as error:
        return str(error)
    return ""


def _add_faults(log: Path | None, load: "_Loaded", history: Path) -> str:
    """Add the faults of a log to a history; return why they cannot be read, empty if they can.

    Faults from which a server had recovered before the load began are left out.
    """
    if log is None:
        return ""
    since = int((load.began - LONGEST_RECOVERY) * NANOSECONDS)
    try:
        faults = read_faults(log, load.lead)
    except (OSError, UnreadableFaults) as error:
        return str(error)
    append(history, [each for each in faults if returned(each) >= since])
    return ""


@dataclass(frozen=True)
class _Loaded:
    """What a load leaves besides its history.

    `lead`: by how many nanoseconds the wall clock was ahead of the client's when it began.
    """

    started_at: datetime
    lead: int
    began: float
    stopped: bool
    unfinished: frozenset[str]


def _load(
    settings: CheckSettings,
    console: Console,
    environment: Environment,
    transport: LocustTransport,
    path: Path,
) -> _Loaded:
    began, started_at = time.monotonic(), datetime.now(UTC)
    lead = time.time_ns() - GeventClock().now()
    lost: list[OSError] = []
    with history_file(path) as history, ProgressBar(console, settings.duration) as bar:

        def record(operation: Operation) -> None:
            try:
                if not lost:
                    history.record(operation)
            except OSError as error:  # every conversation would stumble over it
                lost.append(error)
                load.give_up()

        crowd = Crowd(
            transport,
            GeventClock(),
            record,
            plans=Plans(_draw(settings), settings.labels),
            patience=Patience() if settings.faults_log is None else PATIENT,
        )

        def show(doing: str) -> None:
            done = crowd.progress
            elapsed = time.monotonic() - began
            bar.show(Standing(elapsed, done.ended, done.runs, done.operations, doing))

        load = Load(environment, crowd, GeventClock(), threads=settings.threads, on_tick=show)
        stopped = load.run(_graphs(settings), settings.duration)
    transport.close()
    if lost:
        raise lost[0]
    return _Loaded(started_at, lead, began, stopped, frozenset(crowd.unfinished))


def _draw(settings: CheckSettings) -> Draw:
    """Return what makes conversations: of people who behave so, or else as hard as they can be."""
    if settings.behaviour is None:
        return partial(plan_of, settings.seed)
    return People(settings.behaviour, settings.seed).plan


def _graphs(settings: CheckSettings) -> tuple[str, ...]:
    return tuple(f"probe_{each}" for each in settings.probes)


@contextmanager
def _alone_in(path: Path) -> Iterator[None]:
    """Keep other checks from writing to the same file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(f"--output: another check writes to {path.parent}") from error
        yield


def _report(
    settings: CheckSettings, identity: Identity, judgement: Judgement, load: _Loaded
) -> CheckReport:
    notes = []
    if judgement.unopened:
        notes.append(f"{judgement.unopened} threads could not be created")
    if load.unfinished:
        notes.append(f"{len(load.unfinished)} conversations were given up and are not judged")
    if judgement.faults:
        told = ", ".join(f"{count} {name}" for name, count in judgement.faults.items())
        notes.append(f"faults: {told}; bounds are extended around them")
    if judgement.excused:
        notes.append(f"{judgement.excused} threads could not be created because of faults")
    if judgement.stalled:
        notes.append(f"this client stood still for {judgement.stalled:.1f} s; bounds are extended")
    return CheckReport(
        version=version("langgraph-outrigger"),
        started_at=load.started_at.isoformat(timespec="seconds"),
        duration=round(time.monotonic() - load.began, 3),
        target=Target(settings.host, identity.version, settings.profile.name),
        parameters={
            "strategy": settings.strategy,
            "probe": settings.probe,
            "threads": settings.threads,
            "duration": settings.duration,
            "seed": settings.seed,
            "server_profile": settings.profile.name,
            **({"faults": ",".join(settings.faults)} if settings.start else {}),
            **({"behaviour": _written(settings.behaviour)} if settings.behaviour else {}),
        },
        threads=judgement.threads,
        operations=judgement.operations,
        promises={each.name: each.promise for each in INVARIANTS},
        examinations=judgement.examinations,
        repeat=repeat_command(settings),
        counts=judgement.counts,
        notes=tuple(notes),
        stopped_early=load.stopped,
        environment=environment_here(),
        grafana_url=settings.grafana_url,
    )


def _measures(judgement: Judgement, load: _Loaded, seconds: float) -> Measures:
    """Return what was measured, with the stages of the load."""
    measures = judgement.measures
    begin = int(load.began * NANOSECONDS)
    end = max((measures.last + 1) * measures.width, begin)
    sent = min(begin + int(seconds * NANOSECONDS), end)
    resting = (Stretch("coming to rest", sent, end),) if sent < end else ()
    measures.stages = (Stretch("sending", begin, sent), *resting)
    return measures


def _timelines(path: Path, report: CheckReport) -> dict[str, str]:
    wanted = evidence(report)
    return {
        name: evidence_timeline(operations, read_thread(operations), wanted[name])
        for name, operations in operations_of_threads(path, wanted)
    }


def _written(behaviour: Behaviour) -> str:
    return msgspec.json.encode(behaviour).decode()


def _where(settings: CheckSettings) -> dict[str, str]:
    if settings.start is None:
        return {"--host": settings.host}
    faults = {"--faults": ",".join(settings.faults)} if settings.faults else {}
    return {"--start": str(settings.start), **faults}


def repeat_command(settings: CheckSettings) -> str:
    """Return the command that sends the same plans again; it names no key."""
    options = {
        **_where(settings),
        "--strategy": settings.strategy,
        "--probe": settings.probe,
        "--threads": str(settings.threads),
        "--duration": f"{settings.duration:g}",
        "--seed": str(settings.seed),
        "--server-profile": settings.profile.name,
    }
    if settings.behaviour is not None:
        options["--profile"] = settings.behaviour_option
    words = [word for option in options.items() for word in option]
    key = ["--api-key", "…"] if settings.api_key else []
    return shlex.join(["outrigger-loadtest", "check", *words, *key])
