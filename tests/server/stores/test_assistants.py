"""The rows of assistants and their versions."""

import asyncio
from functools import partial

import pytest

from outrigger_server.domain.assistant import Assistant, system_assistant
from outrigger_server.errors import AlreadyExists, BadState, Conflict, NotFound
from outrigger_server.stores.assistants import (
    AssistantChange,
    AssistantFilter,
    Page,
    count_assistants,
    create_assistant,
    delete_assistant,
    find_assistant,
    get_assistant,
    list_versions,
    patch_assistant,
    put_system_assistants,
    search_assistants,
    set_latest_version,
)

A = "00000000-0000-0000-0000-00000000000a"
FIRST_PAGE = Page(limit=10, offset=0)


def assistant(assistant_id=A, **fields):
    defaults = {
        "graph_id": "g",
        "name": "Anna",
        "description": None,
        "config": {},
        "context": {},
        "metadata": {},
        "version": 1,
        "created_at": 1,
        "updated_at": 1,
    }
    return Assistant(assistant_id=assistant_id, **defaults | fields)


@pytest.fixture
def put(database):
    async def put(*wanted):
        await database.write(partial(put_system_assistants, wanted=wanted))

    return put


@pytest.fixture
def create(database):
    async def create(*args, **fields):
        return await database.write(partial(create_assistant, assistant=assistant(*args, **fields)))

    return create


@pytest.fixture
def patch(database):
    async def patch(now=2, **fields):
        change = AssistantChange(**fields)
        return await database.write(
            partial(patch_assistant, assistant_id=A, change=change, now=now)
        )

    return patch


@pytest.fixture
def search(database):
    async def search(page=FIRST_PAGE, **wanted):
        defaults = {"graph_ids": ["g", "h"], "name": None, "metadata": {}}
        wanted = AssistantFilter(**defaults | wanted)
        found, total = await database.read(partial(search_assistants, wanted=wanted, page=page))
        assert total == await database.read(partial(count_assistants, wanted=wanted))
        return [each.name for each in found], total

    return search


@pytest.fixture
def versions(database):
    async def versions(page=FIRST_PAGE, **metadata):
        job = partial(list_versions, assistant_id=A, metadata=metadata, page=page)
        return [each.version for each in await database.read(job)]

    return versions


async def test_a_system_assistant_is_read_back_as_it_was_put(database, put):
    wanted = system_assistant("g", "Does things.", 1)
    await put(wanted)
    assert await database.read(partial(get_assistant, assistant_id=wanted.assistant_id)) == wanted


async def test_putting_it_again_keeps_its_times_and_takes_the_new_description(database, put):
    await put(system_assistant("g", "Old.", 1))
    await put(system_assistant("g", "New.", 2))
    get = partial(get_assistant, assistant_id=system_assistant("g", None, 0).assistant_id)
    assert await database.read(get) == system_assistant("g", "New.", 1)


async def test_a_missing_assistant_is_not_found(database):
    with pytest.raises(NotFound):
        await database.read(partial(get_assistant, assistant_id="nobody"))


async def test_an_id_is_given_once(create):
    await create()
    with pytest.raises(AlreadyExists):
        await create(name="Berta")


async def test_a_change_is_a_new_version_and_keeps_the_rest(create, patch, versions):
    await create(description="d", metadata={"a": 1}, config={"tags": ["t"]})
    changed = await patch(name="Berta", metadata={"b": 2})
    assert (changed.version, changed.name, changed.description) == (2, "Berta", "d")
    assert (changed.metadata, changed.config) == ({"a": 1, "b": 2}, {"tags": ["t"]})
    assert (changed.created_at, changed.updated_at) == (1, 2)
    assert await versions() == [2, 1]


async def test_what_is_configurable_is_context_too(create, patch):
    await create()
    by_config = await patch(config={"configurable": {"size": 1}})
    assert by_config.context == {"size": 1}
    by_context = await patch(context={"size": 2})
    assert by_context.config == {"configurable": {"size": 2}}
    neither = await patch(context={})
    assert (neither.config, neither.context) == ({}, {})
    with pytest.raises(BadState):
        await patch(config={"configurable": {"size": 1}}, context={"size": 2})


