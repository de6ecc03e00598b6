"""What is seen of a capacity test while it runs: a line for each stage, and a bar that moves.

The bar is on terminals only; it shows what goes on and what came of it so far, of all workers.
"""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from outrigger_loadtests.capacity.results import summed
from outrigger_loadtests.generator.metrics import GeneratorMetrics
from outrigger_loadtests.generator.stage import Order, Standing
from outrigger_loadtests.report.capacity_json import StagePart
from outrigger_loadtests.report.text import one_line


class CapacityScreen:
    """Shows stages and tells the metrics of them. Open it with `with`."""

    def __init__(self, console: Console, metrics: GeneratorMetrics) -> None:
        self._console = console
        self._metrics = metrics
        self._doing = ""
        self._seconds = 1.0
        self._bar: Progress | None = None

    def __enter__(self) -> Self:
        if self._console.is_interactive:
            columns = BarColumn(bar_width=20), TextColumn("{task.description}", markup=False)
            self._bar = Progress(
                *columns, console=self._console, auto_refresh=False, transient=True
            )
            self._bar.add_task("")
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

    def begin(self, order: Order) -> None:
        """Say which stage begins."""
        self._doing = "calibrating" if order.idle else f"{order.label} {load_of(order)}"
        self._seconds = order.seconds
        self._metrics.begin_stage(order)
        self._show(Standing())

    def tell(self, standings: list[Standing]) -> None:
        """Take how far the workers are."""
        standing = summed(standings)
        self._metrics.tell(standing)
        self._show(standing)

    def end(self, stage: StagePart) -> None:
        """Say what came of a stage."""
        came = "holds" if stage.passed else "; ".join(stage.reasons)
        self.say(f"{self._doing}: {came}")

    def say(self, line: str) -> None:
        """Print a line that stays."""
        self._console.print(Text(one_line(line)), soft_wrap=True)

    def _show(self, standing: Standing) -> None:
        if self._bar is None:
            return
        line = (
            f"{one_line(self._doing, 30)} {standing.at:.0f}/{self._seconds:.0f} s, "
            f"begun {standing.offered:,}, ended {standing.achieved:,}, "
            f"now {standing.in_flight:,}, errors {standing.errors:,}"
        )
        if standing.dropped:
            line += f", dropped {standing.dropped:,}"
        task = self._bar.task_ids[0]
        done = min(standing.at, self._seconds)
        self._bar.update(task, total=self._seconds, completed=done, description=line, refresh=True)


def load_of(order: Order) -> str:
    """Return a stage's load in words."""
    return f"{order.users} users" if order.users else f"{order.rate:.3g}/s"
