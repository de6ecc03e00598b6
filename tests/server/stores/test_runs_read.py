"""Reading runs."""

from functools import partial

import pytest

from outrigger_server.errors import NotFound
from outrigger_server.stores import run_rows


@pytest.fixture(autouse=True)
async def thread(desk):
    await desk.thread()


def listed(**options):
    return partial(run_rows.list_runs, thread_id="t", **{"limit": 10, "offset": 0, **options})


async def test_a_run_is_found_on_its_thread_only(desk):
    await desk.thread("other")
    await desk.create("r")
    found = await desk.database.read(partial(run_rows.get_run, thread_id="t", run_id="r"))
    assert found.run_id == "r"
    with pytest.raises(NotFound):
        await desk.database.read(partial(run_rows.get_run, thread_id="other", run_id="r"))


async def test_a_missing_run_is_not_found(desk):
    assert await desk.find("nobody") is None
    with pytest.raises(NotFound):
        await desk.database.read(partial(run_rows.get_run, thread_id="t", run_id="nobody"))


async def test_runs_are_listed_newest_first_also_those_of_one_moment(desk, clock):
    await desk.create("a")
    await desk.create("b")
    clock.turn(1)
    await desk.create("c")
    assert [run.run_id for run in await desk.database.read(listed())] == ["c", "b", "a"]


async def test_runs_are_listed_in_pages(desk):
    for name in "abcde":
        await desk.create(name)
    page = await desk.database.read(listed(limit=2, offset=1))
    assert [run.run_id for run in page] == ["d", "c"]


async def test_runs_are_listed_by_status(desk):
    await desk.running("a")
    await desk.create("b")
    assert [run.run_id for run in await desk.database.read(listed(status="pending"))] == ["b"]


async def test_runs_of_other_threads_are_not_listed(desk):
    await desk.thread("other")
    await desk.create("o", thread="other")
    assert await desk.database.read(listed()) == []
