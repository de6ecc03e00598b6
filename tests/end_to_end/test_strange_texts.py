"""NUL characters and halves of emojis: kept, or refused by name, and the same on any database."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from langgraph_sdk.client import LangGraphClient

from harness.processes import TEST_GRAPHS, Server, started_server

pytestmark = pytest.mark.end_to_end

HALF = "\ud83d"
TEXTS = {"nul": "a\0b", "half of an emoji": f"a{HALF}b", "both": f"\0{HALF}"}
every_text = pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    environment = {}
    with ExitStack() as stack:
        if request.param == "postgres":
            postgres = request.getfixturevalue("postgres_server")
            environment["POSTGRES_URI"] = stack.enter_context(postgres.fresh_database())
            environment["OUTRIGGER_MIGRATE_ON_START"] = "true"
        folder = tmp_path_factory.mktemp("strange_texts") / "data"
        server = started_server(folder, config=TEST_GRAPHS, environment=environment)
        yield stack.enter_context(server)


def kept(text: str) -> str:
    """What a request's text is kept as: half of an emoji is no text."""
    return text.replace(HALF, "\ufffd")


async def post(http: httpx.AsyncClient, path: str, body: dict[str, Any]) -> httpx.Response:
    return await http.post(path, content=json.dumps(body).encode())


@every_text
async def test_metadata_keeps_it_in_keys_and_values(
    http: httpx.AsyncClient, client: LangGraphClient, text: str
) -> None:
    metadata = {text: 1, "value": text, "deep": [{text: text}], "user": text + "me"}
    expected = {kept(text): 1, "value": kept(text), "deep": [{kept(text): kept(text)}]}
    made = (await post(http, "/threads", {"metadata": metadata})).json()
    shown = await client.threads.get(made["thread_id"])
    assert shown["metadata"] == made["metadata"] == {**expected, "user": kept(text) + "me"}
    path = f"/threads/{made['thread_id']}"
    patch = json.dumps({"metadata": {"user": "me", "more": text}}).encode()
    patched = (await http.patch(path, content=patch)).json()
    assert patched["metadata"] == {**expected, "user": "me", "more": kept(text)}
    found = await client.threads.search(metadata={"user": "me"}, ids=[made["thread_id"]])
    assert [thread["thread_id"] for thread in found] == [made["thread_id"]]


@every_text
async def test_a_run_keeps_it_wherever_a_request_may_have_it(
    http: httpx.AsyncClient, client: LangGraphClient, thread_id: str, text: str
) -> None:
    body = {
        "assistant_id": "probe_async",
        "input": {"log": [text], "token": text, "seconds": 0},
        "metadata": {text: text},
        "config": {"configurable": {text: text}, "metadata": {text: text}, "tags": [text]},
        "interrupt_before": [text],
        "feedback_keys": [text],
        "stream_mode": ["values", "updates", "debug"],
        "stream_resumable": True,
    }
    ran = await post(http, f"/threads/{thread_id}/runs/wait", body)
    word = kept(text)
    log = [word, f"{word}:first", f"{word}:middle", f"{word}:last"]
    assert (ran.headers["x-run-status"], ran.json()["log"]) == ("success", log)
    (run,) = await client.runs.list(thread_id)
    assert run["metadata"][word] == word
    state = await client.threads.get_state(thread_id)
    assert (state["values"]["log"], state["values"]["token"]) == (log, word)
    assert (await client.threads.get(thread_id))["values"] == state["values"]
    assert len(await client.threads.get_history(thread_id)) == 5
    changed = await post(
        http, f"/threads/{thread_id}/state", {"values": {"log": [text]}, "as_node": "last"}
    )
    assert changed.status_code == 200
    assert (await client.threads.get_state(thread_id))["values"]["log"] == [*log, word]


@every_text
async def test_what_a_graph_says_of_it_is_shown(
    http: httpx.AsyncClient, thread_id: str, text: str
) -> None:
    """A graph may make what no request can: an emoji's half, cut by the graph itself."""
    codes = [ord(letter) for letter in text]
    body = {"assistant_id": "strange", "input": {"codes": codes}}
    path = f"/threads/{thread_id}"
    values = json.loads((await http.post(f"{path}/runs/wait", json=body)).text)
    assert values["said"] == text.replace(HALF, "?")  # as langgraph keeps it
    assert json.loads((await http.get(path)).text)["values"] == values
    failed = await http.post(f"{path}/runs/wait", json={**body, "input": {"fail": True}})
    error = {"error": "ValueError", "message": text}
    # Shown in ASCII: whoever reports a failure could not print the text itself.
    assert ascii(json.loads(failed.text)["__error__"]) == ascii(error)
    assert ascii(json.loads((await http.get(path)).text)["error"]) == ascii(error)
    assert len(json.loads((await http.get(f"{path}/history?limit=10")).text)) == 5
    found = await http.post("/threads/search", json={"ids": [thread_id], "status": "error"})
    assert [thread["thread_id"] for thread in json.loads(found.text)] == [thread_id]


@pytest.mark.parametrize("field", ["key", "value"])  # of namespaces langgraph says it itself
async def test_an_item_with_a_nul_fails_its_run_and_names_the_field(
    http: httpx.AsyncClient, thread_id: str, field: str
) -> None:
    body = {"assistant_id": "strange", "input": {"codes": [0], "put": field}}
    answer = (await http.post(f"/threads/{thread_id}/runs/wait", json=body)).json()
    assert answer["__error__"] == {
        "error": "InvalidRequest",
        "message": f"store: {field} holds a NUL character; take it out",
    }


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "/threads/search", {"metadata": {"a": "\0"}}, "metadata"),
        ("POST", "/threads/search", {"values": {"\0": 1}}, "values"),
        ("POST", "/threads/{thread}/history", {"metadata": {"source": ["\0"]}}, "metadata"),
        ("POST", "/assistants/search", {"graph_id": "\0"}, "graph_id"),
        ("POST", "/assistants/search", {"name": "\0"}, "name"),
        ("GET", "/threads/{thread}/runs?status=%00", None, "status"),
    ],
    ids=lambda value: value if isinstance(value, str) and "/" in value else "",
)
async def test_a_search_for_a_nul_is_refused_by_name(
    http: httpx.AsyncClient, thread_id: str, method: str, path: str, body: Any, field: str
) -> None:
    answer = await http.request(method, path.replace("{thread}", thread_id), json=body)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(f"{field}: a NUL character cannot be searched for")
