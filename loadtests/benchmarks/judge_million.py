"""How long the checker takes over a history of a million operations, and how much memory.

The history is written here as a real check would have recorded it on a correct server:
conversations of a dozen runs that wait for one another, interrupt or roll back one another, and one
of very many runs. Run it with the project's Python:

    python loadtests/benchmarks/judge_million.py [--operations N] [--hot RUNS]

Ends with exit code 1 when judging takes longer than 10 seconds or 1 GiB, or finds anything at all.
"""

import argparse
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from outrigger_loadtests.history.file import HistoryFile, history_file
from outrigger_loadtests.history.operations import (
    GONE,
    INTERRUPTED,
    SUCCESS,
    Checkpoint,
    Created,
    Frame,
    HistoryRead,
    Joined,
    Opened,
    Operation,
    RunRead,
    RunRow,
    RunsRead,
    Settled,
    StateRead,
    Strategy,
    Streamed,
    ThreadRead,
)
from outrigger_loadtests.marks import STEPS, mark, thread_name, token
from outrigger_loadtests.profiles import OUTRIGGER
from outrigger_loadtests.shares import judge_on_every_core

MOST_SECONDS = 10.0
MOST_BYTES = 2**30
MILLISECOND = 1_000_000
START = datetime(2026, 1, 1, tzinfo=UTC)


class Story:
    """One conversation, recorded as it goes on.

    With `enqueue` every run waits for the one before; else every other one is cut by the next.
    """

    def __init__(self, number: int, runs: int, strategy: Strategy) -> None:
        self.name = thread_name(7, number)
        self.runs = runs
        self.strategy = strategy
        self._now = count(number * MILLISECOND + 1, MILLISECOND)
        self._ids = count()
        self._log: list[str] = []
        self._checkpoints: list[Checkpoint] = []
        self._rows: list[RunRow] = []
        self._cut: tuple[str, str, str] | None = None

    def operations(self) -> Iterator[Operation]:
        """Yield what a check would have recorded."""
        thread = f"thread-{self.name}"
        yield Opened(
            **self._times(),
            thread_id=thread,
            label=self.strategy,
            probe="probe_async",
            scenario="drip",
        )
        for number in range(self.runs):
            yield from self._run(number)
        yield Settled(**self._times(), quiet=True)
        yield RunsRead(**self._times(), rows=tuple(reversed(self._rows)))
        newest = tuple(reversed(self._checkpoints))
        yield HistoryRead(**self._times(), checkpoints=newest, head_digest="d")
        yield self._state(final=True)
        yield ThreadRead(
            **self._times(), final=True, status="idle", log=tuple(self._log), digest="d"
        )

    def _run(self, number: int) -> Iterator[Operation]:
        run_id, of = f"run-{self.name}-{number}", token(self.name, number)
        cut = self.strategy is not Strategy.ENQUEUE and number % 2 == 0
        moment = (START + timedelta(milliseconds=number)).isoformat(timespec="microseconds")
        yield Created(
            **self._times(),
            token=of,
            strategy=self.strategy,
            run_id=run_id,
            created_at=moment,
            seconds=0.0001,
        )
        yield ThreadRead(**self._times(), status="busy", log=(), digest="d")
        for status in ("pending", "running", "running"):
            yield RunRead(**self._times(), run_id=run_id, status=status)
        if cut:
            self._cut = (run_id, of, moment)
            return
        if self._cut:
            yield from self._end(*self._cut, cut=True)
        self._cut = None
        yield from self._end(run_id, of, moment, cut=False)
        if number % 10 in {0, 1}:
            yield self._state(final=False)

    def _end(self, run_id: str, of: str, moment: str, *, cut: bool) -> Iterator[Operation]:
        gone = cut and self.strategy is Strategy.ROLLBACK
        status = GONE if gone else INTERRUPTED if cut else SUCCESS
        steps = () if gone else STEPS[:2] if cut else STEPS
        self._write(run_id, of, moment, steps)
        yield RunRead(**self._times(), run_id=run_id, status=status)
        yield self._stream(run_id, of, STEPS[:2] if cut else STEPS, status if cut else "")
        failure = "UserRollback" if gone else ""
        yield Joined(**self._times(), run_id=run_id, token=of, status=status, failure=failure)
        if not gone:
            self._rows.append(RunRow(run_id, status, moment, of))

    def _write(self, run_id: str, of: str, moment: str, steps: tuple[str, ...]) -> None:
        for step in ("", *steps) if steps else ():
            added = (mark(of, step),) if step else ()
            parent = self._checkpoints[-1].checkpoint_id if self._checkpoints else ""
            checkpoint_id = f"{self.name}-{next(self._ids)}"
            self._checkpoints.append(
                Checkpoint(checkpoint_id, parent, run_id, moment, len(self._log), added)
            )
            self._log += added

    def _stream(self, run_id: str, of: str, steps: tuple[str, ...], told: str) -> Streamed:
        times = self._times()
        frames = tuple(
            Frame(times["invoked"] + n, name, f"{n}-0", "", (mark(of, step),))
            for n, (step, name) in enumerate((s, m) for s in steps for m in ("updates", "values"))
        )
        if told:
            frames += (Frame(times["invoked"], "metadata", "", run_id, (), told),)
        return Streamed(**times, run_id=run_id, token=of, from_start=True, frames=frames)

    def _state(self, *, final: bool) -> StateRead:
        head = self._checkpoints[-1].checkpoint_id if self._checkpoints else ""
        log = tuple(self._log)
        return StateRead(**self._times(), final=final, log=log, digest="d", checkpoint_id=head)

    def _times(self) -> dict[str, Any]:
        return {"thread": self.name, "invoked": next(self._now), "completed": next(self._now)}


def write(history: HistoryFile, operations: int, hot: int) -> None:
    """Write a history of at least so many operations."""
    for operation in Story(0, hot, Strategy.ENQUEUE).operations():
        history.record(operation)
    for number in count(1):
        if history.operations >= operations:
            return
        strategy = (Strategy.ENQUEUE, Strategy.INTERRUPT, Strategy.ROLLBACK)[number % 3]
        for operation in Story(number, 12, strategy).operations():
            history.record(operation)


def main() -> int:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--operations", type=int, default=1_000_000)
    parser.add_argument("--hot", type=int, default=1_000, help="runs of the busiest thread")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.jsonl"
        with history_file(path) as history:
            write(history, options.operations, options.hot)
        size = path.stat().st_size
        before = time.perf_counter()
        judgement = judge_on_every_core(path, OUTRIGGER)
        seconds = time.perf_counter() - before
    # Of the processes that judge, the largest one counts once for every core.
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * len(os.sched_getaffinity(0))
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss + largest) * 1024
    found = sum(1 for _ in judgement.findings())
    crashed = [each.crash for each in judgement.examinations.values() if each.crash]
    print(  # noqa: T201  what the benchmark is for
        f"{judgement.operations:,} operations, {judgement.threads:,} threads, "
        f"{size / 2**20:.0f} MiB: {seconds:.1f} s, "
        f"peak {peak / 2**20:.0f} MiB, {found} findings, {len(crashed)} crashes"
    )
    return int(seconds > MOST_SECONDS or peak > MOST_BYTES or bool(found or crashed))


if __name__ == "__main__":
    sys.exit(main())
