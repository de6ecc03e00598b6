"""Runs over HTTP: create, list, show, wait, stream, cancel, delete."""

from functools import partial
from typing import Any

import orjson

from fakes.graph_server.bugs import Bug, Bugs
from fakes.graph_server.clock import NANOSECONDS, SimulatedClock
from fakes.graph_server.endings import values_body
from fakes.graph_server.engine import Engine
from fakes.graph_server.events import HEADERS, frame
from fakes.graph_server.rows import Action, RunEnd, RunRow, Status, ThreadRow, run_json
from fakes.graph_server.thread_routes import ThreadRoutes
from fakes.graph_server.wire import (
    JSON,
    NOT_FOUND,
    Problem,
    Request,
    Response,
    TimedOut,
    json_response,
)

BUSY = (
    "Thread is already running a task. Wait for it to finish or choose a different multitask "
    "strategy."
)
NOTHING_TO_CANCEL = (
    "No matching runs to cancel. Please verify the thread ID and run IDs are correct, and the "
    "runs haven't been deleted or completed."
)
CANCELLED = "{} requested via POST /threads/{{thread_id}}/runs/{{run_id}}/cancel"
STRATEGIES = ("reject", "enqueue", "interrupt", "rollback")
GONE_ERROR = {"error": "HTTPException", "message": "404: Run not found"}
GONE = orjson.dumps({"__error__": GONE_ERROR})
HEARTBEAT = 5 * NANOSECONDS
TRUE = frozenset({"1", "true", "yes"})
CANCEL_DELAY = 0.5
SHOWN_RUNNING = NANOSECONDS // 20


