"""Requests over a bad line: sent again where that is safe, and nowhere else."""

from typing import Any
from uuid import uuid4

import pytest
from langgraph_sdk.client import LangGraphClient
from langgraph_sdk.errors import InternalServerError, NotFoundError, RateLimitError

from harness.history import marks
from harness.runs import probe_input, until_ended
from harness.tcp_proxy import TcpProxy
from outrigger_client.errors import OutcomeUnknown
from outrigger_client.events import RequestEnded, RequestRepeated

pytestmark = pytest.mark.end_to_end

BEFORE: dict[str, Any] = {"before": True}
LOST: dict[str, Any] = {"cut_at": b""}
REFUSED: dict[str, Any] = {"answer": (429, {"retry-after": "0"})}
AWAY: dict[str, Any] = {"answer": (503, {"retry-after": "0"})}
BAD_GATEWAY: dict[str, Any] = {"answer": (502, {})}
FAULTS = {
    "lost on the way": BEFORE,
    "answer lost": LOST,
    "answer broken off": {"cut_at": b"content-"},
    "429": REFUSED,
    "503": AWAY,
    "502": BAD_GATEWAY,
}
CREATIONS = r"POST /threads/.*/runs"


async def created(client: Any, thread_id: str) -> str:
    run = await client.sdk.runs.create(thread_id, "probe_async", input=probe_input("T", 0.0))
    return str(run["run_id"])


async def ids(direct: LangGraphClient, thread_id: str) -> list[str]:
    return [run["run_id"] for run in await direct.runs.list(thread_id)]


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
async def test_a_run_is_created_once_whatever_the_line_does(
    clients: Any,
    proxy: TcpProxy,
    direct: LangGraphClient,
    thread_id: str,
    fault: dict[str, Any],
) -> None:
    proxy.plan(CREATIONS, times=2, **fault)
    run_id = await created(clients(proxy.url), thread_id)
    assert await ids(direct, thread_id) == [run_id]
    assert len(proxy.lines(CREATIONS)) == 3
    keys = {seen.header("Idempotency-Key") for seen in proxy.seen if "/runs" in seen.line}
    assert len(keys) == 1
    assert await until_ended(direct, thread_id, run_id) == "success"


@pytest.mark.parametrize("fault", [BEFORE, LOST, AWAY], ids=["on the way", "answer", "503"])
async def test_a_thread_is_created_once_whatever_the_line_does(
    clients: Any, proxy: TcpProxy, direct: LangGraphClient, fault: dict[str, Any]
) -> None:
    proxy.plan("POST /threads", **fault)
    of = {"of": str(uuid4())}
    thread = await clients(proxy.url).sdk.threads.create(metadata=of)
    found = await direct.threads.search(metadata=of)
    assert [each["thread_id"] for each in found] == [thread["thread_id"]]


@pytest.mark.parametrize(
    "fault",
    [
        BEFORE,
        LOST,
        AWAY,
        {"cut_at": b"\r\n\n"},
        {"cut_at": b"\r\n\r\n"},
        {"cut_at": b"\n", "clean": True},
        {"cut_at": b'"T:first"', "clean": True},
        {"silent_at": b"\r\n\r\n"},
    ],
    ids=repr,
)
async def test_who_waits_gets_the_end_of_the_one_run(
    clients: Any,
    proxy: TcpProxy,
    direct: LangGraphClient,
    thread_id: str,
    fault: dict[str, Any],
) -> None:
    planned = proxy.plan("POST .*/wait", **fault)
    values = await clients(proxy.url).sdk.runs.wait(
        thread_id, "probe_async", input=probe_input("T", 0.3)
    )
    assert planned.times == 0
    assert values["log"] == marks("T")
    assert len(await ids(direct, thread_id)) == 1


async def test_different_creations_have_different_keys(
    clients: Any, proxy: TcpProxy, direct: LangGraphClient, thread_id: str
) -> None:
    client = clients(proxy.url)
    assert await created(client, thread_id) != await created(client, thread_id)
    assert len(await ids(direct, thread_id)) == 2


