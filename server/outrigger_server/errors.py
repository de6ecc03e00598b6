"""Every error the server raises on purpose, as one tree.

OutriggerError                 code: stable name; definite: True = surely nothing happened
├─ ConfigurationError          a bad setting, manifest or graph; stops the start, lists every fault
├─ RequestError                the caller can fix it
│  ├─ NotFound
│  ├─ Gone
│  ├─ Conflict
│  │  ├─ ThreadBusy
│  │  ├─ AlreadyExists
│  │  └─ IllegalTransition
│  ├─ InvalidRequest
│  ├─ BadState
│  ├─ NotAllowed
│  └─ RateLimited
├─ Unavailable                 try again later
│  ├─ StoreUnavailable
│  └─ Overloaded
├─ FencedWrite                 an attempt that lost its run tried to write
├─ WritesLost                  an attempt cannot end: what it wrote before is not on disk
└─ GraphFailed                 the user's code raised; type and message, never our stack

HTTP codes are not here: `api/problems.py` maps these classes to them.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar


class OutriggerError(Exception):
    """Something went wrong in Outrigger."""

    code: ClassVar[str] = "internal"
    definite: ClassVar[bool] = True
    wording: ClassVar[str | None] = None
    """The message in the protocol's words; without one the docstring serves."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.wording or type(self).__doc__ or self.code)

    @property
    def message(self) -> str:
        """What went wrong and what to do, for the caller."""
        return str(self.args[0])


class ConfigurationError(OutriggerError):
    """The configuration is wrong; nothing was started."""

    code = "configuration"

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


class RequestError(OutriggerError):
    """The request cannot be carried out as it stands."""

    code = "request"


class NotFound(RequestError):
    """There is no such thing."""

    code = "not_found"
    wording: ClassVar[str | None] = "Not Found"


class Gone(RequestError):
    """It was there and has been removed since."""

    code = "gone"


class Conflict(RequestError):
    """The request conflicts with the present state."""

    code = "conflict"


class ThreadBusy(Conflict):
    """A run is in flight on the thread."""

    code = "thread_busy"
    wording: ClassVar[str | None] = (
        "Thread is already running a task. "
        "Wait for it to finish or choose a different multitask strategy."
    )


class AlreadyExists(Conflict):
    """It already exists."""

    code = "already_exists"


class IllegalTransition(Conflict):
    """The run is no longer in the state this change starts from."""

    code = "illegal_transition"


class InvalidRequest(RequestError):
    """The request is malformed."""

    code = "invalid"


class BadState(RequestError):
    """The request does not fit the graph or its state."""

    code = "bad_state"


class NotAllowed(RequestError):
    """The caller may not do this."""

    code = "not_allowed"
    wording: ClassVar[str | None] = "Forbidden"


class RateLimited(RequestError):
    """The caller asks too often."""

    code = "rate_limited"

    def __init__(self, message: str | None = None, *, headers: Mapping[str, str]) -> None:
        super().__init__(message)
        self.headers = headers
        """When to ask again, and what is left until then, as the protocol says it."""


class Unavailable(OutriggerError):
    """The server cannot do this now; try again later."""

    code = "unavailable"
    definite = False

    def __init__(self, message: str | None = None, *, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class StoreUnavailable(Unavailable):
    """The database cannot be written now; nothing of this request was stored. Try again later."""

    code = "store_unavailable"


class Overloaded(Unavailable):
    """The server has as much work as it accepts; try again later."""

    code = "overloaded"
    definite = True


class FencedWrite(OutriggerError):
    """This attempt has lost its run; its write was refused."""

    code = "fenced"


class GraphFailed(OutriggerError):
    """The graph raised an error."""

    code = "graph_failed"

    def __init__(self, kind: str, text: str) -> None:
        self.kind = kind
        self.text = text
        super().__init__(f"{kind}: {text}")


class WritesLost(OutriggerError):
    """Some of what an attempt handed over before was not written; `cause` says why."""

    code = "writes_lost"

    def __init__(self, cause: BaseException) -> None:
        super().__init__(str(cause))
        self.cause = cause
