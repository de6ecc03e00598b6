"""What may be done to a server under test, and what each kind of fault excuses.

A fault has a window: from its begin until `recovery` seconds after its end. Time in a window does
not count against a bound of time, and what a kind `excuses` is forgiven to what touches a window.
Everything else is judged as ever: no fault excuses a fork, a lost run, a mark that stands twice, a
gap nobody was told of, or a run that ends in error.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Excuse(StrEnum):
    """What may happen because of a fault, beside taking longer."""

    STARTED_AGAIN = "started again"
    EVENTS_TOLD_LOST = "events told lost"
    CONNECTION_BROKE = "connection broke"
    NOT_OPENED = "thread not created"


MEANINGS: Mapping[Excuse, str] = {
    Excuse.STARTED_AGAIN: "G9: a running run is pending again, for its next attempt; "
    "I3: a step is lost that streams alone had shown, which run ahead of the database",
    Excuse.EVENTS_TOLD_LOST: "G10: a stream lacks events, where it says so itself "
    "(`metadata` with the status `events_lost`)",
    Excuse.CONNECTION_BROKE: "G10: a stream breaks off",
    Excuse.NOT_OPENED: "G2: a thread could not be created, and is left out",
}


@dataclass(frozen=True)
class FaultKind:
    """One kind of fault, by the name under which it is written down."""

    name: str
    recovery: float
    excuses: frozenset[Excuse]


KINDS = (
    FaultKind("kill worker", 10.0, frozenset({Excuse.STARTED_AGAIN})),
    FaultKind("pause worker", 10.0, frozenset({Excuse.STARTED_AGAIN})),
    FaultKind("terminate worker", 10.0, frozenset({Excuse.STARTED_AGAIN})),
    FaultKind("kill api", 6.0, frozenset({Excuse.CONNECTION_BROKE, Excuse.NOT_OPENED})),
    FaultKind("kill server", 10.0, frozenset(Excuse)),
    FaultKind("restart redis", 8.0, frozenset({Excuse.EVENTS_TOLD_LOST})),
    FaultKind("slow network", 6.0, frozenset({Excuse.CONNECTION_BROKE, Excuse.NOT_OPENED})),
    FaultKind("restart postgres", 10.0, frozenset({Excuse.STARTED_AGAIN, Excuse.NOT_OPENED})),
)
LONGEST_RECOVERY = max(each.recovery for each in KINDS)


def kind_named(name: str) -> FaultKind | None:
    """Return the kind of that name; None for one that is not known, which excuses nothing."""
    return next((each for each in KINDS if each.name == name), None)


def faults_table() -> str:
    """Return what each kind of fault excuses, as a table, and what that means."""
    lines = [f"* *{each}*: {MEANINGS[each]}." for each in Excuse]
    lines += ["", "| fault | does not count, after its end | excuses |", "| --- | --- | --- |"]
    lines += [_row(each) for each in KINDS]
    return "\n".join(lines)


def _row(kind: FaultKind) -> str:
    return f"| `{kind.name}` | {kind.recovery:g} s | {_in_order(kind.excuses)} |"


def _in_order(excuses: Iterable[Excuse]) -> str:
    given = set(excuses)
    return ", ".join(each for each in Excuse if each in given)
