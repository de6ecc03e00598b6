"""Who has a line of a thread's picture, and from when to when: runs, and creates that made none."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from outrigger_loadtests.history.operations import Created, Faulted, Outcome
from outrigger_loadtests.models.run import FOREVER, Run
from outrigger_loadtests.models.thread import Thread, returned
from outrigger_loadtests.report.evidence.lines import ELSEWHERE
from outrigger_loadtests.report.evidence.scene import Scene

MOST_LANES = 40


@dataclass(frozen=True)
class Lane:
    """One run, or one create that was refused or of which nobody knows.

    Times are nanoseconds of the client's clock. `surely` is None when nothing is certain.
    """

    run_id: str
    name: str
    strategy: str
    begin: int
    end: int
    surely: tuple[int, int] | None
    told: str
    refused: bool
    rank: int


@dataclass(frozen=True)
class Lanes:
    """The lines of one picture, and how many there was no room for."""

    shown: Sequence[Lane]
    left_out: int

    def number_of(self, run_id: str) -> int | None:
        """Return the line of a run; None for one that has none."""
        return next((n for n, lane in enumerate(self.shown) if lane.run_id == run_id), None)


def lanes_of(thread: Thread, scene: Scene) -> Lanes:
    """Return all of them in the order they were sent; of too many those near what was found."""
    lanes = sorted(_lanes(thread, scene), key=lambda lane: lane.begin)
    if len(lanes) <= MOST_LANES:
        return Lanes(lanes, 0)
    near = sorted((lane for lane in lanes if lane.rank < ELSEWHERE), key=lambda lane: lane.rank)
    kept = sorted(near[:MOST_LANES] or lanes[:MOST_LANES], key=lambda lane: lane.begin)
    return Lanes(kept, len(lanes) - len(kept))


def span_of(
    lanes: Sequence[Lane], between: Iterable[tuple[int, int]], last_moment: int
) -> tuple[int, int]:
    """Return the stretch of time that a picture shows; what never ends goes to the last moment."""
    intervals = [*((lane.begin, lane.end) for lane in lanes), *between]
    start = min((begin for begin, _ in intervals), default=0)
    stop = max((min(end, last_moment) for _, end in intervals), default=0)
    return start, max(start + 1, stop)


def faults_in(thread: Thread, start: int, stop: int) -> list[Faulted]:
    """Return the faults that touch a stretch of time."""
    return [each for each in thread.faults if each.invoked <= stop and _end_of(each) >= start]


def _end_of(fault: Faulted) -> int:
    end = returned(fault)
    return fault.invoked if end == FOREVER else end


def _lanes(thread: Thread, scene: Scene) -> Iterable[Lane]:
    for run in thread.runs:
        yield _of_run(run, scene)
    for create in (*thread.refused, *thread.unresolved):
        yield _of_create(create, scene)


def _of_run(run: Run, scene: Scene) -> Lane:
    sure = run.surely_from <= run.surely_to
    return Lane(
        run_id=run.run_id,
        name=scene.token(run.token),
        strategy=run.strategy,
        begin=run.begin,
        end=run.end,
        surely=(run.surely_from, run.surely_to) if sure else None,
        told=run.status or "not read",
        refused=False,
        rank=scene.rank_of_run(run.run_id),
    )


def _of_create(create: Created, scene: Scene) -> Lane:
    refused = create.outcome is Outcome.FAIL
    return Lane(
        run_id="",
        name=scene.token(create.token),
        strategy=create.strategy,
        begin=create.invoked,
        end=FOREVER if create.completed is None or not refused else create.completed,
        surely=None,
        told=f"refused {create.code or ''}".rstrip() if refused else "nobody knows",
        refused=refused,
        rank=scene.rank_of_time(create.invoked, create.completed),
    )
