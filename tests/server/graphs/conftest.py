"""A project of a user in a directory of its own, and a process left as it was."""

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.imports import imports_undone
from outrigger_server.errors import ConfigurationError
from outrigger_server.graphs.environment import add_import_paths
from outrigger_server.graphs.loader import load_graph
from outrigger_server.graphs.manifest import Manifest, load_manifest
from outrigger_server.graphs.source import GraphSource

GRAPH = """\
    from typing_extensions import TypedDict

    from langgraph.graph import START, StateGraph


    class State(TypedDict):
        n: int


    def add(state: State) -> State:
        return {"n": state["n"] + 1}


    builder = StateGraph(State)
    builder.add_node("add", add)
    builder.add_edge(START, "add")
    graph = builder.compile()
"""


class Project:
    """Writes a user's files."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.manifest = directory / "langgraph.json"

    def write(self, name: str, text: str) -> Path:
        file = self.directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text), encoding="utf-8")
        return file

    def write_graph(self, name: str, *, more: str = "") -> Path:
        """Write a file with a graph that counts up, `graph`, and its `builder`."""
        return self.write(name, textwrap.dedent(GRAPH) + textwrap.dedent(more))

    def manifest_of(self, graphs: object, **content: object) -> Manifest:
        self.manifest.write_text(json.dumps({"graphs": graphs, **content}), encoding="utf-8")
        return load_manifest(self.manifest, {})

    def load(self, text: str, **content: object) -> GraphSource:
        """Load one graph called `agent`."""
        manifest = self.manifest_of({"agent": text}, **content)
        add_import_paths(manifest.import_paths)
        return load_graph("agent", manifest.graphs["agent"])

    def fault(self, text: str, **content: object) -> str:
        """Say why the graph cannot be loaded."""
        with pytest.raises(ConfigurationError) as caught:
            self.load(text, **content)
        (fault,) = caught.value.faults
        return fault


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A user's directory; what importing from it changes in the process is undone."""
    with imports_undone(tmp_path):
        yield Project(tmp_path)


@pytest.fixture
def agent(project: Project) -> Project:
    """A user's directory with a compiled graph in `agent.py`, and its builder."""
    project.write_graph("agent.py")
    return project
