"""Bad requests are refused with a code and a text, change nothing, and break nothing."""

import asyncio
import resource
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from langgraph_sdk.client import LangGraphClient

from harness.bad_requests import BAD_REQUESTS, MAX_BODY_BYTES, NOBODY, RUN, BadRequest
from harness.processes import Server, started_server
from harness.runs import probe_input
from harness.slots import until_logged
from harness.storage import dump

pytestmark = pytest.mark.end_to_end

LONG_SECONDS = 600.0
"""How long the run on the busy thread would take: no test waits for its end."""


@dataclass(frozen=True)
class Ids:
    """What the server holds while it is asked for nonsense."""

    thread: str
    run: str
    blank: str
    busy: str
    nobody: str = NOBODY

    def put_into(self, text: str) -> str:
        """The text with the ids in place of their names."""
        for name, value in vars(self).items():
            text = text.replace(f"{{{name}}}", value)
        return text


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    environment = {
        "OUTRIGGER_MAX_BODY_BYTES": str(MAX_BODY_BYTES),
        "OUTRIGGER_SHUTDOWN_GRACE_SECONDS": "0",
        # So that no renewal of the long run's lease looks like a change.
        "OUTRIGGER_LEASE_SECONDS": "3600",
    }
    data_dir = tmp_path_factory.mktemp("bad_input") / "data"
    with started_server(data_dir, environment=environment) as server:
        yield server


@pytest.fixture(scope="module")
def ids(server: Server) -> Ids:
    with httpx.Client(base_url=server.url, verify=False) as http:
        thread, blank, busy = (http.post("/threads", json={}).json()["thread_id"] for _ in range(3))
        done = {"assistant_id": "probe_async", "input": probe_input("done", 0)}
        assert http.post(f"/threads/{thread}/runs/wait", json=done).status_code == 200
        run = http.get(f"/threads/{thread}/runs").json()[0]["run_id"]
        long = {"assistant_id": "probe_async", "input": probe_input("long", LONG_SECONDS)}
        http.post(f"/threads/{busy}/runs", json=long)
        _until_in_middle(http, busy)
    return Ids(thread=thread, run=run, blank=blank, busy=busy)


def _until_in_middle(http: httpx.Client, thread_id: str) -> None:
    deadline = time.monotonic() + 20
    while "middle" not in http.get(f"/threads/{thread_id}/state").json()["next"]:
        assert time.monotonic() < deadline, "the long run does not start"
        time.sleep(0.02)


@pytest.fixture
async def one_answer(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    """A client that uses each connection once: no row's fault is another row's."""
    limits = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(
        base_url=server.url, timeout=30, limits=limits, verify=False
    ) as http:
        yield http


async def in_chunks(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 8192):
        yield body[start : start + 8192]


async def send(http: httpx.AsyncClient, bad: BadRequest, ids: Ids, mark: str) -> httpx.Response:
    body = bad.body
    if body is not None and b"{thread}" in body:
        body = ids.put_into(body.decode()).encode()
    return await http.request(
        bad.method,
        ids.put_into(bad.path),
        content=in_chunks(body) if body is not None and bad.is_chunked else body,
        headers={"content-type": "application/json", "x-request-id": mark, **bad.headers},
    )


@pytest.mark.parametrize("bad", BAD_REQUESTS, ids=lambda bad: bad.name.replace(" ", "_"))
async def test_a_bad_request_is_refused_in_words_and_changes_nothing(
    server: Server, ids: Ids, one_answer: httpx.AsyncClient, bad: BadRequest
) -> None:
    mark = f"bad: {bad.name}"
    before = dump(server.data_dir)
    log_before = server.log.stat().st_size
    response = await send(one_answer, bad, ids, mark)
    assert (response.status_code, response.headers["content-type"]) == (
        bad.status,
        "application/json",
    ), response.text
    assert list(response.json()) == ["detail"]
    detail = response.json()["detail"]
    if bad.text is not None:
        assert detail == ids.put_into(bad.text)
    assert detail
    assert response.headers["x-request-id"] == mark
    line = await until_logged(server, "request", request_id=mark)
    assert line["status"] == bad.status
    assert "Traceback" not in server.log.read_text()[log_before:]
    assert dump(server.data_dir) == before


@pytest.mark.parametrize("way", ["join", "stream"])
async def test_waiting_for_an_unknown_run_is_answered_in_band(
    ids: Ids, one_answer: httpx.AsyncClient, way: str
) -> None:
    response = await one_answer.get(f"/threads/{ids.thread}/runs/{NOBODY}/{way}")
    missing = b'{"error":"HTTPException","message":"404: Run not found"}'
    bodies = {
        "join": b'{"__error__":' + missing + b"}",
        "stream": b"event: error\r\ndata: " + missing + b"\r\n\r\n",
    }
    assert (response.status_code, response.content) == (200, bodies[way])


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (rb'"\ud800"', "\ufffd"),
        (rb'"half \ud83d of it"', "half \ufffd of it"),
        (rb'"\u0000"', "\0"),
        (b"18446744073709551615", 2**64 - 1),
        (b"123456789012345678901234567890", 1.2345678901234568e29),
        (rb'{"\ud800": "\u0000"}', {"\ufffd": "\0"}),
        (rb'["\ud800", 123456789012345678901234567890]', None),
    ],
    ids=["surrogate", "half_an_emoji", "nul", "64_bits", "beyond_64_bits", "keys", "mixture"],
)
async def test_strange_text_and_numbers_are_kept_as_json_can_say_them(
    client: LangGraphClient, one_answer: httpx.AsyncClient, sent: bytes, kept: object
) -> None:
    created = await one_answer.post(
        "/threads",
        content=b'{"metadata": {"strange": ' + sent + b"}}",
        headers={"content-type": "application/json"},
    )
    assert created.status_code == 200, created.text
    thread_id = created.json()["thread_id"]
    shown = (await client.threads.get(thread_id))["metadata"]["strange"]
    assert shown == created.json()["metadata"]["strange"]
    if kept is not None:
        assert shown == kept
    ran = await one_answer.post(
        f"/threads/{thread_id}/runs/wait",
        content=b'{"assistant_id": "probe_async", "metadata": {"strange": ' + sent + b"},"
        b'"input": {"token": "t", "seconds": 0, "log": [' + sent + b"]}}",
        headers={"content-type": "application/json"},
    )
    assert ran.status_code == 200, ran.text
    assert ran.json()["log"] == [shown, "t:first", "t:middle", "t:last"]
    state = await client.threads.get_state(thread_id)
    assert state["values"]["log"] == ran.json()["log"]
    if shown == "\0":  # kept, but refused in a search: a row of the table above
        return
    found = await client.threads.search(ids=[thread_id], metadata={"strange": shown})
    assert [thread["thread_id"] for thread in found] == [thread_id]


