"""All graphs this process serves, by id."""

from collections.abc import Mapping
from types import MappingProxyType

from outrigger_server.errors import ConfigurationError, NotFound
from outrigger_server.graphs.environment import add_import_paths, give_environment
from outrigger_server.graphs.loader import load_graph
from outrigger_server.graphs.manifest import Manifest
from outrigger_server.graphs.source import GraphSource

__all__ = ["GraphRegistry", "GraphSource", "load_graphs"]


class GraphRegistry:
    """The graphs of one manifest; never changes."""

    def __init__(self, sources: Mapping[str, GraphSource]) -> None:
        self._sources = MappingProxyType(dict(sources))

    @property
    def ids(self) -> tuple[str, ...]:
        """All graph ids, in the manifest's order."""
        return tuple(self._sources)

    def __contains__(self, graph_id: object) -> bool:
        return graph_id in self._sources

    def source(self, graph_id: str) -> GraphSource:
        """Give the source of a graph.

        Raises:
            NotFound: No graph has this id.
        """
        if graph_id not in self._sources:
            msg = f"Graph '{graph_id}' not found. Expected one of: {sorted(self.ids)}"
            raise NotFound(msg)
        return self._sources[graph_id]


def load_graphs(manifest: Manifest) -> GraphRegistry:
    """Give the process the manifest's environment and import paths, then import every graph.

    Users' modules may read the environment when they are imported, hence the order.

    Raises:
        ConfigurationError: One line for each graph that could not be loaded.
    """
    give_environment(manifest.environment)
    add_import_paths(manifest.import_paths)
    sources: dict[str, GraphSource] = {}
    faults: list[str] = []
    for graph_id, spec in manifest.graphs.items():
        try:
            sources[graph_id] = load_graph(graph_id, spec)
        except ConfigurationError as error:
            faults += error.faults
    if faults:
        raise ConfigurationError(faults)
    return GraphRegistry(sources)
