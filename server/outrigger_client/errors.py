"""Every error the client raises on purpose, as one tree.

ClientError          definite: True = what was asked for surely did not happen
├─ ThreadBusy        a run is in flight; says which, and when to try again
├─ RunFailed         the graph raised
├─ RunSuperseded     another run or a cancel ended it first
├─ RunTimedOut       its time is up; says whether it was cancelled
├─ OutcomeUnknown    the answer was lost and asking again was not safe
├─ StreamLost        a stream that cannot go on without a gap
└─ BadSettings

`OutcomeUnknown` and `StreamLost` are httpx.TransportErrors, too. Answers of the server that are
errors stay what the SDK makes of them: `langgraph_sdk.errors`.
"""

from collections.abc import Sequence
from typing import ClassVar

import httpx


class ClientError(Exception):
    """Something went wrong between a caller and a server."""

    definite: ClassVar[bool] = False


class BadSettings(ClientError):
    """A setting of the client makes no sense; nothing was sent."""

    definite = True


class ThreadBusy(ClientError):
    """A run is in flight on the thread, so nothing was done.

    Wait for `runs` to end (`client.sdk.runs.join`), or for `retry_after` seconds, and try again;
    or give the call some `patience`; or send the run with another strategy.
    """

    definite = True

    def __init__(self, thread_id: str, runs: Sequence[str], retry_after: float) -> None:
        self.thread_id = thread_id
        self.runs = tuple(runs)
        """The runs in flight that were seen after the refusal, oldest first."""
        self.retry_after = retry_after
        """Seconds after which another try is sensible: the server's, if it said so."""
        met = ", ".join(self.runs) or "one that has ended meanwhile"
        super().__init__(
            f"thread {thread_id} is busy with {met}; try again when it has ended, or in "
            f"{retry_after:g} s, or with the strategy enqueue, interrupt or rollback"
        )


class RunFailed(ClientError):
    """The run ended with an error of its graph."""

    definite = False

    def __init__(self, thread_id: str, run_id: str, kind: str, text: str) -> None:
        self.thread_id = thread_id
        self.run_id = run_id
        self.kind = kind
        """The class of the error in the graph, such as `ValueError`."""
        self.text = text
        super().__init__(f"run {run_id} failed: {kind}: {text}")


class RunSuperseded(ClientError):
    """The run was stopped by a cancel or by a double text before it was done."""

    def __init__(self, thread_id: str, run_id: str, status: str) -> None:
        self.thread_id = thread_id
        self.run_id = run_id
        self.status = status
        """`interrupted`: finished steps are kept; `rolled_back`: nothing of it is left."""
        super().__init__(f"run {run_id} was {status.replace('_', ' ')} before it was done")


class RunTimedOut(ClientError):
    """The run took longer than its caller allowed."""

    def __init__(self, thread_id: str, run_id: str, seconds: float, *, cancelled: bool) -> None:
        self.thread_id = thread_id
        self.run_id = run_id
        self.cancelled = cancelled
        """True: it has stopped. False: the server did not confirm that, so look at it later."""
        after = "was cancelled" if cancelled else "could not be cancelled"
        super().__init__(f"run {run_id} took longer than {seconds:g} s and {after}")


class OutcomeUnknown(ClientError, httpx.TransportError):
    """The answer was lost, and sending the request again might do the same thing twice."""

    def __init__(self, request: httpx.Request, advice: str) -> None:
        httpx.TransportError.__init__(
            self, f"{request.method} {request.url.path}: no answer, perhaps carried out; {advice}"
        )
        self.request = request


class StreamLost(ClientError, httpx.TransportError):
    """The stream broke and cannot go on without a gap; the run itself goes on.

    What the run leads to is in `client.sdk.runs.join` and in the thread's state.
    """

    def __init__(self, reason: str, last_event_id: str | None) -> None:
        self.last_event_id = last_event_id
        """What was delivered last; None when events had no ids."""
        httpx.TransportError.__init__(self, f"the stream cannot be resumed: {reason}")
