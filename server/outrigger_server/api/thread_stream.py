"""The stream of a thread: what its runs say, one after the other, until the reader leaves."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Header, Query, Response

from outrigger_server.api.auth.caller import CallerOf
from outrigger_server.api.bodies import JsonRoute
from outrigger_server.api.document import EventStream
from outrigger_server.api.held import StreamedAnswer
from outrigger_server.api.services import ServicesOf, ThreadIdOf, event_id_of, listed
from outrigger_server.api.sse import HEADERS, HEARTBEAT, error_frame, frame
from outrigger_server.brokers.base import Subscription
from outrigger_server.domain.event import METADATA, STATE_UPDATE, Event, Gap, thread_stream
from outrigger_server.domain.run import ThreadId
from outrigger_server.errors import InvalidRequest
from outrigger_server.graphs.encoding import encode
from outrigger_server.stores.threads import get_thread
from outrigger_telemetry import metric_specs as specs
from outrigger_telemetry.metrics import Metrics

router = APIRouter(prefix="/threads/{thread_id}", tags=["Threads"], route_class=JsonRoute)

MODES = ("lifecycle", "run_modes", "state_update")


@dataclass(frozen=True, slots=True)
class ThreadStream:
    """Sends one reader what its modes let through, and counts it."""

    thread_id: ThreadId
    subscription: Subscription
    metrics: Metrics
    modes: frozenset[str]
    heartbeat_seconds: float

    async def frames(self) -> AsyncGenerator[bytes, None]:
        """The bytes to send, until the reader leaves or the thread is gone."""
        reason = "client_disconnect"
        self.metrics.add(specs.STREAMS_ACTIVE, 1, mode="thread")
        try:
            async for event in self.subscription.events(self.heartbeat_seconds):
                if event is None:
                    yield HEARTBEAT
                elif isinstance(event, Gap):
                    self.metrics.increment(specs.STREAM_EVENTS_LOST_TOTAL)
                    said = {"thread_id": self.thread_id, "status": "events_lost"}
                    yield frame(METADATA, encode(said))
                elif self._wanted(event):
                    yield frame(event.name, event.data, str(event.id))
            last, reason = self._last_words()
            yield last
        finally:
            self.subscription.close()
            self.metrics.add(specs.STREAMS_ACTIVE, -1, mode="thread")
            self.metrics.increment(
                specs.STREAM_CLOSED_TOTAL, reason=reason, on_disconnect="continue"
            )

    def _wanted(self, event: Event) -> bool:
        if event.name == STATE_UPDATE:
            return "state_update" in self.modes
        if event.name == METADATA and "lifecycle" in self.modes:
            return True
        return "run_modes" in self.modes

    def _last_words(self) -> tuple[bytes, str]:
        if self.subscription.dropped:
            text = "This reader was too slow and lost its place; join the stream again."
            return error_frame("SlowReader", text), "slow_reader"
        if self.subscription.abandoned:
            text = "The server is stopping; the thread is kept. Join it again."
            return error_frame("ServerStopping", text), "server_error"
        return error_frame("HTTPException", "404: Thread not found"), "done"


@router.get("/stream", response_class=EventStream)
async def stream(
    thread_id: ThreadIdOf,
    services: ServicesOf,
    caller: CallerOf,
    stream_modes: Annotated[list[str] | None, Query()] = None,
    stream_mode: Annotated[list[str] | None, Query()] = None,
    last_event_id: Annotated[str | None, Header()] = None,
) -> Response:
    """Stream what happens on a thread from now on, or from behind the last event one had."""
    await caller.thread("read", thread_id)
    modes = _modes(listed("stream_mode", [*(stream_modes or ()), *(stream_mode or ())]))
    after = event_id_of(last_event_id)
    subscription = await services.events.subscribe(thread_stream(thread_id), after)
    try:
        await services.database.read(partial(get_thread, thread_id=thread_id))
    except BaseException:
        subscription.close()
        raise
    if after is not None:
        services.metrics.increment(specs.STREAM_RESUMES_TOTAL)
    heartbeat = services.settings.server.heartbeat_seconds
    answer = ThreadStream(thread_id, subscription, services.metrics, modes, heartbeat)
    place = f"/threads/{thread_id}"
    return StreamedAnswer(
        answer.frames(), {**HEADERS, "location": f"{place}/stream", "content-location": place}
    )


def _modes(given: list[str]) -> frozenset[str]:
    for mode in given:
        if mode not in MODES:
            raise InvalidRequest(
                f"Invalid stream mode: {mode}; stream_modes are {', '.join(MODES)}"
            )
    return frozenset(given or ["run_modes"])
