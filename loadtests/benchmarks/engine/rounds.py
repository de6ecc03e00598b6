"""The rounds: in each, everything is measured once, in an order of its own, one at a time."""

import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.engine import measuring
from benchmarks.engine.contenders import Contender, Databases, started_null
from benchmarks.engine.plan import LIMIT_CLIENTS, WARM_UP_CLIENTS, Plan

NULL = "null"
LIMITS = ("memory", "sqlite", "postgres")

Visit = Callable[[Path], dict[str, Any]]


def limit_name(saver: str) -> str:
    """Return the name of a saver's limit among what is measured."""
    return f"limit-{saver}"


def tell(line: str) -> None:
    """Report progress."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201  what stderr is for


def run_rounds(
    plan: Plan, contenders: Sequence[Contender], databases: Databases, dice: Random
) -> list[dict[str, Any]]:
    """Measure everything in every round; return what was measured."""
    visits = _visits(plan, contenders, databases)
    rounds = []
    for number in range(1, plan.rounds + 1):
        order = dice.sample(sorted(visits), len(visits))
        measured = {}
        for name in order:
            tell(f"round {number} of {plan.rounds}: {name}")
            with tempfile.TemporaryDirectory(prefix="outrigger-bench-") as folder:
                load = os.getloadavg()[0]
                measured[name] = {"load_before": load} | visits[name](Path(folder))
        rounds.append({"order": order, "visits": measured})
    return rounds


def _visits(plan: Plan, contenders: Sequence[Contender], databases: Databases) -> dict[str, Visit]:
    visits: dict[str, Visit] = {NULL: lambda _folder: _visit_null(plan)}
    for saver in LIMITS:
        visits[limit_name(saver)] = lambda folder, saver=saver: _visit_limit(
            saver, folder, plan, databases
        )
    for each in contenders:
        visits[each.name] = lambda folder, each=each: _visit_server(each, folder, plan)
    return visits


def _visit_server(contender: Contender, folder: Path, plan: Plan) -> dict[str, Any]:
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


def _visit_null(plan: Plan) -> dict[str, Any]:
    found = {}
    with started_null() as started:
        for clients in plan.clients:
            found[str(clients)] = measuring.throughput(
                started.port, started.parts, clients, plan.null_window
            )
            _tell_throughput(clients, found[str(clients)])
    return {"throughput": found}


def _visit_limit(saver: str, folder: Path, plan: Plan, databases: Databases) -> dict[str, Any]:
    if saver == "postgres":
        with databases.running() as uri:
            parts = {"postgres": databases.parts["postgres"]}
            found = measuring.limit(saver, uri, parts, LIMIT_CLIENTS, plan.window)
    else:
        place = str(folder / "checkpoints.db")
        found = measuring.limit(saver, place, {}, LIMIT_CLIENTS, plan.window)
    _tell_throughput(LIMIT_CLIENTS, found)
    return {"throughput": {str(LIMIT_CLIENTS): found}}


def _tell_times(label: str, found: dict[str, Any], timing: str) -> None:
    median = found.get(timing, {}).get("p50_ms")
    shown = "none" if median is None else f"p50 {median:.1f} ms"
    tell(f"  {label}: {shown}, {found['times']} times, {found['failed']} failed")


def _tell_throughput(clients: int, found: dict[str, Any]) -> None:
    shown = f"{found['runs_per_second']:.1f} runs/s, p50 {found.get('p50_ms', 0):.1f} ms"
    busy = ", ".join(f"{name} {share:.0%}" for name, share in found["cpu"].items())
    tell(f"  {clients} clients: {shown}, {found['failed']} failed; CPU {busy}")
