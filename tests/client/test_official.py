"""The same client against the official development server, which ignores idempotency keys."""

import shutil
import ssl
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from harness.history import marks
from harness.official import kept_official, started_official
from harness.processes import PROBES
from harness.runs import probe_input
from harness.tcp_proxy import TcpProxy
from outrigger_client.errors import OutcomeUnknown, RunTimedOut, ThreadBusy

pytestmark = [pytest.mark.end_to_end, pytest.mark.long]

STREAM = r"(POST|GET) /threads/.*/stream"


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    project = tmp_path_factory.mktemp("official") / "probe"
    shutil.copytree(PROBES.parent, project, ignore=shutil.ignore_patterns("__pycache__"))
    with started_official(project, kept_official(), jobs=5) as server:
        yield server.url


@pytest.fixture
def line(official: str) -> Iterator[TcpProxy]:
    with TcpProxy(official) as proxy:
        yield proxy


async def test_it_does_not_say_that_it_honours_keys(official: str, tls: ssl.SSLContext) -> None:
    transport = httpx.AsyncHTTPTransport(verify=tls)
    async with httpx.AsyncClient(base_url=official, transport=transport) as http:
        flags = (await http.get("/info")).json()["flags"]
    assert "idempotency_keys" not in flags


async def test_a_creation_whose_answer_is_lost_is_not_repeated(
    clients: Any, line: TcpProxy
) -> None:
    client = clients(line.url)
    thread_id = (await client.create_thread())["thread_id"]
    line.plan("POST .*/runs$", cut_at=b"")
    with pytest.raises(OutcomeUnknown):
        await client.sdk.runs.create(thread_id, "probe_async", input=probe_input("T", 0.0))
    assert len(await client.sdk.runs.list(thread_id)) == 1


@pytest.mark.parametrize("clean", [False, True], ids=["broken", "clean"])
async def test_its_streams_are_whole_over_a_bad_line(
    clients: Any, line: TcpProxy, clean: bool
) -> None:
    client = clients(line.url)
    thread_id = (await client.create_thread())["thread_id"]
    for place in (b'"attempt":1}', b'{"first":{"log"', b'{"middle":{"log":["T:middle"]}}'):
        line.plan(STREAM, cut_at=place, clean=clean)
    options = {"input": probe_input("T", 1.0), "stream_mode": ["values", "updates"]}
    parts = [part async for part in client.stream(thread_id, "probe_async", **options)]
    assert [fault.times for fault in line.faults] == [0, 0, 0]
    updates = [list(part.data) for part in parts if part.event == "updates"]
    assert updates == [["first"], ["middle"], ["last"]]
    logs = [part.data["log"] for part in parts if part.event == "values"]
    assert logs == [marks("T")[: length + 1] for length in range(4)]
    assert len({part.id for part in parts}) == len(parts)


async def test_a_wait_that_is_cut_gets_the_end_of_its_run(clients: Any, line: TcpProxy) -> None:
    client = clients(line.url)
    thread_id = (await client.create_thread())["thread_id"]
    line.plan("POST .*/wait", cut_at=b"\r\n\r\n")
    values = await client.sdk.runs.wait(thread_id, "probe_async", input=probe_input("T", 1.0))
    assert values["log"] == marks("T")
    assert len(await client.sdk.runs.list(thread_id)) == 1


async def test_runs_end_in_time_and_a_busy_thread_is_told(clients: Any, line: TcpProxy) -> None:
    client = clients(line.url)
    thread_id = (await client.create_thread())["thread_id"]
    present = await client.sdk.runs.create(thread_id, "probe_async", input=probe_input("P", 60.0))
    with pytest.raises(ThreadBusy) as raised:
        await client.handle_double_text(thread_id, "probe_async", "reject")
    assert raised.value.runs == (present["run_id"],)
    accepted = await client.handle_double_text(
        thread_id, "probe_async", "interrupt", input=probe_input("N", 0.0)
    )
    assert accepted.met == {present["run_id"]: "interrupted"}
    with pytest.raises(RunTimedOut) as late:
        await client.run_with_timeout(thread_id, "probe_async", 3.0, input=probe_input("L", 60.0))
    assert late.value.cancelled
