"""Humans in the loop: questions, answers, answers taken back, and going on where a run was cut."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from langgraph_sdk.client import LangGraphClient

from harness.history import assert_no_trace, chain, log_at_rest, marks, segments
from harness.processes import TEST_GRAPHS, Server, started_server
from harness.runs import (
    at_rest,
    probe_input,
    start,
    status_or_gone,
    until_ended,
    until_in_middle,
    until_status,
)

pytestmark = pytest.mark.end_to_end

QUESTION = {"question": "go on?"}
LONG_SECONDS = 30.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data_dir = tmp_path_factory.mktemp("interrupts") / "data"
    with started_server(data_dir, config=TEST_GRAPHS) as server:
        yield server


async def ask(client: LangGraphClient, thread_id: str, seconds: float = 0.0) -> dict[str, Any]:
    """Run the approval graph to its question and return what `/wait` answers."""
    body = await client.runs.wait(
        thread_id, "approval", input={"log": ["input"], "seconds": seconds}
    )
    assert isinstance(body, dict)
    return body


async def answer(client: LangGraphClient, thread_id: str, given: str, **options: Any) -> str:
    run = await client.runs.create(
        thread_id, "approval", command={"resume": given, **options.pop("command", {})}, **options
    )
    return str(run["run_id"])


async def pending_questions(client: LangGraphClient, thread_id: str) -> list[Any]:
    thread = await client.threads.get(thread_id)
    shown = [each["value"] for task in thread["interrupts"].values() for each in task]
    state = await client.threads.get_state(thread_id)
    assert [each["value"] for each in state["interrupts"]] == shown
    return shown


async def test_a_question_leaves_the_thread_interrupted_and_the_run_a_success(
    client: LangGraphClient, thread_id: str
) -> None:
    body = await ask(client, thread_id)
    (question,) = body.pop("__interrupt__")
    assert question["value"] == QUESTION
    assert question["response_schema"] is None
    assert body == {"log": ["input"], "seconds": 0.0}
    thread = await client.threads.get(thread_id)
    assert thread["status"] == "interrupted"
    ((task_id, shown),) = thread["interrupts"].items()
    assert shown == [{"id": question["id"], "value": QUESTION}]
    (run,) = await client.runs.list(thread_id)
    assert run["status"] == "success"
    state = await client.threads.get_state(thread_id)
    assert state["next"] == ["ask"]
    assert [task["id"] for task in state["tasks"]] == [task_id]
    assert state["tasks"][0]["interrupts"] == shown


async def test_an_answer_goes_on_behind_the_question(
    client: LangGraphClient, thread_id: str
) -> None:
    await ask(client, thread_id)
    run_id = await answer(client, thread_id, "yes")
    await until_status(client, thread_id, run_id, "success")
    assert await log_at_rest(client, thread_id, run_id) == ["input", "answer:yes", "work"]
    thread = await at_rest(client, thread_id)
    assert (thread["status"], thread["interrupts"]) == ("idle", {})


async def test_an_answer_can_be_given_by_wait_in_a_probe_graph(
    client: LangGraphClient, thread_id: str
) -> None:
    await client.runs.wait(thread_id, "probe_async", input=probe_input("T", 0.0, ask=True))
    body = await client.runs.wait(thread_id, "probe_async", command={"resume": "ja"})
    assert isinstance(body, dict)
    assert body["log"] == [*marks("T", "input", "first", "middle"), "T:answer:ja", "T:last"]


@pytest.mark.parametrize("place", ["asking_node", "next_node"])
@pytest.mark.parametrize("by", ["cancel", "newcomer"])
async def test_a_rolled_back_answer_leaves_its_question_pending_and_the_next_one_counts(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str, place: str, by: str
) -> None:
    await ask(client, thread_id, LONG_SECONDS if place == "asking_node" else 0.5)
    before = await client.threads.get_state(thread_id)
    withdrawn = await answer(client, thread_id, "withdrawn")
    await until_answered(client, thread_id, withdrawn, place)
    if by == "cancel":
        path = f"/threads/{thread_id}/runs/{withdrawn}/cancel?action=rollback&wait=1"
        assert (await http.post(path)).status_code == 200
        assert (await at_rest(client, thread_id))["status"] == "interrupted"
        assert await pending_questions(client, thread_id) == [QUESTION]
        assert await client.threads.get_state(thread_id) == before
        await assert_no_trace(client, thread_id, "withdrawn", withdrawn)
    final = await answer(
        client,
        thread_id,
        "final",
        command={"update": {"seconds": 0.0}},
        multitask_strategy="rollback",
    )
    await until_status(client, thread_id, final, "success")
    assert await status_or_gone(client, thread_id, withdrawn) == "gone"
    assert await log_at_rest(client, thread_id, final) == ["input", "answer:final", "work"]
    await assert_no_trace(client, thread_id, "withdrawn", withdrawn)
    assert (await at_rest(client, thread_id))["status"] == "idle"


async def until_answered(client: LangGraphClient, thread_id: str, run_id: str, place: str) -> None:
    """Return once the answer is in use: the resumed run is in the node it is to be cut in."""
    await until_status(client, thread_id, run_id, "running")
    if place == "next_node":
        while "work" not in (await client.threads.get_state(thread_id))["next"]:
            assert await status_or_gone(client, thread_id, run_id) == "running"


async def test_a_cancelled_run_goes_on_at_the_cut_node_with_no_input(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    run_id = await start(client, thread_id, "probe_async", "T", 1.0)
    await until_in_middle(client, thread_id, run_id)
    path = f"/threads/{thread_id}/runs/{run_id}/cancel"
    assert (await http.post(path, params={"wait": "true"})).status_code == 200
    assert await status_or_gone(client, thread_id, run_id) == "interrupted"
    thread = await client.threads.get(thread_id)
    assert thread["status"] == "interrupted"
    assert thread["error"] == {
        "error": "UserInterrupt",
        "message": "interrupt requested via POST /threads/{thread_id}/runs/{run_id}/cancel",
    }
    assert (await client.threads.get_state(thread_id))["next"] == ["middle"]
    going_on = await start(client, thread_id, "probe_async", "T", input=None)
    await until_status(client, thread_id, going_on, "success")
    assert await log_at_rest(client, thread_id, going_on) == marks("T")
    assert segments(await chain(client, thread_id)) == [run_id, going_on]
    thread = await client.threads.get(thread_id)
    assert (thread["status"], thread["error"]) == ("idle", None)


async def test_a_static_interrupt_stops_before_the_node_and_no_input_goes_on(
    client: LangGraphClient, thread_id: str
) -> None:
    stopped = await start(client, thread_id, "probe_async", "T", 0.0, interrupt_before=["middle"])
    await until_status(client, thread_id, stopped, "success")
    thread = await at_rest(client, thread_id)
    assert (thread["status"], thread["interrupts"]) == ("interrupted", {})
    state = await client.threads.get_state(thread_id)
    assert (state["values"]["log"], state["next"]) == (marks("T", "input", "first"), ["middle"])
    going_on = await start(client, thread_id, "probe_async", "T", input=None)
    await until_status(client, thread_id, going_on, "success")
    assert await log_at_rest(client, thread_id, going_on) == marks("T")


async def test_a_static_interrupt_behind_a_node_keeps_what_it_wrote(
    client: LangGraphClient, thread_id: str
) -> None:
    await client.runs.wait(
        thread_id, "probe_async", input=probe_input("T", 0.0), interrupt_after=["middle"]
    )
    state = await client.threads.get_state(thread_id)
    assert state["values"]["log"] == marks("T", "input", "first", "middle")
    assert state["next"] == ["last"]


async def test_new_input_drops_the_question_and_an_interrupted_newcomer_asks_its_own(
    client: LangGraphClient, thread_id: str
) -> None:
    await ask(client, thread_id)
    (first,) = (await client.threads.get(thread_id))["interrupts"]
    await ask(client, thread_id)
    thread = await client.threads.get(thread_id)
    (second,) = thread["interrupts"]
    assert first != second
    assert thread["status"] == "interrupted"
    run_id = await answer(client, thread_id, "yes")
    assert await until_ended(client, thread_id, run_id) == "success"
    log = (await client.threads.get_state(thread_id))["values"]["log"]
    assert log == ["input", "input", "answer:yes", "work"]
