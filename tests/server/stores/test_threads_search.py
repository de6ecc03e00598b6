"""Searching threads: by metadata, values, ids and status, in pages."""

from functools import partial

import pytest

from fakes.run_desk import IDLE
from outrigger_server.domain.run import RunStatus
from outrigger_server.domain.thread import ThreadOutcome, ThreadStatus
from outrigger_server.graphs.encoding import encode
from outrigger_server.stores.thread_search import ThreadQuery, search_threads

EVERYTHING = {
    "metadata": {},
    "values": {},
    "status": None,
    "ids": None,
    "sort_by": "created_at",
    "descending": True,
    "limit": 10,
    "offset": 0,
}

VALUES = {
    "text": "a",
    "empty text": "",
    "number": 1,
    "zero": 0,
    "negative": -7,
    "fraction": 0.5,
    "true": True,
    "false": False,
    "null": None,
    "list": [1, "a", None],
    "nested": {"x": {"y": [1]}},
    "text of a number": "1",
    "text of true": "true",
    "accented": "é",
    "quoted": 'a "b" \\c',
}


async def found(desk, **conditions):
    query = ThreadQuery(**{**EVERYTHING, **conditions})
    page = await desk.database.read(partial(search_threads, query=query))
    return [thread.thread_id for thread in page.threads]


async def thread_with_values(desk, thread_id, values):
    await desk.thread(thread_id)
    outcome = ThreadOutcome(encode(values).decode(), "{}", has_next=False)
    await desk.finish(await desk.running(f"run of {thread_id}", thread=thread_id), outcome=outcome)


@pytest.mark.parametrize("name", VALUES)
async def test_a_thread_is_found_by_metadata_of_its_own_kind_only(desk, name):
    for each, value in VALUES.items():
        await desk.thread(each, k=value)
    assert await found(desk, metadata={"k": VALUES[name]}, limit=100) == [name]


@pytest.mark.parametrize("name", VALUES)
async def test_a_thread_is_found_by_its_values(desk, name):
    await thread_with_values(desk, "wanted", {"k": VALUES[name]})
    await thread_with_values(desk, "other", {"k": "something else"})
    await desk.thread("without values")
    assert await found(desk, values={"k": VALUES[name]}) == ["wanted"]


async def test_a_thread_is_found_by_a_number_beyond_64_bits(desk):
    await thread_with_values(desk, "wanted", {"k": 2**70})
    assert await found(desk, values={"k": float(2**70)}) == ["wanted"]


async def test_values_with_not_a_number_in_them_hold_up_no_search(desk):
    await thread_with_values(desk, "odd", {"nan": float("nan"), "huge": 2**70})
    await thread_with_values(desk, "wanted", {"k": 1})
    assert await found(desk, values={"k": 1}) == ["wanted"]


@pytest.mark.parametrize("key", ["a.b", 'a"b', "a\\b", "a[0]", "$", "é", "", "a b"])
async def test_a_key_may_hold_any_character(desk, key):
    await desk.thread("wanted", **{key: 1})
    await desk.thread("other", a={"b": 1})
    assert await found(desk, metadata={key: 1}) == ["wanted"]


async def test_every_condition_must_hold(desk):
    await desk.thread("both", a=1, b=2)
    await desk.thread("one", a=1)
    assert await found(desk, metadata={"a": 1, "b": 2}) == ["both"]


async def test_a_thread_without_the_key_is_not_found_by_null(desk):
    await desk.thread("null", k=None)
    await desk.thread("missing")
    assert await found(desk, metadata={"k": None}) == ["null"]


async def test_threads_are_found_by_their_ids(desk):
    for name in "abc":
        await desk.thread(name)
    assert sorted(await found(desk, ids=("a", "c", "nobody"))) == ["a", "c"]
    assert await found(desk, ids=()) == []


