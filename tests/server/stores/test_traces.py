"""What runs leave behind, taken away with a real graph that asks a person."""

from functools import partial
from typing import Any

import pytest
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt
from typing_extensions import TypedDict

from outrigger_server.stores import run_ends, threads, traces
from outrigger_server.stores.checkpoints import FencedSaver
from outrigger_server.stores.fence import RunFence
from outrigger_server.stores.traces import Footing

PLACE = {"configurable": {"thread_id": "t"}}


class State(TypedDict, total=False):
    answers: list[Any]
    done: bool


async def ask(_state: State) -> State:
    first = interrupt("first?")
    second = interrupt("second?") if first != "skip" else None
    return {"answers": [first, second]}


async def finish(_state: State) -> State:
    return {"done": True}


builder = StateGraph(State)
builder.add_node("ask", ask)
builder.add_node("finish", finish)
builder.add_edge(START, "ask")
builder.add_edge("ask", "finish")


class Talk:
    """A thread with a graph on it; every message is a run."""

    def __init__(self, desk, observer):
        self.desk = desk
        self._observer = observer

    def graph(self, run):
        saver = FencedSaver(self.desk.database, RunFence(run.token), self._observer)
        return builder.compile(checkpointer=saver)

    async def say(self, run_id, message):
        """Run the graph to its end or question, and leave the run running."""
        run = await self.desk.running(run_id)
        await self.graph(run).ainvoke(message, PLACE)
        return run

    async def said(self, run_id, message):
        run = await self.say(run_id, message)
        await self.desk.finish(run)
        return run

    async def state(self, run):
        return await self.graph(run).aget_state(PLACE)

    async def questions(self, run):
        return [each.value for task in (await self.state(run)).tasks for each in task.interrupts]


@pytest.fixture
async def talk(desk, observer):
    await desk.thread()
    return Talk(desk, observer)


@pytest.fixture
async def asked(talk):
    """The run that asked the first question."""
    return await talk.said("r1", {"answers": []})


async def rows(desk):
    tables = await desk.dump()
    return {
        name: rows
        for name, rows in tables.items()
        if name.startswith("checkpoint") or "writes" in name
    }


async def test_the_graph_asks_its_first_question(talk, asked):
    assert await talk.questions(asked) == ["first?"]


async def test_an_answer_that_leads_to_the_next_question_keeps_the_first_aside(talk, asked):
    run = await talk.say("r2", Command(resume="yes"))
    assert await talk.questions(run) == ["second?"]
    assert await talk.desk.all("SELECT run_id, replaced_by FROM writes_kept") == [("r1", "r2")]


async def test_rolling_back_an_answer_brings_the_first_question_back(talk, asked):
    before = await rows(talk.desk)
    run = await talk.say("r2", Command(resume="yes"))
    await talk.desk.roll_back(run)
    assert await rows(talk.desk) == before
    assert await talk.questions(asked) == ["first?"]
    assert (await talk.state(asked)).next == ("ask",)


async def test_rolling_back_an_answer_that_ended_the_graph_brings_the_question_back(talk, asked):
    before = await rows(talk.desk)
    run = await talk.say("r2", Command(resume="skip"))
    assert (await talk.state(run)).values == {"answers": ["skip", None], "done": True}
    await talk.desk.roll_back(run)
    assert await rows(talk.desk) == before
    assert await talk.questions(asked) == ["first?"]


async def test_the_answer_after_a_rolled_back_one_counts(talk, asked):
    await talk.desk.roll_back(await talk.say("r2", Command(resume="yes")))
    await talk.said("r3", Command(resume="no"))
    last = await talk.said("r4", Command(resume="really"))
    assert (await talk.state(last)).values == {"answers": ["no", "really"], "done": True}


async def test_the_second_answer_can_be_rolled_back_alone(talk, asked):
    await talk.said("r2", Command(resume="yes"))
    before = await rows(talk.desk)
    await talk.desk.roll_back(await talk.say("r3", Command(resume="wrong")))
    assert await rows(talk.desk) == before
    last = await talk.said("r4", Command(resume="right"))
    assert (await talk.state(last)).values == {"answers": ["yes", "right"], "done": True}


