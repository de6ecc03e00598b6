"""Filters in a query let through exactly what they let through by themselves."""

from functools import partial

import pytest

from outrigger_server.domain.access import to_filter
from outrigger_server.errors import NotFound
from outrigger_server.stores.thread_search import ThreadQuery, search_threads
from outrigger_server.stores.threads import may_use_thread, patch_thread

ROWS = {
    "empty": {},
    "ann": {"owner": "ann"},
    "bob": {"owner": "bob", "guests": ["ann"]},
    "text": {"owner": "ann", "guests": "ann"},
    "many": {"owner": "cid", "guests": ["bob", "ann", 1, True, None]},
    "one": {"owner": 1, "guests": [1]},
    "true": {"owner": True, "guests": [True]},
    "null": {"owner": None, "guests": [None]},
    "nested": {"owner": ["ann"], "guests": [["ann"]]},
    "object": {"owner": {"ann": 1}, "guests": {"ann": 1}},
    "quoted": {"owner": 'a "b" \\c', "guests": ['a "b" \\c']},
    "fraction": {"owner": 0.5, "guests": [0.5]},
}
VALUES = ("ann", "bob", 1, True, None, 0.5, 'a "b" \\c', "")
CONDITIONS = [
    *({"owner": value} for value in VALUES),
    *({"guests": {"$contains": value}} for value in VALUES),
    {"guests": {"$contains": ["ann", "bob"]}},
    {"owner": "bob", "guests": {"$contains": "ann"}},
]


def everything(**more):
    return ThreadQuery(
        metadata={},
        values={},
        status=None,
        ids=None,
        sort_by="thread_id",
        descending=False,
        limit=100,
        offset=0,
        **more,
    )


async def test_a_search_finds_what_the_filter_matches(desk):
    for name, metadata in ROWS.items():
        await desk.thread(name, **metadata)
    for conditions in CONDITIONS:
        allowed = to_filter(conditions)
        query = everything(allowed=allowed)
        page = await desk.database.read(partial(search_threads, query=query))
        wanted = sorted(name for name, metadata in ROWS.items() if allowed.matches(metadata))
        assert [thread.thread_id for thread in page.threads] == wanted, conditions
        assert page.total == len(wanted)
    assert any(to_filter(each).matches(ROWS["many"]) for each in CONDITIONS)


async def test_a_hidden_thread_is_not_changed(desk):
    await desk.thread("theirs", owner="ann")
    hiding = to_filter({"owner": "bob"})
    job = partial(patch_thread, thread_id="theirs", metadata={"owner": "bob"}, now=5)
    with pytest.raises(NotFound):
        await desk.database.write(partial(job, allowed=hiding))
    page = await desk.database.read(partial(search_threads, query=everything()))
    assert page.threads[0].metadata == {"owner": "ann"}


async def test_a_missing_thread_may_not_be_used_by_whom_a_filter_holds_back(desk):
    await desk.thread("theirs", owner="ann")
    for name, wanted, usable in (
        ("theirs", "ann", True),
        ("theirs", "bob", False),
        ("missing", "ann", False),
    ):
        allowed = to_filter({"owner": wanted})
        job = partial(may_use_thread, thread_id=name, allowed=allowed)
        assert await desk.database.write(job) is usable
