"""Double texting: each strategy says what came of it, and a busy thread is an error with advice."""

import asyncio
import threading
from typing import Any

import pytest
from langgraph_sdk.client import LangGraphClient

from harness.history import marks
from harness.runs import probe_input, start, until_ended, until_in_middle
from harness.tcp_proxy import TcpProxy
from outrigger_client.errors import ThreadBusy

pytestmark = pytest.mark.end_to_end

LONG = 60.0
ENOUGH = 30.0
CREATIONS = r"POST /threads/.*/runs$"


async def log_of(direct: LangGraphClient, thread_id: str) -> list[str]:
    log: list[str] = (await direct.threads.get_state(thread_id))["values"]["log"]
    return log


async def sent(client: Any, thread_id: str, strategy: str, **options: Any) -> Any:
    return await client.handle_double_text(
        thread_id, "probe_async", strategy, input=probe_input("N", 0.0), **options
    )


async def test_reject_says_who_is_in_the_way_and_when_to_try_again(
    clients: Any, proxy: TcpProxy, direct: LangGraphClient, thread_id: str
) -> None:
    present = await start(direct, thread_id, "probe_async", "P", LONG)
    with pytest.raises(ThreadBusy, match="try again when it has ended") as raised:
        await sent(clients(proxy.url), thread_id, "reject")
    assert (raised.value.thread_id, raised.value.runs) == (thread_id, (present,))
    assert (raised.value.retry_after, raised.value.definite) == (1.0, True)
    assert len(await direct.runs.list(thread_id)) == 1
    assert len(proxy.lines(CREATIONS)) == 1


async def test_reject_passes_on_when_the_server_says_to_try_again(
    clients: Any, proxy: TcpProxy, thread_id: str
) -> None:
    proxy.plan(CREATIONS, answer=(409, {"retry-after": "9"}))
    with pytest.raises(ThreadBusy) as raised:
        await sent(clients(proxy.url), thread_id, "reject")
    assert (raised.value.retry_after, raised.value.runs) == (9.0, ())


async def test_reject_with_patience_waits_for_the_thread(
    clients: Any, proxy: TcpProxy, direct: LangGraphClient, thread_id: str
) -> None:
    present = await start(direct, thread_id, "probe_async", "P", 0.5)
    accepted = await sent(clients(proxy.url), thread_id, "reject", patience_seconds=ENOUGH)
    assert await until_ended(direct, thread_id, accepted.run["run_id"]) == "success"
    assert await until_ended(direct, thread_id, present) == "success"
    assert await log_of(direct, thread_id) == marks("P") + marks("N")
    assert len(proxy.lines(CREATIONS)) == 2  # it waited for the run, not by asking again


async def test_patience_ends(
    clients: Any, proxy: TcpProxy, direct: LangGraphClient, thread_id: str
) -> None:
    await start(direct, thread_id, "probe_async", "P", LONG)
    with pytest.raises(ThreadBusy):
        await sent(clients(proxy.url), thread_id, "reject", patience_seconds=0.3)
    assert len(await direct.runs.list(thread_id)) == 1


async def test_on_a_free_thread_reject_is_accepted(
    clients: Any, proxy: TcpProxy, direct: LangGraphClient, thread_id: str
) -> None:
    accepted = await sent(clients(proxy.url), thread_id, "reject")
    assert await until_ended(direct, thread_id, accepted.run["run_id"]) == "success"
    assert (accepted.strategy, accepted.ahead, accepted.met) == ("reject", (), {})


async def test_enqueue_says_who_goes_first(
    clients: Any, proxy: TcpProxy, direct: LangGraphClient, thread_id: str
) -> None:
    ahead = [await start(direct, thread_id, "probe_async", token, 0.3) for token in "AB"]
    accepted = await sent(clients(proxy.url), thread_id, "enqueue")
    assert accepted.ahead == tuple(ahead)
    assert await until_ended(direct, thread_id, accepted.run["run_id"]) == "success"
    assert await log_of(direct, thread_id) == marks("A") + marks("B") + marks("N")


@pytest.mark.parametrize(
    "told",
    [("interrupt", "interrupted", ["P:input", "P:first"]), ("rollback", "rolled_back", [])],
)
async def test_a_cut_is_over_when_it_is_told(
    clients: Any, proxy: TcpProxy, direct: LangGraphClient, thread_id: str, told: Any
) -> None:
    strategy, fate, kept = told
    running = await start(direct, thread_id, "probe_async", "P", LONG)
    await until_in_middle(direct, thread_id, running)
    pending = await start(direct, thread_id, "probe_async", "Q", LONG)
    accepted = await sent(clients(proxy.url), thread_id, strategy)
    assert accepted.met == {running: fate, pending: fate}
    assert await until_ended(direct, thread_id, accepted.run["run_id"]) == "success"
    assert await log_of(direct, thread_id) == kept + marks("N")


async def test_a_victim_that_will_not_stop_is_told_as_it_is(
    clients: Any, proxy: TcpProxy, direct: LangGraphClient, thread_id: str
) -> None:
    running = await start(direct, thread_id, "probe_async", "P", LONG)
    await until_in_middle(direct, thread_id, running)
    proxy.plan("GET .*/runs/[^/?]*$", answer=(200, {}), body=b'{"status":"running"}')
    go_on = threading.Event()
    proxy.plan("GET .*/join", held_until=go_on)
    accepted = await sent(clients(proxy.url), thread_id, "interrupt", settle_seconds=0.2)
    assert accepted.met == {running: "running"}
    go_on.set()


@pytest.mark.parametrize("strategy", ["reject", "enqueue", "interrupt", "rollback"])
async def test_whatever_the_line_does_there_is_one_new_run_and_it_can_be_streamed(
    clients: Any, proxy: TcpProxy, direct: LangGraphClient, thread_id: str, strategy: str
) -> None:
    for fault in ({"cut_at": b""}, {"answer": (503, {"retry-after": "0"})}, {"before": True}):
        proxy.plan(CREATIONS, **fault)
    client = clients(proxy.url)
    accepted = await sent(client, thread_id, strategy)
    run_id = accepted.run["run_id"]
    logs = [
        part.data["log"]
        async for part in client.join_stream(thread_id, run_id)
        if part.event == "values"
    ]
    assert logs[-1] == marks("N")
    assert [run["run_id"] for run in await direct.runs.list(thread_id)] == [run_id]


# -- state ---------------------------------------------------------------------


async def test_a_state_is_written_once_the_thread_is_free(
    clients: Any, proxy: TcpProxy, direct: LangGraphClient, thread_id: str
) -> None:
    await start(direct, thread_id, "probe_async", "P", 0.5)
    client = clients(proxy.url)
    with pytest.raises(ThreadBusy):
        await client.update_state(thread_id, {"log": ["W"]}, as_node="last")
    await client.update_state(thread_id, {"log": ["W"]}, as_node="last", patience_seconds=ENOUGH)
    assert (await client.get_state(thread_id))["values"]["log"] == [*marks("P"), "W"]


async def test_many_patient_writers_all_come_to_their_turn(
    clients: Any, proxy: TcpProxy, direct: LangGraphClient, thread_id: str
) -> None:
    client = clients(proxy.url)
    accepted = await asyncio.gather(
        *[sent(client, thread_id, "reject", patience_seconds=ENOUGH) for _ in range(4)]
    )
    ended = [await until_ended(direct, thread_id, each.run["run_id"]) for each in accepted]
    assert ended == ["success"] * 4
    assert await log_of(direct, thread_id) == marks("N") * 4
