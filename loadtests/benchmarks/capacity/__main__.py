"""The command: measures, writes the figures as JSON, prints the table.

    PYTHONPATH=tests python -m benchmarks.capacity WHAT [--quick] [--output FILE]

`servers`: how much ours and the official one hold. `strategies`: how much ours holds with each
strategy, and then what each costs at half of what the weakest of them holds. `generator`: how well
one core keeps up with a thousand conversations a second, before a server that does nothing.
"""

import argparse
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from benchmarks.capacity.measuring import capacities, costs, measure
from benchmarks.capacity.report import servers, strategies
from benchmarks.capacity.servers import SLOTS, Measured, everybody, ours
from benchmarks.engine.databases import Databases, databases
from benchmarks.engine.machine import machine, versions
from harness.official import install_official
from harness.queue_process import queue_server

CACHE = Path(".bench")
OBJECTIVES = ("first_event=1s", "accept=500ms")
STRATEGIES_OBJECTIVES = ("accept=500ms",)  # with enqueue people wait, by design
STRATEGIES = ("reject", "enqueue", "interrupt", "rollback")


ARRIVALS = 1000
ONE_RUN = """
name = "one run"
[conversation]
runs = [1, 1]
seconds = [0.0, 0.0]
[mix]
single = 1
"""
MAX_SEND_LAG = 0.05  # the generator shares its cores with the server; latencies have it in them


@dataclass(frozen=True, slots=True)
class Effort:
    """How long is measured: seconds of a stage, seconds before it, how often, up to which rate."""

    stage: float
    warm_up: float
    repeats: int
    most: float = 10_000.0


QUICK = Effort(stage=3.0, warm_up=8.0, repeats=1, most=2.0)
SERVERS_EFFORT = Effort(stage=6.0, warm_up=2.0, repeats=1)
STRATEGIES_EFFORT = Effort(stage=15.0, warm_up=8.0, repeats=3)


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("what", choices=("servers", "strategies", "generator"))
    parser.add_argument("--quick", action="store_true", help="shortly, to see that it works")
    parser.add_argument("--output", type=Path, help="the figures")
    parser.add_argument(
        "--official",
        type=Path,
        default=CACHE / "official",
        help="virtual environment of the official server; made when it is not there",
    )
    return parser.parse_args()


def words(effort: Effort, objectives: tuple[str, ...], profile: str) -> list[str]:
    """Return the options that all measurements have."""
    found = ["--stage", f"{effort.stage:g}", "--warm-up", f"{effort.warm_up:g}", "--seed", "7"]
    found += ["--repeats", f"{effort.repeats}", "--closed-users", "", "--profile", profile]
    found += ["--max-send-lag", f"{MAX_SEND_LAG}", "--max-rate", f"{effort.most:g}"]
    for each in objectives:
        found += ["--slo-p95", each]
    return found


def measured_servers(effort: Effort, official: Path, servers: Databases) -> dict[str, Any]:
    """Measure how much every server holds with `enqueue`."""
    given = [*words(effort, OBJECTIVES, "default"), "--strategy", "enqueue", "--start-rate", "2"]
    found = {}
    for each in everybody(servers, official):
        sys.stderr.write(f"{each.name}\n")
        with started(each) as (url, folder):
            part = measure(url, folder, [*given, "--server-profile", each.profile])
        found[each.name] = capacities(part)
    return {"profile": "default", "objectives": OBJECTIVES, "servers": found}


def measured_strategies(effort: Effort, servers: Databases) -> dict[str, Any]:
    """Measure how much ours holds with each strategy, then what each costs at the same load."""
    given = words(effort, STRATEGIES_OBJECTIVES, "assistant")
    held: dict[str, Any] = {}
    cost: dict[str, Any] = {}
    with started(ours(servers)) as (url, folder):
        for name in STRATEGIES:
            searching = [*given, "--strategy", name, "--start-rate", "4", "--repeats", "1"]
            held |= capacities(measure(url, folder / name, searching))
        found = [each["capacity"] for each in held.values() if each["capacity"]]
        rate = round(min(found) / 2, 3) if found else 0.5
        at_rate = ["--start-rate", f"{rate}", "--max-rate", f"{rate}"]
        for name in STRATEGIES:
            part = measure(url, folder / f"{name}-cost", [*given, "--strategy", name, *at_rate])
            cost |= costs(part, rate)
    figures = {"profile": "assistant", "objectives": STRATEGIES_OBJECTIVES}
    return figures | {"rate": rate, "capacities": held, "costs": cost}


def measured_generator(effort: Effort) -> dict[str, Any]:
    """Measure one generator with conversations of one run, which is answered at once."""
    with tempfile.TemporaryDirectory(prefix="outrigger-bench-") as name, queue_server() as url:
        profile = Path(name) / "one.toml"
        profile.write_text(ONE_RUN)
        given = [*words(effort, ("total=60s",), str(profile)), "--strategy", "enqueue"]
        given += [
            "--start-rate",
            f"{ARRIVALS}",
            "--max-rate",
            f"{ARRIVALS}",
            "--checked-share",
            "0",
        ]
        part = measure(url, Path(name) / "out", [*given, "--max-send-lag", "0.01"])
    stages = part["strategies"][0]["stages"] if part["strategies"] else []
    return {
        "rate": ARRIVALS,
        "calibration": part["calibration"]["generator"],
        "tries": [each["generator"] | {"requests": each["requests"]} for each in stages],
    }


@contextmanager
def started(each: Measured) -> Iterator[tuple[str, Path]]:
    """Start a server in a folder of its own; yield its URL and another folder."""
    with tempfile.TemporaryDirectory(prefix="outrigger-bench-") as name:
        folder = Path(name)
        for place in ("server", "out"):
            (folder / place).mkdir()
        with each.start(folder / "server") as url:
            yield url, folder / "out"


def main() -> int:
    """Measure and report."""
    given = options()
    # Everything that was started ends with the benchmark, also when that is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    official = given.official.resolve()
    comparing = given.what == "servers"
    if given.what == "generator":
        found = measured_generator(QUICK if given.quick else SERVERS_EFFORT)
        print(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())  # noqa: T201
        return 0
    if comparing and not (official / "bin" / "langgraph").exists():
        install_official(official)
    figures: dict[str, Any] = {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "slots": SLOTS,
    }
    with databases() as running:
        if comparing:
            effort = QUICK if given.quick else SERVERS_EFFORT
            figures |= {"versions": versions(official)}
            figures |= measured_servers(effort, official, running)
        else:
            figures |= measured_strategies(QUICK if given.quick else STRATEGIES_EFFORT, running)
    output = given.output or CACHE / f"{given.what}.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_bytes(orjson.dumps(figures, option=orjson.OPT_INDENT_2))
    print(servers(figures) if comparing else strategies(figures))  # noqa: T201  what it is for
    return 0


if __name__ == "__main__":
    sys.exit(main())