@pytest.fixture
def crowded(tmp_path: Path) -> Iterator[Server]:
    """A server of its own whose disk a test may fill."""
    with started_server(tmp_path / "data") as server:
        yield server


@pytest.fixture
async def crowded_http(crowded: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=crowded.url, timeout=30, verify=False) as http:
        # So that the database's log, not the server's, is the file that cannot grow.
        for _ in range(8):
            await http.post("/threads", json={"metadata": {"filling": "x" * 50_000}})
        yield http


def fill_disk(server: Server) -> None:
    """Let no file of the server grow beyond what the database's log is now."""
    size = (server.data_dir / "outrigger.db-wal").stat().st_size
    assert size > 2 * server.log.stat().st_size
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def free_disk(server: Server) -> None:
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, unlimited)


async def new_thread(http: httpx.AsyncClient) -> str:
    return str((await http.post("/threads", json={})).json()["thread_id"])


async def test_a_full_disk_refuses_writes_serves_reads_and_heals_by_itself(
    crowded: Server, crowded_http: httpx.AsyncClient
) -> None:
    http = crowded_http
    thread_id = await new_thread(http)
    runs = f"/threads/{thread_id}/runs"
    done = {"assistant_id": "probe_async", "input": probe_input("done", 0)}
    assert (await http.post(f"{runs}/wait", json=done)).status_code == 200
    (run,) = (await http.get(runs)).json()
    before = dump(crowded.data_dir)

    fill_disk(crowded)
    writes: list[tuple[str, dict[str, Any]]] = [
        ("/threads", {}),
        (runs, RUN),
        (f"{runs}/stream", RUN),
        (f"{runs}/wait", RUN),
        (f"/threads/{thread_id}/state", {"values": {"log": ["x"]}}),
    ]
    for path, body in writes:
        refused = await http.post(path, json=body)
        assert (refused.status_code, refused.json()) == (
            503,
            {
                "detail": "The database cannot be used now (disk I/O error); nothing of this "
                "request was stored. Try again later."
            },
        )
        assert int(refused.headers["retry-after"]) >= 1
    assert (await http.get(f"{runs}/{run['run_id']}")).json() == run
    assert (await http.get(f"/threads/{thread_id}/state")).json()["values"]["token"] == "done"
    assert dump(crowded.data_dir) == before

    free_disk(crowded)
    again = await http.post(
        f"{runs}/wait", json={"assistant_id": "probe_async", "input": probe_input("again", 0)}
    )
    assert again.json()["log"][-2:] == ["again:middle", "again:last"]
    assert "Traceback" not in crowded.log.read_text()


async def test_a_run_that_meets_a_full_disk_ends_well_once_there_is_space(
    crowded: Server, crowded_http: httpx.AsyncClient
) -> None:
    http = crowded_http
    thread_id = await new_thread(http)
    body = {"assistant_id": "probe_async", "input": probe_input("run", 0.4)}
    run = (await http.post(f"/threads/{thread_id}/runs", json=body)).json()
    await asyncio.to_thread(_until_in_middle_of, crowded, thread_id)
    fill_disk(crowded)
    await until_logged(crowded, "run_end_waits_for_database", run_id=run["run_id"])
    assert (await http.get(f"/threads/{thread_id}/runs/{run['run_id']}")).json()[
        "status"
    ] == "running"
    free_disk(crowded)
    ended = await http.get(f"/threads/{thread_id}/runs/{run['run_id']}/join")
    assert ended.json()["log"] == ["run:input", "run:first", "run:middle", "run:last"]
    line = await until_logged(crowded, "run_finished", run_id=run["run_id"])
    assert line["outcome"] == "success"


def _until_in_middle_of(server: Server, thread_id: str) -> None:
    with httpx.Client(base_url=server.url, verify=False) as http:
        _until_in_middle(http, thread_id)
