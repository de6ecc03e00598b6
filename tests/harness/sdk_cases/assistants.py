"""A case for every method of `client.assistants`."""

import pytest
from langgraph_sdk.client import LangGraphClient
from langgraph_sdk.errors import ConflictError, NotFoundError

from harness.sdk_cases.graphs import ECHO, OUTER, SETTINGS


async def create(client: LangGraphClient) -> None:
    made = await client.assistants.create(
        SETTINGS, context={"colour": "blue"}, metadata={"a": 1}, name="Blue", description="It is."
    )
    assert made["graph_id"] == SETTINGS
    assert made["context"] == {"colour": "blue"}
    assert (made["name"], made["description"]) == ("Blue", "It is.")
    assert (made["version"], made["metadata"]) == (1, {"a": 1})
    again = made["assistant_id"]
    with pytest.raises(ConflictError):
        await client.assistants.create(SETTINGS, assistant_id=again)
    same = await client.assistants.create(SETTINGS, assistant_id=again, if_exists="do_nothing")
    assert same == made
    run = await client.runs.wait(None, again, input={})
    assert run == {"colour": "blue"}


async def get(client: LangGraphClient) -> None:
    made = await client.assistants.create(ECHO)
    assert await client.assistants.get(made["assistant_id"]) == made


async def update(client: LangGraphClient) -> None:
    made = await client.assistants.create(ECHO, metadata={"a": 1})
    changed = await client.assistants.update(
        made["assistant_id"], metadata={"b": 2}, name="other", config={"tags": ["t"]}
    )
    assert (changed["version"], changed["name"]) == (2, "other")
    assert changed["metadata"] == {"a": 1, "b": 2}
    assert changed["config"]["tags"] == ["t"]
    assert await client.assistants.get(made["assistant_id"]) == changed


async def get_versions(client: LangGraphClient) -> None:
    made = await client.assistants.create(ECHO, metadata={"v": 1})
    await client.assistants.update(made["assistant_id"], metadata={"v": 2})
    versions = await client.assistants.get_versions(made["assistant_id"])
    assert [each["version"] for each in versions] == [2, 1]
    first = await client.assistants.get_versions(made["assistant_id"], metadata={"v": 1})
    assert [each["version"] for each in first] == [1]


async def set_latest(client: LangGraphClient) -> None:
    made = await client.assistants.create(SETTINGS, context={"colour": "one"})
    await client.assistants.update(made["assistant_id"], context={"colour": "two"})
    back = await client.assistants.set_latest(made["assistant_id"], 1)
    assert (back["version"], back["context"]) == (1, {"colour": "one"})
    assert await client.runs.wait(None, made["assistant_id"], input={}) == {"colour": "one"}


async def search(client: LangGraphClient) -> None:
    mark = {"case": "sdk search"}
    ids = [(await client.assistants.create(ECHO, metadata=mark))["assistant_id"] for _ in "abc"]
    found = await client.assistants.search(metadata=mark, limit=2)
    assert [each["assistant_id"] for each in found] == ids[:0:-1]
    page = await client.assistants.search(metadata=mark, limit=2, response_format="object")
    assert (len(page["assistants"]), page["next"]) == (2, "2")
    rest = await client.assistants.search(
        metadata=mark, offset=2, graph_id=ECHO, sort_by="created_at", sort_order="desc"
    )
    assert [each["assistant_id"] for each in rest] == ids[:1]
    bare = await client.assistants.search(metadata=mark, select=["graph_id"], limit=1)
    assert bare == [{"graph_id": ECHO}]


async def count(client: LangGraphClient) -> None:
    mark = {"case": "sdk count"}
    for _ in "abc":
        await client.assistants.create(ECHO, metadata=mark)
    assert await client.assistants.count(metadata=mark) == 3
    assert await client.assistants.count(metadata=mark, graph_id=OUTER) == 0


async def delete(client: LangGraphClient) -> None:
    made = await client.assistants.create(ECHO)
    thread = await client.threads.create()
    await client.runs.wait(thread["thread_id"], made["assistant_id"], input={})
    await client.assistants.delete(made["assistant_id"], delete_threads=True)
    with pytest.raises(NotFoundError):
        await client.assistants.get(made["assistant_id"])
    with pytest.raises(NotFoundError):
        await client.threads.get(thread["thread_id"])


async def get_graph(client: LangGraphClient) -> None:
    drawn = await client.assistants.get_graph(OUTER)
    assert {node["id"] for node in drawn["nodes"]} == {"__start__", "first", "child", "__end__"}
    inside = await client.assistants.get_graph(OUTER, xray=True)
    assert "child:inner_step" in {node["id"] for node in inside["nodes"]}


async def get_schemas(client: LangGraphClient) -> None:
    made = await client.assistants.create(SETTINGS)
    schemas = await client.assistants.get_schemas(made["assistant_id"])
    assert schemas["graph_id"] == SETTINGS
    assert schemas["context_schema"]["properties"].keys() == {"colour"}
    assert schemas["input_schema"]["properties"].keys() == {"colour"}


async def get_subgraphs(client: LangGraphClient) -> None:
    outer, echo = [
        (await client.assistants.create(graph))["assistant_id"] for graph in (OUTER, ECHO)
    ]
    assert (await client.assistants.get_subgraphs(outer)).keys() == {"child"}
    assert (await client.assistants.get_subgraphs(outer, "child", recurse=True)).keys() == {"child"}
    assert await client.assistants.get_subgraphs(echo) == {}
