"""Runs without a thread: answered like others, and gone with everything once they have ended."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from uuid import uuid4

import httpx
import pytest
from langgraph_sdk.client import LangGraphClient
from langgraph_sdk.errors import BadRequestError, NotFoundError

from harness.frames import Frame, arriving, named, parse
from harness.history import marks
from harness.processes import TEST_GRAPHS, Server, started_server
from harness.runs import DEADLINE_SECONDS, probe_input, until_ended, until_gone, until_status

pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    environment = {"OUTRIGGER_CANCEL_GRACE_SECONDS": "0.5", "OUTRIGGER_LEASE_SECONDS": "2"}
    with ExitStack() as stack:
        if request.param == "postgres":
            postgres = request.getfixturevalue("postgres_server")
            environment["POSTGRES_URI"] = stack.enter_context(postgres.fresh_database())
            environment["OUTRIGGER_MIGRATE_ON_START"] = "true"
        folder = tmp_path_factory.mktemp("stateless") / "data"
        yield stack.enter_context(
            started_server(folder, config=TEST_GRAPHS, environment=environment)
        )


def body(token: str = "T", seconds: float = 0.0, **options: Any) -> dict[str, Any]:
    return {"assistant_id": "probe_async", "input": probe_input(token, seconds), **options}


async def lasting_threads(http: httpx.AsyncClient) -> list[str]:
    """Every thread that is there, once those that go with a run of an earlier test are gone."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        found = (await http.post("/threads/search", json={"limit": 1000})).json()
        for thread in found:
            runs = (await http.get(f"/threads/{thread['thread_id']}/runs")).json()
            if not isinstance(runs, list) or any(run["kwargs"]["temporary"] for run in runs):
                break
        else:
            return sorted(thread["thread_id"] for thread in found)
        assert time.monotonic() < deadline, "threads of ended runs stay"
        await asyncio.sleep(0.05)


def thread_of(response: httpx.Response) -> str:
    return response.headers["content-location"].split("/")[2]


async def test_a_run_in_the_background_has_a_thread_that_goes_with_it(
    client: LangGraphClient, http: httpx.AsyncClient
) -> None:
    response = await http.post("/runs", json=body(seconds=0.3))
    run = response.json()
    assert response.status_code == 200
    assert response.headers["content-location"] == f"/runs/{run['run_id']}"
    assert (run["status"], run["kwargs"]["temporary"]) == ("pending", True)
    assert run["metadata"] == {"assistant_id": run["assistant_id"], "created_by": "system"}
    joined = await client.runs.join(run["thread_id"], run["run_id"])
    assert joined["log"] == marks("T")
    await until_gone(client, run["thread_id"])
    with pytest.raises(NotFoundError):
        await client.runs.get(run["thread_id"], run["run_id"])


async def test_a_waited_run_answers_with_its_values(
    client: LangGraphClient, http: httpx.AsyncClient
) -> None:
    response = await http.post("/runs/wait", json=body())
    assert response.json()["log"] == marks("T")
    place = response.headers["content-location"]
    assert response.headers["location"] == f"{place}/join"
    assert place.startswith("/threads/")
    assert response.headers["x-run-status"] == "success"
    await until_gone(client, thread_of(response))


async def test_a_streamed_run_streams_everything(http: httpx.AsyncClient) -> None:
    response = await http.post("/runs/stream", json=body(stream_mode=["updates", "values"]))
    frames = parse(response.content)
    run_id = named(frames, "metadata")[0]["run_id"]
    assert response.headers["content-location"] == f"/runs/{run_id}"
    assert response.headers["location"] == f"/runs/{run_id}/stream"
    assert [list(update) for update in named(frames, "updates")] == [
        ["first"],
        ["middle"],
        ["last"],
    ]
    assert named(frames, "values")[-1]["log"] == marks("T")


