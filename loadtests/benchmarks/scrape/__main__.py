"""Measures a real sidecar beside real processes with many label sets.

    PYTHONPATH=tests python -m benchmarks.scrape [--processes N] [--label-sets N] [--rest SECONDS]
    [--postgres URI --redis URI]

Exit code 1 when a scrape takes more than 100 ms (the median of 20), or the sidecar at rest more
than 80 MB or 1 % of a CPU. At rest nothing but its own checks is done, beside a server that is
idle; with `--postgres` and `--redis` these are of a deployment of several processes.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import psutil

from harness.processes import (
    PROBES,
    clean_environment,
    free_port,
    started_server,
    wait_until_answers,
)

SCRAPES = 20
AS_PROMETHEUS = {
    "accept": "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5",
    "accept-encoding": "gzip",
}
MOST_SECONDS = 0.1
MOST_BYTES = 80_000_000
MOST_CPU = 0.01
WARM_UP_SECONDS = 3.0


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--label-sets", type=int, default=200, help="of each process")
    parser.add_argument("--rest", type=float, default=30.0, help="seconds of rest to measure")
    parser.add_argument("--postgres", default="", help="URI of a database to make tables in")
    parser.add_argument("--redis", default="")
    return parser.parse_args()


@contextmanager
def writers(directory: Path, processes: int, label_sets: int) -> Iterator[None]:
    """Let so many processes write metrics until the block ends."""
    with ExitStack() as stack:
        for _ in range(processes):
            command = [sys.executable, "-m", "benchmarks.scrape.writer"]
            process = stack.enter_context(
                subprocess.Popen(
                    [*command, str(directory), str(label_sets)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            stack.callback(process.kill)
            if process.stdout is None or process.stdout.readline() != "ready\n":
                raise RuntimeError("a writer of metrics did not start")
        yield


@contextmanager
def sidecar(folder: Path, target: str, environment: dict[str, str]) -> Iterator[tuple[str, int]]:
    """Run a sidecar; give its URL and process id."""
    url = f"http://127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "outrigger_sidecar", "--port", url.rpartition(":")[2]]
    command += ["--target", target, "--data-dir", str(folder / "data")]
    log = folder / "sidecar.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=clean_environment(**environment), stdout=output, stderr=output
        )
    try:
        wait_until_answers(f"{url}/startupz", process, log)
        yield url, process.pid
    finally:
        process.terminate()
        process.wait(30)


def scrape_seconds(url: str, pid: int) -> tuple[float, float, int]:
    """Return the median time of a scrape, the sidecar's CPU time for one, and the page's size."""
    taken, size = [], 0
    process = psutil.Process(pid)
    before = sum(process.cpu_times()[:2])
    with httpx.Client() as client:
        for _ in range(SCRAPES):
            started = time.perf_counter()
            size = len(
                client.get(f"{url}/metrics", headers=AS_PROMETHEUS).raise_for_status().content
            )
            taken.append(time.perf_counter() - started)
    used = sum(process.cpu_times()[:2]) - before
    return statistics.median(taken), used / SCRAPES, size


def at_rest(pid: int, seconds: float) -> tuple[float, float]:
    """Return the memory and the share of a CPU of a process that is left alone."""
    process = psutil.Process(pid)
    time.sleep(WARM_UP_SECONDS)
    before, began = sum(process.cpu_times()[:2]), time.perf_counter()
    time.sleep(seconds)
    used = sum(process.cpu_times()[:2]) - before
    return float(process.memory_info().rss), used / (time.perf_counter() - began)


def main() -> None:
    """Measure, print, and say by the exit code whether it holds."""
    given = options()
    scaled = {"POSTGRES_URI": given.postgres, "REDIS_URI": given.redis}
    environment = {name: uri for name, uri in scaled.items() if uri}
    if environment:
        environment["OUTRIGGER_MIGRATE_ON_START"] = "true"
    with tempfile.TemporaryDirectory(prefix="outrigger-scrape-") as name, ExitStack() as stack:
        folder = Path(name)
        server = stack.enter_context(
            started_server(folder / "data", config=PROBES, environment=environment)
        )
        url, pid = stack.enter_context(sidecar(folder, server.url, environment))
        memory, cpu = at_rest(pid, given.rest)
        with writers(folder / "data" / "metrics", given.processes, given.label_sets):
            seconds, busy, size = scrape_seconds(url, pid)
    print(  # noqa: T201  the report
        f"scrape of {given.processes} processes x {given.label_sets} label sets:"
        f" {seconds * 1000:.0f} ms, of which {busy * 1000:.0f} ms of CPU, {size / 1024:.0f} KiB"
        f" (most {MOST_SECONDS * 1000:.0f} ms)\n"
        f"at rest: {memory / 1e6:.0f} MB (most {MOST_BYTES / 1e6:.0f}),"
        f" {cpu:.2%} of a CPU (most {MOST_CPU:.0%})"
    )
    sys.exit(seconds > MOST_SECONDS or memory > MOST_BYTES or cpu > MOST_CPU)


if __name__ == "__main__":
    main()
