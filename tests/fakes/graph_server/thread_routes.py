"""Threads over HTTP: make one, show it, its state and its history."""

from fakes.graph_server.bugs import Bug, Bugs
from fakes.graph_server.checkpoints import History, state_json
from fakes.graph_server.clock import Signal, SimulatedClock
from fakes.graph_server.rows import Ids, ThreadRow, thread_json
from fakes.graph_server.wire import Problem, Request, Response, json_response


class ThreadRoutes:
    def __init__(self, clock: SimulatedClock, ids: Ids, bugs: Bugs) -> None:
        self._clock = clock
        self._ids = ids
        self._bugs = bugs
        self.threads: dict[str, ThreadRow] = {}
        self._newest: ThreadRow | None = None

    def find(self, request: Request, detail: str = "") -> ThreadRow:
        """Return the request's thread.

        Raises:
            Problem: There is none.
        """
        thread = self.threads.get(request.thread_id)
        if thread is None:
            raise Problem(404, detail or f"Thread with ID {request.thread_id} not found")
        return thread

    def create(self, request: Request) -> Response:
        thread_id = request.json().get("thread_id") or self._ids.new()
        if thread_id in self.threads:
            raise Problem(409, f"Thread with ID {thread_id} already exists")
        now = self._ids.wall()
        thread = ThreadRow(thread_id, now, History(), Signal(self._clock), updated_at=now)
        thread.neighbour, self._newest = self._newest, thread
        self.threads[thread_id] = thread
        return json_response(thread_json(thread))

    def get(self, request: Request) -> Response:
        thread = self.find(request)
        shown = thread_json(thread)
        if Bug.IDLE_IN_FLIGHT in self._bugs and shown["status"] == "busy":
            shown["status"] = "idle"
        if Bug.THREAD_STAYS_BUSY in self._bugs and thread.runs:
            shown["status"] = "busy"
        return json_response(shown)

    def state(self, request: Request) -> Response:
        return json_response(state_json(request.thread_id, self.find(request).history.head))

    def history(self, request: Request) -> Response:
        thread = self.find(request)
        given = request.json()
        before = given.get("before") or ""
        if isinstance(before, dict):
            before = before.get("configurable", before).get("checkpoint_id", "")
        page = thread.history.page(given.get("limit", 10), before)
        return json_response([state_json(thread.thread_id, each) for each in page])