async def test_a_stream_goes_on_where_its_location_says(http: httpx.AsyncClient) -> None:
    given = body(seconds=0.5, stream_resumable=True, on_completion="keep")
    had: list[Frame] = []
    async with http.stream("POST", "/runs/stream", json=given) as response:
        async for frame in arriving(response):
            had.append(frame)
            if frame.name == "values":
                break
    headers = {"Last-Event-ID": had[-1].id or ""}
    rest = parse((await http.get(response.headers["location"], headers=headers)).content)
    assert [frame.name for frame in rest] == ["values"] * 3
    assert rest[-1].data["log"] == marks("T")
    missing = parse((await http.get(f"/runs/{uuid4()}/stream")).content)
    assert [frame.name for frame in missing] == ["error"]


async def test_the_sdk_runs_without_a_thread(client: LangGraphClient) -> None:
    values = await client.runs.wait(None, "probe_async", input=probe_input("T", 0.0))
    assert isinstance(values, dict)
    assert values["log"] == marks("T")
    parts = client.runs.stream(None, "probe_async", input=probe_input("T", 0.0))
    assert next(iter([part.event async for part in parts])) == "metadata"
    run = await client.runs.create(None, "probe_async", input=probe_input("T", 0.0))
    await until_gone(client, run["thread_id"])


async def test_a_kept_thread_stays_and_goes_on(
    client: LangGraphClient, http: httpx.AsyncClient
) -> None:
    response = await http.post("/runs/wait", json=body("A", on_completion="keep"))
    thread_id = thread_of(response)
    thread = await client.threads.get(thread_id)
    assert (thread["status"], thread["metadata"]["graph_id"]) == ("idle", "probe_async")
    values = await client.runs.wait(thread_id, "probe_async", input=probe_input("B", 0.0))
    assert isinstance(values, dict)
    assert values["log"] == marks("A") + marks("B")


@pytest.mark.parametrize("action", ["interrupt", "rollback"])
async def test_a_cancelled_run_takes_its_thread_along(
    client: LangGraphClient, http: httpx.AsyncClient, action: str
) -> None:
    run = (await http.post("/runs", json=body(seconds=30.0))).json()
    thread_id, run_id = run["thread_id"], run["run_id"]
    await until_status(client, thread_id, run_id, "running")
    await http.post(f"/threads/{thread_id}/runs/{run_id}/cancel?action={action}")
    await until_gone(client, thread_id)


async def test_a_run_cancelled_before_its_start_takes_its_thread_along(
    client: LangGraphClient, http: httpx.AsyncClient
) -> None:
    run = (await http.post("/runs", json=body(after_seconds=3600))).json()
    await client.runs.cancel(run["thread_id"], run["run_id"])
    await until_gone(client, run["thread_id"])


async def test_failures_and_questions_are_answered_as_on_threads(http: httpx.AsyncClient) -> None:
    failed = await http.post("/runs/wait", json={"assistant_id": "failing", "input": {"log": []}})
    assert failed.json()["__error__"]["error"] == "ValueError"
    asked = await http.post("/runs/wait", json={"assistant_id": "approval", "input": {"log": []}})
    (question,) = asked.json()["__interrupt__"]
    assert question["value"] == {"question": "go on?"}


async def test_an_answer_needs_a_thread(http: httpx.AsyncClient, client: LangGraphClient) -> None:
    given = {"assistant_id": "approval", "command": {"resume": "yes"}}
    for path in ("/runs", "/runs/wait", "/runs/stream"):
        response = await http.post(path, json=given)
        assert response.status_code == 400
        assert response.json() == {"detail": "You must provide a thread_id when resuming."}
    with pytest.raises(BadRequestError):
        await client.runs.create(None, "approval", command={"resume": "yes"})


async def test_what_belongs_to_threads_is_ignored(http: httpx.AsyncClient) -> None:
    more = {"multitask_strategy": "nonsense", "checkpoint_id": "x", "if_not_exists": "reject"}
    response = await http.post("/runs/wait", json=body(**more))
    assert response.json()["log"] == marks("T")


