"""A real sidecar as a relay, between the real SDK and the stand-in for LangSmith."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from harness.langsmith_double import KEY, LangSmith
from harness.processes import clean_environment, free_port, wait_until_answers

DEADLINE_SECONDS = 20.0
SENDER = Path(__file__).parent / "trace_sender.py"


@dataclass
class RelaySidecar:
    """A sidecar process with its relay; `settings` are those of its next start."""

    folder: Path
    settings: dict[str, str]
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def relay_url(self) -> str:
        return f"{self.url}/langsmith"

    @property
    def spool(self) -> Path:
        return self.folder / "data" / "relay"

    def start(self) -> None:
        command = [sys.executable, "-m", "outrigger_sidecar", "--port", str(self.port)]
        command += ["--data-dir", str(self.folder / "data"), "--target", ""]
        log = self.folder / "sidecar.log"
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command, env=clean_environment(**self.settings), stdout=output, stderr=output
            )
        wait_until_answers(f"{self.url}/livez", self.process, log)

    def kill(self) -> None:
        """End it as kill -9 does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None

    def metric(self, name: str) -> float:
        """The value of one sample on the page."""
        lines = httpx.get(f"{self.url}/metrics", timeout=10).text.splitlines()
        return next(float(line.split()[-1]) for line in lines if line.startswith(f"{name} "))

    def until_metric(self, name: str, value: float) -> None:
        """Return once the page shows it."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while (found := self.metric(name)) != value:
            assert time.monotonic() < deadline, f"{name} stays at {found}"
            time.sleep(0.05)


@contextmanager
def started_langsmith(folder: Path) -> Iterator[LangSmith]:
    """A double that keeps its files below `folder`, until the block ends."""
    double = LangSmith(folder / "langsmith", free_port())
    double.folder.mkdir()
    double.start()
    try:
        yield double
    finally:
        double.kill()


@contextmanager
def started_relay(folder: Path, **settings: str) -> Iterator[tuple[RelaySidecar, LangSmith]]:
    """A relay in front of a LangSmith; the double runs, the sidecar is yet to be started."""
    with started_langsmith(folder) as langsmith:
        quick = {
            "OUTRIGGER_RELAY_UPSTREAM": langsmith.url,
            "OUTRIGGER_RELAY_UPSTREAM_KEY": KEY,
            "OUTRIGGER_RELAY_RETRY_MAX_SECONDS": "1",
            "OUTRIGGER_RELAY_REPLAY_SECONDS": "0.2",
        }
        sidecar = RelaySidecar(folder, quick | settings)
        try:
            yield sidecar, langsmith
        finally:
            sidecar.kill()


def start_sender(
    sidecar: RelaySidecar, *, traces: int, seconds: float, **more: str
) -> subprocess.Popen[bytes]:
    """Start the real SDK; it writes `sent` into the sidecar's folder when it has ended."""
    environment = clean_environment(
        LANGSMITH_ENDPOINT=sidecar.relay_url,
        LANGSMITH_API_KEY="a-key-of-the-sender",
        LANGSMITH_FAILED_TRACES_DIR=str(sidecar.spool / "failed"),
        **more,
    )
    environment["LANGSMITH_TRACING"] = "true"
    command = [sys.executable, str(SENDER), str(sidecar.folder / "sent")]
    command += [str(traces), str(seconds)]
    return subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)


def sent_ids(sidecar: RelaySidecar) -> set[str]:
    """The ids of all runs that were sent."""
    return set((sidecar.folder / "sent").read_text().split())
