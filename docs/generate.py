"""Writes the generated parts of the documents: what the code knows is never typed twice.

A part stands between `<!-- mark -->` and `<!-- /mark -->`; everything else in the file is left
alone. With `--check` nothing is written, and drift ends with status 1. A new part is one line in
PARTS.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from compatibility_table import decisions_table, routes_table, versions_line

from benchmarks.capacity.report import published as published_capacity
from benchmarks.engine.report import published
from outrigger_loadtests.faults.kinds import faults_table
from outrigger_loadtests.report.invariants import invariants_table, profiles_table
from outrigger_server.domain.run_drawing import run_diagram, transitions_table
from outrigger_server.settings import settings_table
from outrigger_sidecar.settings import settings_table as sidecar_settings_table
from outrigger_telemetry.metric_table import metrics_table

REPOSITORY = Path(__file__).resolve().parent.parent
BENCH = REPOSITORY / "docs" / "performance.json"
CAPACITY = REPOSITORY / "docs" / "capacity.json"
STRATEGIES = REPOSITORY / "docs" / "strategies.json"
COMPATIBILITY = REPOSITORY / "docs" / "compatibility.json"


@dataclass(frozen=True, slots=True)
class Part:
    """One generated part of one file."""

    file: str
    mark: str
    make: Callable[[], str]


PARTS = (
    Part("README.md", "settings", settings_table),
    Part("README.md", "sidecar-settings", sidecar_settings_table),
    Part("docs/metrics.md", "metrics", metrics_table),
    Part("docs/invariants.md", "invariants", invariants_table),
    Part("docs/invariants.md", "profiles", profiles_table),
    Part("docs/invariants.md", "faults", faults_table),
    Part("docs/performance.md", "bench", partial(published, BENCH)),
    Part("docs/capacity.md", "capacity", partial(published_capacity, CAPACITY)),
    Part("docs/strategies.md", "strategies", partial(published_capacity, STRATEGIES)),
    Part("docs/state-machine.md", "run-diagram", run_diagram),
    Part("docs/state-machine.md", "run-transitions", transitions_table),
    Part("docs/compatibility.md", "compared", partial(versions_line, COMPATIBILITY)),
    Part("docs/compatibility.md", "routes", partial(routes_table, COMPATIBILITY)),
    Part("docs/compatibility.md", "decisions", partial(decisions_table, COMPATIBILITY)),
)


class MarkError(Exception):
    """A file lacks the marks of its part."""


def replace_part(text: str, mark: str, new: str) -> str:
    """Put `new` between the marks in `text`.

    Raises:
        MarkError: The marks are not there exactly once, in this order.
    """
    opening, closing = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    before, found, rest = text.partition(opening)
    _, found_end, after = rest.partition(closing)
    if not found or not found_end or opening in rest or closing in before + after:
        msg = f"needs {opening} and after it {closing}, each once"
        raise MarkError(msg)
    return f"{before}{opening}\n{new.strip()}\n{closing}{after}"


def generate(root: Path, parts: Sequence[Part], *, check: bool) -> list[str]:
    """Bring all parts up to date below `root`, or with `check` only compare; tell each fault."""
    faults = []
    for part in parts:
        path = root / part.file
        try:
            old = path.read_text(encoding="utf-8")
            new = replace_part(old, part.mark, part.make())
        except FileNotFoundError:
            faults.append(f"{part.file}: no such file; make it with the marks of {part.mark!r}")
        except MarkError as error:
            faults.append(f"{part.file}: {error}")
        else:
            if new != old and check:
                faults.append(f"{part.file}: part {part.mark!r} is out of date; run: make docs")
            elif new != old:
                path.write_text(new, encoding="utf-8")
    return faults


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; return the exit status."""
    parser = argparse.ArgumentParser(description="Write the generated parts of the documents.")
    parser.add_argument("--check", action="store_true", help="write nothing, exit 1 on drift")
    faults = generate(REPOSITORY, PARTS, check=parser.parse_args(arguments).check)
    for fault in faults:
        sys.stderr.write(f"{fault}\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
