"""E1-E6: messages wait their turn, run one after the other, and see what came before."""

from itertools import pairwise

from outrigger_loadtests.checkers.case import Case, Invariant
from outrigger_loadtests.checkers.order import (
    foundation_faults,
    missing_at_the_start,
    refusals,
    undisturbed_succeed,
)
from outrigger_loadtests.history.operations import Strategy
from outrigger_loadtests.marks import mark
from outrigger_loadtests.models.run import NANOSECONDS, Run
from outrigger_loadtests.models.thread import microseconds, returned

_MICROSECONDS = 1_000_000
_NANOSECONDS_EACH = 1_000


def every_message_is_answered(case: Case) -> None:
    """E1."""
    refusals(case, Strategy.ENQUEUE)
    undisturbed_succeed(case, Strategy.ENQUEUE)


def first_come_first_served(case: Case) -> None:
    """E2."""
    wrote = [(run, run.segment.first) for run in _in_turn(case) if run.segment]
    for (earlier, before), (later, after) in pairwise(wrote):
        case.examined()
        if before > after and earlier.created_at < later.created_at:
            message = f"{later.token} is younger than {earlier.token} and ran before it"
            case.found("order", message, earlier, later)


def each_starts_where_the_last_one_ended(case: Case) -> None:
    """E3."""
    foundation_faults(case, case.thread.runs_of(Strategy.ENQUEUE), "not_from_the_end")


def each_sees_what_came_before(case: Case) -> None:
    """E4."""
    missing_at_the_start(case, Strategy.ENQUEUE, "missed_marks", "began without")


def every_message_counts_once(case: Case) -> None:
    """E5."""
    if case.thread.history is None:
        return
    repeated = set(case.thread.chain.repeated)
    for run in case.thread.runs_of(Strategy.ENQUEUE):
        if not run.succeeded or run.answers:
            continue
        case.examined()
        if not run.whole:
            case.found("lost", f"{run.token} succeeded, and not all of it is in the state", run)
        twice = [step for step in run.steps if mark(run.token, step) in repeated]
        if twice:
            case.found("twice", f"{run.token} is in the state more than once: {twice[0]}", run)


def nobody_waits_without_reason(case: Case) -> None:
    """E6."""
    thread = case.thread
    if thread.blocks:
        return
    checkpoints = thread.chain.checkpoints
    for run in thread.runs:
        if not run.segment or run.create.after_seconds or not run.created_at:
            continue
        first = microseconds(checkpoints[run.segment.first].created_at)
        before = run.segment.first - 1
        free = microseconds(checkpoints[before].created_at) if before >= 0 else 0
        if not first or (free > first):
            continue
        case.examined()
        since = max(free, run.created_at)
        waited = (first - since) / _MICROSECONDS
        waited -= _disturbed(case, run, since, first)
        cut = [
            each.create.seconds for each in thread.may_have_met(run.create) if not each.succeeded
        ]
        allowed = case.bounds.start + (case.bounds.cut + max(cut) if cut else 0.0)
        if waited > allowed:
            message = f"{run.token} started {waited:.1f} s after nothing held it back"
            case.found("late_start", message, run)


def _disturbed(case: Case, run: Run, since: int, until: int) -> float:
    """Return how many seconds between two moments of the server's clock may have been disturbed.

    The run's create says where its clock stands: it was made while the create was being answered.
    """
    start = run.begin + (since - run.created_at) * _NANOSECONDS_EACH
    stop = returned(run.create) if run.create.completed else run.begin
    stop += (until - run.created_at) * _NANOSECONDS_EACH
    return case.thread.disturbances.within(start, stop) / NANOSECONDS


def _in_turn(case: Case) -> list[Run]:
    return [
        run
        for run in case.thread.runs_of(Strategy.ENQUEUE)
        if run.succeeded and not run.create.after_seconds and run.created_at
    ]


INVARIANTS = (
    Invariant("E1", "never refused, and all succeed", every_message_is_answered),
    Invariant("E2", "first come, first served", first_come_first_served),
    Invariant("E3", "each starts where the one before ended", each_starts_where_the_last_one_ended),
    Invariant("E4", "each sees the marks of all before", each_sees_what_came_before),
    Invariant("E5", "every message counts exactly once", every_message_counts_once),
    Invariant("E6", "no run waits when nothing holds it back", nobody_waits_without_reason),
)
