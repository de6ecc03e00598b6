"""The rounds: in each, everything is measured once, in an order of its own, one at a time."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.engine import measuring
from benchmarks.engine.contenders import Contender, started_null
from benchmarks.engine.databases import Databases
from benchmarks.engine.measuring import MeasuringError
from benchmarks.engine.names import MEMORY_LIMIT, NULL, POSTGRES_LIMIT, SQLITE_LIMIT
from benchmarks.engine.plan import WARM_UP_CLIENTS, Plan

MOST_OF_AN_ERROR = 500
# The limits by the kind of saver.
SAVERS = {"memory": MEMORY_LIMIT, "sqlite": SQLITE_LIMIT, "postgres": POSTGRES_LIMIT}

Visit = Callable[[Path], dict[str, Any]]


def tell(line: str) -> None:
    """Report progress."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201  what stderr is for


def run_rounds(
    plan: Plan, contenders: Sequence[Contender], databases: Databases, dice: Random
) -> list[dict[str, Any]]:
    """Measure everything in every round; return what was measured."""
    visits = _visits(plan, contenders, databases)
    rounds = []
    began = time.monotonic()
    for number in range(1, plan.rounds + 1):
        order = dice.sample(sorted(visits), len(visits))
        measured = {}
        for name in order:
            tell(f"round {number} of {plan.rounds}, {time.monotonic() - began:.0f} s: {name}")
            measured[name] = {"load_before": os.getloadavg()[0]} | _visited(visits[name])
        rounds.append({"order": order, "visits": measured})
    return rounds


def _visited(visit: Visit) -> dict[str, Any]:
    """Visit with a folder of its own; what broke down is told and kept as the visit's error."""
    try:
        with tempfile.TemporaryDirectory(prefix="outrigger-bench-") as folder:
            return visit(Path(folder))
    except (MeasuringError, AssertionError, OSError, subprocess.SubprocessError) as error:
        tell(f"  BROKE DOWN: {error}")
        return {"error": f"{type(error).__name__}: {error}"[:MOST_OF_AN_ERROR]}


def _visits(plan: Plan, contenders: Sequence[Contender], databases: Databases) -> dict[str, Visit]:
    visits: dict[str, Visit] = {NULL: partial(_visit_null, plan)}
    for saver, name in SAVERS.items():
        visits[name] = partial(_visit_limit, saver, plan, databases)
    for each in contenders:
        visits[each.name] = partial(_visit_server, each, plan)
    return visits


def _visit_server(contender: Contender, plan: Plan, folder: Path) -> dict[str, Any]:
    """Start it, warm it up, measure it idle and then with more and more clients, stop it."""
    with contender.start(folder) as started:
        port, parts = started.port, started.parts
        warm_up = measuring.throughput(port, parts, WARM_UP_CLIENTS, plan.warm_up)
        first_frames = measuring.repeated("first_frames", port, plan.frames)
        cuts = measuring.repeated("cuts", port, plan.cuts)
        _tell_times("first frame", first_frames, "first_frame")
        _tell_times("cut", cuts, "interrupted")
        found = {}
        for clients in plan.clients:
            found[str(clients)] = measuring.throughput(port, parts, clients, plan.window)
            _tell_throughput(clients, found[str(clients)])
    return {
        "warm_up": warm_up,
        "first_frames": first_frames,
        "cuts": cuts,
        "throughput": found,
    }


def _visit_null(plan: Plan, _folder: Path) -> dict[str, Any]:
    found = {}
    with started_null() as started:
        for clients in plan.clients:
            found[str(clients)] = measuring.throughput(
                started.port, started.parts, clients, plan.null_window
            )
            _tell_throughput(clients, found[str(clients)])
    return {"throughput": found}


def _visit_limit(saver: str, plan: Plan, databases: Databases, folder: Path) -> dict[str, Any]:
    clients = plan.limit_clients
    if saver == "postgres":
        with databases.running() as uri:
            parts = {"postgres": databases.parts["postgres"]}
            found = measuring.limit(saver, uri, parts, clients, plan.window)
    else:
        place = str(folder / "checkpoints.db")
        found = measuring.limit(saver, place, {}, clients, plan.window)
    _tell_throughput(clients, found)
    return {"throughput": {str(clients): found}}


def _tell_times(label: str, found: dict[str, Any], timing: str) -> None:
    median = found.get(timing, {}).get("p50_ms")
    shown = "none" if median is None else f"p50 {median:.1f} ms"
    tell(f"  {label}: {shown}, {found['times']} times, {found['failed']} failed")


def _tell_throughput(clients: int, found: dict[str, Any]) -> None:
    shown = f"{found['runs_per_second']:.1f} runs/s, p50 {found.get('p50_ms', 0):.1f} ms"
    busy = ", ".join(f"{name} {share:.0%}" for name, share in found["cpu"].items())
    tell(f"  {clients} clients: {shown}, {found['failed']} failed; CPU {busy}")
