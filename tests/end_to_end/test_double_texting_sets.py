"""Double texts that meet several runs, none that has started, or one another."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import httpx
import pytest
from langgraph_sdk.client import LangGraphClient

from harness.backends import BACKENDS, started_backend
from harness.cluster import Cluster
from harness.history import assert_no_trace, chain, log_at_rest, marks, segments
from harness.processes import Server
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

AT_ONCE = 20
STORM = 100
LONG_SECONDS = 30.0
RACES = 150


@pytest.fixture(scope="module", params=BACKENDS)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server | Cluster]:
    folder = tmp_path_factory.mktemp("double_texting_sets")
    environment = {"OUTRIGGER_CANCEL_GRACE_SECONDS": "0.5"}
    with started_backend(request, folder, environment=environment) as server:
        yield server


async def post_run(
    http: httpx.AsyncClient,
    thread_id: str,
    token: str,
    strategy: str,
    seconds: float = 0.0,
) -> httpx.Response:
    body: dict[str, Any] = {
        "assistant_id": "probe_async",
        "input": probe_input(token, seconds),
        "multitask_strategy": strategy,
    }
    return await http.post(f"/threads/{thread_id}/runs", json=body)


async def statuses(client: LangGraphClient, thread_id: str, *run_ids: str) -> list[str]:
    return [await status_or_gone(client, thread_id, run_id) for run_id in run_ids]


@pytest.mark.parametrize(("strategy", "fate"), [("interrupt", "interrupted"), ("rollback", "gone")])
async def test_pending_victims_never_start(
    client: LangGraphClient, thread_id: str, strategy: str, fate: str
) -> None:
    running = await start(client, thread_id, "probe_async", "A", LONG_SECONDS)
    await until_in_middle(client, thread_id, running)
    pending = [await start(client, thread_id, "probe_async", token) for token in "BC"]
    newest = await start(client, thread_id, "probe_async", "D", 0.0, multitask_strategy=strategy)
    assert await statuses(client, thread_id, *pending) == [fate, fate]
    await until_status(client, thread_id, newest, "success")
    assert await statuses(client, thread_id, running, *pending) == [fate] * 3
    kept = marks("A", "input", "first") if strategy == "interrupt" else []
    assert await log_at_rest(client, thread_id, newest) == kept + marks("D")
    await assert_no_trace_of_marks(client, thread_id, "B", "C")


async def assert_no_trace_of_marks(client: LangGraphClient, thread_id: str, *tokens: str) -> None:
    for state in await chain(client, thread_id):
        for mark in state["values"].get("log", []):
            assert mark.partition(":")[0] not in tokens


@pytest.mark.parametrize(("strategy", "fate"), [("interrupt", "interrupted"), ("rollback", "gone")])
async def test_a_delayed_run_is_a_victim_before_it_is_due(
    client: LangGraphClient, thread_id: str, strategy: str, fate: str
) -> None:
    delayed = await start(client, thread_id, "probe_async", "D", after_seconds=600)
    assert (await client.threads.get(thread_id))["status"] == "busy"
    newest = await start(client, thread_id, "probe_async", "N", 0.0, multitask_strategy=strategy)
    assert await status_or_gone(client, thread_id, delayed) == fate
    await until_status(client, thread_id, newest, "success")
    assert await log_at_rest(client, thread_id, newest) == marks("N")
    assert (await at_rest(client, thread_id))["status"] == "idle"


async def test_a_delayed_run_counts_as_in_flight_for_reject(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    delayed = await start(client, thread_id, "probe_async", "D", after_seconds=600)
    refused = await post_run(http, thread_id, "N", "reject")
    assert refused.status_code == 409
    assert await status_or_gone(client, thread_id, delayed) == "pending"


async def test_an_enqueued_run_overtakes_a_delayed_one(
    client: LangGraphClient, thread_id: str
) -> None:
    delayed = await start(client, thread_id, "probe_async", "D", 0.0, after_seconds=1)
    prompt = await start(client, thread_id, "probe_async", "N", 0.0)
    await until_status(client, thread_id, prompt, "success")
    assert await status_or_gone(client, thread_id, delayed) == "pending"
    assert (await client.threads.get(thread_id))["status"] == "busy"
    await until_status(client, thread_id, delayed, "success")
    assert segments(await chain(client, thread_id)) == [prompt, delayed]
    assert await log_at_rest(client, thread_id, delayed) == marks("N") + marks("D")


@pytest.mark.parametrize("strategy", ["interrupt", "rollback"])
async def test_a_run_that_finished_first_stays(
    client: LangGraphClient, thread_id: str, strategy: str
) -> None:
    finished = await start(client, thread_id, "probe_async", "F", 0.0)
    await until_status(client, thread_id, finished, "success")
    newest = await start(client, thread_id, "probe_async", "N", 0.0, multitask_strategy=strategy)
    await until_status(client, thread_id, newest, "success")
    assert await status_or_gone(client, thread_id, finished) == "success"
    assert await log_at_rest(client, thread_id, newest) == marks("F") + marks("N")


async def test_a_rollback_outweighs_an_interrupt_that_is_still_under_way(
    client: LangGraphClient, thread_id: str
) -> None:
    running = await start(client, thread_id, "probe_swallow", "A", 1.5)
    await until_in_middle(client, thread_id, running)
    queued = await start(client, thread_id, "probe_async", "B")
    cutting = await start(
        client, thread_id, "probe_async", "C", 0.0, multitask_strategy="interrupt"
    )
    assert await status_or_gone(client, thread_id, running) == "running"
    erasing = await start(client, thread_id, "probe_async", "D", 0.0, multitask_strategy="rollback")
    last = await start(client, thread_id, "probe_async", "E", 0.0)
    await until_status(client, thread_id, last, "success")
    fates = await statuses(client, thread_id, running, queued, cutting, erasing)
    assert fates == ["gone", "interrupted", "gone", "success"]
    assert await log_at_rest(client, thread_id, last) == marks("D") + marks("E")
    assert segments(await chain(client, thread_id)) == [erasing, last]
    await assert_no_trace(client, thread_id, "A:", "B:first", "C:")


async def at_once(
    http: httpx.AsyncClient, thread_id: str, strategy: str, seconds: float
) -> list[httpx.Response]:
    """Post runs with the tokens r0, r1 and so on, all at the same time."""
    return await asyncio.gather(
        *(post_run(http, thread_id, f"r{i}", strategy, seconds) for i in range(AT_ONCE))
    )


def in_order_of_creation(
    answers: list[httpx.Response], started: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """The accepted runs, each with its token; of the same moment, in the order they `started`."""
    accepted = [answer.json() for answer in answers if answer.status_code == 200]
    for run in accepted:
        run["token"] = run["kwargs"]["input"]["token"]

    def place(run: dict[str, Any]) -> tuple[str, int]:
        known = run["run_id"] in started
        return run["created_at"], started.index(run["run_id"]) if known else -1

    return sorted(accepted, key=place)


async def all_ended(
    client: LangGraphClient, thread_id: str, answers: list[httpx.Response]
) -> list[dict[str, Any]]:
    """The accepted runs in order of creation once all have ended, each with its token and fate."""
    fates = {
        run["run_id"]: await until_ended(client, thread_id, run["run_id"])
        for run in in_order_of_creation(answers)
    }
    await at_rest(client, thread_id)
    runs = in_order_of_creation(answers, segments(await chain(client, thread_id)))
    for run in runs:
        run["fate"] = fates[run["run_id"]]
    return runs


async def test_of_many_simultaneous_rejects_exactly_one_wins(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    answers = await at_once(http, thread_id, "reject", 0.5)
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * (AT_ONCE - 1)
    (winner,) = in_order_of_creation(answers)
    await until_status(client, thread_id, winner["run_id"], "success")
    assert await log_at_rest(client, thread_id, winner["run_id"]) == marks(winner["token"])
    assert len(await client.runs.list(thread_id, limit=100)) == 1


async def test_many_simultaneous_enqueues_all_succeed_in_the_order_of_creation(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    answers = await at_once(http, thread_id, "enqueue", 0.02)
    assert {answer.status_code for answer in answers} == {200}
    runs = await all_ended(client, thread_id, answers)
    ids = [run["run_id"] for run in runs]
    assert {run["fate"] for run in runs} == {"success"}
    assert segments(await chain(client, thread_id)) == ids
    expected = [mark for run in runs for mark in marks(run["token"])]
    assert await log_at_rest(client, thread_id, ids[-1]) == expected


async def test_of_many_simultaneous_interrupts_the_newest_succeeds(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    answers = await at_once(http, thread_id, "interrupt", 0.5)
    assert {answer.status_code for answer in answers} == {200}
    *victims, newest = await all_ended(client, thread_id, answers)
    assert newest["fate"] == "success"
    assert {run["fate"] for run in victims} == {"interrupted"}
    log = await log_at_rest(client, thread_id, newest["run_id"])
    assert log[-4:] == marks(newest["token"])
    assert not [mark for mark in log[:-4] if mark.endswith((":middle", ":last"))]


async def test_of_many_simultaneous_rollbacks_only_the_newest_is_left(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    answers = await at_once(http, thread_id, "rollback", 0.5)
    assert {answer.status_code for answer in answers} == {200}
    *victims, newest = await all_ended(client, thread_id, answers)
    assert newest["fate"] == "success"
    assert {run["fate"] for run in victims} == {"gone"}
    left = await client.runs.list(thread_id, limit=100)
    assert [run["run_id"] for run in left] == [newest["run_id"]]
    assert await log_at_rest(client, thread_id, newest["run_id"]) == marks(newest["token"])


async def test_a_storm_of_mixed_creates_ends_in_a_history_that_can_be_explained(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    strategies = ("enqueue", "interrupt", "enqueue", "rollback", "reject")
    answers = await asyncio.gather(
        *(
            post_run(http, thread_id, f"r{i}", strategies[i % len(strategies)], 0.01 * (i % 3))
            for i in range(STORM)
        )
    )
    assert {answer.status_code for answer in answers} <= {200, 409}
    runs = await all_ended(client, thread_id, list(answers))
    assert {run["fate"] for run in runs} <= {"success", "interrupted", "gone"}
    assert runs[-1]["fate"] == "success"
    assert (await at_rest(client, thread_id))["status"] == "idle"
    log = await log_at_rest(client, thread_id, runs[-1]["run_id"])
    written = segments(await chain(client, thread_id))
    assert written == [run["run_id"] for run in runs if run["run_id"] in written]
    expected = []
    for run in runs:
        own = [mark for mark in log if mark.startswith(f"{run['token']}:")]
        assert own == marks(run["token"])[: len(own)]
        assert (run["fate"] == "success") == (len(own) == 4), (run, own)
        assert run["fate"] != "gone" or not own
        expected += own
    assert log == expected


async def test_a_cancel_that_races_the_end_has_one_consistent_outcome(
    client: LangGraphClient, http: httpx.AsyncClient
) -> None:
    outcomes: set[str] = set()
    for attempt in range(RACES):
        if attempt >= RACES / 5 and len(outcomes) > 1:
            break  # the race was met from both sides, and often
        thread_id = (await client.threads.create())["thread_id"]
        # Longer and longer, to meet the end from both sides however far the cancel has to go.
        run_id = await start(client, thread_id, "probe_async", "T", 0.02 * (attempt % 10))
        await until_in_middle(client, thread_id, run_id, saved=False)
        answer = await http.post(f"/threads/{thread_id}/runs/{run_id}/cancel?wait=1")
        status = await until_ended(client, thread_id, run_id)
        thread = await at_rest(client, thread_id)
        log = await log_at_rest(client, thread_id, run_id)
        if answer.status_code == 404:
            assert status == "success"
        else:
            assert (answer.status_code, answer.json()) == (200, {})
        if status == "success":
            assert (log, thread["status"]) == (marks("T"), "idle")
        else:
            assert status == "interrupted"
            assert log == marks("T")[: len(log)]
            assert len(log) < 4
            assert thread["status"] == "interrupted"
        outcomes.add(status)
    assert outcomes == {"success", "interrupted"}, "the race was not met from both sides"


@pytest.mark.parametrize("strategy", ["enqueue", "interrupt", "rollback", "reject"])
async def test_of_two_resumes_at_once_at_most_one_consumes_the_interrupt(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str, strategy: str
) -> None:
    await client.runs.wait(thread_id, "probe_async", input=probe_input("T", 0.0, ask=True))
    assert (await client.threads.get(thread_id))["status"] == "interrupted"

    async def resume(answer: str) -> httpx.Response:
        body = {
            "assistant_id": "probe_async",
            "command": {"resume": answer},
            "multitask_strategy": strategy,
        }
        return await http.post(f"/threads/{thread_id}/runs", json=body)

    answers = await asyncio.gather(resume("yes"), resume("no"))
    for answer in answers:
        if answer.status_code == 200:
            await until_ended(client, thread_id, answer.json()["run_id"])
    await at_rest(client, thread_id)
    log = (await client.threads.get_state(thread_id))["values"]["log"]
    given = [mark for mark in log if mark.startswith("T:answer:")]
    assert len(given) == 1
    assert log == [*marks("T", "input", "first", "middle"), *given, "T:last"]
