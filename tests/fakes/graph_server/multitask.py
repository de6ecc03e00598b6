"""What a new run does to the runs in flight: the rule, and the rule with a fault."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from fakes.graph_server.bugs import Bug, Bugs
from fakes.graph_server.rows import Action, RunRow, Status, ThreadRow

JUST_NOW = 40_000  # microseconds
STORM = 150_000
ACTIONS = {"interrupt": Action.INTERRUPT, "rollback": Action.ROLLBACK}


@dataclass(frozen=True, slots=True)
class Decision:
    """`drop` are pending runs that never start, `cut` running ones that are told to stop."""

    accepted: bool = True
    action: Action | None = None
    drop: tuple[RunRow, ...] = ()
    cut: tuple[RunRow, ...] = ()
    drop_newcomer: bool = False  # a fault


def decide(strategy: str, in_flight: Sequence[RunRow]) -> Decision:
    if not in_flight or strategy == "enqueue":
        return Decision()
    if strategy == "reject":
        return Decision(accepted=False)
    return Decision(
        action=ACTIONS[strategy],
        drop=tuple(run for run in in_flight if run.status is Status.PENDING),
        cut=tuple(run for run in in_flight if run.status is Status.RUNNING),
    )


def wrongly_decide(
    bugs: Bugs, strategy: str, thread: ThreadRow, in_flight: Sequence[RunRow], now: int
) -> Decision:
    """Decide as a server with these faults does; `now` in microseconds."""
    right = decide(strategy, in_flight)
    recent = [run for run in in_flight if run.accepted_at >= now - JUST_NOW]
    if strategy == "reject":
        return _wrong_reject(bugs, right, thread, in_flight, recent)
    refusals = {
        "enqueue": Bug.ENQUEUE_REFUSED,
        "interrupt": Bug.INTERRUPT_REFUSED,
        "rollback": Bug.ROLLBACK_REFUSED,
    }
    if refusals[strategy] in bugs and in_flight:
        return Decision(accepted=False)
    if strategy == "enqueue":
        return right
    in_storm = thread.cutter_at > now - STORM
    thread.cutter_at = now
    newest = Bug.NEWEST_DROPPED if strategy == "interrupt" else Bug.NEWEST_ROLLED_BACK
    if (newest in bugs and in_storm) or (Bug.BOTH_CUT in bugs and recent):
        return replace(right, action=ACTIONS[strategy], drop_newcomer=True)
    if Bug.BOTH_SURVIVE in bugs:
        drop = tuple(run for run in right.drop if run not in recent)
        return replace(right, drop=drop, cut=tuple(r for r in right.cut if r not in recent))
    return right


def _wrong_reject(
    bugs: Bugs,
    right: Decision,
    thread: ThreadRow,
    in_flight: Sequence[RunRow],
    recent: Sequence[RunRow],
) -> Decision:
    if Bug.REJECTS_IDLE in bugs and not in_flight:
        thread.refused_idle = not thread.refused_idle
        return Decision(accepted=not thread.refused_idle)
    if Bug.REJECT_ACCEPTED in bugs:
        return Decision()
    if Bug.TWO_WINNERS in bugs and len(recent) == len(in_flight):
        return Decision()
    return right
