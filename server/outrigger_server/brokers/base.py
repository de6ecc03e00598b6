"""The roles of a broker: wake-ups, cancel signals, counters and the streams of runs.

A lost message is never a lost run: the database is asked again after a while.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Protocol

from outrigger_server.domain.event import Event, EventId, Gap
from outrigger_server.domain.run import CancelAction, RunId

STOPPING = "The server is stopping; the run is kept. Ask again in a moment."
"""What those are told who wait for a run when the server stops."""


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How a run ended, for those who wait for it.

    `status` is a run status, or `rolled_back` when the row is gone. `body` is what
    `/wait` and `/join` answer, as JSON; `error` what the stream says of a failed run.
    """

    run_id: RunId
    status: str
    body: bytes
    superseded_by: RunId | None = None
    error: dict[str, str] | None = None


class Wakeups(Protocol):
    """Tells workers that a run may have become claimable, or schedulers that crons changed."""

    def notify(self) -> None:
        """Wake the workers; cheap, and safe to call too often."""
        ...

    def notify_here(self) -> None:
        """Wake the worker of this process only."""
        ...

    async def wait(self, timeout: float) -> None:  # noqa: ASYNC109  a bound, not a failure
        """Return after the next `notify`, one since the last wait, or `timeout` seconds."""
        ...


class CancelSignals(Protocol):
    """Tells the worker that holds a run to stop it."""

    def send(self, run_id: RunId, action: CancelAction) -> None:
        """Reach the run's worker if there is one; the row says the same."""
        ...

    def listen(self, run_id: RunId, tell: Callable[[CancelAction], None]) -> None:
        """Call `tell` on the server's loop for every signal until `forget`."""
        ...

    def forget(self, run_id: RunId) -> None:
        """Stop listening."""
        ...


class Counters(Protocol):
    """Counts for all processes of a server."""

    async def count(self, key: str, amount: int, seconds: int) -> int:
        """Add `amount` and return what it has come to; kept for at least so many seconds.

        Takes one step at most, and never fails: who cannot be reached is done without.
        """
        ...


class Subscription(Protocol):
    """One reader of a run's stream; close it when done."""

    def events(self, heartbeat: float) -> AsyncIterator[Event | Gap | None]:
        """The events in order; None whenever `heartbeat` seconds passed. Ends with the run.

        A `Gap` stands where events are missing that the reader should have got.
        """
        ...

    @property
    def end(self) -> RunEnd | None:
        """How the run ended; None while it has not, and when the reader was dropped."""
        ...

    @property
    def dropped(self) -> bool:
        """True when the reader was too slow and lost its place."""
        ...

    @property
    def abandoned(self) -> bool:
        """True when the server let the reader go while the run goes on."""
        ...

    def finish(self) -> None:
        """Let `events` end behind what there is: the run has ended, the database says so."""
        ...

    def close(self) -> None:
        """Let go of the stream; safe to call twice."""
        ...


class EventLog(Protocol):
    """The streams of runs. All methods but `publish` and `wants` belong to the server's loop.

    The stream of a thread (`domain.event.thread_stream`) goes by the same methods. It needs no
    `open` and goes on until it is ended, which only the thread's removal does. What is
    published while somebody reads it, or did a while ago, is kept for those who come back.
    """

    def open(self, run_id: RunId, *, resumable: bool) -> None:
        """Make the run's stream if there is none; a resumable one keeps its events."""
        ...

    def wants(self, run_id: RunId) -> bool:
        """False when an event published now would reach nobody. Safe in any thread.

        A broker that cannot know says True.
        """
        ...

    def publish(self, run_id: RunId, name: str, data: bytes) -> None:
        """Append an event; never blocks, never fails for slow readers. Safe in any thread."""
        ...

    async def subscribe(self, run_id: RunId, after: EventId | None) -> Subscription:
        """Read from now on, or from behind `after` on when the stream is resumable.

        Once this returns, the worker that holds the run or will claim it writes for this
        reader: a run made afterwards is read whole.
        """
        ...

    def ended(self, run_id: RunId) -> asyncio.Future[RunEnd]:
        """The end of the run's stream, heard from this very call on; cancel it to stop waiting.

        Its error is `Unavailable` when the server stops while the run goes on.
        """
        ...

    def end(self, end: RunEnd) -> None:
        """Close the run's stream; later events are dropped."""
        ...

    def forget(self, run_id: RunId) -> None:
        """Drop the stream of a run that is not in flight, if nobody else reads it."""
        ...

    def abandon(self) -> None:
        """Let every reader go, for a stop of the server; the runs have not ended."""
        ...