@pytest.mark.parametrize("status", ThreadStatus)
async def test_threads_are_found_by_status(desk, status):
    await desk.thread("idle")
    await desk.thread("busy")
    await desk.create("r", thread="busy", after_seconds=60)
    for name, end in (
        ("interrupted", ThreadOutcome("{}", "{}", has_next=True)),
        ("error", ThreadOutcome("{}", "{}", has_next=False, failed=True)),
    ):
        await desk.thread(name)
        run = await desk.running(f"run of {name}", thread=name)
        await desk.finish(run, RunStatus.SUCCESS, end)
    assert await found(desk, status=status) == [status.value]


async def test_a_thread_that_was_in_error_is_busy_while_it_runs(desk):
    await desk.thread()
    failed = ThreadOutcome("{}", "{}", has_next=False, failed=True)
    await desk.finish(await desk.running("r1"), RunStatus.ERROR, failed)
    await desk.create("r2")
    assert await found(desk, status=ThreadStatus.ERROR) == []
    assert await found(desk, status=ThreadStatus.BUSY) == ["t"]


@pytest.mark.parametrize("column", ["created_at", "updated_at", "thread_id"])
async def test_threads_are_sorted_both_ways(desk, clock, column):
    for name in "abc":
        await desk.thread(name)
        clock.turn(1)
    assert await found(desk, sort_by=column, descending=True) == ["c", "b", "a"]
    assert await found(desk, sort_by=column, descending=False) == ["a", "b", "c"]


async def test_threads_are_sorted_by_the_status_they_show(desk):
    for name in ("x idle", "y busy"):
        await desk.thread(name)
    await desk.create("r", thread="y busy")
    assert await found(desk, sort_by="status", descending=False) == ["y busy", "x idle"]


async def test_threads_of_one_moment_have_a_steady_order(desk):
    for name in "cab":
        await desk.thread(name)
    pages = [(await found(desk, limit=1, offset=n))[0] for n in range(3)]
    assert pages == ["a", "b", "c"]


async def test_a_page_tells_how_many_there_are_in_all(desk):
    for n in range(5):
        await desk.thread(f"t{n}", k=n % 2)
    query = ThreadQuery(**{**EVERYTHING, "metadata": {"k": 0}, "limit": 2, "offset": 1})
    page = await desk.database.read(partial(search_threads, query=query))
    assert (len(page.threads), page.total) == (2, 3)


async def test_a_page_beyond_the_end_is_empty_and_still_tells_the_total(desk):
    await desk.thread()
    query = ThreadQuery(**{**EVERYTHING, "offset": 7})
    page = await desk.database.read(partial(search_threads, query=query))
    assert (page.threads, page.total) == ((), 1)


async def test_a_found_thread_is_the_thread_that_is_read(desk):
    await desk.thread(k={"x": 1})
    await desk.finish(await desk.running("r"), outcome=IDLE)
    page = await desk.database.read(partial(search_threads, query=ThreadQuery(**EVERYTHING)))
    assert page.threads == (await desk.read_thread(),)


STRANGE = {
    "nul": "a\0\0b",
    "nul behind a backslash": "\\\0",
    "text of a nul": "\\u0000",
    "half of an emoji": "\ud83d of",
    "other half": "of \ude00",
    "halves in the wrong order": "\ude00\ud83d",
    "two halves that are one": "\ud83d\ud83d\ude00",
    "emoji": "\U0001f600",
}


@pytest.mark.parametrize("name", STRANGE)
async def test_strange_texts_hide_nothing_beside_them(desk, name):
    await desk.thread("t", strange=[STRANGE[name]], user="u")
    await thread_with_values(desk, "v", {"strange": {STRANGE[name]: 1}, "user": "u"})
    assert await found(desk, metadata={"user": "u"}) == ["t"]
    assert await found(desk, values={"user": "u"}) == ["v"]
    assert await found(desk, metadata={"user": "other"}) == []


@pytest.mark.parametrize("name", ["nul", "nul behind a backslash", "text of a nul", "emoji"])
async def test_a_strange_text_inside_a_value_is_found(desk, name):
    for each, text in STRANGE.items():
        await desk.thread(each, k=[text])
    assert await found(desk, metadata={"k": [STRANGE[name]]}, limit=100) == [name]
