"""Runs with a limit of time."""

import asyncio
import ssl
import threading
from typing import Any

import pytest
from langgraph_sdk.client import LangGraphClient
from langgraph_sdk.errors import NotFoundError

from harness.history import marks
from harness.runs import probe_input, until_ended, until_status
from harness.tcp_proxy import TcpProxy
from outrigger_client.client import Client
from outrigger_client.errors import RunFailed, RunSuperseded, RunTimedOut
from outrigger_client.settings import ClientSettings, Pool

pytestmark = pytest.mark.end_to_end

LONG = 60.0
ENOUGH = 30.0


async def only_run(direct: LangGraphClient, thread_id: str) -> Any:
    while not (runs := await direct.runs.list(thread_id)):
        await asyncio.sleep(0.01)
    (run,) = runs
    return run


async def test_a_run_that_is_done_in_time_gives_its_values(
    clients: Any, proxy: TcpProxy, thread_id: str
) -> None:
    done = await clients(proxy.url).run_with_timeout(
        thread_id, "probe_async", ENOUGH, input=probe_input("T", 0.0)
    )
    assert (done.thread_id, done.values["log"]) == (thread_id, marks("T"))


async def test_a_run_that_is_not_done_in_time_is_cancelled(
    clients: Any, proxy: TcpProxy, direct: LangGraphClient, thread_id: str
) -> None:
    with pytest.raises(RunTimedOut, match=r"longer than 0\.5 s and was cancelled") as raised:
        await clients(proxy.url).run_with_timeout(
            thread_id, "probe_async", 0.5, input=probe_input("T", LONG)
        )
    run = await only_run(direct, thread_id)
    assert (run["run_id"], run["status"]) == (raised.value.run_id, "interrupted")
    assert raised.value.cancelled


async def test_a_run_whose_cancel_is_lost_is_cancelled_all_the_same(
    clients: Any, proxy: TcpProxy, direct: LangGraphClient, thread_id: str
) -> None:
    proxy.plan("POST .*/cancel", cut_at=b"")
    proxy.plan("POST .*/cancel", before=True)
    with pytest.raises(RunTimedOut):
        await clients(proxy.url).run_with_timeout(
            thread_id, "probe_async", 0.3, input=probe_input("T", LONG)
        )
    run = await only_run(direct, thread_id)
    assert await until_ended(direct, thread_id, run["run_id"]) == "interrupted"


async def test_who_cannot_cancel_says_so(
    clients: Any, proxy: TcpProxy, direct: LangGraphClient, thread_id: str
) -> None:
    proxy.plan("POST .*/cancel", times=100, before=True)
    with pytest.raises(RunTimedOut, match="could not be cancelled") as raised:
        await clients(proxy.url, tries=3).run_with_timeout(
            thread_id, "probe_async", 0.3, input=probe_input("T", LONG)
        )
    assert not raised.value.cancelled
    assert (await only_run(direct, thread_id))["status"] in {"pending", "running"}


async def test_a_run_that_ends_as_its_time_does_gives_its_values(
    clients: Any, proxy: TcpProxy, direct: LangGraphClient, thread_id: str
) -> None:
    go_on = threading.Event()
    proxy.plan("GET .*/join", held_until=go_on)
    cancel = proxy.plan("POST .*/cancel", held_until=go_on)
    waiting = asyncio.ensure_future(
        clients(proxy.url).run_with_timeout(
            thread_id, "probe_async", 0.2, input=probe_input("T", 0.0)
        )
    )
    await asyncio.to_thread(cancel.happened.wait)
    run = await only_run(direct, thread_id)
    assert await until_ended(direct, thread_id, run["run_id"]) == "success"
    go_on.set()
    assert (await waiting).values["log"] == marks("T")


async def test_a_graph_that_fails_is_told_by_its_error(
    clients: Any, proxy: TcpProxy, thread_id: str
) -> None:
    with pytest.raises(RunFailed) as raised:
        await clients(proxy.url).run_with_timeout(thread_id, "failing", ENOUGH, input={})
    assert (raised.value.kind, raised.value.text) == ("ValueError", "boom: something went wrong")


async def test_a_graph_that_asks_is_done_with_its_questions(
    clients: Any, proxy: TcpProxy, thread_id: str
) -> None:
    done = await clients(proxy.url).run_with_timeout(
        thread_id, "approval", ENOUGH, input={"log": []}
    )
    assert [question["value"] for question in done.questions] == [{"question": "go on?"}]


@pytest.mark.parametrize(
    ("action", "status"), [("interrupt", "interrupted"), ("rollback", "rolled_back")]
)
async def test_a_run_that_somebody_else_stops_is_no_result(
    clients: Any,
    proxy: TcpProxy,
    direct: LangGraphClient,
    thread_id: str,
    action: Any,
    status: str,
) -> None:
    waiting = asyncio.ensure_future(
        clients(proxy.url).run_with_timeout(
            thread_id, "probe_async", ENOUGH, input=probe_input("T", LONG)
        )
    )
    run = await only_run(direct, thread_id)
    await until_status(direct, thread_id, run["run_id"], "running")
    await direct.runs.cancel(thread_id, run["run_id"], action=action, wait=True)
    with pytest.raises(RunSuperseded) as raised:
        await waiting
    assert raised.value.status == status


async def test_a_run_without_a_thread_leaves_none_behind(
    clients: Any, proxy: TcpProxy, direct: LangGraphClient
) -> None:
    client = clients(proxy.url)
    done = await client.run_with_timeout(None, "probe_async", ENOUGH, input=probe_input("T", 0.0))
    assert done.values["log"] == marks("T")
    with pytest.raises(RunTimedOut) as raised:
        await client.run_with_timeout(None, "probe_async", 0.3, input=probe_input("T", LONG))
    for thread_id in (done.thread_id, raised.value.thread_id):
        with pytest.raises(NotFoundError):
            await direct.threads.get(thread_id)


async def test_a_caller_that_is_cancelled_takes_its_run_with_it(
    proxy: TcpProxy, direct: LangGraphClient, tls: ssl.SSLContext, thread_id: str
) -> None:
    async with Client(proxy.url, settings=ClientSettings(pool=Pool(tls=tls))) as client:
        waiting = asyncio.ensure_future(
            client.run_with_timeout(
                thread_id,
                "probe_async",
                ENOUGH,
                input=probe_input("T", LONG),
                stream_mode=["updates"],
            )
        )
        while not proxy.lines("GET .*/join"):
            await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    run = await only_run(direct, thread_id)
    assert await until_ended(direct, thread_id, run["run_id"]) == "interrupted"
