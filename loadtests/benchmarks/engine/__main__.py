"""The command: measures, writes the figures as JSON, prints the tables.

    PYTHONPATH=tests python -m benchmarks.engine [--quick] [--rounds N] [--output FILE]

Exit code 1 when a contender broke down, or the figures say nothing because the client itself was
too slow.
"""

import argparse
import signal
import sys
import time
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import orjson

from benchmarks.engine.contenders import contenders
from benchmarks.engine.databases import databases
from benchmarks.engine.machine import machine, versions
from benchmarks.engine.plan import QUICK, USUAL, Plan
from benchmarks.engine.report import is_valid, report
from benchmarks.engine.rounds import run_rounds, tell
from harness.official import install_official

CACHE = Path(".bench")


def positive(text: str) -> int:
    """Parse a whole number above zero."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="one short round, to try it out")
    parser.add_argument("--rounds", type=positive, help="how often everything is measured")
    parser.add_argument("--seed", type=int, help="for the order within the rounds")
    parser.add_argument("--output", type=Path, default=CACHE / "engine.json", help="the figures")
    parser.add_argument(
        "--official",
        type=Path,
        default=CACHE / "official",
        help="virtual environment of the official server; made when it is not there",
    )
    return parser.parse_args()


def measured(plan: Plan, official: Path, seed: int) -> dict[str, Any]:
    """Measure everything; return the figures with what they were taken of."""
    began = time.monotonic()
    taken: dict[str, Any] = {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "parameters": asdict(plan) | {"seed": seed},
        "machine": machine(),
        "versions": versions(official),
    }
    with databases() as servers:
        found = run_rounds(plan, contenders(servers, official), servers, Random(seed))  # noqa: S311
    return taken | {"seconds": time.monotonic() - began, "rounds": found}


def main() -> int:
    """Measure and report."""
    given = options()
    # Everything that was started ends with the benchmark, also when that is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    plan = QUICK if given.quick else USUAL
    plan = replace(plan, rounds=given.rounds or plan.rounds)
    official = given.official.resolve()
    if not (official / "bin" / "langgraph").exists():
        tell(f"installing the official server into {official}")
        install_official(official)
    seed = given.seed if given.seed is not None else Random().getrandbits(32)  # noqa: S311
    figures = measured(plan, official, seed)
    given.output.parent.mkdir(parents=True, exist_ok=True)
    given.output.write_bytes(orjson.dumps(figures, option=orjson.OPT_INDENT_2))
    print(report(figures))  # noqa: T201  what the command is for
    return 0 if is_valid(figures) else 1


if __name__ == "__main__":
    sys.exit(main())
