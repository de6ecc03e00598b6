"""The operations of a history: what one client sent, when, and what it got back.

A history is data. Nothing here judges; nothing here talks to a server. Every operation carries two
times of the client's monotonic clock, so an operation that returned before another began surely
happened before it. Times are nanoseconds. `outcome` says how much is known of the effect:

    ok    the server said it happened
    fail  it surely did not happen: refused with 4xx, or never sent
    info  nobody knows: 5xx, time-out, a connection that broke after sending
"""

from enum import StrEnum

import msgspec


class Outcome(StrEnum):
    """What is known of an operation's effect."""

    OK = "ok"
    FAIL = "fail"
    INFO = "info"


class Strategy(StrEnum):
    """`multitask_strategy` of a run."""

    REJECT = "reject"
    ENQUEUE = "enqueue"
    INTERRUPT = "interrupt"
    ROLLBACK = "rollback"


class Endpoint(StrEnum):
    """How a run was created, or how a client waits for it."""

    BACKGROUND = "background"
    STREAM = "stream"
    WAIT = "wait"
    JOIN = "join"


class Action(StrEnum):
    """What a cancel asks for."""

    INTERRUPT = "interrupt"
    ROLLBACK = "rollback"


TIMED_OUT = "timed out"  # the error of who waited for a run until patience ended
GONE = "gone"  # a run's status in a history when the server says 404
PENDING = "pending"
RUNNING = "running"
SUCCESS = "success"
INTERRUPTED = "interrupted"
IN_FLIGHT = frozenset({PENDING, RUNNING})


class Operation(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    gc=False,
    tag_field="kind",
    tag=str.lower,
):
    """What every operation has in common.

    `thread` names the conversation in the plan, not on the server; no two conversations of a
    history share it. `completed` is None while nobody answered. `code` is the HTTP status, 0
    without one; `error` says in a few words why an operation is not ok.
    """

    thread: str
    process: int = 0
    intended: int = 0
    invoked: int
    completed: int | None = None
    outcome: Outcome = Outcome.OK
    code: int = 0
    error: str = ""


class Opened(Operation, frozen=True):
    """A thread was created. `label` is the strategy under test, or `mixed`."""

    thread_id: str = ""
    label: str = ""
    probe: str = ""
    scenario: str = ""


class Created(Operation, frozen=True):
    """A run was asked for; it is `completed` when the server accepted or refused it.

    `token` is unique in the whole history. A message starts a run with marks of its own; an answer
    goes on with those of the run whose question it `answers`, and its own token is what it says.
    `asks`: the run stops with a question before its last mark, and once it is answered takes
    `linger` seconds. `together` names a group of messages that were sent at the same moment.
    `at_checkpoint`: the run was told to start from an older checkpoint, a fork that was asked for.
    """

    token: str
    strategy: Strategy
    endpoint: Endpoint = Endpoint.BACKGROUND
    run_id: str = ""
    created_at: str = ""
    seconds: float = 0.0
    asks: bool = False
    linger: float = 0.0
    answers: str = ""
    after_seconds: float = 0.0
    together: str = ""
    at_checkpoint: str = ""


class Frame(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True, gc=False):
    """One event of a stream: when it came, its name and id, the marks it showed.

    `marks` are the marks anywhere in its data, in order. `run_id` is the run it names, if any;
    `status` is the run's end as a last `metadata` event tells it. `lost`: it says that events are
    missing here.
    """

    at: int
    name: str
    id: str = ""
    run_id: str = ""
    marks: tuple[str, ...] = ()
    status: str = ""
    lost: bool = False


class Ending(StrEnum):
    """How a stream came to its end."""

    CLOSED = "closed"  # the server ended it
    LEFT = "left"  # the client went away by itself
    BROKEN = "broken"  # the connection broke
    SILENT = "silent"  # the client gave up waiting


class Streamed(Operation, frozen=True):
    """A run's events, read until `completed`.

    `from_start`: nothing was missed before the first frame (the stream of the creating request,
    or a replay of everything). `after_id` is the Last-Event-ID that was sent.
    """

    run_id: str = ""
    token: str = ""
    endpoint: Endpoint = Endpoint.STREAM
    from_start: bool = False
    after_id: str = ""
    frames: tuple[Frame, ...] = ()
    ending: Ending = Ending.CLOSED


class Joined(Operation, frozen=True):
    """A client waited for a run and got its values, or an error in their place.

    `failure` is the name of the `__error__` in the body, empty without one; `status` is what the
    server said the run's status is, empty when it did not say.
    """

    run_id: str = ""
    token: str = ""
    endpoint: Endpoint = Endpoint.JOIN
    log: tuple[str, ...] | None = None
    failure: str = ""
    status: str = ""


class Cancelled(Operation, frozen=True):
    """A run was to be cancelled; with `wait` the answer comes when it has stopped."""

    run_id: str
    action: Action = Action.INTERRUPT
    wait: bool = False


class Deleted(Operation, frozen=True):
    """A run was to be deleted."""

    run_id: str


class RunRead(Operation, frozen=True):
    """A run's status; `gone` for 404."""

    run_id: str
    status: str = ""
    created_at: str = ""


class StateRead(Operation, frozen=True):
    """The thread's state. `digest` stands for all its values, `log` for the marks in them.

    `questions` are the tokens of the interrupts that wait for an answer. `mentions`: the tokens
    and run ids of this conversation that stand anywhere in the answer (final reads only).
    """

    final: bool = False
    log: tuple[str, ...] = ()
    digest: str = ""
    checkpoint_id: str = ""
    questions: tuple[str, ...] = ()
    mentions: tuple[str, ...] = ()


class ThreadRead(Operation, frozen=True):
    """The thread's row: its status and the values it shows."""

    final: bool = False
    status: str = ""
    log: tuple[str, ...] = ()
    digest: str = ""
    mentions: tuple[str, ...] = ()


class RunRow(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True, gc=False):
    """One run in the list of a thread's runs; `token` is the one in its input."""

    run_id: str
    status: str
    created_at: str
    token: str = ""
    thread_id: str = ""


class RunsRead(Operation, frozen=True):
    """All runs of the thread, in the server's order, at rest."""

    rows: tuple[RunRow, ...] = ()


class Checkpoint(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True, gc=False):
    """One checkpoint of the root namespace.

    Its log is the first `kept` marks of its parent's log and then `added`; without a parent in the
    history, `added` is the whole log.
    """

    checkpoint_id: str
    parent_id: str = ""
    run_id: str = ""
    created_at: str = ""
    kept: int = 0
    added: tuple[str, ...] = ()
    next: tuple[str, ...] = ()


class HistoryRead(Operation, frozen=True):
    """The thread's whole history at rest, in the server's order (newest first), all pages of it."""

    checkpoints: tuple[Checkpoint, ...] = ()
    head_digest: str = ""
    mentions: tuple[str, ...] = ()


class Settled(Operation, frozen=True):
    """The wait for quiescence ended; `quiet` says whether nothing was in flight any more."""

    quiet: bool


class Faulted(Operation, frozen=True):
    """Something was done to the server from `invoked` to `completed`: `faults.py` has the names."""

    name: str


class Stalled(Operation, frozen=True):
    """The client itself stood still from `invoked` to `completed`; of no thread. Times lie here."""


AnyOperation = (
    Opened
    | Created
    | Streamed
    | Joined
    | Cancelled
    | Deleted
    | RunRead
    | StateRead
    | ThreadRead
    | RunsRead
    | HistoryRead
    | Settled
    | Faulted
    | Stalled
)
