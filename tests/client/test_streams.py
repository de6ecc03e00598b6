"""Streams over lines that break: every event once, in order, or an error that says otherwise."""

import asyncio
import threading
from contextlib import aclosing
from typing import Any

import pytest
from langgraph_sdk.client import LangGraphClient
from langgraph_sdk.errors import ConflictError

from harness.history import marks
from harness.runs import probe_input, start, until_in_middle, until_status
from harness.tcp_proxy import TcpProxy
from outrigger_client.errors import OutcomeUnknown, StreamLost
from outrigger_client.events import RequestRepeated, StreamResumed

pytestmark = pytest.mark.end_to_end

MODES = ["values", "updates"]
WHOLE = ["metadata", "values"] + ["updates", "values"] * 3
"""The events of a run of a probe graph."""
STREAM = r"(POST|GET) /threads/.*/stream"
PLACES = {
    "before the answer": b"",
    "within the head": b"content-type",
    "behind the head": b"\r\n\r\n",
    "within the first event": b"event: meta",
    "between data and id": b'"attempt":1}\r\n',
    "within an event": b'{"first":{"log"',
    "behind an event's data": b'{"middle":{"log":["T:middle"]}}',
    "within the last id": b'"T:middle","T:last"]',
}


async def streamed(client: Any, thread_id: str, seconds: float = 0.0) -> list[Any]:
    options = {"input": probe_input("T", seconds), "stream_mode": MODES}
    return [part async for part in client.stream(thread_id, "probe_async", **options)]


def assert_whole(parts: list[Any]) -> None:
    """Fail when an event is missing, is there twice, or is at the wrong place."""
    assert sorted(part.event for part in parts) == sorted(WHOLE)
    logs = [part.data["log"] for part in parts if part.event == "values"]
    assert logs == [marks("T")[: length + 1] for length in range(4)]
    updates = [list(part.data) for part in parts if part.event == "updates"]
    assert updates == [["first"], ["middle"], ["last"]]
    ids = [tuple(map(int, part.id.split("-"))) for part in parts]
    assert ids == sorted(set(ids))


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())
async def test_a_stream_that_is_cut_anywhere_is_whole(
    clients: Any, proxy: TcpProxy, direct: LangGraphClient, thread_id: str, place: bytes
) -> None:
    cut = proxy.plan(STREAM, cut_at=place)
    assert_whole(await streamed(clients(proxy.url), thread_id))
    assert cut.happened.is_set()
    assert len(await direct.runs.list(thread_id)) == 1


async def test_a_creation_sent_again_amid_its_run_streams_it_from_the_start(
    clients: Any, proxy: TcpProxy, direct: LangGraphClient, thread_id: str
) -> None:
    proxy.plan("POST .*/stream", cut_at=b"")
    go_on = threading.Event()
    asking = proxy.plan("GET /info", held_until=go_on)
    reading = asyncio.ensure_future(streamed(clients(proxy.url), thread_id, 1.0))
    await asyncio.to_thread(asking.happened.wait)
    (run,) = await direct.runs.list(thread_id)
    await until_in_middle(direct, thread_id, run["run_id"])
    go_on.set()
    assert_whole(await reading)


@pytest.mark.parametrize("place", list(PLACES.values())[2:], ids=list(PLACES)[2:])
async def test_an_end_that_only_looks_clean_is_found_out(
    clients: Any, proxy: TcpProxy, thread_id: str, place: bytes
) -> None:
    cut = proxy.plan(STREAM, cut_at=place, clean=True)
    assert_whole(await streamed(clients(proxy.url), thread_id))
    assert cut.happened.is_set()


async def test_a_stream_survives_cut_after_cut(
    clients: Any, proxy: TcpProxy, thread_id: str
) -> None:
    for place in PLACES.values():
        proxy.plan(STREAM, cut_at=place)
    assert_whole(await streamed(clients(proxy.url), thread_id, 0.3))
    assert all(fault.happened.is_set() for fault in proxy.faults)
    assert clients.heard(StreamResumed)[-1].last_event_id is not None


async def test_a_line_that_falls_silent_is_left(
    clients: Any, proxy: TcpProxy, thread_id: str
) -> None:
    silence = proxy.plan(STREAM, silent_at=b'{"first":{"log"')
    assert_whole(await streamed(clients(proxy.url), thread_id, 0.3))
    assert silence.happened.is_set()
    assert clients.heard(StreamResumed)[0].reason == "ReadTimeout"


