"""Lets every GET be asked for its head alone, as the protocol's servers do."""

from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Receive, Scope, Send
from typing_extensions import override


class HeadRoute(APIRoute):
    """A route that answers HEAD as it answers GET; the HTTP server leaves out the body."""

    @override
    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope.get("method") != "HEAD":  # this is asked of every route for every request
            return super().matches(scope)
        return super().matches(_as_get(scope))

    @override
    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = _as_get(scope)
        methods = self.methods or set()
        if asked["method"] not in methods:
            taken = methods | {"HEAD"} if "GET" in methods else methods
            raise HTTPException(405, headers={"Allow": ", ".join(sorted(taken))})
        await super().handle(asked, receive, send)


def _as_get(scope: Scope) -> Scope:
    return {**scope, "method": "GET"} if scope.get("method") == "HEAD" else scope
