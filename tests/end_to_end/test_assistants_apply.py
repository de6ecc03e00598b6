"""`outrigger assistants apply`: a server's assistants as a file asks for them."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from langgraph_sdk.client import LangGraphClient
from typer.testing import CliRunner

from harness.processes import TEST_GRAPHS, Server, clean_environment, started_server
from outrigger_loadtests.faults.programs import free_port
from outrigger_server.assistants_apply.cli import assistants
from outrigger_server.assistants_apply.wanted import derived_id

pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data_dir = tmp_path_factory.mktemp("assistants_apply") / "data"
    with started_server(data_dir, config=TEST_GRAPHS) as server:
        yield server


class Applied:
    """The command, on one file and one server."""

    def __init__(self, file: Path, url: str) -> None:
        self.file = file
        self.url = url

    def __call__(self, *options: str) -> tuple[int, str, str]:
        words = ["apply", str(self.file), "--url", self.url, *options]
        ended = CliRunner().invoke(assistants, words)
        assert ended.exception is None or isinstance(ended.exception, SystemExit)
        return ended.exit_code, ended.stdout, ended.stderr


@pytest.fixture
def apply(tmp_path: Path, server: Server) -> Applied:
    return Applied(tmp_path / "assistants.yaml", server.url)


async def test_a_file_is_applied_once_and_then_only_where_it_differs(
    apply: Applied, client: LangGraphClient
) -> None:
    anna = {"name": "Anna", "graph": "settings", "config": {"configurable": {"size": 3}}}
    berta = {"name": "Berta", "graph": "outer", "metadata": {"team": "a"}}
    apply.file.write_text(json.dumps({"assistants": [anna, berta]}))
    anna_id, berta_id = derived_id("Anna", "settings"), derived_id("Berta", "outer")

    code, shown, _ = apply("--dry-run")
    assert code == 1
    assert f"+ Anna ({anna_id})" in shown
    assert '+    "size": 3' in shown
    assert await client.assistants.count(name="Anna") == 0, "nothing was changed"

    code, done, _ = apply()
    assert (code, done.count("made, version 1")) == (0, 2)
    made = await client.assistants.get(anna_id)
    assert (made["name"], made["context"], made["version"]) == ("Anna", {"size": 3}, 1)

    assert apply("--dry-run")[0] == 0
    code, done, _ = apply()
    assert (code, done.count("as it should be")) == (0, 2)
    assert (await client.assistants.get(anna_id))["version"] == 1

    await client.assistants.update(anna_id, context={"size": 4}, metadata={"by": "hand"})
    code, shown, _ = apply("--dry-run")
    assert code == 1
    assert "~ Anna" in shown
    assert "= Berta" in shown
    assert '-    "size": 4' in shown
    code, done, _ = apply()
    assert code == 0
    assert "config, context changed, version 3" in done
    mended = await client.assistants.get(anna_id)
    assert (mended["context"], mended["metadata"]) == ({"size": 3}, {"by": "hand"})
    assert (await client.assistants.get(berta_id))["version"] == 1
    assert apply("--dry-run")[0] == 0


async def test_what_a_file_leaves_out_is_taken_back(
    apply: Applied, client: LangGraphClient
) -> None:
    whole = {"name": "Carla", "graph": "settings", "description": "d", "context": {"size": 1}}
    apply.file.write_text(json.dumps([whole]))
    assert apply()[0] == 0
    apply.file.write_text(json.dumps([{"name": "Carla", "graph": "settings"}]))
    assert apply()[0] == 0
    carla = await client.assistants.get(derived_id("Carla", "settings"))
    assert (carla["description"], carla["config"], carla["context"]) == (None, {}, {})
    assert apply("--dry-run")[0] == 0


def test_faults_of_the_file_are_all_told_and_nothing_is_done(apply: Applied) -> None:
    apply.file.write_text("[{name: Dora}, {graph: g}]")
    code, shown, said = apply()
    assert (code, shown) == (2, "")
    assert said.splitlines() == [
        f"outrigger: {apply.file}: entry 1 (Dora): graph: this field is required",
        f"outrigger: {apply.file}: entry 2: name: this field is required",
    ]


def test_what_the_server_refuses_is_told_with_its_words(apply: Applied) -> None:
    apply.file.write_text("[{name: Emma, graph: nope}]")
    code, _, said = apply()
    assert code == 2
    assert "Emma: the server answers 404: Graph 'nope' not found." in said


def test_the_command_is_one_of_outriggers(apply: Applied) -> None:
    apply.file.write_text("[{name: Fanny, graph: settings}]")
    command = [sys.executable, "-m", "outrigger_server", "assistants", "apply", str(apply.file)]
    command += ["--url", apply.url, "--dry-run"]
    ended = subprocess.run(command, env=clean_environment(), capture_output=True, check=False)
    assert (ended.returncode, ended.stderr) == (1, b"")
    assert ended.stdout.startswith(b"+ Fanny (")


def test_a_server_that_is_not_there_is_named(apply: Applied) -> None:
    apply.file.write_text("[{name: Emma, graph: settings}]")
    apply.url = f"http://127.0.0.1:{free_port()}"
    code, _, said = apply("--dry-run")
    assert code == 2
    assert f"{apply.url} cannot be reached" in said