async def test_a_server_that_refuses_to_be_joined_for_a_while_is_asked_again(
    clients: Any, proxy: TcpProxy, thread_id: str
) -> None:
    proxy.plan("POST .*/stream", cut_at=b'{"first":{"log"')
    proxy.plan("GET .*/stream", answer=(503, {"retry-after": "0"}))
    proxy.plan("GET .*/stream", answer=(429, {}))
    proxy.plan("GET .*/stream", before=True)
    assert_whole(await streamed(clients(proxy.url), thread_id, 0.3))
    reasons = [event.reason for event in clients.heard(RequestRepeated)]
    assert reasons[:2] == ["503", "429"]
    assert len(reasons) == 3


async def test_a_server_that_never_comes_back_ends_the_stream_with_an_error(
    clients: Any, proxy: TcpProxy, thread_id: str
) -> None:
    proxy.plan("POST .*/stream", cut_at=b'{"first":{"log":["T:first"]}}\r\nid: ')
    proxy.plan("GET", times=100, before=True)
    with pytest.raises(StreamLost) as raised:
        await streamed(clients(proxy.url, tries=3), thread_id)
    assert raised.value.last_event_id is not None
    assert len(proxy.lines("GET")) == 3


async def test_without_ids_a_broken_stream_is_an_error_and_no_gap(
    clients: Any, proxy: TcpProxy, thread_id: str
) -> None:
    proxy.plan(STREAM, cut_at=b'"T:first"')
    sdk = clients(proxy.url).sdk
    parts = sdk.runs.stream(thread_id, "probe_async", input=probe_input("T"))
    with pytest.raises(StreamLost, match="stream_resumable"):
        await anext(part async for part in parts if part.event == "end")
    assert len(proxy.lines("stream")) == 1


async def test_without_ids_a_stream_that_does_not_break_is_what_it_was(
    clients: Any, proxy: TcpProxy, thread_id: str
) -> None:
    parts = clients(proxy.url).sdk.runs.stream(
        thread_id, "probe_async", input=probe_input("T", 0.0), stream_mode=MODES
    )
    assert sorted([part.event async for part in parts]) == sorted(WHOLE)


async def test_a_reader_that_joins_gets_the_whole_stream_over_a_bad_line(
    clients: Any, proxy: TcpProxy, direct: LangGraphClient, thread_id: str
) -> None:
    run_id = await start(direct, thread_id, "probe_async", "T", 0.3)
    for place in list(PLACES.values())[1:]:
        proxy.plan(STREAM, cut_at=place)
    assert_whole([part async for part in clients(proxy.url).join_stream(thread_id, run_id)])


async def test_who_knows_an_event_goes_on_behind_it(
    clients: Any, proxy: TcpProxy, direct: LangGraphClient, thread_id: str
) -> None:
    run_id = await start(direct, thread_id, "probe_async", "T", 0.0)
    await until_status(direct, thread_id, run_id, "success")
    client = clients(proxy.url)
    whole = [part async for part in client.join_stream(thread_id, run_id)]
    proxy.plan(STREAM, cut_at=b'"last"')
    after = client.join_stream(thread_id, run_id, last_event_id=whole[3].id)
    assert [part async for part in after] == whole[4:]


async def test_a_superseded_reader_is_told_once_and_its_stream_ends(
    clients: Any, proxy: TcpProxy, direct: LangGraphClient, thread_id: str
) -> None:
    victim = await start(direct, thread_id, "probe_async", "V", 30.0)
    await until_in_middle(direct, thread_id, victim)

    async def read() -> list[Any]:
        return [part async for part in clients(proxy.url).join_stream(thread_id, victim)]

    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(read())
        while not proxy.lines("stream"):
            await asyncio.sleep(0.01)
        newcomer = await start(
            direct, thread_id, "probe_async", "N", 0.0, multitask_strategy="interrupt"
        )
    last = reading.result()[-1]
    assert (last.event, last.data["status"]) == ("metadata", "interrupted")
    assert last.data["superseded_by"] == newcomer
    assert len(proxy.lines("stream")) == 1


async def test_a_graph_that_fails_says_so_once_whatever_the_line(
    clients: Any, proxy: TcpProxy, thread_id: str
) -> None:
    proxy.plan(STREAM, cut_at=b"event: err")
    parts = [part async for part in clients(proxy.url).stream(thread_id, "failing", input={})]
    errors = [part.data for part in parts if part.event == "error"]
    assert [error["error"] for error in errors] == ["ValueError"]


