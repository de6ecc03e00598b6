"""Items over HTTP, on every database; graphs put and get the same ones."""

import asyncio
import functools
import operator
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from langgraph_sdk.client import LangGraphClient

from harness.on_each_database import DATABASES, served_on
from harness.processes import Server
from harness.runs import DEADLINE_SECONDS

pytestmark = pytest.mark.end_to_end

SOON = 0.005
"""Minutes that a test can wait for."""


@pytest.fixture(scope="module", params=DATABASES)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("store_api")
    with served_on(request, folder, store={"ttl": {"sweep_interval_minutes": SOON}}) as server:
        yield server


@pytest.fixture(autouse=True)
async def nothing_before(client: LangGraphClient) -> AsyncIterator[None]:
    yield
    for item in (await client.store.search_items((), limit=1000))["items"]:
        await client.store.delete_item(item["namespace"], item["key"])


async def filled(client: LangGraphClient) -> None:
    for n in range(5):
        side = "a" if n % 2 else "b"
        value = {"n": n, "text": f"t{n}", "deep": {"x": n}, "even": n % 2 == 0, "none": None}
        await client.store.put_item(["s", side, f"n{n}"], f"k{n}", value)


async def keys(client: LangGraphClient, prefix: Any = ("s",), **query: Any) -> list[str]:
    found = await client.store.search_items(prefix, **query)
    return [item["key"] for item in found["items"]]


async def test_an_item_is_shown_as_it_was_put(
    client: LangGraphClient, http: httpx.AsyncClient
) -> None:
    body = {"namespace": ["u", "1"], "key": "d.o.t/ü", "value": {"a": [1, None, "é"]}}
    put = await http.put("/store/items", json=body)
    assert (put.status_code, put.content) == (204, b"")
    item = await client.store.get_item(["u", "1"], "d.o.t/ü")
    assert (item["namespace"], item["key"], item["value"]) == tuple(body.values())
    assert item["created_at"].endswith("+00:00")
    answer = await http.get("/store/items", params={"namespace": "u.1", "key": "none"})
    assert (answer.status_code, answer.json()) == (200, None)


async def test_a_replaced_item_keeps_the_time_it_was_made(client: LangGraphClient) -> None:
    await client.store.put_item(["u"], "k", {"v": 1})
    first = await client.store.get_item(["u"], "k")
    await asyncio.sleep(0.002)  # the clock of SQLite counts milliseconds
    await client.store.put_item(["u"], "k", {"v": 2})
    second = await client.store.get_item(["u"], "k")
    assert second["value"] == {"v": 2}
    assert second["created_at"] == first["created_at"]
    assert second["updated_at"] > first["updated_at"]


async def test_a_removed_item_is_gone_and_may_be_removed_again(
    client: LangGraphClient, http: httpx.AsyncClient
) -> None:
    await client.store.put_item(["u"], "k", {"v": 1})
    for _ in range(2):
        body = {"namespace": ["u"], "key": "k"}
        answer = await http.request("DELETE", "/store/items", json=body)
        assert (answer.status_code, answer.content) == (204, b"")
    assert await client.store.get_item(["u"], "k") is None


async def test_graphs_and_http_see_each_others_items(
    client: LangGraphClient, thread_id: str
) -> None:
    await client.store.put_item(["notes", "last"], "log", {"text": "from outside"})
    values = await client.runs.wait(thread_id, "noting", input={"log": ["from inside"]})
    assert isinstance(values, dict)
    assert values["log"] == ["from inside", "before:from outside"]
    item = await client.store.get_item(["notes", "last"], "log")
    assert item["value"] == {"text": "from inside"}


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"n": 1}, "1"),
        ({"n": {"$eq": 1}}, "1"),
        ({"n": {"$ne": 1}}, "0234"),
        ({"n": {"$gt": 2}}, "34"),
        ({"n": {"$gte": 2, "$lt": 4}}, "23"),
        ({"n": {"$lte": 1.5}}, "01"),
        ({"text": "t3"}, "3"),
        ({"text": {"$gt": "t2"}}, "34"),
        ({"text": {"$gt": 2}}, ""),
        ({"n": {"$lt": "x"}}, ""),
        ({"deep": {"x": 2}}, "2"),
        ({"deep": {"$ne": {"x": 2}}}, "0134"),
        ({"even": True}, "024"),
        ({"n": True}, ""),
        ({"none": None, "n": {"$lt": 2}}, "01"),
        ({"missing": None}, ""),
        ({"missing": {"$ne": 1}}, "01234"),
        ({"missing": {"$gt": 1}}, ""),
        ({"n": 1, "text": "t2"}, ""),
    ],
    ids=str,
)
async def test_a_filter_finds_the_same_on_every_database(
    client: LangGraphClient, wanted: Any, found: str
) -> None:
    await filled(client)
    assert sorted(await keys(client, filter=wanted)) == [f"k{n}" for n in found]


async def test_numbers_are_compared_as_numbers(client: LangGraphClient) -> None:
    for number in (9, 10, 100):
        await client.store.put_item(["s"], str(number), {"n": number})
    assert sorted(await keys(client, filter={"n": {"$gt": 9}})) == ["10", "100"]