class RunRoutes:
    def __init__(
        self,
        clock: SimulatedClock,
        threads: ThreadRoutes,
        engine: Engine,
        graph_ids: dict[str, str],  # by assistant id
        bugs: Bugs,
    ) -> None:
        self._clock = clock
        self._threads = threads
        self._engine = engine
        self._graph_ids = graph_ids
        self._assistant_ids = {graph: each for each, graph in graph_ids.items()}
        self._bugs = bugs

    # -- create ----------------------------------------------------------------------

    def create(self, request: Request) -> Response:
        run = self._create(request)
        return json_response(run_json(run), content_location=_place(run))

    def create_and_wait(self, request: Request) -> Response:
        return self._awaited(request, self._create(request))

    def create_and_stream(self, request: Request) -> Response:
        return self._streamed(self._create(request), 0)

    def _create(self, request: Request) -> RunRow:
        body = request.json()
        thread = self._threads.find(request, "Thread or assistant not found.")
        asked = str(body.get("assistant_id", ""))
        assistant_id = self._assistant_ids.get(asked, asked)
        if assistant_id not in self._graph_ids:
            raise Problem(404, "Thread or assistant not found.")
        strategy = body.get("multitask_strategy", "enqueue")
        if strategy not in STRATEGIES:
            raise Problem(422, f"multitask_strategy: {strategy!r} is not one of them")
        place = (assistant_id, self._graph_ids[assistant_id])
        run = self._engine.create(thread, place, strategy, _kwargs(body, thread))
        if run is None:
            raise Problem(409, BUSY)
        return run

    # -- show ------------------------------------------------------------------------

    def list(self, request: Request) -> Response:
        thread = self._threads.find(request)
        runs = sorted(thread.runs.values(), key=lambda run: run.order, reverse=True)
        offset = request.number("offset", 0)
        page = runs[offset : offset + request.number("limit", 10)]
        return json_response([self._shown(run) for run in page])

    def get(self, request: Request) -> Response:
        return json_response(self._shown(self._find(request)))

    def _shown(self, run: RunRow) -> dict[str, Any]:
        shown = run_json(run)
        if Bug.RUNNING_SHOWN_PENDING in self._bugs and run.status is Status.RUNNING:
            late = self._clock.now() > run.started_at + SHOWN_RUNNING
            shown["status"] = "pending" if late else "running"
        return shown

    def _find(self, request: Request) -> RunRow:
        thread = self._threads.threads.get(request.thread_id)
        run = thread.runs.get(request.run_id) if thread is not None else None
        if run is None:
            raise Problem(404, NOT_FOUND)
        return run

    # -- wait and stream -------------------------------------------------------------

    def join(self, request: Request) -> Response:
        try:
            run = self._find(request)
        except Problem:
            return self._ended(request, RunEnd("not_found", GONE))
        if not run.in_flight and not run.events.mute:
            return self._ended(request, self._ended_earlier(run))
        return self._awaited(request, run)

    def stream(self, request: Request) -> Response:
        try:
            run = self._find(request)
        except Problem:
            return Response(200, HEADERS, frame("error", GONE_ERROR))
        return self._streamed(run, run.events.place_after(request.headers.get("last-event-id")))

    def _streamed(self, run: RunRow, place: int) -> Response:
        where = _place(run)
        headers = {**HEADERS, "location": f"{where}/stream", "content-location": where}
        return Response(200, headers, events=run.events, place=place)

    def _awaited(self, request: Request, run: RunRow) -> Response:
        began = self._clock.now()
        end = self._wait(request, run)
        while run.events.mute:
            self._wait_on(request, run)
        return self._ended(request, end, (self._clock.now() - began) // HEARTBEAT, run.run_id)

    def _ended(
        self, request: Request, end: RunEnd, heartbeats: int = 0, run_id: str = ""
    ) -> Response:
        """Answer how a run ended; behind a heartbeat no header can say the status any more."""
        place = f"/threads/{request.thread_id}/runs/{run_id or request.run_id}"
        headers = {"content-type": JSON, "location": f"{place}/join", "content-location": place}
        if not heartbeats:
            headers["x-run-status"] = str(end.status)
        return Response(200, headers, b"\n" * heartbeats + end.body)

    def _ended_earlier(self, run: RunRow) -> RunEnd:
        """The end of a run that nobody was waiting for: what its thread shows now."""
        thread = run.thread
        if run.status is Status.ERROR and thread.error is not None:
            return RunEnd(run.status, orjson.dumps({"__error__": thread.error}))
        head = thread.history.head
        if Bug.JOIN_LAGS in self._bugs and head is not None:
            return RunEnd(run.status, values_body(thread.history.get(head.parent_id)))
        values = thread.values or {}
        asked = [each for task in (thread.interrupts or {}).values() for each in task]
        if asked:
            values = {**values, "__interrupt__": [{**e, "response_schema": None} for e in asked]}
        return RunEnd(run.status, orjson.dumps(values))

    def _wait(self, request: Request, run: RunRow) -> RunEnd:
        while run.end is None:
            self._wait_on(request, run)
        return run.end

    def _wait_on(self, request: Request, run: RunRow) -> None:
        left = (request.deadline - self._clock.now()) / NANOSECONDS
        if left <= 0 or not run.ended.wait(left):
            raise TimedOut

    # -- stop ------------------------------------------------------------------------

    def cancel(self, request: Request) -> Response:
        thread = self._threads.threads.get(request.thread_id)
        run = thread.runs.get(request.run_id) if thread is not None else None
        if run is None:
            raise Problem(404, "No runs found to cancel.")
        rollback = request.query.get("action") == "rollback"
        action = Action.ROLLBACK if rollback else Action.INTERRUPT
        wait = request.query.get("wait") in TRUE
        if Bug.CANCEL_NOT_FOUND in self._bugs and run.status is Status.RUNNING:
            raise Problem(404, NOTHING_TO_CANCEL)
        if Bug.FINISHED_CANCELLED in self._bugs and not run.in_flight:
            return _cancelled(run, wait=wait)
        if Bug.CANCEL_WAIT_RETURNS in self._bugs and wait and run.status is Status.RUNNING:
            self._clock.background(partial(self._cancel_later, run, action))
            return _cancelled(run, wait=True)
        if not self._engine.cancel(run, action, CANCELLED.format(action)):
            raise Problem(404, NOTHING_TO_CANCEL)
        if wait:
            self._wait(request, run)
        return _cancelled(run, wait=wait)

    def _cancel_later(self, run: RunRow, action: Action) -> None:
        self._clock.sleep(CANCEL_DELAY)
        self._engine.cancel(run, action, CANCELLED.format(action))

    def delete(self, request: Request) -> Response:
        run = self._find(request)
        if run.in_flight:
            self._engine.cancel(run, Action.ROLLBACK, "deleted")
            self._wait(request, run)
        if run.run_id in run.thread.runs:
            self._engine.delete(run)
        return Response(204)


def _kwargs(body: dict[str, Any], thread: ThreadRow) -> dict[str, Any]:
    checkpoint_id = body.get("checkpoint_id")
    if checkpoint_id and thread.history.get(checkpoint_id) is None:
        raise Problem(422, "Invalid checkpoint ID")
    modes = body.get("stream_mode", ["values"])
    return {
        "input": body.get("input"),
        "command": body.get("command"),
        "config": {"configurable": {"thread_id": thread.thread_id}},
        "stream_mode": [modes] if isinstance(modes, str) else modes,
        "resumable": bool(body.get("stream_resumable")),
        "checkpoint_id": checkpoint_id,
        "after_seconds": body.get("after_seconds") or 0.0,
    }


def _cancelled(run: RunRow, *, wait: bool) -> Response:
    if not wait:
        return Response(202)
    place = _place(run)
    return json_response({}, location=f"{place}/join", content_location=place)


def _place(run: RunRow) -> str:
    return f"/threads/{run.thread.thread_id}/runs/{run.run_id}"