async def test_a_run_that_is_rolled_back_meanwhile_is_no_silent_end(
    clients: Any, proxy: TcpProxy, direct: LangGraphClient, thread_id: str
) -> None:
    run_id = await start(direct, thread_id, "probe_async", "V", 30.0)
    await until_in_middle(direct, thread_id, run_id)
    proxy.plan("GET .*/stream", cut_at=b'{"first":{"log":["V:first"]}}')
    go_on = threading.Event()
    held = proxy.plan("GET .*/stream", held_until=go_on)

    async def read() -> None:
        async for _ in clients(proxy.url).join_stream(thread_id, run_id):
            pass

    reading = asyncio.ensure_future(read())
    await asyncio.to_thread(held.happened.wait)
    await direct.runs.cancel(thread_id, run_id, action="rollback", wait=True)
    go_on.set()
    with pytest.raises(StreamLost, match="gone"):
        await reading


async def test_a_thread_is_followed_over_bad_lines_and_several_runs(
    clients: Any, proxy: TcpProxy, direct: LangGraphClient, thread_id: str
) -> None:
    proxy.plan("GET /threads/.*/stream", cut_at=b'{"first":{"log":["A:first"]}}\r\nid: ')
    proxy.plan("GET /threads/.*/stream", cut_at=b'{"first":{"log":["B:first"]}}', clean=True)
    parts = clients(proxy.url).sdk.threads.join_stream(thread_id)
    if clients.kind == "async":
        parts = await parts  # of the SDK, a coroutine that makes a stream
    seen: list[str] = []
    async with aclosing(parts) as following:
        reading = asyncio.ensure_future(_until_done(following, seen, 2))
        while not proxy.lines("stream"):
            await asyncio.sleep(0.01)
        for token in "AB":
            run = await direct.runs.create(
                thread_id,
                "probe_async",
                input=probe_input(token, 0.2),
                stream_mode="updates",
                stream_resumable=True,
            )
            await until_status(direct, thread_id, run["run_id"], "success")
        await reading
    assert seen == marks("A")[1:] + marks("B")[1:]


async def _until_done(parts: Any, seen: list[str], runs: int) -> None:
    async for part in parts:
        if part.event == "updates":
            seen += [mark for update in part.data.values() for mark in update["log"]]
        runs -= part.event == "metadata" and part.data.get("status") == "run_done"
        if runs == 0:
            return


async def test_a_refused_stream_is_refused_once(
    clients: Any, proxy: TcpProxy, direct: LangGraphClient, thread_id: str
) -> None:
    await start(direct, thread_id, "probe_async", "P", 30.0)
    parts = clients(proxy.url).stream(thread_id, "probe_async", strategy="reject")
    with pytest.raises(ConflictError):
        await anext(parts)
    assert len(proxy.lines("stream")) == 1


async def test_a_server_that_ignores_keys_is_not_asked_for_a_second_stream(
    clients: Any, deaf: TcpProxy, direct: LangGraphClient, thread_id: str
) -> None:
    deaf.plan("POST .*/stream", cut_at=b"")
    with pytest.raises(OutcomeUnknown):
        await streamed(clients(deaf.url), thread_id)
    assert len(await direct.runs.list(thread_id)) == 1
    assert len(deaf.lines("POST")) == 1


async def test_a_stream_that_has_begun_needs_no_keys_to_go_on(
    clients: Any, deaf: TcpProxy, thread_id: str
) -> None:
    for place in list(PLACES.values())[2:]:
        deaf.plan(STREAM, cut_at=place)
    assert_whole(await streamed(clients(deaf.url), thread_id, 0.2))


async def test_who_leaves_a_stream_closes_its_connection(
    clients: Any, proxy: TcpProxy, direct: LangGraphClient, thread_id: str
) -> None:
    client = clients(proxy.url)
    parts = client.stream(thread_id, "probe_async", input=probe_input("T", 30.0))
    async for part in parts:
        if part.event == "values":
            break
    await parts.aclose()
    (run,) = await direct.runs.list(thread_id)
    assert run["status"] in {"pending", "running"}
    await client.sdk.runs.cancel(thread_id, run["run_id"], wait=True)
