"""Compares the folders of two runs."""

from pathlib import Path

from rich.console import Console

from outrigger_loadtests.errors import UsageError
from outrigger_loadtests.report.comparison.compare import Outcome, compare
from outrigger_loadtests.report.comparison.table import print_comparison
from outrigger_loadtests.report.measured_file import read_measures
from outrigger_loadtests.report.verdict_json import VERDICT, read_verdict


def compare_folders(base: Path, candidate: Path, console: Console) -> int:
    """Print how the candidate differs from its base, and return the command's exit code.

    Raises:
        UsageError: A folder holds no run, or the two were not told to do the same.
        UnreadableReport: A file in them is none of ours.
    """
    comparison = compare(_outcome(base), _outcome(candidate))
    print_comparison(console, comparison)
    return int(comparison.exit_code)


def _outcome(folder: Path) -> Outcome:
    if not (folder / VERDICT).is_file():
        raise UsageError(f"{folder} holds no report: {VERDICT} is missing")
    return Outcome(read_verdict(folder), read_measures(folder))
