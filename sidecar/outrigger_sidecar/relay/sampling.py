"""Decides which traces go upstream once it is known how they ended: errors, slow ones, a share.

Not safe for threads; the spool has a lock.
"""

import zlib
from collections import OrderedDict
from collections.abc import Callable
from enum import Enum

from outrigger_sidecar.relay.records import NO_ID, Fact

MAX_REMEMBERED = 50_000
"""Decisions kept for what still comes of a trace."""

_WHOLE = 1 << 32


class Decision(Enum):
    """What is to be done with a record."""

    KEEP = "keep"
    DROP = "drop"
    WAIT = "wait"


class TailSampler:
    """Knows for each trace whether it is kept.

    A trace in the share or with an error is kept from the moment that is known. The others wait
    for the end of their root; one that is open for longer than `slow_seconds` is slow, and kept.
    """

    def __init__(self, ratio: float, slow_seconds: float, clock: Callable[[], float]) -> None:
        self._share = int(ratio * _WHOLE)
        self._slow_seconds = slow_seconds
        self._clock = clock
        self._decided: OrderedDict[bytes, bool] = OrderedDict()

    def note(self, trace: bytes, facts: Fact, seconds: float) -> None:
        """Take note of an operation of a trace."""
        if self._in_share(trace) or trace in self._decided:
            return
        if facts & Fact.ERROR:
            self._decide(trace, is_kept=True)
        elif facts & Fact.ROOT and facts & Fact.ENDED:
            self._decide(trace, is_kept=seconds >= self._slow_seconds)

    def decide(self, trace: bytes, received: float) -> Decision:
        """Say what is to be done with an operation of a trace that came at `received`."""
        if self._in_share(trace):
            return Decision.KEEP
        if trace not in self._decided:
            if self._clock() - received < self._slow_seconds:
                return Decision.WAIT
            self._decide(trace, is_kept=True)
        return Decision.KEEP if self._decided[trace] else Decision.DROP

    def _in_share(self, trace: bytes) -> bool:
        return trace == NO_ID or zlib.crc32(trace) < self._share

    def _decide(self, trace: bytes, *, is_kept: bool) -> None:
        self._decided[trace] = is_kept
        if len(self._decided) > MAX_REMEMBERED:
            self._decided.popitem(last=False)
