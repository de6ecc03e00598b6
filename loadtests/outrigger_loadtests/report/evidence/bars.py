"""When each run of a thread was in flight: possibly ░, definitely █, all on one scale."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from outrigger_loadtests.history.operations import Created, Outcome
from outrigger_loadtests.models.run import FOREVER, NANOSECONDS, Run
from outrigger_loadtests.models.thread import Thread
from outrigger_loadtests.report.evidence.lines import ELSEWHERE, Line
from outrigger_loadtests.report.evidence.scene import Scene
from outrigger_loadtests.report.text import one_line

COLUMNS = 60
POSSIBLY = "░"
DEFINITELY = "█"
REFUSED = "x"
BETWEEN = "^"
OUTSIDE = "·"
_LABEL = 20


@dataclass(frozen=True)
class _Row:
    label: str
    begin: int
    end: int
    fill: str
    tail: str
    rank: int
    surely_from: int = FOREVER
    surely_to: int = -1


@dataclass(frozen=True)
class _Scale:
    start: int
    stop: int

    @property
    def column(self) -> float:
        """Nanoseconds of one column."""
        return max(1, self.stop - self.start) / COLUMNS

    def paint(self, cells: list[str], start: int, stop: int, fill: str) -> None:
        """Fill every cell that the interval touches."""
        if stop < self.start or start > self.stop:
            return
        last = COLUMNS - 1
        first = max(0, min(last, int((start - self.start) / self.column)))
        final = max(0, min(last, int((min(stop, self.stop) - self.start) / self.column)))
        cells[first : final + 1] = fill * (final + 1 - first)


def bar_lines(
    thread: Thread, scene: Scene, last_moment: int, between: Sequence[tuple[int, int]], budget: int
) -> list[Line]:
    """Return a line per run and per create that made none, in the order they were sent.

    When there are more than `budget`, only what is named or near sets the scale. Each of `between`
    is drawn under them.
    """
    rows = sorted(_rows(thread, scene), key=lambda row: row.begin)
    shown = [row for row in rows if row.rank < ELSEWHERE or len(rows) <= budget]
    scale = _scale(shown, between, last_moment)
    if scale is None:
        return []
    lines = [Line(_drawn(row, scale), row.rank) for row in rows]
    for start, stop in dict.fromkeys(between):
        tail = f"{scene.at(start)}..{scene.at(stop)}"
        row = _Row("looked at", start, stop, BETWEEN, tail, rank=0)
        lines.append(Line(_drawn(row, scale)))
    column = f"{scale.column / NANOSECONDS:.3f}"
    first, last = scene.at(scale.start), scene.at(scale.stop)
    legend = f"{POSSIBLY} possibly  {DEFINITELY} definitely  {REFUSED} refused"
    head = [
        Line(f"in flight   {legend}   one column = {column} s"),
        Line(f"  {'':<{_LABEL}} {first}{last:>{COLUMNS - len(first)}}"),
    ]
    return head + lines


def _rows(thread: Thread, scene: Scene) -> Iterable[_Row]:
    for run in thread.runs:
        yield _row_of_run(run, scene)
    for create in (*thread.refused, *thread.unresolved):
        yield _row_of_create(create, scene)


def _row_of_run(run: Run, scene: Scene) -> _Row:
    return _Row(
        label=f"{scene.token(run.token)} {run.strategy}",
        begin=run.begin,
        end=run.end,
        fill=POSSIBLY,
        tail=f"{run.status or 'not read'}  {one_line(run.run_id, 60)}",
        rank=scene.rank_of_run(run.run_id),
        surely_from=run.surely_from,
        surely_to=run.surely_to,
    )


def _row_of_create(create: Created, scene: Scene) -> _Row:
    refused = create.outcome is Outcome.FAIL
    return _Row(
        label=f"{scene.token(create.token)} {create.strategy}",
        begin=create.invoked,
        end=FOREVER if create.completed is None or not refused else create.completed,
        fill=REFUSED if refused else POSSIBLY,
        tail=f"refused {create.code or ''}".rstrip() if refused else "nobody knows",
        rank=scene.rank_of_time(create.invoked, create.completed),
    )


def _scale(
    rows: Iterable[_Row], between: Iterable[tuple[int, int]], last_moment: int
) -> _Scale | None:
    intervals = [*((row.begin, row.end) for row in rows), *between]
    if not intervals:
        return None
    start = min(begin for begin, _ in intervals)
    stop = max(min(end, last_moment) for _, end in intervals)
    return _Scale(start, max(start + 1, stop))


def _drawn(row: _Row, scale: _Scale) -> str:
    cells = [OUTSIDE] * COLUMNS
    scale.paint(cells, row.begin, row.end, row.fill)
    if row.surely_from <= row.surely_to:
        scale.paint(cells, row.surely_from, row.surely_to, DEFINITELY)
    return f"  {one_line(row.label, _LABEL):<{_LABEL}} {''.join(cells)} {row.tail}".rstrip()
