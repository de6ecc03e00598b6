"""Creates runs for requests, and answers with them: at once, at their end, or as a stream."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fastapi import Request, Response
from uuid_utils.compat import uuid7

from outrigger_server.api.auth.caller import caller_of
from outrigger_server.api.held import AwaitedAnswer, StreamedAnswer
from outrigger_server.api.idempotency import idempotency_key
from outrigger_server.api.render import json_response
from outrigger_server.api.run_requests import authorized_run, run_request
from outrigger_server.api.services import Services, event_id_of
from outrigger_server.api.sse import HEADERS, RunStream, error_frame
from outrigger_server.api.wire.runs import AnyRunCreate
from outrigger_server.brokers.base import RunEnd
from outrigger_server.domain.access import Filter
from outrigger_server.domain.event import EventId
from outrigger_server.domain.run import CancelAction, Run, RunId, RunRequest, ThreadId
from outrigger_server.domain.shown_run import run_json
from outrigger_server.errors import NotFound
from outrigger_server.runs.telemetry import assistant_label
from outrigger_telemetry import metric_specs as specs

LEFT = "client disconnected from the run stream (on_disconnect=cancel)"


@dataclass(frozen=True, slots=True)
class Reading:
    """How a client that comes back wants to read a run's stream."""

    modes: frozenset[str] | None = None
    """None means all."""
    label: str = ""
    after: EventId | None = None
    cancel_when_left: bool = False


