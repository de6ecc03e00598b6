"""Server-sent events: frames, and the answer that sends a run's stream."""

import time
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field

from outrigger_server.brokers.base import RunEnd, Subscription
from outrigger_server.domain.event import Event, Gap
from outrigger_server.domain.run import RunId, RunStatus
from outrigger_server.graphs.encoding import encode
from outrigger_server.runs.publish import reason_of
from outrigger_telemetry import metric_specs as specs
from outrigger_telemetry.metrics import Metrics

HEARTBEAT = b": heartbeat\r\n\r\n"
HEADERS: Mapping[str, str] = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    "x-accel-buffering": "no",
    "connection": "keep-alive",
}

_QUIET_ENDS = frozenset({RunStatus.SUCCESS.value, RunStatus.ERROR.value})


def frame(name: str, data: bytes, event_id: str | None = None) -> bytes:
    """One event on the wire: CRLF lines, the id behind the data, only when it can be resumed."""
    tail = f"\r\nid: {event_id}" if event_id is not None else ""
    return b"event: %b\r\ndata: %b%b\r\n\r\n" % (name.encode(), data, tail.encode())


def error_frame(kind: str, message: str) -> bytes:
    """An error in band."""
    return frame("error", encode({"error": kind, "message": message}))


def gap_frame(run_id: RunId) -> bytes:
    """Says that events are missing here; the thread's state has what they led to."""
    return frame("metadata", encode({"run_id": run_id, "status": "events_lost"}))


def end_frames(end: RunEnd) -> bytes:
    """What a stream says last: nothing after a success, else why it ends."""
    if end.error is not None:
        return frame("error", encode(end.error))
    if end.status in _QUIET_ENDS:
        return b""
    return frame("metadata", encode(reason_of(end)))


@dataclass
class RunStream:
    """Sends one reader what a subscription gives, and counts it."""

    subscription: Subscription
    metrics: Metrics
    assistant: str
    heartbeat_seconds: float
    run_id: RunId
    with_ids: bool = False
    modes: frozenset[str] | None = None
    label: str = "values"
    """The mode asked for, or the first of several: what metrics show an open stream under."""
    on_disconnect: str = "continue"
    on_left: Callable[[], None] | None = None
    requested: float = field(default_factory=time.monotonic)

    async def frames(self) -> AsyncGenerator[bytes, None]:
        """The bytes to send, up to the end of the run or the reader's."""
        reason = "client_disconnect"
        mode = self.label
        self.metrics.add(specs.STREAMS_ACTIVE, 1, mode=mode)
        try:
            async for event in self.subscription.events(self.heartbeat_seconds):
                if event is None:
                    yield HEARTBEAT
                elif isinstance(event, Gap):
                    self.metrics.increment(specs.STREAM_EVENTS_LOST_TOTAL)
                    yield gap_frame(self.run_id)
                elif self._wanted(event):
                    yield self._counted(event)
            last, reason = self._last_words()
            yield last
        finally:
            if self.subscription.dropped:
                reason = "slow_reader"
            self.subscription.close()
            self.metrics.add(specs.STREAMS_ACTIVE, -1, mode=mode)
            self.metrics.increment(
                specs.STREAM_CLOSED_TOTAL, reason=reason, on_disconnect=self.on_disconnect
            )
            if reason == "client_disconnect" and self.on_left is not None:
                self.on_left()

    def _wanted(self, event: Event) -> bool:
        return self.modes is None or event.mode in self.modes

    def _counted(self, event: Event) -> bytes:
        data = frame(event.name, event.data, str(event.id) if self.with_ids else None)
        mode = event.mode
        if self.requested and mode != "metadata":
            seconds = time.monotonic() - self.requested
            self.metrics.observe(
                specs.STREAM_FIRST_EVENT_SECONDS, seconds, assistant=self.assistant, mode=mode
            )
            self.requested = 0.0
        self.metrics.increment(specs.STREAM_EVENTS_TOTAL, mode=mode)
        self.metrics.increment(specs.STREAM_BYTES_TOTAL, len(data), mode=mode)
        return data

    def _last_words(self) -> tuple[bytes, str]:
        if self.subscription.dropped:
            text = "This reader was too slow and lost its place; join the stream again."
            return error_frame("SlowReader", text), "slow_reader"
        if self.subscription.abandoned:
            text = "The server is stopping; the run is kept. Join it again."
            return error_frame("ServerStopping", text), "server_error"
        end = self.subscription.end
        if end is None:  # it had ended before anybody asked, and nothing of it is kept
            return b"", "done"
        reason = "superseded" if end.superseded_by is not None else "done"
        if end.status == RunStatus.TIMEOUT:
            reason = "timeout"
        return end_frames(end), reason
