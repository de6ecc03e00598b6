"""Importing users' files: under which name, what is accepted, and how failures are told."""

import sys

import pytest
from langgraph.graph.state import CompiledStateGraph
from langgraph.pregel import Pregel

from outrigger_server.graphs.source import Factory


def test_a_compiled_graph_is_taken_as_it_is(agent):
    source = agent.load("./agent.py:graph")
    assert source.graph_id == "agent"
    assert isinstance(source.origin, CompiledStateGraph)


def test_a_builder_is_compiled(agent):
    assert isinstance(agent.load("./agent.py:builder").origin, CompiledStateGraph)


def test_an_entrypoint_of_the_functional_api_is_a_graph(project):
    project.write(
        "func.py",
        """\
        from langgraph.func import entrypoint

        @entrypoint()
        def double(n: int) -> int:
            return 2 * n
        """,
    )
    assert isinstance(project.load("./func.py:double").origin, Pregel)


@pytest.mark.parametrize(
    ("signature", "takes_config"),
    [
        ("def make():", False),
        ("def make(config):", True),
        ("def make(config=None):", True),
        ("def make(config, *, debug=False):", True),
        ("def make(*args, **kwargs):", False),
        ("async def make(config):", True),
    ],
)
def test_a_function_of_none_or_one_argument_is_a_factory(project, signature, takes_config):
    project.write("agent.py", f"{signature}\n    return None\n")
    origin = project.load("./agent.py:make").origin
    assert isinstance(origin, Factory)
    assert (origin.name, origin.takes_config) == ("make", takes_config)


def test_a_module_of_a_local_directory_is_found_by_its_name(project):
    project.write("lib/my_graphs/__init__.py", "")
    project.write_graph("lib/my_graphs/counting.py")
    source = project.load("my_graphs.counting:graph", dependencies=["./lib"])
    assert source.origin is sys.modules["my_graphs.counting"].graph


def test_a_file_may_import_its_neighbours(agent):
    agent.write("main.py", "from agent import graph\n")
    assert isinstance(agent.load("./main.py:graph").origin, Pregel)


def test_a_file_of_a_package_is_imported_once_as_part_of_it(project):
    project.write("pack/__init__.py", "")
    project.write("pack/sub/__init__.py", "from pack.sub.graph import graph\n")
    project.write_graph("pack/sub/base.py")
    project.write("pack/sub/graph.py", "from .base import graph\nfrom pack.sub import base\n")
    source = project.load("./pack/sub/graph.py:graph")
    assert source.origin is sys.modules["pack.sub.graph"].graph
    assert not [name for name in sys.modules if name.startswith("outrigger_graph_graph")]


def test_a_package_below_src_of_a_project_need_not_be_installed(project):
    project.write("pyproject.toml", "")
    project.write("src/my_agent/__init__.py", "")
    project.write_graph("src/my_agent/base.py")
    project.write("src/my_agent/graph.py", "from my_agent.base import graph\n")
    source = project.load("./src/my_agent/graph.py:graph", dependencies=["."])
    assert source.origin is sys.modules["my_agent.graph"].graph


def test_a_package_with_the_name_of_another_does_not_take_its_place(project):
    project.write("json/__init__.py", "")
    project.write_graph("json/graph.py")
    before = sys.modules["json"]
    source = project.load("./json/graph.py:graph")
    assert sys.modules["json"] is before
    assert source.origin.builder.state_schema.__module__.startswith("outrigger_graph_graph_")


def test_files_of_the_same_name_do_not_clash(project):
    project.write_graph("a/graph.py", more="which = 'a'\n")
    project.write_graph("b/graph.py", more="which = 'b'\n")
    a, b = project.load("./a/graph.py:graph"), project.load("./b/graph.py:graph")
    modules = [source.origin.builder.state_schema.__module__ for source in (a, b)]
    assert [sys.modules[name].which for name in modules] == ["a", "b"]


def test_two_graphs_of_one_file_share_its_module(agent):
    graph, builder = agent.load("./agent.py:graph"), agent.load("./agent.py:builder")
    assert graph.origin.builder is builder.origin.builder


def test_the_name_of_a_file_in_a_checkpoint_does_not_depend_on_where_the_project_lies(project):
    names = []
    for place in ("here", "there"):
        inner = type(project)(project.directory / place)
        inner.write_graph("deep/agent.py")
        names.append(inner.load("./deep/agent.py:graph").origin.builder.state_schema.__module__)
        if place == "here":
            del sys.modules[names[0]]
    assert names[0] == names[1]


def test_projects_of_the_same_shape_in_one_process_do_not_clash(project):
    origins = []
    for place in ("here", "there"):
        inner = type(project)(project.directory / place)
        inner.write_graph("agent.py")
        origins.append(inner.load("./agent.py:graph").origin)
    first, second = [origin.builder.state_schema.__module__ for origin in origins]
    assert first != second


def test_a_file_with_the_name_of_a_library_does_not_take_its_place(project):
    project.write_graph("langgraph.py")
    before = sys.modules["langgraph"]
    assert isinstance(project.load("./langgraph.py:graph").origin, Pregel)
    assert sys.modules["langgraph"] is before


