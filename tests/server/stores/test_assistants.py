"""The rows of assistants."""

from functools import partial

import pytest

from outrigger_server.domain.assistant import system_assistant
from outrigger_server.errors import NotFound
from outrigger_server.stores.assistants import (
    get_assistant,
    list_assistants,
    put_system_assistants,
)


async def put(database, *wanted):
    await database.write(partial(put_system_assistants, wanted=wanted))


async def test_a_system_assistant_is_read_back_as_it_was_put(database):
    assistant = system_assistant("g", "Does things.", 1)
    await put(database, assistant)
    get = partial(get_assistant, assistant_id=assistant.assistant_id)
    assert await database.read(get) == assistant


async def test_putting_it_again_keeps_its_times_and_takes_the_new_description(database):
    await put(database, system_assistant("g", "Old.", 1))
    await put(database, system_assistant("g", "New.", 2))
    get = partial(get_assistant, assistant_id=system_assistant("g", None, 0).assistant_id)
    assert await database.read(get) == system_assistant("g", "New.", 1)


async def test_a_missing_assistant_is_not_found(database):
    with pytest.raises(NotFound):
        await database.read(partial(get_assistant, assistant_id="nobody"))


async def test_only_assistants_of_the_named_graphs_are_listed(database):
    await put(database, *[system_assistant(f"g{n}", None, n) for n in range(4)])
    found = await database.read(partial(list_assistants, graph_ids=["g1", "g3", "nobody"]))
    assert sorted(assistant.graph_id for assistant in found) == ["g1", "g3"]
