"""What a timeline looks at: which runs are named by findings, which were in flight beside them.

Also how times, runs, tokens and checkpoints are called in it: as short as tells them apart.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from outrigger_loadtests.history.operations import AnyOperation, Created, Opened
from outrigger_loadtests.marks import thread_of
from outrigger_loadtests.models.run import FOREVER, NANOSECONDS
from outrigger_loadtests.models.thread import Thread
from outrigger_loadtests.report.evidence.lines import ELSEWHERE, NAMED, NEAR
from outrigger_loadtests.report.text import ELLIPSIS, one_line
from outrigger_loadtests.verdict import Finding

NEVER = "never"
_HEAD = 8
_SHORTENINGS: tuple[Callable[[str], str], ...] = (
    lambda each: f"{each[:_HEAD]}{ELLIPSIS}",
    lambda each: f"{each[:4]}{ELLIPSIS}{each[-6:]}",  # ids that begin with their time
)
_SHORT = 12


@dataclass(frozen=True)
class Scene:
    """How one thread's timeline is told.

    `start` and `stop` bound what is near: from the first named run's begin to the last one's end.
    """

    thread: str
    zero: int
    start: int
    stop: int
    named: frozenset[str]
    near: frozenset[str]
    checkpoints: frozenset[str]
    run_names: dict[str, str]
    checkpoint_names: dict[str, str]
    run_of_token: dict[str, str]
    token_of_run: dict[str, str]

    def at(self, moment: int | None) -> str:
        """Return a time in seconds since the first operation."""
        if moment is None or moment >= FOREVER:
            return NEVER
        return f"{(moment - self.zero) / NANOSECONDS:.3f}"

    def run(self, run_id: str) -> str:
        """Return what a run is called."""
        return self.run_names.get(run_id) or one_line(run_id, _SHORT) or "?"

    def checkpoint(self, checkpoint_id: str) -> str:
        """Return what a checkpoint is called."""
        return self.checkpoint_names.get(checkpoint_id) or one_line(checkpoint_id, _SHORT)

    def token(self, token: str) -> str:
        """Return what a token is called: short unless it belongs to another thread."""
        if thread_of(token) != self.thread:
            return one_line(token, 60)
        return f"x{ELLIPSIS}-{one_line(token.rpartition('-')[2], _SHORT)}"

    def rank_of_run(self, run_id: str) -> int:
        """Return how close a run is to what was found."""
        if run_id in self.named:
            return NAMED
        return NEAR if run_id in self.near else ELSEWHERE

    def rank_of_time(self, start: int, stop: int | None) -> int:
        """Return how close something is that happened to no certain run."""
        return NEAR if start <= self.stop and self.start <= _or_forever(stop) else ELSEWHERE


def whole_scene(operations: Sequence[AnyOperation], thread: Thread | None) -> Scene:
    """Look at the whole thread."""
    named = frozenset(run.run_id for run in thread.runs) if thread else frozenset[str]()
    return _scene(operations, thread, (named, frozenset(), frozenset()), (0, FOREVER))


def scene_of(
    operations: Sequence[AnyOperation], thread: Thread | None, findings: Iterable[Finding]
) -> Scene:
    """Look at what findings name and what was beside it; at everything if they name nothing."""
    findings = list(findings)
    checkpoints = frozenset(each for finding in findings for each in finding.checkpoints)
    named = {run_id for finding in findings for run_id in finding.runs}
    between = [finding.between for finding in findings if finding.between]
    if thread is None or not (checkpoints or named or between):
        return whole_scene(operations, thread)
    writers = {
        each.run_id for each in thread.chain.checkpoints if each.checkpoint_id in checkpoints
    }
    runs = [run for run in thread.runs if run.run_id in named | writers]
    starts = [*(run.begin for run in runs), *(start for start, _ in between)]
    stops = [*(run.end for run in runs), *(stop for _, stop in between)]
    bounds = min(starts, default=0), max(stops, default=FOREVER)
    near = frozenset(
        run.run_id
        for run in thread.runs
        if run.run_id in writers or run.possibly_in_flight(*bounds)
    )
    return _scene(operations, thread, (frozenset(named), near, checkpoints), bounds)


def last_moment(operations: Iterable[AnyOperation]) -> int:
    """Return when the last thing happened that a client saw."""
    return max((each.completed or each.invoked for each in operations), default=0)


def _scene(
    operations: Sequence[AnyOperation],
    thread: Thread | None,
    looked_at: tuple[frozenset[str], frozenset[str], frozenset[str]],
    bounds: tuple[int, int],
) -> Scene:
    opened = (each.thread for each in operations if isinstance(each, Opened))
    creates = [each for each in operations if isinstance(each, Created)]
    runs = thread.runs if thread else ()
    checkpoints = thread.chain.checkpoints if thread else ()
    named, near, ids = looked_at
    return Scene(
        thread=next(opened, operations[0].thread if operations else ""),
        zero=min((each.invoked for each in operations), default=0),
        start=bounds[0],
        stop=bounds[1],
        named=named,
        near=near,
        checkpoints=ids,
        run_names=short_names([each.run_id for each in runs] + [each.run_id for each in creates]),
        checkpoint_names=short_names(each.checkpoint_id for each in checkpoints),
        run_of_token={run.token: run.run_id for run in runs},
        token_of_run={run.run_id: run.token for run in runs},
    )


def short_names(ids: Iterable[str]) -> dict[str, str]:
    """Return what ids are called: the shortest form of a few that tells them all apart."""
    known = {each for each in ids if each}
    for shorten in _SHORTENINGS:
        names = {each: shorten(each) if len(each) > _SHORT else each for each in known}
        if len(set(names.values())) == len(known):
            break
    else:
        names = {each: each for each in known}
    return {each: one_line(name, 60) for each, name in names.items()}


def _or_forever(moment: int | None) -> int:
    return FOREVER if moment is None else moment
