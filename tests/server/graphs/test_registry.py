"""All graphs of a manifest, by id."""

import os

import pytest

from outrigger_server.errors import ConfigurationError, NotFound
from outrigger_server.graphs.registry import load_graphs


def test_graphs_are_found_by_id_and_listed_as_the_manifest_does(agent):
    graphs = {
        "zebra": "./agent.py:graph",
        "ant": {"path": "./agent.py:builder", "description": "Counts."},
    }
    registry = load_graphs(agent.manifest_of(graphs))
    assert registry.ids == ("zebra", "ant")
    assert "ant" in registry
    assert "bee" not in registry
    assert registry.source("ant").description == "Counts."
    assert registry.source("zebra").graph_id == "zebra"


def test_an_unknown_graph_is_not_found_and_the_known_are_told(agent):
    graphs = {"zebra": "./agent.py:graph", "ant": "./agent.py:graph"}
    registry = load_graphs(agent.manifest_of(graphs))
    with pytest.raises(NotFound) as caught:
        registry.source("nope")
    assert caught.value.message == "Graph 'nope' not found. Expected one of: ['ant', 'zebra']"


def test_faults_of_all_graphs_are_told_at_once(agent):
    agent.write("broken.py", "1 / 0\n")
    graphs = {"a": "./broken.py:g", "b": "./agent.py:graph", "c": "./agent.py:nope"}
    with pytest.raises(ConfigurationError) as caught:
        load_graphs(agent.manifest_of(graphs))
    assert caught.value.faults == (
        (
            "graph 'a': importing ./broken.py raised ZeroDivisionError: division by zero "
            "(broken.py, line 1)"
        ),
        "graph 'c': ./agent.py has no 'nope'; it has builder, graph, add",
    )


def test_graphs_see_the_manifests_environment_when_they_are_imported(agent):
    agent.write_graph("keyed.py", more="import os\nassert os.environ['OF_THE_MANIFEST'] == 'yes'\n")
    graphs = {"keyed": "./keyed.py:graph"}
    registry = load_graphs(agent.manifest_of(graphs, env={"OF_THE_MANIFEST": "yes"}))
    assert registry.ids == ("keyed",)
    assert os.environ["OF_THE_MANIFEST"] == "yes"
