"""How far a check has come, while it runs.

On a terminal one bar that moves; anywhere else a plain line now and then, so that a build's log
stays readable. It starts no thread and looks at no clock: whoever runs the check calls `show`.
"""

from dataclasses import dataclass
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from outrigger_loadtests.report.text import one_line

PLAIN_EVERY = 10.0  # seconds between lines where there is no terminal


@dataclass(frozen=True)
class Standing:
    """How far it is. `elapsed` is seconds since the check began; the rest has been done so far."""

    elapsed: float
    threads: int = 0
    runs: int = 0
    operations: int = 0
    doing: str = "load"


class ProgressBar:
    """Shows a check's progress towards `total` seconds. Open it with `with`."""

    def __init__(self, console: Console, total: float) -> None:
        self._console = console
        self._total = total
        self._bar: Progress | None = None
        self._next = 0.0

    def __enter__(self) -> Self:
        if self._console.is_interactive:
            columns = BarColumn(bar_width=30), TextColumn("{task.description}", markup=False)
            self._bar = Progress(
                *columns, console=self._console, auto_refresh=False, transient=True
            )
            self._bar.add_task("", total=self._total)
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def show(self, standing: Standing) -> None:
        """Show how far it is; call it as often as you like, about once a second at best.

        Where there is no terminal, at most one line comes in 10 seconds.
        """
        line = self._line(standing)
        if self._bar is not None:
            task = self._bar.task_ids[0]
            done = min(standing.elapsed, self._total)
            self._bar.update(task, completed=done, description=line, refresh=True)
            return
        if standing.elapsed < self._next:
            return
        self._next = standing.elapsed + PLAIN_EVERY
        self._console.print(Text(line), soft_wrap=True)

    def _line(self, standing: Standing) -> str:
        return (
            f"{one_line(standing.doing, 40)} {standing.elapsed:.0f}/{self._total:.0f} s, "
            f"threads {standing.threads:,}, runs {standing.runs:,}, "
            f"operations {standing.operations:,}"
        )