async def test_a_key_of_ones_own_is_kept(clients: Any, proxy: TcpProxy) -> None:
    await clients(proxy.url).sdk.threads.create(headers={"Idempotency-Key": "mine"})
    assert [seen.header("Idempotency-Key") for seen in proxy.seen] == ["mine"]


async def test_a_good_line_costs_no_request_more(
    clients: Any, proxy: TcpProxy, thread_id: str
) -> None:
    client = clients(proxy.url)
    await client.sdk.runs.wait(thread_id, "probe_async", input=probe_input("T", 0.0))
    await client.get_state(thread_id)
    assert [line.split()[0] for line in proxy.lines()] == ["POST", "GET"]


# -- a server that ignores keys ------------------------------------------------


@pytest.mark.parametrize("fault", [BEFORE, LOST], ids=["on the way", "answer"])
async def test_without_keys_a_creation_with_an_unknown_end_is_an_error(
    clients: Any, deaf: TcpProxy, thread_id: str, fault: dict[str, Any]
) -> None:
    deaf.plan(CREATIONS, **fault)
    with pytest.raises(OutcomeUnknown, match="perhaps carried out"):
        await created(clients(deaf.url), thread_id)
    assert len(deaf.lines(CREATIONS)) == 1


async def test_without_keys_a_refusal_is_still_safe_to_repeat(
    clients: Any, deaf: TcpProxy, direct: LangGraphClient, thread_id: str
) -> None:
    deaf.plan(CREATIONS, times=2, **REFUSED)
    run_id = await created(clients(deaf.url), thread_id)
    assert await ids(direct, thread_id) == [run_id]


async def test_without_keys_an_answer_that_may_mean_anything_is_passed_on(
    clients: Any, deaf: TcpProxy, thread_id: str
) -> None:
    deaf.plan(CREATIONS, **AWAY)
    with pytest.raises(InternalServerError) as raised:
        await created(clients(deaf.url), thread_id)
    assert raised.value.status_code == 503
    assert len(deaf.lines(CREATIONS)) == 1


async def test_without_keys_a_wait_that_has_begun_goes_on_as_a_join(
    clients: Any, deaf: TcpProxy, thread_id: str
) -> None:
    deaf.plan("POST .*/wait", cut_at=b"\r\n\r\n")
    values = await clients(deaf.url).sdk.runs.wait(
        thread_id, "probe_async", input=probe_input("T", 0.5)
    )
    assert values["log"] == marks("T")
    assert [line.rpartition("/")[2] for line in deaf.lines()] == ["wait", "join"]


async def test_without_keys_create_thread_makes_one_all_the_same(
    clients: Any, deaf: TcpProxy, direct: LangGraphClient
) -> None:
    deaf.plan("POST /threads", **LOST)
    of = {"of": str(uuid4())}
    thread = await clients(deaf.url).create_thread(metadata=of)
    found = await direct.threads.search(metadata=of)
    assert [each["thread_id"] for each in found] == [thread["thread_id"]]


async def test_who_says_always_may_get_two_runs(
    clients: Any, deaf: TcpProxy, direct: LangGraphClient, thread_id: str
) -> None:
    deaf.plan(CREATIONS, **LOST)
    run_id = await created(clients(deaf.url, creates="always"), thread_id)
    found = await ids(direct, thread_id)
    assert len(found) == 2
    assert run_id in found


async def test_who_says_never_gets_an_error_from_any_server(
    clients: Any, proxy: TcpProxy, thread_id: str
) -> None:
    proxy.plan(CREATIONS, **LOST)
    with pytest.raises(OutcomeUnknown):
        await created(clients(proxy.url, creates="never"), thread_id)
    assert proxy.lines("/info") == []


