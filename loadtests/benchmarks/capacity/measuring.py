"""Runs `outrigger-loadtest capacity` and keeps of its verdict what the documents show."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from benchmarks.engine.figures import spread
from harness.processes import clean_environment

MEASURED = frozenset({0, 1, 3, 4})  # the exit codes with a verdict
OPERATIONS = ("queue_wait", "first_event", "total", "cut")


class MeasuringError(Exception):
    """The command ended without a verdict."""


def measure(url: str, folder: Path, words: Sequence[str]) -> dict[str, Any]:
    """Measure a server and return the capacity part of the verdict.

    Raises:
        MeasuringError: There is no verdict.
    """
    command = [sys.executable, "-m", "outrigger_loadtests.cli", "capacity"]
    command += ["--host", url, "--output", str(folder), *words]
    done = subprocess.run(command, env=clean_environment(), stdout=sys.stderr, check=False)
    if done.returncode not in MEASURED:
        raise MeasuringError(f"{' '.join(command)} ended with {done.returncode}")
    part: dict[str, Any] = orjson.loads((folder / "verdict.json").read_bytes())["capacity"]
    return part


def capacities(part: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what each strategy came to."""
    wanted = ("verdict", "capacity", "low", "high", "runs", "reason")
    return {each["strategy"]: {name: each[name] for name in wanted} for each in part["strategies"]}


def costs(part: dict[str, Any], rate: float) -> dict[str, dict[str, Any]]:
    """Return what each strategy costs at a rate: the median of its stages, with their range."""
    return {
        each["strategy"]: _cost([stage for stage in each["stages"] if stage["offered"] == rate])
        for each in part["strategies"]
    }


def _cost(stages: Sequence[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, list[float | None]] = {}
    for stage in stages:
        told = stage["cost"]
        found.setdefault("refused_share", []).append(told["refused_share"])
        found.setdefault("wasted_share", []).append(told["wasted_share"])
        found.setdefault("goodput", []).append(told["goodput"])
        took = {each["operation"]: each for each in stage["operations"]}
        for name in OPERATIONS:
            for percent in ("p50", "p95"):
                there = took.get(name)
                value = there["corrected"][percent] if there else None
                found.setdefault(f"{name}_{percent}", []).append(value)
    spreads = {name: spread(values) for name, values in found.items()}
    return {
        name: None if each is None else [each.median, each.low, each.high]
        for name, each in spreads.items()
    }