@dataclass(frozen=True, slots=True)
class RunAnswers:
    """Runs of one request. Those without a thread are called by their own id alone."""

    services: Services
    request: Request
    stateless: bool = False

    async def wanted(
        self, body: AnyRunCreate, thread_id: ThreadId, run_id: RunId
    ) -> tuple[RunRequest, Filter]:
        """The run that the body asks for, and which threads the caller may have it on.

        What is wrong with it is said before anything is made.

        Raises:
            RequestError: A field, the assistant or the webhook cannot be served.
            Refused: The caller may not.
        """
        caller = await caller_of(self.request)
        assistant = await self.services.assistants.resolve(body.assistant_id)
        wanted = run_request(
            body,
            assistant,
            run_id=run_id,
            thread_id=thread_id,
            request_id=self.request.scope["state"]["request_id"],
            signed=caller.configurable,
        )
        place = None if self.stateless else thread_id
        ruled, allowed = await authorized_run(caller, body, assistant, wanted, place)
        if body.webhook is not None:
            await self.services.webhooks.check(body.webhook)
        return ruled, allowed

    async def _create(self, body: AnyRunCreate, thread_id: ThreadId, run_id: RunId) -> Run:
        path = {} if self.stateless else {"thread_id": thread_id}
        wanted, allowed = await self.wanted(body, thread_id, run_id)
        return await self.services.creator.create(
            thread_id,
            wanted,
            allowed=allowed,
            make_thread=body.if_not_exists == "create",
            key=await idempotency_key(self.request, **path),
        )

    async def background(self, body: AnyRunCreate, thread_id: ThreadId) -> Response:
        """Start a run and answer with its row."""
        run = await self._create(body, thread_id, new_run_id())
        return json_response(run_json(run), headers={"content-location": self._place(run)})

    async def waited(self, body: AnyRunCreate, thread_id: ThreadId) -> Response:
        """Start a run and answer with its final values."""
        run_id = new_run_id()
        heard = self.services.events.ended(run_id)
        try:
            run = await self._create(body, thread_id, run_id)
        except BaseException:
            heard.cancel()
            self.services.events.forget(run_id)
            raise
        cancel = body.on_disconnect == "cancel"
        if run.run_id != run_id:  # its idempotency key created that one before
            heard.cancel()
            self.services.events.forget(run_id)
            return self.joined(run.thread_id, run.run_id, cancel_when_left=cancel)
        return self.joined(run.thread_id, run_id, heard, cancel_when_left=cancel)

    def joined(
        self,
        thread_id: ThreadId,
        run_id: RunId,
        heard: asyncio.Future[RunEnd] | None = None,
        *,
        cancel_when_left: bool,
        question_only: bool = False,
    ) -> Response:
        """Answer with a run's final values once it has ended; see `RunWatcher.ended`."""
        place = f"/threads/{thread_id}/runs/{run_id}"
        on_left = self._canceller(thread_id, run_id) if cancel_when_left else None
        return AwaitedAnswer(
            self.services.watcher.ended(thread_id, run_id, heard, question_only=question_only),
            {"location": f"{place}/join", "content-location": place},
            heartbeat_seconds=self.services.settings.server.heartbeat_seconds,
            on_left=on_left,
        )

    async def streamed(self, body: AnyRunCreate, thread_id: ThreadId) -> Response:
        """Start a run and stream it."""
        requested = time.monotonic()
        services, run_id = self.services, new_run_id()
        subscription = await services.events.subscribe(run_id, None)
        try:
            run = await self._create(body, thread_id, run_id)
        except BaseException:
            subscription.close()
            services.events.forget(run_id)
            raise
        cancel = body.on_disconnect == "cancel"
        if run.run_id != run_id:  # its idempotency key created that one before
            subscription.close()
            services.events.forget(run_id)
            after = event_id_of(self.request.headers.get("last-event-id"))
            reading = Reading(after=after, cancel_when_left=cancel)
            return await self.rejoined(run.thread_id, run.run_id, reading)
        answer = RunStream(
            services.watcher.watched(run, subscription),
            services.metrics,
            assistant_label(run.assistant_id, run.graph_id),
            services.settings.server.heartbeat_seconds,
            run.run_id,
            with_ids=body.stream_resumable,
            label=body.stream_mode[0],
            on_disconnect=body.on_disconnect,
            on_left=self._canceller(run.thread_id, run.run_id) if cancel else None,
            requested=requested,
        )
        return StreamedAnswer(answer.frames(), _stream_headers(self._place(run)))

    async def rejoined(self, thread_id: ThreadId, run_id: RunId, reading: Reading) -> Response:
        """Stream a run from now on, or from behind the last event the client had."""
        services = self.services
        headers = _stream_headers(self._place_of(thread_id, run_id))
        try:
            run, subscription = await services.watcher.follow(thread_id, run_id, reading.after)
        except NotFound:
            missing = error_frame("HTTPException", "404: Run not found")
            return Response(missing, headers=dict(headers))
        if reading.after is not None:
            services.metrics.increment(specs.STREAM_RESUMES_TOTAL)
        leave = reading.cancel_when_left
        answer = RunStream(
            subscription,
            services.metrics,
            assistant_label(run.assistant_id, run.graph_id),
            services.settings.server.heartbeat_seconds,
            run.run_id,
            with_ids=bool(run.kwargs.get("resumable")),
            modes=reading.modes,
            label=reading.label or run.kwargs["stream_mode"][0],
            on_disconnect="cancel" if leave else "continue",
            on_left=self._canceller(thread_id, run_id) if leave else None,
            requested=0.0,
        )
        return StreamedAnswer(answer.frames(), headers)

    def _place(self, run: Run) -> str:
        return self._place_of(run.thread_id, run.run_id)

    def _place_of(self, thread_id: ThreadId, run_id: RunId) -> str:
        place = f"/runs/{run_id}"
        return place if self.stateless else f"/threads/{thread_id}{place}"

    def _canceller(self, thread_id: ThreadId, run_id: RunId) -> Callable[[], None]:
        services = self.services

        def leave() -> None:
            errand = services.canceller.cancel(
                thread_id, [run_id], CancelAction.INTERRUPT, message=LEFT
            )
            services.errands.run("cancel_on_disconnect", errand)

        return leave


def _stream_headers(place: str) -> Mapping[str, str]:
    return {**HEADERS, "location": f"{place}/stream", "content-location": place}


def new_run_id() -> RunId:
    """A new run's id; ids made later sort later."""
    return RunId(str(uuid7()))
