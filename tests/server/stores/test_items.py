"""The store graphs use: fenced as a whole batch, free to read."""

import asyncio
from functools import partial

import pytest
from langgraph.store.base import GetOp, ListNamespacesOp, MatchCondition, PutOp, SearchOp

from outrigger_server.domain.item import ItemTtl
from outrigger_server.errors import FencedWrite, InvalidRequest
from outrigger_server.stores import claims
from outrigger_server.stores.fence import RunFence
from outrigger_server.stores.items import FencedStore, ItemRules


@pytest.fixture
async def run(desk):
    await desk.thread()
    return await desk.running("r")


@pytest.fixture
def store(database, run, observer):
    return FencedStore(database, RunFence(run.token), observer)


@pytest.fixture
async def fenced(desk, store, run):
    """A store with one item, whose attempt has lost its run since."""
    await store.aput(("n",), "old", {"v": 1})
    await desk.database.write(partial(claims.close_fence, token=run.token))
    return store


async def test_an_item_is_read_back_as_it_was_put(store):
    await store.aput(("users", "1"), "k", {"v": [1, None, "é"]})
    item = await store.aget(("users", "1"), "k")
    assert (item.namespace, item.key, item.value) == (("users", "1"), "k", {"v": [1, None, "é"]})


async def test_a_put_replaces_the_item_and_a_delete_removes_it(store):
    await store.aput(("n",), "k", {"v": 1})
    await store.aput(("n",), "k", {"v": 2})
    assert (await store.aget(("n",), "k")).value == {"v": 2}
    await store.adelete(("n",), "k")
    assert await store.aget(("n",), "k") is None


async def test_items_are_searched_by_prefix_and_filter(store):
    for key, place in (("a", "x"), ("b", "y")):
        await store.aput(("n", place), key, {"place": place})
    assert {item.key for item in await store.asearch(("n",))} == {"a", "b"}
    assert [item.key for item in await store.asearch(("n",), filter={"place": "y"})] == ["b"]


async def test_namespaces_are_listed(store):
    await store.aput(("n", "x"), "k", {})
    assert await store.alist_namespaces() == [("n", "x")]


async def test_plain_threads_use_the_store_without_a_loop(store):
    def use():
        store.put(("n",), "k", {"v": 1})
        return store.get(("n",), "k").value

    assert await asyncio.to_thread(use) == {"v": 1}


async def test_a_batch_does_all_its_operations_in_one_transaction(store):
    results = await store.abatch(
        [
            PutOp(("n",), "a", {"v": 1}),
            GetOp(("n",), "a"),
            SearchOp(("n",)),
            ListNamespacesOp(),
        ]
    )
    assert len(results) == 4
    assert results[0] is None


async def test_a_fenced_attempt_cannot_put_and_is_counted(fenced, observer):
    with pytest.raises(FencedWrite):
        await fenced.aput(("n",), "new", {"v": 1})
    assert await fenced.aget(("n",), "new") is None
    assert observer.refused == {"store": 1}


async def test_a_fenced_attempt_cannot_delete(fenced):
    with pytest.raises(FencedWrite):
        await fenced.adelete(("n",), "old")
    assert (await fenced.aget(("n",), "old")).value == {"v": 1}


async def test_a_fenced_attempt_cannot_put_from_a_plain_thread_either(fenced, observer):
    with pytest.raises(FencedWrite):
        await asyncio.to_thread(fenced.put, ("n",), "new", {"v": 1})
    assert observer.refused == {"store": 1}


async def test_a_fenced_batch_with_one_put_is_refused_as_a_whole(fenced):
    with pytest.raises(FencedWrite):
        await fenced.abatch([GetOp(("n",), "old"), PutOp(("n",), "new", {"v": 1})])
    assert [item.key for item in await fenced.asearch(("n",))] == ["old"]


async def test_a_fenced_attempt_still_reads(fenced, observer):
    assert (await fenced.aget(("n",), "old")).value == {"v": 1}
    assert [item.key for item in await fenced.asearch(("n",))] == ["old"]
    assert observer.refused == {}


