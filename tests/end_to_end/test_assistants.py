"""Assistants of users over HTTP: made, changed, run by, shown, removed."""

import json
import uuid
from collections.abc import Iterator

import httpx
import pytest
from langgraph_sdk.client import LangGraphClient
from langgraph_sdk.errors import BadRequestError, ConflictError, NotFoundError

from harness.processes import TEST_GRAPHS, Server, started_server

pytestmark = pytest.mark.end_to_end

SYSTEM = str(uuid.uuid5(uuid.UUID("6ba7b821-9dad-11d1-80b4-00c04fd430c8"), "settings"))
GRAPHS = sorted(json.loads(TEST_GRAPHS.read_text())["graphs"])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data_dir = tmp_path_factory.mktemp("assistants") / "data"
    with started_server(data_dir, config=TEST_GRAPHS) as server:
        yield server


async def test_an_assistant_is_made_with_what_was_given(client: LangGraphClient) -> None:
    chosen = str(uuid.uuid4())
    made = await client.assistants.create(
        "settings",
        config={"configurable": {"size": 3}, "tags": ["t"], "recursion_limit": 9},
        metadata={"team": "a"},
        assistant_id=chosen,
        name="Anna",
        description="Does things.",
    )
    assert made["assistant_id"] == chosen
    assert made["context"] == {"size": 3}
    assert (made["version"], made["name"], made["description"]) == (1, "Anna", "Does things.")
    assert made["metadata"] == {"team": "a"}
    assert await client.assistants.get(chosen) == made
    with pytest.raises(ConflictError):
        await client.assistants.create("settings", assistant_id=chosen)
    again = await client.assistants.create("outer", assistant_id=chosen, if_exists="do_nothing")
    assert again == made


async def test_an_assistant_without_a_name_is_called_untitled(http: httpx.AsyncClient) -> None:
    for body in ({"graph_id": "settings"}, {"graph_id": "settings", "name": ""}):
        made = (await http.post("/assistants", json=body)).json()
        assert made["name"] == "Untitled"
        await http.delete(f"/assistants/{made['assistant_id']}")


async def test_an_unknown_graph_is_named_with_those_there_are(http: httpx.AsyncClient) -> None:
    answer = await http.post("/assistants", json={"graph_id": "nope"})
    text = f"Graph 'nope' not found. Expected one of: {GRAPHS}"
    assert (answer.status_code, answer.json()) == (404, {"detail": text})


async def test_configurable_and_context_are_one_thing(
    client: LangGraphClient, http: httpx.AsyncClient
) -> None:
    with pytest.raises(BadRequestError):
        await client.assistants.create(
            "settings", config={"configurable": {"size": 1}}, context={"size": 2}
        )
    made = await client.assistants.create("settings", context={"size": 2})
    assert made["config"] == {"configurable": {"size": 2}}
    both = {"config": {"configurable": {"size": 1}}, "context": {"size": 2}}
    answer = await http.patch(f"/assistants/{made['assistant_id']}", json=both)
    assert answer.status_code == 400
    assert "configurable and context" in answer.json()["detail"]


async def test_versions_are_made_listed_and_restored(client: LangGraphClient) -> None:
    made = await client.assistants.create("settings", context={"size": 1}, metadata={"a": 1})
    assistant_id = made["assistant_id"]
    await client.assistants.update(assistant_id, context={"size": 2}, metadata={"b": 2})
    latest = await client.assistants.update(assistant_id, name="Berta", graph_id="outer")
    assert (latest["version"], latest["metadata"]) == (3, {"a": 1, "b": 2})
    versions = await client.assistants.get_versions(assistant_id)
    assert [each["version"] for each in versions] == [3, 2, 1]
    (newest,) = await client.assistants.get_versions(assistant_id, metadata={"b": 2}, limit=1)
    assert newest["version"] == 3
    restored = await client.assistants.set_latest(assistant_id, 1)
    for field in ("version", "graph_id", "name", "config", "context", "metadata"):
        assert restored[field] == made[field], field
    assert (await client.assistants.update(assistant_id, name="Carla"))["version"] == 4
    with pytest.raises(NotFoundError):
        await client.assistants.set_latest(assistant_id, 99)


async def test_runs_take_the_latest_versions_settings_and_their_own_over_them(
    client: LangGraphClient, thread_id: str
) -> None:
    made = await client.assistants.create(
        "settings", config={"configurable": {"size": 1, "colour": "red"}, "tags": ["t"]}
    )
    assistant_id = made["assistant_id"]

    async def shown(**options: object) -> dict[str, object]:
        values = await client.runs.wait(thread_id, assistant_id, input={}, **options)  # type: ignore[call-overload]  # the SDK types each option
        return {name: values["shown"][name] for name in ("size", "colour", "tags")}

    assert await shown() == {"size": 1, "colour": "red", "tags": ["t"]}
    await client.assistants.update(assistant_id, context={"size": 2, "colour": "blue"})
    assert await shown() == {"size": 2, "colour": "blue", "tags": ["t"]}
    by_context = await shown(context={"colour": "green"})
    assert by_context == {"size": 2, "colour": "green", "tags": ["t"]}
    by_config = await shown(config={"configurable": {"colour": "black"}, "tags": ["u"]})
    assert by_config == {"size": 2, "colour": "black", "tags": ["u"]}