# -- other requests ------------------------------------------------------------


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
async def test_a_question_is_asked_again(
    clients: Any, proxy: TcpProxy, thread_id: str, fault: dict[str, Any]
) -> None:
    proxy.plan("", times=2, **fault)
    client = clients(proxy.url)
    assert (await client.sdk.threads.get(thread_id))["thread_id"] == thread_id
    proxy.plan("", times=2, **fault)
    assert len(await client.sdk.threads.search(ids=[thread_id])) == 1
    assert len(proxy.lines()) == 6


async def test_what_is_not_safe_twice_is_not_sent_twice(
    clients: Any, proxy: TcpProxy, direct: LangGraphClient, thread_id: str
) -> None:
    client = clients(proxy.url)
    await client.sdk.runs.wait(thread_id, "probe_async", input=probe_input("T", 0.0))
    proxy.plan("POST .*/state", **LOST)
    with pytest.raises(OutcomeUnknown):
        await client.update_state(thread_id, {"log": ["written"]}, as_node="last")
    assert (await direct.threads.get_state(thread_id))["values"]["log"].count("written") == 1
    assert len(proxy.lines("POST .*/state")) == 1


async def test_a_deletion_whose_answer_was_lost_has_happened(
    clients: Any, proxy: TcpProxy, direct: LangGraphClient
) -> None:
    thread_id = (await direct.threads.create())["thread_id"]
    client = clients(proxy.url)
    proxy.plan("DELETE", **LOST)
    await client.sdk.threads.delete(thread_id)
    assert len(proxy.lines("DELETE")) == 2
    with pytest.raises(NotFoundError):
        await client.sdk.threads.delete(thread_id)


async def test_a_server_that_asks_for_too_long_a_pause_is_not_asked_again(
    clients: Any, proxy: TcpProxy, thread_id: str
) -> None:
    proxy.plan("", answer=(429, {"retry-after": "3600"}))
    with pytest.raises(RateLimitError) as raised:
        await clients(proxy.url).sdk.threads.get(thread_id)
    assert raised.value.response.headers["retry-after"] == "3600"
    assert len(proxy.lines()) == 1


async def test_a_pause_is_as_long_as_the_server_asks_for(
    clients: Any, proxy: TcpProxy, thread_id: str
) -> None:
    dates = {"date": "Mon, 23 Nov 2026 10:00:00 GMT"}
    dates["retry-after"] = "Mon, 23 Nov 2026 10:00:01 GMT"
    proxy.plan("", answer=(503, dates))
    await clients(proxy.url).sdk.threads.get(thread_id)
    (repeated,) = clients.heard(RequestRepeated)
    assert (repeated.pause_seconds, repeated.reason) == (1.0, "503")


async def test_a_server_that_never_gets_well_is_given_up(
    clients: Any, proxy: TcpProxy, thread_id: str
) -> None:
    proxy.plan("", times=100, **AWAY)
    with pytest.raises(InternalServerError):
        await clients(proxy.url, tries=4).sdk.threads.get(thread_id)
    assert len(proxy.lines()) == 4


async def test_hooks_hear_of_each_request_once_with_its_tries(
    clients: Any, proxy: TcpProxy, thread_id: str
) -> None:
    proxy.plan("", times=2, **AWAY)
    await clients(proxy.url).sdk.threads.get(thread_id)
    (ended,) = clients.heard(RequestEnded)
    assert (ended.method, ended.route, ended.path) == (
        "GET",
        "/threads/{id}",
        f"/threads/{thread_id}",
    )
    assert (ended.status, ended.error, ended.tries) == (200, None, 3)
    assert [event.number for event in clients.heard(RequestRepeated)] == [1, 2]


async def test_connections_are_used_again(clients: Any, server: Any, thread_id: str) -> None:
    with TcpProxy(server.url, keep_alive=True) as proxy:
        client = clients(proxy.url)
        for _ in range(20):
            await client.sdk.threads.get(thread_id)
        assert (len(proxy.lines()), proxy.connections) == (20, 1)