async def test_an_answer_given_again_by_the_next_attempt_can_be_rolled_back(talk, asked):
    before = await rows(talk.desk)
    first = await talk.say("r2", Command(resume="yes"))
    await talk.desk.hand_back(first)
    second = await talk.desk.claimed()
    await talk.graph(second).ainvoke(Command(resume="yes"), PLACE)
    await talk.desk.roll_back(second)
    assert await rows(talk.desk) == before


async def test_rolling_back_the_asking_run_leaves_nothing(talk):
    run = await talk.say("r1", {"answers": []})
    await talk.desk.roll_back(run)
    assert not any((await rows(talk.desk)).values())


async def delete(talk, run_id):
    job = partial(run_ends.delete_finished_run, run=await talk.desk.find(run_id))
    await talk.desk.database.write(job)


async def test_deleting_the_run_that_answered_brings_the_question_back(talk, asked):
    before = await rows(talk.desk)
    await talk.said("r2", Command(resume="yes"))
    await delete(talk, "r2")
    assert await talk.questions(asked) == ["first?"]
    assert await rows(talk.desk) == before


@pytest.mark.parametrize("order", [("r2", "r3"), ("r3", "r2")], ids=" then ".join)
async def test_deleting_both_answers_in_any_order_brings_the_question_back(talk, asked, order):
    before = await rows(talk.desk)
    await talk.said("r2", Command(resume="yes"))
    await talk.said("r3", Command(resume="really"))
    for run_id in order:
        await delete(talk, run_id)
    assert await rows(talk.desk) == before


async def test_rolling_back_an_answer_after_the_one_before_it_was_deleted(talk, asked):
    before = await rows(talk.desk)
    await talk.said("r2", Command(resume="yes"))
    run = await talk.say("r3", Command(resume="really"))
    await delete(talk, "r2")
    await talk.desk.roll_back(run)
    assert await rows(talk.desk) == before


async def test_the_answers_of_a_deleted_thread_are_gone_with_it(talk, asked):
    await talk.said("r2", Command(resume="yes"))
    await talk.desk.database.write(partial(threads.delete_thread, thread_id="t"))
    assert not any((await rows(talk.desk)).values())


async def test_a_run_that_began_before_an_earlier_one_was_deleted_leaves_one_chain(talk):
    await talk.said("r1", {"answers": []})
    await talk.said("r2", Command(resume="skip"))
    run = await talk.desk.running("r3")
    started_from = (await talk.state(run)).config
    await delete(talk, "r2")
    await talk.graph(run).aupdate_state(started_from, {"answers": ["late"]}, as_node="finish")
    dangling = await talk.desk.all(
        "SELECT checkpoint_id FROM checkpoints WHERE parent_checkpoint_id IS NOT NULL AND "
        "parent_checkpoint_id NOT IN (SELECT checkpoint_id FROM checkpoints)"
    )
    assert dangling == []


async def test_a_run_has_a_footing_once_it_wrote_anything(talk, asked):
    run = await talk.desk.running("r2")
    look = partial(traces.footing, run_id=run.run_id)
    assert await talk.desk.database.read(look) == Footing(has_checkpoint=False, has_write=False)
    await talk.graph(run).ainvoke(Command(resume="yes"), PLACE)
    assert await talk.desk.database.read(look) == Footing(has_checkpoint=False, has_write=True)


async def test_a_run_that_finished_a_step_stands_at_the_head(talk, asked):
    run = await talk.desk.running("r2")
    await talk.graph(run).ainvoke(Command(resume="skip"), PLACE)
    found = await talk.desk.database.read(partial(traces.footing, run_id=run.run_id))
    assert found.has_checkpoint


async def test_a_write_to_a_checkpoint_that_is_not_there_is_no_footing(desk):
    await desk.thread()
    run = await desk.running("r")
    await desk.execute(
        "INSERT INTO writes (thread_id, checkpoint_id, task_id, idx, channel, run_id) "
        "VALUES ('t', 'never stored', 'task', 0, 'x', 'r')"
    )
    found = await desk.database.read(partial(traces.footing, run_id=run.run_id))
    assert found == Footing(has_checkpoint=False, has_write=False)