async def test_a_run_carries_its_assistants_metadata(
    client: LangGraphClient, thread_id: str
) -> None:
    made = await client.assistants.create("settings", metadata={"team": "a", "tier": 1})
    run = await client.runs.create(thread_id, made["assistant_id"], input={}, metadata={"tier": 2})
    assert run["metadata"]["team"] == "a"
    assert run["metadata"]["tier"] == 2
    assert run["metadata"]["assistant_id"] == made["assistant_id"]


async def test_assistants_are_found_counted_and_paged(
    client: LangGraphClient, http: httpx.AsyncClient
) -> None:
    mark = {"of": str(uuid.uuid4())}
    for name in ("Trip Planner", "Trip Writer", "Cook"):
        await client.assistants.create("chat", name=name, metadata=mark)
    assert await client.assistants.count(metadata=mark) == 3
    assert await client.assistants.count(metadata=mark, name="trip", graph_id="chat") == 2
    assert await client.assistants.count(metadata=mark, graph_id="outer") == 0
    found = await client.assistants.search(
        metadata=mark, sort_by="name", sort_order="asc", select=["name"], limit=2
    )
    assert found == [{"name": "Cook"}, {"name": "Trip Planner"}]
    page = await http.post("/assistants/search", json={"metadata": mark, "limit": 2})
    assert [each["name"] for each in page.json()] == ["Cook", "Trip Writer"]
    assert page.headers["x-pagination-total"] == "3"
    assert page.headers["x-pagination-next"] == "2"
    last = await http.post("/assistants/search", json={"metadata": mark, "offset": 2})
    assert len(last.json()) == 1
    assert "x-pagination-next" not in last.headers


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "", {"name": "mine"}),
        ("DELETE", "", None),
        ("DELETE", "?delete_threads=true", None),
        ("POST", "/latest", {"version": 1}),
    ],
)
async def test_a_system_assistant_is_kept_as_it_is(
    client: LangGraphClient, http: httpx.AsyncClient, method: str, path: str, body: object
) -> None:
    before = await client.assistants.get(SYSTEM)
    answer = await http.request(method, f"/assistants/{SYSTEM}{path}", json=body)
    assert answer.status_code == 409
    assert "Make one of your own" in answer.json()["detail"]
    assert await client.assistants.get(SYSTEM) == before


async def test_a_deleted_assistant_takes_its_threads_along_when_told_to(
    client: LangGraphClient,
) -> None:
    made = await client.assistants.create("settings")
    assistant_id = made["assistant_id"]
    other = await client.threads.create()
    await client.runs.wait(other["thread_id"], "settings", input={})
    mine = []
    for _ in range(3):
        thread = await client.threads.create()
        await client.runs.wait(thread["thread_id"], assistant_id, input={})
        mine.append(thread["thread_id"])
    await client.assistants.delete(assistant_id, delete_threads=True)
    for thread_id in mine:
        with pytest.raises(NotFoundError):
            await client.threads.get(thread_id)
    await client.threads.get(other["thread_id"])
    with pytest.raises(NotFoundError):
        await client.assistants.get(assistant_id)
    with pytest.raises(NotFoundError):
        await client.runs.create(other["thread_id"], assistant_id, input={})


async def test_graphs_are_drawn_and_described(
    client: LangGraphClient, http: httpx.AsyncClient
) -> None:
    made = await client.assistants.create("outer")
    assistant_id = made["assistant_id"]
    plain = await client.assistants.get_graph(assistant_id)
    assert [node["id"] for node in plain["nodes"]] == ["__start__", "step", "child", "__end__"]
    deep = await client.assistants.get_graph(assistant_id, xray=True)
    assert "child:step" in [node["id"] for node in deep["nodes"]]
    assert await client.assistants.get_graph(assistant_id, xray=1) == deep
    by_name = await http.get("/assistants/outer/graph")
    assert by_name.json() == plain
    for wrong in ("zz", "0", "-1", "1.5"):
        answer = await http.get(f"/assistants/{assistant_id}/graph", params={"xray": wrong})
        assert (answer.status_code, answer.json()) == (422, {"detail": "Invalid xray value"})
    subgraphs = await client.assistants.get_subgraphs(assistant_id, recurse=True)
    assert list(subgraphs) == ["child"]
    assert await client.assistants.get_subgraphs(assistant_id, namespace="child") == subgraphs
    schemas = await client.assistants.get_schemas(assistant_id)
    assert schemas["graph_id"] == "outer"


@pytest.mark.parametrize("config", [{"metadata": [1]}, {"metadata": "x"}, {"configurable": 1}])
async def test_a_configuration_that_no_run_could_have_is_refused(
    http: httpx.AsyncClient, config: dict[str, object]
) -> None:
    answer = await http.post("/assistants", json={"graph_id": "settings", "config": config})
    assert answer.status_code == 422
    assert f"config.{next(iter(config))}" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["", "/graph", "/schemas", "/subgraphs"])
async def test_nobodys_graph_is_not_found(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.get(f"/assistants/{uuid.uuid4()}{path}")
    assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})
