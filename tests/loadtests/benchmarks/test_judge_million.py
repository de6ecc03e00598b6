"""The benchmark of judging runs: a small round, whose time says nothing."""

import subprocess
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parents[3] / "loadtests" / "benchmarks"


def test_the_history_of_the_judging_benchmark_breaks_no_promise() -> None:
    program = BENCHMARKS / "judge_million.py"
    small = ["--operations", "3000", "--hot", "50"]
    done = subprocess.run(
        [sys.executable, program, *small], capture_output=True, text=True, check=False
    )
    assert "0 findings, 0 crashes" in done.stdout, done.stdout + done.stderr