def test_an_error_while_importing_is_told_with_the_users_file_and_line(project):
    project.write("agent.py", "\n\nraise ValueError('no\\n  key')\n")
    assert project.fault("./agent.py:graph") == (
        "graph 'agent': importing ./agent.py raised ValueError: no key (agent.py, line 3)"
    )


def test_an_error_inside_a_library_is_told_with_the_users_line_that_called_it(project):
    project.write("deep/agent.py", "import json\n\ndata = json.loads('{')\n")
    assert project.fault("./deep/agent.py:graph").endswith("(deep/agent.py, line 3)")


def test_an_error_in_a_neighbour_is_told_with_the_neighbours_line(project):
    project.write("tools.py", "x = 1\nx.missing\n")
    project.write("agent.py", "import tools\n")
    assert project.fault("./agent.py:graph") == (
        "graph 'agent': importing ./agent.py raised AttributeError: "
        "'int' object has no attribute 'missing' (tools.py, line 2)"
    )


def test_wrong_syntax_is_told_with_its_line(project):
    project.write("agent.py", "a = 1\nb = = 2\n")
    assert project.fault("./agent.py:graph") == (
        "graph 'agent': importing ./agent.py raised SyntaxError: invalid syntax (agent.py, line 2)"
    )


def test_a_missing_module_is_told_with_a_way_out(project):
    project.write("agent.py", "import no_such_module\n")
    assert project.fault("./agent.py:graph") == (
        "graph 'agent': importing ./agent.py raised ModuleNotFoundError: "
        "No module named 'no_such_module' (agent.py, line 1); "
        'install it, or name its directory in "dependencies"'
    )
    assert project.fault("no_such_module:graph") == (
        "graph 'agent': importing no_such_module raised ModuleNotFoundError: "
        "No module named 'no_such_module'; "
        'install it, or name its directory in "dependencies"'
    )


def test_a_file_that_ends_the_process_is_told(project):
    project.write("agent.py", "import sys\nsys.exit(3)\n")
    assert project.fault("./agent.py:graph") == (
        "graph 'agent': importing ./agent.py raised SystemExit: 3 (agent.py, line 2)"
    )


def test_a_file_that_failed_leaves_no_half_module_behind(project):
    project.write("agent.py", "raise ValueError\n")
    assert "raised ValueError (agent.py, line 1)" in project.fault("./agent.py:graph")
    project.write_graph("agent.py", more="# longer\n")
    assert isinstance(project.load("./agent.py:graph").origin, Pregel)


def test_a_very_long_text_of_an_error_is_cut(project):
    project.write("agent.py", "raise ValueError('x' * 10_000)\n")
    assert len(project.fault("./agent.py:graph")) < 700


def test_a_missing_variable_is_told_with_what_there_is(project):
    project.write_graph("agent.py", more="def make(): ...\n_hidden = graph\n")
    assert project.fault("./agent.py:grpah") == (
        "graph 'agent': ./agent.py has no 'grpah'; it has builder, graph, add, make"
    )


def test_a_missing_variable_in_an_empty_file_is_told(project):
    project.write("agent.py", "")
    assert project.fault("./agent.py:graph") == (
        "graph 'agent': ./agent.py has no 'graph'; it has no graph and no function either"
    )


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("graph = 3", "is int, not a graph, a StateGraph or a function that makes one"),
        (
            "class graph: ...",
            "is the class graph, not a graph, a StateGraph or a function that makes one",
        ),
        (
            "def graph(config, store): ...",
            ("needs the arguments config, store; a factory takes none or one, the RunnableConfig"),
        ),
        (
            "def graph(*, config): ...",
            "needs the arguments config; a factory takes none or one, the RunnableConfig",
        ),
        (
            (
                "from langgraph_sdk.runtime import ServerRuntime\n"
                "def graph(runtime: ServerRuntime): ..."
            ),
            "takes a ServerRuntime, which this version cannot give; take a RunnableConfig",
        ),
    ],
)
def test_what_is_no_graph_is_told(project, text, fault):
    project.write("agent.py", text)
    assert project.fault("./agent.py:graph") == f"graph 'agent': ./agent.py:graph {fault}"


def test_a_graph_that_runs_elsewhere_is_told(project):
    project.write(
        "agent.py",
        """\
        from langgraph.pregel.remote import RemoteGraph
        graph = RemoteGraph("x", url="http://127.0.0.1:9")
        """,
    )
    assert project.fault("./agent.py:graph") == (
        "graph 'agent': ./agent.py:graph: "
        "a RemoteGraph keeps its threads elsewhere; call it from a node instead"
    )


def test_a_builder_that_does_not_compile_is_told(project):
    project.write(
        "agent.py",
        """\
        from langgraph.graph import StateGraph
        builder = StateGraph(dict)
        """,
    )
    fault = project.fault("./agent.py:builder")
    assert fault.startswith("graph 'agent': compiling ./agent.py:builder raised ValueError: Graph")


def test_what_a_graph_says_of_a_secret_is_not_repeated(project):
    project.write(
        "agent.py",
        """\
        raise ConnectionError("redis://:hush-hush@r:1/0 refuses")
        """,
    )
    fault = project.fault("./agent.py:graph")
    assert "redis://[redacted]@r:1/0 refuses" in fault
    assert "hush" not in fault