async def test_items_come_in_pages_the_newest_first(client: LangGraphClient) -> None:
    await filled(client)
    pages = [await keys(client, limit=2, offset=offset) for offset in (0, 2, 4, 6)]
    assert [len(page) for page in pages] == [2, 2, 1, 0]
    assert sorted(functools.reduce(operator.iadd, pages, [])) == [f"k{n}" for n in range(5)]
    await asyncio.sleep(0.002)
    await client.store.put_item(["s", "b", "n0"], "k0", {})
    assert (await keys(client))[0] == "k0"
    assert sorted(await keys(client, ["s", "a"])) == ["k1", "k3"]
    assert await keys(client, ["s", "n1"]) == []
    found = await client.store.search_items(["s"], limit=1)
    assert found["items"][0]["score"] is None


async def test_namespaces_are_listed(client: LangGraphClient) -> None:
    await filled(client)

    async def listed(**query: Any) -> list[str]:
        found = await client.store.list_namespaces(**query)
        return [".".join(each) for each in found["namespaces"]]

    whole = ["s.a.n1", "s.a.n3", "s.b.n0", "s.b.n2", "s.b.n4"]
    assert await listed() == whole
    assert await listed(prefix=["s", "b"]) == whole[2:]
    assert await listed(suffix=["n1"]) == ["s.a.n1"]
    assert await listed(prefix=["s", "*", "n1"]) == ["s.a.n1"]
    assert await listed(max_depth=2) == ["s.a", "s.b"]
    assert await listed(limit=2, offset=1) == whole[1:3]


async def test_items_go_when_their_time_is_over(client: LangGraphClient) -> None:
    await client.store.put_item(["s"], "short", {}, ttl=SOON)
    await client.store.put_item(["s"], "long", {}, ttl=60)
    await client.store.put_item(["s"], "for ever", {})
    async with asyncio.timeout(DEADLINE_SECONDS):
        while "short" in await keys(client, refresh_ttl=False):
            await asyncio.sleep(0.02)
    assert sorted(await keys(client)) == ["for ever", "long"]


BAD_ITEMS: dict[str, tuple[dict[str, Any], int, str]] = {
    "dot": ({"namespace": ["a.b"]}, 422, "namespace.0"),
    "empty label": ({"namespace": [""]}, 422, "namespace.0"),
    "reserved": ({"namespace": ["langgraph", "x"]}, 400, "langgraph"),
    "empty": ({"namespace": []}, 400, "empty"),
    "namespace type": ({"namespace": "u"}, 422, "namespace"),
    "key type": ({"key": 3}, 422, "key"),
    "key nul": ({"key": "a\0"}, 422, "key"),
    "value type": ({"value": 3}, 422, "value"),
    "value null": ({"value": None}, 422, "value"),
    "value nul": ({"value": {"a": ["\0"]}}, 422, "value"),
    "index": ({"index": True}, 422, "index"),
    "ttl type": ({"ttl": "x"}, 422, "ttl"),
    "ttl zero": ({"ttl": 0}, 422, "ttl"),
}


@pytest.mark.parametrize("bad", BAD_ITEMS)
async def test_a_bad_item_is_refused(http: httpx.AsyncClient, bad: str) -> None:
    fields, status, said = BAD_ITEMS[bad]
    body = {"namespace": ["u"], "key": "k", "value": {}, **fields}
    answer = await http.put("/store/items", json=body)
    assert (answer.status_code, said in answer.json()["detail"]) == (status, True), answer.text
    assert (await http.post("/store/items/search", json={})).json() == {"items": []}


@pytest.mark.parametrize("missing", ["namespace", "key", "value"])
async def test_an_item_without_a_part_is_refused(http: httpx.AsyncClient, missing: str) -> None:
    body: dict[str, Any] = {"namespace": ["u"], "key": "k", "value": {}}
    del body[missing]
    answer = await http.put("/store/items", json=body)
    assert (answer.status_code, missing in answer.json()["detail"]) == (422, True)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/store/items/search", {"limit": 0}),
        ("/store/items/search", {"limit": 1001}),
        ("/store/items/search", {"offset": -1}),
        ("/store/items/search", {"namespace_prefix": ["a.b"]}),
        ("/store/items/search", {"filter": {"n": {"$bad": 1}}}),
        ("/store/items/search", {"filter": {"n": {"$gt": None}}}),
        ("/store/items/search", {"filter": {"n'": 1}}),
        ("/store/items/search", {"filter": []}),
        ("/store/namespaces", {"limit": -1}),
        ("/store/namespaces", {"max_depth": 0}),
        ("/store/namespaces", {"prefix": ["a.b"]}),
    ],
    ids=str,
)
async def test_a_bad_search_is_refused(http: httpx.AsyncClient, path: str, body: Any) -> None:
    answer = await http.post(path, json=body)
    (name,) = body
    assert (answer.status_code, answer.json()["detail"].startswith(name)) == (422, True)


@pytest.mark.parametrize("query", [{"namespace": "u"}, {"key": "k"}, {"namespace": "", "key": "k"}])
async def test_an_item_must_be_named_to_be_shown(http: httpx.AsyncClient, query: Any) -> None:
    answer = await http.get("/store/items", params=query)
    assert (answer.status_code, answer.json().keys()) == (422, {"detail"})


async def test_an_item_must_be_named_to_be_removed(http: httpx.AsyncClient) -> None:
    answer = await http.request("DELETE", "/store/items", json={"namespace": ["u"]})
    assert (answer.status_code, answer.json()["detail"].startswith("key")) == (422, True)
