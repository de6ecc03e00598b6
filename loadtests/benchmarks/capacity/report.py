"""The figures as the documents show them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from benchmarks.engine.figures import Spread
from benchmarks.engine.names import SERVERS
from benchmarks.engine.tables import NONE, shown, table

SERVER_HEAD = ("Server", "Conversations/s", "Runs/s", "Verdict")
STRATEGY_HEAD = (
    "Strategy",
    "Conversations/s it holds",
    "409 share",
    "Wasted",
    "Wait p50",
    "Wait p95",
    "First event p95",
    "Cut p50",
    "Cut p95",
    "Whole runs/s",
)


def published(path: Path) -> str:
    """Return the tables for the figures in a file; says how to measure when there is none."""
    if not path.exists():
        return "Not measured yet."
    figures = orjson.loads(path.read_bytes())
    return servers(figures) if "servers" in figures else strategies(figures)


def servers(figures: Mapping[str, Any]) -> str:
    """Return how much each server holds."""
    rows = [
        (SERVERS[name], *_capacity(each))
        for name, found in figures["servers"].items()
        for each in found.values()
    ]
    return f"{_measured(figures)}\n\n{table(SERVER_HEAD, rows)}"


def strategies(figures: Mapping[str, Any]) -> str:
    """Return what each strategy costs, at one and the same load."""
    rows = []
    capacities, costs = figures["capacities"], figures["costs"]
    for name in {**capacities, **costs}:  # one may lack where the generator was too slow to begin
        cost = costs.get(name, {})
        held = _capacity(capacities[name])[0] if name in capacities else "unknown"
        rows.append(
            (
                f"`{name}`",
                held,
                *(_share(cost.get(each)) for each in ("refused_share", "wasted_share")),
                *(_seconds(cost.get(each)) for each in ("queue_wait_p50", "queue_wait_p95")),
                _seconds(cost.get("first_event_p95")),
                *(_seconds(cost.get(each)) for each in ("cut_p50", "cut_p95")),
                shown(_spread(cost.get("goodput"))),
            )
        )
    load = f"All columns but the first at {figures['rate']:.3g} conversations/s."
    return f"{_measured(figures)} {load}\n\n{table(STRATEGY_HEAD, rows)}"


def _measured(figures: Mapping[str, Any]) -> str:
    machine, objectives = figures["machine"], ", ".join(figures["objectives"])
    return (
        f"Measured {figures['started'][:10]} on {machine['cpus']} CPUs ({machine['system']}, "
        f"Python {machine['python']}), generator, server and databases on the same machine. "
        f"Profile `{figures['profile']}`, {figures['slots']} slots; objectives p95 {objectives}."
    )


def _capacity(found: Mapping[str, Any]) -> tuple[str, str, str]:
    if found["capacity"] is None:
        return "unknown", NONE, f"{found['verdict']}: {found['reason']}"
    spread = Spread(found["capacity"], found["low"], found["high"])
    return shown(spread), f"{found['runs']:.1f}", found["verdict"]


def _spread(found: Sequence[float] | None) -> Spread | None:
    return None if found is None else Spread(*found)


def _share(found: Sequence[float] | None) -> str:
    return NONE if found is None else f"{found[0]:.1%}"


def _seconds(found: Sequence[float] | None) -> str:
    return NONE if found is None else f"{found[0] * 1000:,.0f} ms"
