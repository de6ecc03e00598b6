"""Reading langgraph.json: what is honoured, what is warned of, what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from outrigger_server.errors import ConfigurationError
from outrigger_server.graphs.manifest import Manifest, load_manifest


def load(directory: Path, content: Any, environ: dict[str, str] | None = None) -> Manifest:
    path = directory / "langgraph.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return load_manifest(path, environ or {})


def faults_of(directory: Path, content: Any, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load(directory, content, environ)
    start = f"{directory}/langgraph.json: "
    assert all(fault.startswith(start) for fault in caught.value.faults)
    return [fault.removeprefix(start) for fault in caught.value.faults]


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "agent.py").touch()
    return tmp_path


AGENT = {"agent": "./agent.py:graph"}


def test_a_graph_is_a_file_or_a_module_and_a_variable(here: Path):
    graphs = {
        **AGENT,
        "plain": "agent.py:graph",
        "module": "package.module:make",
        "told": {"path": "./agent.py:graph", "description": "Answers."},
    }
    specs = load(here, {"graphs": graphs}).graphs
    assert list(specs) == ["agent", "plain", "module", "told"]
    assert (specs["agent"].place, specs["agent"].attribute) == (here / "agent.py", "graph")
    assert specs["plain"].place == here / "agent.py"
    assert (specs["module"].place, specs["module"].attribute) == ("package.module", "make")
    assert [spec.description for spec in specs.values()] == [None, None, None, "Answers."]


def test_a_relative_manifest_finds_its_files(here: Path, monkeypatch: pytest.MonkeyPatch):
    load(here, {"graphs": AGENT})
    monkeypatch.chdir(here.parent)
    path = Path(here.name) / "langgraph.json"
    assert load_manifest(path, {}).graphs["agent"].place == here / "agent.py"


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ("./agent.py", '"./agent.py" is not of the form FORM'),
        ("./agent.py:", '"./agent.py:" is not of the form FORM'),
        ("./agent.py:a.b", '"./agent.py:a.b" is not of the form FORM'),
        (":graph", '":graph" is not of the form FORM'),
        ("my-module:graph", '"my-module:graph" is not of the form FORM'),
        ("./no.py:graph", '"./no.py" does not exist (looked for <here>/no.py)'),
        ("./a.ts:graph", '"./a.ts:graph" is JavaScript; this server runs Python graphs only'),
        (3, "must be FORM, is a number"),
        (None, "must be FORM, is missing or null"),
        ([], "must be FORM, is a list"),
    ],
)
def test_a_wrong_place_of_a_graph_is_told(here: Path, entry: Any, fault: str):
    form = '"./file.py:variable" or "package.module:variable"'
    expected = fault.replace("FORM", form).replace("<here>", str(here))
    assert faults_of(here, {"graphs": {"agent": entry}}) == [f"graphs.agent: {expected}"]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("", "not JSON: Expecting value (line 1, column 1)"),
        ('{"graphs": {},\n "env" 1}', "not JSON: Expecting ':' delimiter (line 2, column 8)"),
        ([], "must be a JSON object, is a list"),
        ({}, 'graphs: missing; name at least one, such as {"agent": "./agent.py:graph"}'),
        ({"graphs": {}}, "graphs: empty; name at least one graph"),
        ({"graphs": []}, "graphs: must be an object of names and places, is a list"),
        ({"graphs": {" ": "./agent.py:graph"}}, "graphs: a graph has no name"),
        (
            {"graphs": {"agent": {"description": "x"}}},
            (
                'graphs.agent.path: must be "./file.py:variable" or "package.module:variable", '
                "is missing or null"
            ),
        ),
        (
            {"graphs": {"agent": {"path": "./agent.py:graph", "description": 1}}},
            "graphs.agent.description: must be text, is a number",
        ),
        (
            {"graphs": AGENT, "env": 3},
            "env: must be an object or the path of a file, is a number",
        ),
        ({"graphs": AGENT, "env": ".env"}, 'env: ".env" does not exist (looked for <here>/.env)'),
        (
            {"graphs": AGENT, "env": {"A": 1}},
            "env.A: must be text in quotes, is a number",
        ),
        (
            {"graphs": AGENT, "env": {"A=B": "1"}},
            "env.A=B: not a name an environment variable can have",
        ),
        (
            {"graphs": AGENT, "env": {"OUTRIGGER_PORT": "1"}},
            ("env.OUTRIGGER_PORT: a setting of the server; set it in the process's environment"),
        ),
        (
            {"graphs": AGENT, "env": {"REDIS_URI_FILE": "a"}},
            "env.REDIS_URI_FILE: a setting of the server; set it in the process's environment",
        ),
        (
            {"graphs": AGENT, "env": {"KEY": "${NOT_SET}"}},
            ("env.KEY: ${NOT_SET} is not set; set it, or write ${NOT_SET:-default}"),
        ),
        ({"graphs": AGENT, "dependencies": "."}, "dependencies: must be a list, is text"),
        (
            {"graphs": AGENT, "dependencies": [1]},
            "dependencies[0]: must be a directory or the name of a package, is a number",
        ),
        (
            {"graphs": AGENT, "dependencies": [".", " "]},
            "dependencies[1]: must be a directory or the name of a package, is text",
        ),
        (
            {"graphs": AGENT, "dependencies": ["./no"]},
            'dependencies[0]: "./no" does not exist (looked for <here>/no)',
        ),
        (
            {"graphs": AGENT, "dependencies": ["./agent.py"]},
            'dependencies[0]: "./agent.py" is a file; name its directory',
        ),
        (
            {"graphs": AGENT, "dependencies": ["no_such_thing"]},
            "dependencies[0]: no_such_thing is not installed; run: pip install no_such_thing",
        ),
        (
            {"graphs": AGENT, "dependencies": ["no-such-thing[x]>=1"]},
            (
                "dependencies[0]: no-such-thing is not installed; "
                "run: pip install 'no-such-thing[x]>=1'"
            ),
        ),
    ],
)
def test_a_wrong_manifest_is_told_in_one_line(here: Path, content: Any, fault: str):
    assert faults_of(here, content) == [fault.replace("<here>", str(here))]


def test_a_missing_manifest_tells_where_it_was_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError) as caught:
        load_manifest(Path("langgraph.json"), {})
    tried = tmp_path / "langgraph.json"
    fault = f"langgraph.json: no such file (looked for {tried}); give --config"
    assert caught.value.faults == (fault,)


def test_a_manifest_that_is_a_directory_is_told(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="cannot be read: Is a directory"):
        load_manifest(tmp_path, {})


def test_a_manifest_that_is_not_utf_8_is_told(tmp_path: Path):
    path = tmp_path / "langgraph.json"
    path.write_bytes(b'{"graphs": "\xff"}')
    with pytest.raises(ConfigurationError, match="cannot be read: it is not UTF-8 text"):
        load_manifest(path, {})


def test_all_faults_of_a_manifest_are_told_at_once(here: Path):
    content = {"graphs": {"a": "x", "b": "./no.py:g"}, "env": {"K": "${X}"}, "dependencies": {}}
    faults = faults_of(here, content)
    starts = ["graphs.a:", "graphs.b:", "env.K:", "dependencies:"]
    assert [fault.split(" ")[0] for fault in faults] == starts


def test_variables_are_filled_in_from_the_process_and_from_above(here: Path):
    entry = {
        "PLAIN": "p",
        "TAKEN": "a-${HOST_NAME}-b",
        "ABOVE": "${PLAIN}${PLAIN}",
        "DEFAULT": "${UNSET:-d}",
        "EMPTY_DEFAULT": "${UNSET:-}",
        "SET_BUT_EMPTY": "${BLANK:-d}",
        "BLANK_ITSELF": "[${BLANK}]",
        "DOLLAR": "$HOST_NAME costs $5",
    }
    environ = {"HOST_NAME": "h", "BLANK": ""}
    assert dict(load(here, {"graphs": AGENT, "env": entry}, environ).environment) == {
        "PLAIN": "p",
        "TAKEN": "a-h-b",
        "ABOVE": "pp",
        "DEFAULT": "d",
        "EMPTY_DEFAULT": "",
        "SET_BUT_EMPTY": "d",
        "BLANK_ITSELF": "[]",
        "DOLLAR": "$HOST_NAME costs $5",
    }


def test_a_dotenv_file_is_read_with_comments_quotes_and_exports(here: Path):
    (here / "my.env").write_text(
        "# a comment\nexport KEY='quoted value'\n\nOTHER=x # why\nBOTH=${KEY}/${HOME_OF}\n"
    )
    manifest = load(here, {"graphs": AGENT, "env": "my.env"}, {"HOME_OF": "h"})
    assert dict(manifest.environment) == {
        "KEY": "quoted value",
        "OTHER": "x",
        "BOTH": "quoted value/h",
    }


def test_a_broken_line_of_a_dotenv_file_is_told_without_its_content(here: Path):
    (here / ".env").write_text("A=1\nsk-secret\nB='open\nC=3\n")
    faults = faults_of(here, {"graphs": AGENT, "env": "./.env"})
    assert faults == [
        'env: "./.env", line 2 is not of the form NAME=value',
        'env: "./.env", line 3 is not of the form NAME=value',
    ]


def test_without_env_there_are_no_variables(here: Path):
    assert dict(load(here, {"graphs": AGENT, "env": ""}).environment) == {}


def test_local_dependencies_then_the_manifests_directory_are_import_paths(here: Path):
    (here / "lib").mkdir()
    manifest = load(here, {"graphs": AGENT, "dependencies": ["./lib", "langgraph"]})
    assert manifest.import_paths == (here / "lib", here)


def test_a_local_project_with_a_src_directory_adds_that_too(here: Path):
    (here / "src").mkdir()
    assert load(here, {"graphs": AGENT, "dependencies": ["."]}).import_paths == (here,)
    (here / "pyproject.toml").touch()
    manifest = load(here, {"graphs": AGENT, "dependencies": ["."]})
    assert manifest.import_paths == (here, here / "src")


@pytest.mark.parametrize(
    "dependency",
    ["langgraph", "langchain_core>=1", "LangChain-Core", "prometheus_client", "dotenv", "json"],
)
def test_an_installed_package_is_found_by_either_of_its_names(here: Path, dependency: str):
    load(here, {"graphs": AGENT, "dependencies": [dependency]})


def test_a_bare_address_cannot_be_checked_and_passes(here: Path):
    load(here, {"graphs": AGENT, "dependencies": ["git+https://git.example/x.git"]})


def test_a_directory_without_dot_slash_is_explained(here: Path):
    (here / "my_agent").mkdir()
    assert faults_of(here, {"graphs": AGENT, "dependencies": ["my_agent"]}) == [
        'dependencies[0]: my_agent is not installed; for the directory write "./my_agent"'
    ]


def test_keys_that_say_how_to_build_an_image_are_named_too(here: Path):
    content = {
        "$schema": "https://langgra.ph/schema.json",
        "python_version": "3.12",
        "dockerfile_lines": ["RUN true"],
        "graphs": AGENT,
    }
    warnings = load(here, content).warnings
    assert [warning.split(": ")[1] for warning in warnings] == [
        "dockerfile_lines",
        "python_version",
    ]
    assert all("says how to build an image" in warning for warning in warnings)


def test_keys_that_change_behaviour_or_are_unknown_are_warned_of(here: Path):
    content = {
        "graphs": {"agent": {"path": "./agent.py:graph", "colour": "red"}},
        "auth": {"disable_studio_auth": True},
        "store": {"index": {}, "ttl": {"omit_expired": True}},
        "http": None,
        "checkpointer": {},
        "grpahs": {},
    }
    manifest = load(here, content)
    assert manifest.ignored_keys == (
        "auth",
        "graphs.agent.colour",
        "grpahs",
        "store.ttl.omit_expired",
    )
    assert [warning.removeprefix(f"{here}/langgraph.json: ") for warning in manifest.warnings] == [
        (
            "auth: not applied by this version; without auth.path it says nothing of who "
            "may come in; see OUTRIGGER_AUTH"
        ),
        "graphs.agent.colour: unknown key, ignored",
        "grpahs: unknown key, ignored",
        *(
            f"store.{name}: not applied by this version; "
            "items are kept in the server's own database, as it keeps them"
            for name in ("ttl.omit_expired",)
        ),
    ]
