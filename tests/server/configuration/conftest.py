"""A project of a user, and what is said of it in an environment."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.imports import imports_undone
from outrigger_server.configuration.reading import Survey, surveyed

GRAPH = """\
from langgraph.graph import START, MessagesState, StateGraph

builder = StateGraph(MessagesState)
builder.add_node("answer", lambda state: {})
builder.add_edge(START, "answer")
graph = builder.compile()
"""

SAFE = {
    "OUTRIGGER_ENVIRONMENT": "production",
    "OUTRIGGER_AUTH": "jwt",
    "OUTRIGGER_JWT_SECRET": "f3Vq8Zt1LwX0bKd7sRn5Yh2JmPc9GaUe",
    "OUTRIGGER_JWT_AUDIENCE": "maistro",
    "OUTRIGGER_JWT_ISSUER": "https://login.example.org",
    "OUTRIGGER_CORS_ORIGINS": "https://app.example.org",
    "OUTRIGGER_WEBHOOK_SECRET": "Qm4TzX81-Vd0LrY6",
    "POSTGRES_URI": "postgresql://app:Wd93-kTz0qLx@db/app",
    "REDIS_URI": "redis://:Bn27-rYv5mQc@cache/0",
}
"""An environment in which production has nothing to say."""


class Project:
    """A folder with a graph and a manifest."""

    def __init__(self, folder: Path) -> None:
        self.manifest = folder / "langgraph.json"
        (folder / "agent.py").write_text(GRAPH)
        self.write()

    def write(self, **content: object) -> None:
        graphs = {"agent": "./agent.py:graph"}
        self.manifest.write_text(json.dumps({"graphs": graphs, **content}))

    def surveyed(self, environ: dict[str, str], *, serves: bool = True) -> Survey:
        return surveyed(environ, serves=serves, config=self.manifest)

    def refused(self, *, serves: bool = True, **change: str | None) -> list[str]:
        """What production says to the safe environment with this change to it."""
        faults = self.surveyed(changed(**change), serves=serves).faults
        ending = " (OUTRIGGER_ENVIRONMENT is production)"
        assert all(fault.endswith(ending) for fault in faults), faults
        return [fault.removesuffix(ending) for fault in faults]


def changed(**change: str | None) -> dict[str, str]:
    """The safe environment with other values; None unsets one."""
    merged = SAFE | change
    return {name: value for name, value in merged.items() if value is not None}


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with imports_undone(tmp_path):
        yield Project(tmp_path)


@pytest.fixture
def safe() -> dict[str, str]:
    return dict(SAFE)


@pytest.fixture
def altered() -> Callable[..., dict[str, str]]:
    return changed
