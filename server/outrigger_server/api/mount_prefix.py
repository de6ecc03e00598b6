"""Serves everything below a prefix; only what probes and scrapers ask for stays at the root."""

from starlette.types import ASGIApp, Receive, Scope, Send

from outrigger_server.api.problems import problem

AT_THE_ROOT = frozenset({"/ok", "/metrics"})


class MountPrefix:
    """ASGI middleware: takes the prefix off, as a reverse proxy's `root_path`."""

    def __init__(self, app: ASGIApp, *, prefix: str) -> None:
        self._app = app
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on as one below the prefix, or answer that nothing is there."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        if path == self._prefix or path.startswith(self._prefix + "/"):
            scope["root_path"] = scope.get("root_path", "") + self._prefix
        elif path not in AT_THE_ROOT:
            if scope["type"] == "websocket":
                await send({"type": "websocket.close"})
            else:
                await problem(404, "Not Found")(scope, receive, send)
            return
        await self._app(scope, receive, send)
