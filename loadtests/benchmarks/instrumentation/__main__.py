"""Compares the server with everything on, beside its sidecar, with one that counts nothing.

    PYTHONPATH=tests python -m benchmarks.instrumentation [--rounds N] [--clients N] [--tracing]

On: metric files, a log line for each run and request, a sidecar that is scraped every second; with
`--tracing` also traces to the sidecar's relay. Off: `benchmarks.instrumentation.bare`, no sidecar.
They take turns; the ratio is that of the medians. Exit code 1 when it is below 0.9.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from pathlib import Path

import httpx

from benchmarks.engine import measuring
from benchmarks.engine.contenders import copy_project
from benchmarks.engine.plan import USUAL, WARM_UP_CLIENTS, Window
from harness.processes import clean_environment, free_port, started_server, wait_until_answers

LEAST_RATIO = 0.9
SCRAPE_SECONDS = 1.0
WINDOW = Window(0.5, 5.0, 12.0, least_runs=8, least_runs_each=3)


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--tracing", action="store_true", help="send traces to the sidecar, too")
    return parser.parse_args()


@contextmanager
def instrumented(folder: Path, *, tracing: bool) -> Iterator[int]:
    """Run `outrigger up`, and scrape its sidecar; give the server's port."""
    variables = {"LANGSMITH_TRACING": "true"} if tracing else {}
    config = copy_project(folder)
    with started_server(
        folder / "data", config=config, sidecar=True, environment=variables
    ) as server:
        ended = threading.Event()
        scraping = threading.Thread(target=_scrape, args=(server.sidecar_url, ended), daemon=True)
        scraping.start()
        try:
            yield int(server.url.rpartition(":")[2])
        finally:
            ended.set()
            scraping.join()


def _scrape(url: str, ended: threading.Event) -> None:
    with httpx.Client(timeout=10) as client:
        while not ended.wait(SCRAPE_SECONDS):
            with suppress(httpx.HTTPError):
                client.get(f"{url}/metrics")


@contextmanager
def bare(folder: Path) -> Iterator[int]:
    """Run the server without instrumentation; give its port."""
    port, log = free_port(), folder / "bare.log"
    command = [sys.executable, "-m", "benchmarks.instrumentation.bare", "serve"]
    command += ["--config", str(copy_project(folder)), "--port", str(port)]
    command += ["--data-dir", str(folder / "data")]
    environment = clean_environment(OUTRIGGER_LOG_LEVEL="critical")
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        wait_until_answers(f"http://127.0.0.1:{port}/ok", process, log)
        yield port
    finally:
        process.terminate()
        process.wait(30)


Start = Callable[[Path], AbstractContextManager[int]]


def runs_per_second(start: Start, clients: int) -> float:
    """Start it in a folder of its own, warm it up and measure it."""
    with tempfile.TemporaryDirectory(prefix="outrigger-instr-") as name, start(Path(name)) as port:
        measuring.throughput(port, {}, WARM_UP_CLIENTS, USUAL.warm_up)
        return float(measuring.throughput(port, {}, clients, WINDOW)["runs_per_second"])


def main() -> None:
    """Measure in turns, print, and say by the exit code whether it holds."""
    given = options()
    sides: dict[str, Start] = {"on": partial(instrumented, tracing=given.tracing), "off": bare}
    found: dict[str, list[float]] = {"on": [], "off": []}
    for number in range(given.rounds):
        order = list(sides) if number % 2 else list(sides)[::-1]
        for side in order:
            found[side].append(runs_per_second(sides[side], given.clients))
        print(  # noqa: T201  the report
            f"round {number + 1}: on {found['on'][-1]:.0f}, off {found['off'][-1]:.0f} runs/s",
            flush=True,
        )
    on, off = (statistics.median(found[side]) for side in ("on", "off"))
    print(f"on {on:.0f}, off {off:.0f} runs/s: {on / off:.2f} (least {LEAST_RATIO})")  # noqa: T201
    sys.exit(on < LEAST_RATIO * off)


if __name__ == "__main__":
    main()
