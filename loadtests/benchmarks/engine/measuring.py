"""Starts the processes that measure, and watches the CPU between their moments."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from threading import Timer
from typing import Any

import orjson

from benchmarks.engine.cpu import CpuWatch, Parts
from benchmarks.engine.plan import REQUEST_SECONDS, Repeats, Window
from harness.processes import clean_environment

MOMENTS = {"open", "closed"}
# What a measuring process may take beyond what it measures: its start, its last requests.
SLACK_SECONDS = REQUEST_SECONDS + 20.0


class MeasuringError(Exception):
    """A measuring process ended without a result."""


def throughput(port: int, parts: Parts, clients: int, window: Window) -> dict[str, Any]:
    """Measure a server with so many clients."""
    given = {"clients": clients, "window": asdict(window)}
    most = window.longest + SLACK_SECONDS
    return _measured(_client("throughput", port, given), parts, "client", most)


def repeated(case: str, port: int, repeats: Repeats) -> dict[str, Any]:
    """Measure a case that is done one after the other."""
    most = repeats.most_seconds + SLACK_SECONDS
    return _measured(_client(case, port, asdict(repeats)), {}, "client", most)


def limit(saver: str, place: str, parts: Parts, clients: int, window: Window) -> dict[str, Any]:
    """Measure `graph.ainvoke` with the saver, which keeps its data at `place`."""
    given = orjson.dumps({"clients": clients, "window": asdict(window)}).decode()
    words = ["benchmarks.engine.limits", saver, given, place]
    most = window.longest + SLACK_SECONDS
    return _measured(words, parts, "process", most)


def _client(case: str, port: int, given: Mapping[str, Any]) -> list[str]:
    return ["benchmarks.engine.client", case, str(port), orjson.dumps(given).decode()]


def _measured(words: Sequence[str], parts: Parts, name: str, most: float) -> dict[str, Any]:
    """Run the process; return its last line, with the CPU shares of the parts and of itself.

    Raises:
        MeasuringError: It ended without a result, or took longer than `most` seconds.
    """
    with subprocess.Popen(
        [sys.executable, "-m", *words], stdout=subprocess.PIPE, text=True, env=clean_environment()
    ) as process:
        watch = CpuWatch({**parts, name: [process.pid]})
        late = Timer(most, process.kill)
        late.start()
        try:
            last = _listen(process, watch)
            process.wait()
        finally:
            late.cancel()
            process.kill()
    if process.returncode != 0 or not last:
        raise MeasuringError(f"{' '.join(words)} ended with {process.returncode}")
    found: dict[str, Any] = orjson.loads(last)
    return found | {"cpu": watch.shares()}


def _listen(process: subprocess.Popen[str], watch: CpuWatch) -> str:
    """Sample at the moments that the process tells; return its last line."""
    last = ""
    for line in process.stdout or ():
        last = line.strip()
        if last in MOMENTS:
            watch.sample()
    return last
