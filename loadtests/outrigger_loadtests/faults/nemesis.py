"""Does harm to a server under test, again and again, and writes down what it did and when."""

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Protocol

from outrigger_loadtests.errors import TargetNotStarted

INJECTION_SECONDS = 60.0
DELAY_SECONDS = 0.2
SLOW_SECONDS = 2.0


@dataclass(frozen=True)
class Fault:
    """Something that can be done to a server. `inject` returns when it is over."""

    name: str
    inject: Callable[[], None]


class Process(Protocol):
    """A process that a fault can end, stop and start again."""

    def start(self) -> None:
        """Start it; returns without waiting until it works."""
        ...

    def kill(self) -> None:
        """End it as a crash would."""
        ...

    def wait_until_ready(self) -> None:
        """Return when it works."""
        ...

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        ...


class Way(Protocol):
    """A way to a server that a fault can make slow, and cut."""

    delay: float

    def cut(self) -> None:
        """Break every connection."""
        ...


class Service(Protocol):
    """A service that a fault can restart."""

    def start(self) -> None:
        """Return when it answers."""
        ...

    def stop(self) -> None:
        """End it in order."""
        ...

    def kill(self) -> None:
        """End it as a crash would."""
        ...


def kills(name: str, process: Process, *, patiently: bool) -> Fault:
    """A process is killed and started again; `patiently` the fault lasts until it works again."""

    def inject() -> None:
        process.kill()
        process.start()
        if patiently:
            process.wait_until_ready()

    return Fault(name, inject)


def terminates(name: str, process: Process, stop: Callable[[], object]) -> Fault:
    """A process is told to end, hands back its work, and is started again."""

    def inject() -> None:
        stop()
        process.start()
        process.wait_until_ready()

    return Fault(name, inject)


def slows(
    name: str, way: Way, delay: float = DELAY_SECONDS, seconds: float = SLOW_SECONDS
) -> Fault:
    """For so long all data arrive late by `delay` seconds; then every connection is cut."""

    def inject() -> None:
        way.delay = delay
        try:
            time.sleep(seconds)
        finally:
            way.delay = 0.0
        way.cut()

    return Fault(name, inject)


def pauses(name: str, process: Process, seconds: float) -> Fault:
    """A process stands still for so long."""

    def inject() -> None:
        process.signal(signal.SIGSTOP)
        time.sleep(seconds)
        process.signal(signal.SIGCONT)

    return Fault(name, inject)


def restarts(name: str, service: Service, seconds: float, *, crash: bool = False) -> Fault:
    """A service is away for so long, by an orderly stop or a crash."""

    def inject() -> None:
        if crash:
            service.kill()
        else:
            service.stop()
        time.sleep(seconds)
        service.start()

    return Fault(name, inject)


class Nemesis:
    """Injects faults in turn, with a pause before each, and appends them to a log.

    The log is one of `outrigger-loadtest check --faults-log`.
    """

    def __init__(self, faults: Sequence[Fault], *, pause: float, log: Path) -> None:
        self._faults = faults
        self._pause = pause
        self._log = log
        self._stopping = threading.Event()
        self._failure: BaseException | None = None
        self.injected = 0
        log.touch()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Inject faults until the block ends; the last one is over then.

        Raises whatever kept a fault from being injected.
        """
        thread = threading.Thread(target=self._run, name="nemesis", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            thread.join(INJECTION_SECONDS)
        if thread.is_alive():
            raise TargetNotStarted("a fault never ended")
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            for fault in cycle(self._faults):
                if self._stopping.wait(self._pause):
                    return
                self._inject(fault)
        except BaseException as error:  # noqa: BLE001  the block raises it in its own thread
            self._failure = error

    def _inject(self, fault: Fault) -> None:
        began = time.time()
        fault.inject()
        line = {"name": fault.name, "began": began, "ended": time.time()}
        with self._log.open("a") as log:
            log.write(json.dumps(line) + "\n")
        self.injected += 1
