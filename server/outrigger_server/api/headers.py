"""Which of a request's headers go further: into a run's configuration, or into the log."""

from collections.abc import Mapping
from fnmatch import fnmatchcase

from starlette.datastructures import Headers

from outrigger_server.graphs.http_manifest import Patterns

CREDENTIALS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "x-api-key", "x-service-key"}
)
"""Taken by no pattern: what a run is configured with is stored, and what is logged is read."""


def chosen_headers(headers: Headers, patterns: Patterns) -> Mapping[str, str]:
    """The headers that the patterns take, by their names in small letters."""
    if not patterns.includes:
        return {}
    return {
        name: value
        for name, value in headers.items()
        if name not in CREDENTIALS
        and _is_one_of(name, patterns.includes)
        and not _is_one_of(name, patterns.excludes)
    }


def _is_one_of(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern.lower()) for pattern in patterns)
