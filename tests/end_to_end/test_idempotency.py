"""Requests sent again with their `Idempotency-Key`: one run, one thread, on either database."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from uuid import uuid4

import httpx
import pytest
from langgraph_sdk.client import LangGraphClient

from harness.frames import arriving, named, parse
from harness.history import chain, marks, segments
from harness.processes import Server, started_server
from harness.runs import probe_input, start, until_ended, until_status

pytestmark = pytest.mark.end_to_end

AT_ONCE = 20
LONG = 2.0  # seconds: nobody comes after the end, when there is nothing more to stream
GONE = (
    "Idempotency-Key: the run that this key created was rolled back or deleted; nothing was "
    "created now. Send a new key to create another one."
)
NO_KEY = "Idempotency-Key: give one key of 1 to 255 printable ASCII characters"
OTHER_BODY = (
    "Idempotency-Key: this key was sent with another body to this path within the last 24 hours. "
    "Repeat that request as it was, or send a new key."
)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    environment = {"OUTRIGGER_CANCEL_GRACE_SECONDS": "0.5"}
    with ExitStack() as stack:
        if request.param == "postgres":
            postgres = request.getfixturevalue("postgres_server")
            environment["POSTGRES_URI"] = stack.enter_context(postgres.fresh_database())
            environment["OUTRIGGER_MIGRATE_ON_START"] = "true"
        folder = tmp_path_factory.mktemp("idempotency") / "data"
        yield stack.enter_context(started_server(folder, environment=environment))


def keyed(key: str | None = None) -> dict[str, str]:
    return {"Idempotency-Key": key or str(uuid4())}


def body(token: str = "T", seconds: float = 0.0, **options: Any) -> dict[str, Any]:
    return {"assistant_id": "probe_async", "input": probe_input(token, seconds), **options}


async def run_ids(client: LangGraphClient, thread_id: str) -> list[str]:
    return [run["run_id"] for run in await client.runs.list(thread_id, limit=100)]


# -- runs ----------------------------------------------------------------------


async def test_a_run_sent_again_in_the_background_is_the_same_run(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    headers, path = keyed(), f"/threads/{thread_id}/runs"
    first = await http.post(path, json=body(), headers=headers)
    again = await http.post(path, json=body(), headers=headers)
    run_id = first.json()["run_id"]
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json()["run_id"] == run_id
    assert again.headers["content-location"] == first.headers["content-location"]
    await until_status(client, thread_id, run_id, "success")
    ended = await http.post(path, json=body(), headers=headers)
    assert (ended.json()["run_id"], ended.json()["status"]) == (run_id, "success")
    assert await run_ids(client, thread_id) == [run_id]
    assert segments(await chain(client, thread_id)) == [run_id]


@pytest.mark.parametrize("kind", ["", "/wait", "/stream"])
async def test_of_many_sent_at_once_with_one_key_one_is_accepted(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str, kind: str
) -> None:
    headers, path = keyed(), f"/threads/{thread_id}/runs{kind}"
    answers = await asyncio.gather(
        *[http.post(path, json=body(seconds=LONG), headers=headers) for _ in range(AT_ONCE)]
    )
    (run_id,) = await run_ids(client, thread_id)
    assert {answer.status_code for answer in answers} == {200}
    places = {answer.headers["content-location"] for answer in answers}
    assert places == {f"/threads/{thread_id}/runs/{run_id}"}
    await until_status(client, thread_id, run_id, "success")
    if kind == "/wait":
        assert {tuple(answer.json()["log"]) for answer in answers} == {tuple(marks("T"))}
    if kind == "/stream":
        for answer in answers:
            assert named(parse(answer.content), "values")[-1]["log"] == marks("T")


async def test_who_lost_the_answer_of_a_wait_gets_it_with_the_same_key(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    headers, path = keyed(), f"/threads/{thread_id}/runs/wait"
    request = {"json": body(seconds=1.0), "headers": headers}
    async with asyncio.TaskGroup() as tasks:
        losing = tasks.create_task(http.post(path, **request))
        while not await run_ids(client, thread_id):
            await asyncio.sleep(0.01)
        losing.cancel()
    again = await http.post(path, **request)
    (run_id,) = await run_ids(client, thread_id)
    assert again.json()["log"] == marks("T")
    assert again.headers["content-location"] == f"/threads/{thread_id}/runs/{run_id}"
    assert again.headers["location"] == f"/threads/{thread_id}/runs/{run_id}/join"


async def test_who_lost_a_stream_goes_on_with_the_same_key(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    headers, path = keyed(), f"/threads/{thread_id}/runs/stream"
    request: dict[str, Any] = {
        "json": body(seconds=1.0, stream_mode="updates", stream_resumable=True),
        "headers": headers,
    }
    async with http.stream("POST", path, **request) as response:
        async for frame in arriving(response):
            if frame.name == "updates":
                break
    (run_id,) = await run_ids(client, thread_id)
    request["headers"] = {**headers, "Last-Event-ID": str(frame.id)}
    again = await http.post(path, **request)
    assert again.headers["content-location"] == f"/threads/{thread_id}/runs/{run_id}"
    assert again.headers["location"] == f"/threads/{thread_id}/runs/{run_id}/stream"
    updates = [list(data) for data in named(parse(again.content), "updates")]
    assert updates == [["middle"], ["last"]]
    assert await run_ids(client, thread_id) == [run_id]


async def test_another_body_is_refused_and_says_what_to_do(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    headers, path = keyed(), f"/threads/{thread_id}/runs"
    first = await http.post(path, json=body(), headers=headers)
    other = await http.post(path, json=body("other"), headers=headers)
    assert (other.status_code, other.json()) == (422, {"detail": OTHER_BODY})
    assert await run_ids(client, thread_id) == [first.json()["run_id"]]


async def test_a_body_that_says_the_same_in_other_words_is_the_same(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    headers, path = keyed(), f"/threads/{thread_id}/runs"
    sent = b'{"assistant_id": "probe_async", "metadata": {"a": 1, "b": "\\u00e9"}}'
    worded = '{"metadata":{"b":"é","a":1},"assistant_id":"probe_async"}'.encode()
    first = await http.post(path, content=sent, headers=headers)
    again = await http.post(path, content=worded, headers=headers)
    assert again.json()["run_id"] == first.json()["run_id"]
    assert await run_ids(client, thread_id) == [first.json()["run_id"]]


async def test_a_key_counts_on_its_own_path_only(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    headers = keyed()
    other = (await client.threads.create())["thread_id"]
    for each in (thread_id, other):
        await http.post(f"/threads/{each}/runs", json=body(), headers=headers)
    shouted = await http.post(f"/threads/{other.upper()}/runs", json=body(), headers=headers)
    assert [shouted.json()["run_id"]] == await run_ids(client, other)
    assert len(await run_ids(client, thread_id)) == 1


async def test_a_refused_run_leaves_its_key_free(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str
) -> None:
    present = await start(client, thread_id, "probe_async", "P", 60.0)
    headers, path = keyed(), f"/threads/{thread_id}/runs"
    request = body("R", multitask_strategy="reject")
    assert (await http.post(path, json=request, headers=headers)).status_code == 409
    wrong = await http.post(path, json=body(stream_mode="nope"), headers=headers)
    assert wrong.status_code == 422
    await client.runs.cancel(thread_id, present, wait=True)
    accepted = await http.post(path, json=request, headers=headers)
    assert accepted.status_code == 200
    assert await until_ended(client, thread_id, accepted.json()["run_id"]) == "success"


@pytest.mark.parametrize("kind", ["", "/wait", "/stream"])
async def test_the_key_of_a_rolled_back_run_is_answered_410_and_creates_nothing(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str, kind: str
) -> None:
    headers, path = keyed(), f"/threads/{thread_id}/runs{kind}"
    request = body("V", after_seconds=60)
    if kind:  # they answer when the run ends: whoever waits is told, and asks again
        victim = asyncio.create_task(http.post(path, json=request, headers=headers))
        while not (found := await run_ids(client, thread_id)):
            await asyncio.sleep(0.01)
        (run_id,) = found
        await client.runs.cancel(thread_id, run_id, action="rollback", wait=True)
        await victim
    else:
        run_id = (await http.post(path, json=request, headers=headers)).json()["run_id"]
        await client.runs.delete(thread_id, run_id)
    again = await http.post(path, json=request, headers=headers)
    assert (again.status_code, again.json()) == (410, {"detail": GONE})
    assert await run_ids(client, thread_id) == []


@pytest.mark.parametrize("keys", [[""], ["k" * 256], ["a\tb"], [b"\xc3\xa9"], ["a", "a"]], ids=repr)
async def test_what_is_no_key_is_refused(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str, keys: list[Any]
) -> None:
    headers = [(b"idempotency-key", k.encode() if isinstance(k, str) else k) for k in keys]
    for path, sent in ((f"/threads/{thread_id}/runs", body()), ("/threads", {})):
        refused = await http.post(path, json=sent, headers=headers)
        assert (refused.status_code, refused.json()) == (422, {"detail": NO_KEY})
    assert await run_ids(client, thread_id) == []


# -- threads -------------------------------------------------------------------


async def test_a_thread_sent_again_is_the_same_thread(http: httpx.AsyncClient) -> None:
    headers, sent = keyed(), {"metadata": {"of": str(uuid4())}}
    answers = await asyncio.gather(
        *[http.post("/threads", json=sent, headers=headers) for _ in range(AT_ONCE)]
    )
    (thread,) = (await http.post("/threads/search", json=sent)).json()
    assert {answer.status_code for answer in answers} == {200}
    assert [answer.json() for answer in answers] == [thread] * AT_ONCE
    other = await http.post("/threads", json={"metadata": {}}, headers=headers)
    assert (other.status_code, other.json()) == (422, {"detail": OTHER_BODY})


async def test_a_thread_with_an_id_of_its_own_is_no_conflict_with_itself(
    http: httpx.AsyncClient,
) -> None:
    headers, sent = keyed(), {"thread_id": str(uuid4())}
    for _ in range(2):
        answer = await http.post("/threads", json=sent, headers=headers)
        assert (answer.status_code, answer.json()["thread_id"]) == (200, sent["thread_id"])
    assert (await http.post("/threads", json=sent, headers=keyed())).status_code == 409


async def test_the_key_of_a_deleted_thread_is_answered_410(
    client: LangGraphClient, http: httpx.AsyncClient
) -> None:
    headers = keyed()
    made = (await http.post("/threads", json={}, headers=headers)).json()
    await client.threads.delete(made["thread_id"])
    again = await http.post("/threads", json={}, headers=headers)
    assert again.status_code == 410
    assert again.json()["detail"].startswith("Idempotency-Key: the thread that this key created")