async def test_the_latest_version_is_restored_in_everything(create, patch, database):
    before = await create(config={"configurable": {"a": 1}}, context={"a": 1}, description="d")
    await patch(context={"a": 2}, graph_id="h", name="Berta", metadata={"b": 2}, description="e")
    job = partial(set_latest_version, assistant_id=A, version=1, now=9)
    restored = await database.write(job)
    assert restored == assistant(
        config=before.config, context=before.context, description="d", updated_at=9
    )
    assert (await patch(name="Carla")).version == 3, "numbers are never given twice"


async def test_changes_of_two_processes_at_once_are_versions_of_their_own(here, there):
    await here.database.write(partial(create_assistant, assistant=assistant()))
    jobs = [
        desk.database.write(
            partial(
                patch_assistant,
                assistant_id=A,
                change=AssistantChange(metadata={f"{desk is here}{number}": number}),
                now=2,
            )
        )
        for number in range(8)
        for desk in (here, there)
    ]
    changed = await asyncio.gather(*jobs)
    assert sorted(each.version for each in changed) == list(range(2, 18))
    last = await there.database.read(partial(get_assistant, assistant_id=A))
    assert len(last.metadata) == 16, "no change was lost"


async def test_a_version_that_never_was_is_not_found(create, database):
    await create()
    with pytest.raises(NotFound, match="Version 7 not found"):
        await database.write(partial(set_latest_version, assistant_id=A, version=7, now=9))


async def test_versions_are_found_by_metadata_and_paged(create, patch, versions):
    await create()
    await patch(metadata={"k": 1})
    await patch(metadata={"k": 2})
    assert await versions(k=1) == [2]
    assert await versions(Page(limit=1, offset=1)) == [2]


async def test_nobody_has_no_versions(versions):
    with pytest.raises(NotFound, match="not found"):
        await versions()


async def test_a_deleted_assistant_leaves_no_version(create, patch, database, versions):
    await create()
    await patch(name="Berta")
    await database.write(partial(delete_assistant, assistant_id=A))
    assert await database.read(partial(find_assistant, assistant_id=A)) is None
    await create()
    assert await versions() == [1]


@pytest.mark.parametrize(
    "job",
    [
        delete_assistant,
        partial(patch_assistant, change=AssistantChange(name="mine"), now=2),
        partial(set_latest_version, version=1, now=2),
    ],
)
async def test_a_system_assistant_stays_as_it_is(database, put, job):
    wanted = system_assistant("g", None, 1)
    await put(wanted)
    with pytest.raises(Conflict, match="Make one of your own"):
        await database.write(partial(job, assistant_id=wanted.assistant_id))
    assert await database.read(partial(get_assistant, assistant_id=wanted.assistant_id)) == wanted


async def test_searching_by_graph_name_and_metadata(create, search):
    await create("1", name="Trip Planner", metadata={"team": "a", "tier": 1})
    await create("2", name="50% off", metadata={"team": "a"}, graph_id="h")
    await create("3", name="hidden", graph_id="unserved")
    assert await search(name="plan") == (["Trip Planner"], 1)
    assert await search(name="%") == (["50% off"], 1)
    assert await search(graph_ids=["h"]) == (["50% off"], 1)
    assert await search(metadata={"team": "a", "tier": 1}) == (["Trip Planner"], 1)
    assert await search(metadata={"team": "b"}) == ([], 0)


async def test_pages_are_in_order_and_know_the_whole_count(create, search):
    for number in range(5):
        await create(str(number), name=f"n{number}", created_at=number // 2)
    assert await search(Page(limit=2, offset=0)) == (["n4", "n2"], 5)
    assert await search(Page(2, 4)) == (["n1"], 5)
    page = Page(limit=2, offset=1, sort_by="name", descending=False)
    assert await search(page) == (["n1", "n2"], 5)
