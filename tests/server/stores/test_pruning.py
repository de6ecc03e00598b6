"""What is left of a thread that is pruned, and what a copy of one has, with a real graph."""

import operator
from functools import partial
from typing import Annotated, Any

import pytest
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt
from typing_extensions import TypedDict

from outrigger_server.domain.run import RunStatus
from outrigger_server.domain.thread import ThreadOutcome
from outrigger_server.errors import Conflict
from outrigger_server.stores import run_ends
from outrigger_server.stores.checkpoints import FencedSaver
from outrigger_server.stores.fence import RunFence
from outrigger_server.stores.pruning import keep_latest
from outrigger_server.stores.thread_copies import copy_thread

PLACE = {"configurable": {"thread_id": "t"}}


class State(TypedDict, total=False):
    log: Annotated[list[str], operator.add]
    big: list[Any]


async def work(state: State) -> State:
    return {"log": ["worked"], "big": [*state.get("big", []), 1.5]}


async def ask(_state: State) -> State:
    return {"log": [interrupt("sure?")]}


child = StateGraph(State)
child.add_node("ask", ask)
child.add_edge(START, "ask")

builder = StateGraph(State)
builder.add_node("work", work)
builder.add_node("child", child.compile())
builder.add_edge(START, "work")
builder.add_edge("work", "child")


class Talk:
    """Runs on a thread, each to its end or its question."""

    def __init__(self, desk, observer):
        self.desk = desk
        self._observer = observer

    def graph(self, run):
        saver = FencedSaver(self.desk.database, RunFence(run.token), self._observer)
        return builder.compile(checkpointer=saver)

    async def say(self, run_id, message, thread="t"):
        run = await self.desk.running(run_id, thread=thread)
        place = {"configurable": {"thread_id": thread}}
        await self.graph(run).ainvoke(message, place)
        await self.desk.finish(run)
        return run

    async def state(self, run, thread="t"):
        place = {"configurable": {"thread_id": thread}}
        return await self.graph(run).aget_state(place, subgraphs=True)

    async def count(self, table, thread="t"):
        statement = f"SELECT count(*) FROM {table} WHERE thread_id = ?"
        return (await self.desk.one(statement, thread))[0]


@pytest.fixture
async def talk(desk, observer):
    await desk.thread()
    return Talk(desk, observer)


def prune(desk):
    return desk.database.write(partial(keep_latest, thread_id="t"))


def copy(desk, name="copy"):
    return desk.database.write(partial(copy_thread, source="t", copy=name, now=desk.clock.now()))


def shown(state):
    return state.values, state.next, [task.interrupts for task in state.tasks]


async def test_a_pruned_thread_stands_where_it_stood_and_goes_on(talk):
    run = await talk.say("r1", {"log": ["in"]})
    await talk.say("r2", Command(resume="yes"))
    run = await talk.say("r3", {"log": ["again"]})
    before = await talk.state(run)
    assert await prune(talk.desk)
    after = await talk.state(run)
    assert shown(after) == shown(before)
    assert after.parent_config is None
    assert after.tasks[0].state.values == before.tasks[0].state.values
    assert await talk.count("checkpoints") == 2  # the head, and the child that waits
    run = await talk.say("r4", Command(resume="no"))
    log = ["in", "worked", "in", "worked", "yes", "again", "worked"]
    values = (await talk.state(run)).values
    assert values["log"][: len(before.values["log"])] == before.values["log"]
    assert values["log"][-1] == "no"
    assert set(values["log"]) == {*log, "no"}


async def test_a_run_after_the_pruning_can_be_rolled_back(talk):
    run = await talk.say("r1", {"log": ["in"]})
    await prune(talk.desk)
    before = shown(await talk.state(run))
    again = await talk.desk.running("r2")
    await talk.graph(again).ainvoke(Command(resume="x"), PLACE)
    await talk.desk.roll_back(again)
    assert shown(await talk.state(run)) == before


async def test_a_thread_with_a_run_in_flight_is_not_pruned(talk):
    await talk.say("r1", {"log": ["in"]})
    await talk.desk.create("r2")
    before = await talk.desk.dump()
    assert not await prune(talk.desk)
    assert await talk.desk.dump() == before


async def test_a_thread_without_a_history_is_pruned_at_once(talk):
    assert await prune(talk.desk)
    assert not await talk.desk.database.write(partial(keep_latest, thread_id="missing"))


async def test_values_spread_over_many_checkpoints_are_left_alone(talk):
    await talk.say("r1", {"log": ["in"]})
    mark = '{"counters_since_delta_snapshot": {}}'
    await talk.desk.execute("UPDATE checkpoints SET metadata = ?", mark)
    before = await talk.desk.dump()
    assert not await prune(talk.desk)
    assert await talk.desk.dump() == before


async def test_a_copy_says_the_same_and_has_nothing_of_the_runs(talk):
    run = await talk.say("r1", {"log": ["in"]})
    copied = await copy(talk.desk)
    assert not copied.behind
    state = await talk.state(run, "copy")
    assert shown(state) == shown(await talk.state(run))
    assert state.config["configurable"]["thread_id"] == "copy"
    for table in ("checkpoints", "writes"):
        assert await talk.count(table, "copy") == await talk.count(table)
        owned = f"SELECT count(*) FROM {table} WHERE thread_id = 'copy' AND run_id IS NOT NULL"
        assert await talk.desk.one(owned) == (0,)


async def test_nothing_that_happens_to_the_source_reaches_the_copy(talk):
    run = await talk.say("r1", {"log": ["in"]})
    answered = await talk.say("r2", Command(resume="yes"))
    await copy(talk.desk)
    before = shown(await talk.state(run, "copy"))
    delete = partial(run_ends.delete_finished_run, run=await talk.desk.find(answered.run_id))
    await talk.desk.database.write(delete)
    assert (await talk.state(run)).next == ("child",)
    assert shown(await talk.state(run, "copy")) == before


async def test_a_copy_of_a_thread_at_work_is_idle_and_behind(talk):
    await talk.desk.running("r")
    copied = await copy(talk.desk)
    assert copied.behind
    assert (copied.thread.status, await talk.desk.head("copy")) == ("idle", None)


async def test_a_copy_leaves_the_error_behind_and_its_status_to_the_history(talk):
    run = await talk.desk.running("r")
    error = {"error": "E", "message": "m"}
    failed = ThreadOutcome("{}", "{}", has_next=False, error=error, failed=True)
    await talk.desk.finish(run, RunStatus.ERROR, failed)
    copied = await copy(talk.desk)
    assert (copied.thread.error, copied.behind) == (None, True)


async def test_a_missing_thread_is_a_conflict(desk):
    with pytest.raises(Conflict, match="no thread"):
        await desk.database.write(partial(copy_thread, source="x", copy="y", now=1))
