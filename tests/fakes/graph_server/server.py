"""The fake server as a whole: which route answers which request."""

from collections.abc import Callable
from random import Random
from urllib.parse import parse_qsl

from fakes.graph_server.bugs import CORRECT, Bugs
from fakes.graph_server.clock import SimulatedClock
from fakes.graph_server.engine import Engine
from fakes.graph_server.graph import PROBES
from fakes.graph_server.rows import Ids
from fakes.graph_server.run_routes import RunRoutes
from fakes.graph_server.thread_routes import ThreadRoutes
from fakes.graph_server.wire import NOT_FOUND, Problem, Request, Response, json_response

VERSION = "0.1.0"


class FakeServer:
    """One server with its threads, on one clock. Without bugs it keeps every promise."""

    def __init__(self, clock: SimulatedClock, random: Random, bugs: Bugs = CORRECT) -> None:
        ids = Ids(clock)
        self._assistants = {f"00000000-0000-5000-8000-{n:012x}": g for n, g in enumerate(PROBES)}
        threads = ThreadRoutes(clock, ids, bugs)
        engine = Engine(clock, random, ids, bugs)
        runs = RunRoutes(clock, threads, engine, self._assistants, bugs)
        self.threads = threads.threads
        self._routes: dict[str, Callable[[Request], Response]] = {
            "GET ok": lambda _: json_response({"ok": True, "services": {}}),
            "GET info": lambda _: json_response({"version": VERSION, "flags": {}}),
            "POST assistants/search": self._search_assistants,
            "POST threads": threads.create,
            "GET threads/*": threads.get,
            "GET threads/*/state": threads.state,
            "POST threads/*/history": threads.history,
            "GET threads/*/runs": runs.list,
            "POST threads/*/runs": runs.create,
            "POST threads/*/runs/stream": runs.create_and_stream,
            "POST threads/*/runs/wait": runs.create_and_wait,
            "GET threads/*/runs/*": runs.get,
            "DELETE threads/*/runs/*": runs.delete,
            "GET threads/*/runs/*/join": runs.join,
            "GET threads/*/runs/*/stream": runs.stream,
            "POST threads/*/runs/*/cancel": runs.cancel,
        }

    def answer(self, request: Request) -> Response:
        """Carry the request out and answer it, as late as the real server would.

        Raises:
            TimedOut: The request's deadline came first.
        """
        path, _, query = request.path.partition("?")
        request.query = dict(parse_qsl(query)) if query else {}
        route = self._routes.get(_route(request, path.strip("/").split("/")))
        if route is None:
            return json_response({"detail": NOT_FOUND}, 404)
        try:
            return route(request)
        except Problem as problem:
            return json_response({"detail": problem.detail}, problem.status)

    def _search_assistants(self, request: Request) -> Response:
        wanted = request.json().get("graph_id")
        found = [
            {"assistant_id": assistant_id, "graph_id": graph, "name": graph, "metadata": {}}
            for assistant_id, graph in self._assistants.items()
            if wanted in (None, graph)
        ]
        return json_response(found)


def _route(request: Request, parts: list[str]) -> str:
    """The request's place in the table of routes; fills in its ids."""
    if parts[0] == "threads" and len(parts) > 1:
        request.thread_id, parts[1] = parts[1], "*"
        if len(parts) > 3 and not (request.method == "POST" and len(parts) == 4):
            request.run_id, parts[3] = parts[3], "*"
    return f"{request.method} {'/'.join(parts)}"
