"""Every invariant. A new family is a new file and one line here."""

from outrigger_loadtests.checkers import (
    enqueue,
    histories,
    inputs,
    interrupt,
    lifecycles,
    mixed,
    reject,
    rollback,
    streams,
)
from outrigger_loadtests.checkers.case import Invariant

_ORDER = "GREIBXCH"


def _place(invariant: Invariant) -> tuple[int, int]:
    return _ORDER.index(invariant.name[0]), int(invariant.name[1:])


INVARIANTS: tuple[Invariant, ...] = tuple(
    sorted(
        (
            *lifecycles.INVARIANTS,
            *histories.INVARIANTS,
            *inputs.INVARIANTS,
            *streams.INVARIANTS,
            *reject.INVARIANTS,
            *enqueue.INVARIANTS,
            *interrupt.INVARIANTS,
            *rollback.INVARIANTS,
            *mixed.INVARIANTS,
        ),
        key=_place,
    )
)
