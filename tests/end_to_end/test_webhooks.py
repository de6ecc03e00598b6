"""Webhooks of runs: called at their end, however they end and whatever crashes meanwhile."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from langgraph_sdk.client import LangGraphClient

from harness.history import marks
from harness.processes import PROBES, Server, started_server
from harness.receiver import Call, Receiver, started_receiver
from harness.runs import probe_input, start, until_gone, until_status

pytestmark = pytest.mark.end_to_end

SECRET = "whsec-of-the-test"
LONG_SECONDS = 60.0


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with started_receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The probe graphs, with webhooks to this machine allowed."""
    graphs = json.loads(PROBES.read_text())["graphs"]
    places = {name: str(PROBES.parent / place) for name, place in graphs.items()}
    rules = {
        "url": {"disable_loopback": False, "max_url_length": 200},
        "headers": {"Authorization": "Bearer ${{ env.LG_WEBHOOK_TOKEN }}"},
    }
    path = tmp_path_factory.mktemp("webhooks") / "langgraph.json"
    env = {"LG_WEBHOOK_TOKEN": "tk"}
    path.write_text(json.dumps({"graphs": places, "env": env, "webhooks": rules}))
    return path


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, manifest: Path
) -> Iterator[Server]:
    environment = {
        "OUTRIGGER_CANCEL_GRACE_SECONDS": "0.5",
        "OUTRIGGER_WEBHOOK_SECRET": SECRET,
        "OUTRIGGER_WEBHOOK_TIMEOUT_SECONDS": "2",
    }
    with ExitStack() as stack:
        if request.param == "postgres":
            postgres = request.getfixturevalue("postgres_server")
            environment["POSTGRES_URI"] = stack.enter_context(postgres.fresh_database())
            environment["OUTRIGGER_MIGRATE_ON_START"] = "true"
        folder = tmp_path_factory.mktemp("webhooks_data") / "data"
        yield stack.enter_context(started_server(folder, config=manifest, environment=environment))


@pytest.fixture
def path() -> str:
    """Where this test's webhooks go."""
    return f"/{uuid4()}"


async def calls(receiver: Receiver, count: int, path: str) -> list[Call]:
    return await asyncio.to_thread(receiver.wait_for, count, path)


async def test_a_run_that_ended_is_told_signed_with_its_values(
    client: LangGraphClient, thread_id: str, receiver: Receiver, path: str
) -> None:
    hook = receiver.url + path
    run = await client.runs.create(
        thread_id, "probe_async", input=probe_input("T", 0.0), webhook=hook, metadata={"k": "v"}
    )
    (call,) = await calls(receiver, 1, path)
    told = call.json
    shown: dict[str, Any] = dict(await client.runs.get(thread_id, run["run_id"]))
    assert {name: told[name] for name in shown} == shown
    assert (told["status"], told["values"]["log"]) == ("success", marks("T"))
    assert told["metadata"]["k"] == "v"
    times = [told[f"{name}_at"] for name in ("created", "run_started", "run_ended")]
    assert [*times, told["webhook_sent_at"]] == sorted([*times, told["webhook_sent_at"]])
    assert "error" not in told
    assert call.headers["authorization"] == "Bearer tk"
    seconds, _, digest = call.headers["x-outrigger-signature"].partition(",v1=")
    signed = seconds.removeprefix("t=").encode() + b"." + call.body
    assert digest == hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    "ending",
    [("interrupt", "interrupted", "UserInterrupt"), ("rollback", "rollback", "UserRollback")],
)
async def test_superseded_runs_are_told_with_the_reason(
    client: LangGraphClient, thread_id: str, receiver: Receiver, path: str, ending: Any
) -> None:
    strategy, status, kind = ending
    hook = receiver.url + path
    victims = [
        await start(client, thread_id, "probe_async", f"V{n}", LONG_SECONDS, webhook=hook)
        for n in range(2)
    ]
    await until_status(client, thread_id, victims[0], "running")
    newcomer = await start(
        client, thread_id, "probe_async", "N", 0.0, multitask_strategy=strategy, webhook=hook
    )
    told = {call.json["run_id"]: call.json for call in await calls(receiver, 3, path)}
    message = f"superseded by run {newcomer} (multitask_strategy={strategy})"
    for victim in victims:
        assert told[victim]["status"] == status
        assert told[victim]["error"] == {"error": kind, "message": message}
    assert told[victims[1]]["run_started_at"] is None
    assert told[newcomer]["status"] == "success"


