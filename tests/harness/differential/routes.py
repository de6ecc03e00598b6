"""Finds the route of the official server's description that a request belongs to."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.differential.case import Ask, Case, Finish

# Part of what the description lists, and not served yet.
NOT_YET = (
    ("POST", "/threads/{thread_id}/stream/events"),
    ("POST", "/threads/{thread_id}/commands"),
    ("POST", "/a2a/{assistant_id}"),
    ("DELETE", "/mcp/"),
    ("GET", "/mcp/"),
    ("POST", "/mcp/"),
)
_METHODS = ("delete", "get", "patch", "post", "put")


@dataclass(frozen=True, slots=True, order=True)
class Route:
    """A path with names in braces, and a method."""

    path: str
    method: str

    def takes(self, method: str, path: str) -> bool:
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(self.path))
        return method == self.method and re.fullmatch(pattern, path) is not None


def routes_of(description: Mapping[str, Any]) -> list[Route]:
    """Every path and method of an OpenAPI description, in its order."""
    return [
        Route(path, method.upper())
        for path, methods in description["paths"].items()
        for method in _METHODS
        if method in methods
    ]


def route_of(step: Ask, routes: list[Route]) -> Route | None:
    """The route of a request: of several the one with the fewest names in its path."""
    path = step.path.partition("?")[0]
    fitting = [route for route in routes if route.takes(step.method, path)]
    return min(fitting, key=lambda route: route.path.count("{"), default=None)


def asks_of(case: Case) -> list[Ask | None]:
    """The request whose answer each step of the case shows; None where one only began."""
    begun = {step.begin: step for step in case.steps if isinstance(step, Ask) and step.begin}
    return [
        begun[step.name] if isinstance(step, Finish) else None if step.begin else step
        for step in case.steps
    ]