async def test_a_reader_that_leaves_may_cancel_the_run(
    client: LangGraphClient, http: httpx.AsyncClient
) -> None:
    given = body(seconds=30.0, on_disconnect="cancel", on_completion="keep")
    async with http.stream("POST", "/runs/stream", json=given) as response:
        async for chunk in response.aiter_raw():
            if b"event: values" in chunk:
                break
        run_id = response.headers["content-location"].rpartition("/")[2]
    found = await client.threads.search(limit=100, sort_by="created_at", sort_order="desc")
    for thread in found:
        for run in await client.runs.list(thread["thread_id"]):
            if run["run_id"] == run_id:
                ended = await until_ended(client, thread["thread_id"], run_id)
                assert ended == "interrupted"
                return
    raise AssertionError("the run is not there")


async def test_a_run_sent_again_with_its_key_is_the_same_run(
    client: LangGraphClient, http: httpx.AsyncClient
) -> None:
    headers = {"Idempotency-Key": str(uuid4())}
    given = body(seconds=0.3)
    first = (await http.post("/runs", json=given, headers=headers)).json()
    again = (await http.post("/runs", json=given, headers=headers)).json()
    assert (again["run_id"], again["thread_id"]) == (first["run_id"], first["thread_id"])
    await until_gone(client, first["thread_id"])
    gone = await http.post("/runs", json=given, headers=headers)
    assert gone.status_code == 410


# -- batches -------------------------------------------------------------------


async def test_a_batch_makes_a_run_for_each_in_order(
    client: LangGraphClient, http: httpx.AsyncClient
) -> None:
    wanted = [body(f"T{number}", on_completion="keep") for number in range(5)]
    response = await http.post("/runs/batch", json=wanted)
    created = response.json()
    assert response.status_code == 200
    assert [run["kwargs"]["input"]["token"] for run in created] == [f"T{n}" for n in range(5)]
    assert len({run["thread_id"] for run in created}) == 5
    for run in created:
        await until_status(client, run["thread_id"], run["run_id"], "success")


async def test_the_sdk_creates_batches(client: LangGraphClient) -> None:
    payload: Any = {"assistant_id": "probe_async", "input": probe_input("T", 0.0)}
    created: Any = await client.runs.create_batch([payload, payload])
    for run in created:
        await until_gone(client, run["thread_id"])


@pytest.mark.parametrize(
    ("given", "status", "text"),
    [
        ([], 422, "List should have at least 1 item after validation, not 0"),
        ({}, 422, '{} is not of type "array"'),
        ([body()] * 201, 422, "List should have at most 200 items after validation, not 201"),
        ([body(), {"input": 1}], 422, "1.assistant_id: this field is required"),
        ([body(), {"assistant_id": "nope"}], 422, "Invalid assistant: 'nope'"),
        (
            [body(), {"assistant_id": "approval", "command": {"resume": 1}}],
            400,
            "You must provide a thread_id when resuming.",
        ),
        ([body(), body(webhook="http://127.0.0.1/")], 422, "webhook: the host '127.0.0.1' has"),
    ],
)
async def test_a_batch_with_a_fault_makes_nothing(
    http: httpx.AsyncClient, given: Any, status: int, text: str
) -> None:
    before = await lasting_threads(http)
    response = await http.post("/runs/batch", json=given)
    assert response.status_code == status
    assert response.json()["detail"].startswith(text)
    assert await lasting_threads(http) == before


async def test_a_batch_takes_no_key(http: httpx.AsyncClient) -> None:
    response = await http.post("/runs/batch", json=[body()], headers={"Idempotency-Key": "k"})
    assert response.status_code == 422
    assert response.json()["detail"].startswith("Idempotency-Key: not served for batches")


# -- crashes -------------------------------------------------------------------


async def test_a_run_that_was_killed_goes_on_and_leaves_nothing(
    server: Server, client: LangGraphClient, http: httpx.AsyncClient
) -> None:
    runs = [(await http.post("/runs", json=body(f"T{n}", 0.5))).json() for n in range(3)]
    await until_status(client, runs[0]["thread_id"], runs[0]["run_id"], "running")
    server.kill()
    server.restart()
    for run in runs:
        await until_gone(client, run["thread_id"])