async def test_a_stateless_run_is_told_though_its_thread_is_gone(
    http: httpx.AsyncClient, receiver: Receiver, path: str
) -> None:
    body = {
        "assistant_id": "probe_async",
        "input": probe_input("T", 0.0),
        "webhook": receiver.url + path,
    }
    assert (await http.post("/runs/wait", json=body)).status_code == 200
    (call,) = await calls(receiver, 1, path)
    assert call.json["values"]["log"] == marks("T")
    assert call.json["kwargs"]["temporary"] is True


async def test_runs_of_crons_are_told_and_their_threads_go(
    client: LangGraphClient, receiver: Receiver, path: str
) -> None:
    hook = receiver.url + path
    cron = await client.crons.create(
        "probe_async", schedule="* * * * * *", input=probe_input("T", 0.0), webhook=hook
    )
    first, second = await calls(receiver, 2, path)
    await client.crons.delete(cron["cron_id"])
    assert first.json["values"]["log"] == second.json["values"]["log"] == marks("T")
    assert first.json["thread_id"] != second.json["thread_id"]
    for call in (first, second):
        assert call.json["kwargs"]["config"]["configurable"]["cron_id"] == cron["cron_id"]
        await until_gone(client, call.json["thread_id"])


@pytest.mark.parametrize(
    ("hook", "text"),
    [
        ("http://169.254.169.254/latest/meta-data", "the host '169.254.169.254' has an address"),
        ("http://10.0.0.1/", "the host '10.0.0.1' has an address that is not public"),
        ("http://[::ffff:10.0.0.1]/", "the host '::ffff:10.0.0.1' has an address"),
        ("http://no-such-host.invalid/", "the host 'no-such-host.invalid' has no address"),
        ("gopher://127.0.0.1/", "give a whole URL that begins with http:// or https://"),
        ("http://127.0.0.1/" + "x" * 200, "the URL is longer than 200 characters"),
    ],
)
async def test_what_may_not_be_called_is_refused_before_anything_is_made(
    client: LangGraphClient, http: httpx.AsyncClient, thread_id: str, hook: str, text: str
) -> None:
    body = {"assistant_id": "probe_async", "input": probe_input("T", 0.0), "webhook": hook}
    for place in (f"/threads/{thread_id}/runs", "/runs", "/runs/wait", "/runs/stream"):
        response = await http.post(place, json=body)
        assert response.status_code == 422
        assert response.json()["detail"].startswith(f"webhook: {text}")
    assert await client.runs.list(thread_id) == []
    kept = await http.post("/runs/crons", json={**body, "schedule": "0 0 1 1 *"})
    assert (kept.status_code, await client.crons.count()) == (422, 0)
    assert kept.json()["detail"].startswith(f"webhook: {text}")


async def test_a_redirect_is_not_followed(
    client: LangGraphClient, thread_id: str, receiver: Receiver, path: str
) -> None:
    elsewhere = f"{path}/elsewhere"
    with started_receiver([302]) as moved:
        moved.headers["location"] = receiver.url + elsewhere
        await start(client, thread_id, "probe_async", "T", 0.0, webhook=moved.url + path)
        await calls(moved, 2, path)  # the second one is the try after the failed one
    assert receiver.of(elsewhere) == []


async def test_a_webhook_is_told_after_a_crash(
    server: Server, client: LangGraphClient, thread_id: str, path: str
) -> None:
    with started_receiver() as receiver:
        receiver.hung.clear()
        hook = receiver.url + path
        run_id = await start(client, thread_id, "probe_async", "T", 0.0, webhook=hook)
        await until_status(client, thread_id, run_id, "success")
        await calls(receiver, 1, path)
        server.kill()  # while the receiver keeps it waiting
        receiver.hung.set()
        server.restart()
        first, second = await calls(receiver, 2, path)
    assert first.json["run_id"] == second.json["run_id"] == run_id
    delivery = "x-outrigger-delivery"
    assert first.headers[delivery] == second.headers[delivery]