async def test_a_store_without_a_fence_writes_freely(database, observer):
    store = FencedStore(database, None, observer)
    await store.aput(("n",), "k", {"v": 1})
    assert (await store.aget(("n",), "k")).value == {"v": 1}


async def test_items_outlive_the_run_that_put_them(desk, store, run):
    await store.aput(("n",), "k", {"v": 1})
    await desk.roll_back(run)
    assert (await store.aget(("n",), "k")).value == {"v": 1}


NULS = {
    "namespace of a put": (PutOp(("n\0",), "k", {"v": 1}), "namespace"),
    "key of a put": (PutOp(("n",), "k\0", {"v": 1}), "key"),
    "value of a put": (PutOp(("n",), "k", {"v": ["\0"]}), "value"),
    "key of a value": (PutOp(("n",), "k", {"v": {"\0": 1}}), "value"),
    "key of a get": (GetOp(("n",), "k\0"), "key"),
    "prefix of a search": (SearchOp(("n\0",)), "namespace_prefix"),
    "filter of a search": (SearchOp(("n",), filter={"v": "\0"}), "filter"),
    "a list of namespaces": (
        ListNamespacesOp((MatchCondition("prefix", ("n\0",)),)),
        "match_conditions",
    ),
}


@pytest.mark.parametrize("name", NULS)
async def test_a_nul_is_refused_by_name_on_every_database_and_nothing_is_stored(desk, store, name):
    op, field = NULS[name]
    before = await desk.dump()
    with pytest.raises(InvalidRequest, match=f"store: {field} holds a NUL character"):
        await store.abatch([PutOp(("n",), "other", {"v": 1}), op])
    with pytest.raises(InvalidRequest):
        await asyncio.to_thread(store.batch, [op])
    assert await desk.dump() == before


@pytest.mark.parametrize("text", ["\\u0000", "\\\\u0000", "\uffff", "\U0001f600"])
async def test_what_only_looks_like_one_is_kept(store, text):
    await store.aput(("n",), text, {text: text})
    assert (await store.aget(("n",), text)).value == {text: text}


async def expiry(desk, key="k"):
    return (await desk.one("SELECT expires_at FROM store WHERE key = ?", key))[0]


async def aged(desk):
    """Let the item's time be nearly over."""
    await desk.execute("UPDATE store SET expires_at = '2001-01-01 00:00:00+00:00'")
    return await expiry(desk)


async def test_reading_an_item_lets_its_time_begin_again(store, desk):
    await store.aput(("n",), "k", {"v": 1}, ttl=5)
    for read in (
        partial(store.aget, ("n",), "k"),
        partial(store.asearch, ("n",)),
        partial(asyncio.to_thread, store.get, ("n",), "k"),
    ):
        before = await aged(desk)
        await read()
        assert await expiry(desk) > before


async def test_reading_an_item_otherwise_leaves_its_time_alone(database, run, observer, desk):
    rules = ItemRules(ItemTtl(default_minutes=5, refresh_on_read=False))
    store = FencedStore(database, RunFence(run.token), observer, rules)
    await store.aput(("n",), "k", {"v": 1})
    before = await aged(desk)
    await store.aget(("n",), "k")
    await store.asearch(("n",))
    assert await expiry(desk) == before
    await store.aget(("n",), "k", refresh_ttl=True)
    assert await expiry(desk) > before


async def test_an_item_without_a_time_to_live_gets_none_by_reading(store, desk):
    await store.aput(("n",), "k", {"v": 1})
    await store.aget(("n",), "k")
    assert await expiry(desk) is None


async def test_a_fenced_attempt_reads_without_changing_times(fenced, desk, database, observer):
    free = FencedStore(database, None, observer)
    await free.aput(("n",), "k", {"v": 1}, ttl=5)
    before = await aged(desk)
    assert (await fenced.aget(("n",), "k")).value == {"v": 1}
    assert await expiry(desk) == before
    assert observer.refused == {}


async def test_a_fraction_of_a_minute_is_kept(store, desk):
    await store.aput(("n",), "k", {"v": 1}, ttl=0.25)
    assert await desk.one("SELECT ttl_minutes FROM store") == (0.25,)
