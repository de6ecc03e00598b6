"""A case for every method of `client.store`."""

from langgraph_sdk.client import LangGraphClient


async def put_item(client: LangGraphClient) -> None:
    space = ["sdk put", "a"]
    await client.store.put_item(space, "k", {"n": 1})
    before = await client.store.get_item(space, "k")
    await client.store.put_item(space, "k", {"n": 2}, index=False)
    after = await client.store.get_item(space, "k")
    assert (before["value"], after["value"]) == ({"n": 1}, {"n": 2})
    assert after["updated_at"] > before["updated_at"]


async def get_item(client: LangGraphClient) -> None:
    await client.store.put_item(["sdk get"], "k", {"n": 1})
    item = await client.store.get_item(["sdk get"], "k")
    assert (item["namespace"], item["key"], item["value"]) == (["sdk get"], "k", {"n": 1})
    assert await client.store.get_item(["sdk get"], "other") is None


async def delete_item(client: LangGraphClient) -> None:
    await client.store.put_item(["sdk delete"], "k", {"n": 1})
    await client.store.delete_item(["sdk delete"], "k")
    assert await client.store.get_item(["sdk delete"], "k") is None


async def search_items(client: LangGraphClient) -> None:
    for number, name in enumerate("abc"):
        await client.store.put_item(["sdk search", name], "k", {"n": number})
    everything = await client.store.search_items(["sdk search"])
    assert sorted(item["value"]["n"] for item in everything["items"]) == [0, 1, 2]
    one = await client.store.search_items(["sdk search"], filter={"n": 1})
    assert [item["namespace"] for item in one["items"]] == [["sdk search", "b"]]
    page = await client.store.search_items(["sdk search"], limit=2, offset=2)
    assert len(page["items"]) == 1


async def list_namespaces(client: LangGraphClient) -> None:
    for path in (["a"], ["b", "c"], ["b", "d"]):
        await client.store.put_item(["sdk spaces", *path], "k", {})
    shallow = await client.store.list_namespaces(prefix=["sdk spaces"], max_depth=2)
    assert shallow["namespaces"] == [["sdk spaces", "a"], ["sdk spaces", "b"]]
    ending = await client.store.list_namespaces(prefix=["sdk spaces"], suffix=["d"])
    assert ending["namespaces"] == [["sdk spaces", "b", "d"]]
