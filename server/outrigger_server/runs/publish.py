"""What runs say: on their own stream, and on that of their thread, which goes on after them."""

from outrigger_server.brokers.base import EventLog, RunEnd
from outrigger_server.domain.event import METADATA, thread_stream
from outrigger_server.domain.run import Run, RunStatus
from outrigger_server.graphs.encoding import encode

_QUIET = frozenset({RunStatus.SUCCESS.value, RunStatus.ERROR.value})

DONE = "run_done"
"""What a thread's stream says of every run that has ended."""


def wanted(events: EventLog, run: Run) -> bool:
    """False when an event of the run published now would reach nobody. Safe in any thread."""
    return events.wants(run.run_id) or events.wants(thread_stream(run.thread_id))


def publish(events: EventLog, run: Run, name: str, data: bytes) -> None:
    """Tell the readers of the run and those of its thread. Safe in any thread."""
    for stream in (run.run_id, thread_stream(run.thread_id)):
        if events.wants(stream):
            events.publish(stream, name, data)


def publish_start(events: EventLog, run: Run) -> None:
    """Tell them that an attempt begins."""
    publish(events, run, METADATA, encode({"run_id": run.run_id, "attempt": run.attempt}))


def publish_end(events: EventLog, run: Run, end: RunEnd) -> None:
    """Close the run's stream, and say on its thread's why it ended and that it has."""
    events.end(end)
    stream = thread_stream(run.thread_id)
    if not events.wants(stream):
        return
    if end.error is not None:
        events.publish(stream, "error", encode(end.error))
    elif end.status not in _QUIET:
        events.publish(stream, METADATA, encode(reason_of(end)))
    events.publish(stream, METADATA, encode({"status": DONE, "run_id": end.run_id}))


def reason_of(end: RunEnd) -> dict[str, str]:
    """Why a run ended that neither succeeded nor failed."""
    said: dict[str, str] = {"run_id": end.run_id, "status": end.status}
    if end.superseded_by is not None:
        said["superseded_by"] = end.superseded_by
    return said
