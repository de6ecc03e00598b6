"""The levels of a configuration on a real server: process, graph, assistant, user, run."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from langgraph_sdk.client import LangGraphClient

from harness.processes import ROOT, TASK_MAISTRO, Server, clean_environment, started_server
from outrigger_server.assistants_apply.wanted import derived_id

pytestmark = pytest.mark.end_to_end

FILE = ROOT / "server" / "task_maistro" / "assistants" / "development.yaml"
MAISTRO = derived_id("Maistro", "task_maistro")
TEAMS = derived_id("Maistro for teams", "task_maistro")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("levels")
    environment = {"OUTRIGGER_MODEL": "nobody:nothing", "OUTRIGGER_MODEL_TOKENS_PER_SECOND": "9999"}
    with started_server(folder / "data", config=TASK_MAISTRO, environment=environment) as server:
        command = [sys.executable, "-m", "outrigger_server", "assistants", "apply", str(FILE)]
        command += ["--url", server.url]
        subprocess.run(command, env=clean_environment(), check=True, capture_output=True)
        yield server


async def said(
    client: LangGraphClient, assistant: str, text: str, **more: Any
) -> tuple[str | None, str | None]:
    """What is answered on a new thread, and the error of the run."""
    message = {"role": "user", "content": text}
    values = await client.runs.wait(None, assistant, input={"messages": [message]}, **more)
    assert isinstance(values, dict)
    newest = values["messages"][-1] if values["messages"] else {"type": None}
    return newest["content"] if newest["type"] == "ai" else None, values["error"]


async def test_an_assistant_wins_over_the_process_and_a_run_over_the_assistant(
    client: LangGraphClient,
) -> None:
    answer, error = await said(client, "task_maistro", "hello")
    assert (answer, "nobody" in (error or "")) == (None, True)
    answer, error = await said(client, MAISTRO, "hello")
    assert ("simulated model" in (answer or ""), error) == (True, None)
    _, error = await said(client, MAISTRO, "hello", context={"model": "somebody:else"})
    assert "somebody" in (error or "")
    answer, _ = await said(client, "task_maistro", "hello", context={"model": "simulated"})
    assert answer is not None


async def test_an_assistant_of_the_file_does_what_the_file_says(client: LangGraphClient) -> None:
    assistant = await client.assistants.get(TEAMS)
    assert (assistant["name"], assistant["version"]) == ("Maistro for teams", 1)
    assert assistant["description"] == "Keeps tasks in short words, and looks nothing up."
    assert await said(client, TEAMS, "hello") == ('Hello! You said: "hello".', None)
    answer, _ = await said(client, TEAMS, "search for canoes")
    assert answer == "I cannot do that now: the tool search_web is not available."
    answer, _ = await said(client, TEAMS, "I am ada@example.org")
    assert answer == 'Hello! You said: "I am [REDACTED_EMAIL]".'
    _, error = await said(client, TEAMS, "my password is hunter2")
    assert error == "The message holds something that this assistant does not talk about."


async def test_a_change_of_an_assistant_is_its_next_version(client: LangGraphClient) -> None:
    before = await client.assistants.get(MAISTRO)
    context = {**before["context"], "response_style": "brief"}
    changed = await client.assistants.update(MAISTRO, context=context)
    assert changed["version"] == before["version"] + 1
    assert await said(client, MAISTRO, "hello") == ('Hello! You said: "hello".', None)
    await client.assistants.set_latest(MAISTRO, before["version"])
    answer, _ = await said(client, MAISTRO, "hello")
    assert "simulated model" in (answer or "")


async def test_what_a_user_chose_is_in_the_store_and_holds_for_every_assistant(
    client: LangGraphClient,
) -> None:
    place = ["users", "ada", "preferences"]
    await client.store.put_item(place, "preferences", {"response_style": "brief"})
    for user, is_brief in (("ada", True), ("bob", False)):
        answer, _ = await said(client, MAISTRO, "hello", config={"configurable": {"user_id": user}})
        assert (answer == 'Hello! You said: "hello".') is is_brief
