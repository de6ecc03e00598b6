"""What happens to runs, threads and streams moves the series that are about it."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any, cast

import httpx
import pytest
from langgraph_sdk.client import LangGraphClient
from langgraph_sdk.errors import ConflictError

from harness.metrics_page import MetricsPage, labelled, read_metrics, until_page
from harness.processes import TEST_GRAPHS, Server, started_server
from harness.receiver import Receiver, started_receiver
from harness.runs import probe_input, start, until_ended, until_marked

pytestmark = pytest.mark.end_to_end

GRAPH = "probe_async"
BUFFER = 10
ENVIRONMENT = {
    "OUTRIGGER_SIDECAR_INTERVAL_SECONDS": "0.1",
    "OUTRIGGER_CANCEL_GRACE_SECONDS": "0.1",
    "OUTRIGGER_STREAM_BUFFER_EVENTS": str(BUFFER),
    "OUTRIGGER_LG_API_METRICS": "true",
}
LONG_SECONDS = 60.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The test graphs, with webhooks to this machine allowed, and a sidecar."""
    folder = tmp_path_factory.mktemp("metrics_move")
    graphs = json.loads(TEST_GRAPHS.read_text())["graphs"]
    places = {name: str(TEST_GRAPHS.parent / place) for name, place in graphs.items()}
    manifest = folder / "langgraph.json"
    rules = {"url": {"disable_loopback": False}}
    manifest.write_text(json.dumps({"graphs": places, "webhooks": rules}))
    with started_server(
        folder / "data", config=manifest, sidecar=True, environment=ENVIRONMENT
    ) as server:
        yield server


@pytest.fixture
def before(server: Server) -> MetricsPage:
    return read_metrics(server.sidecar_url)


@pytest.fixture
async def held(client: LangGraphClient, thread_id: str) -> AsyncIterator[str]:
    """A run that takes long, in its middle; cancelled at the end."""
    run_id = await start(client, thread_id, GRAPH, "held", LONG_SECONDS)
    await until_marked(client, thread_id, "held:first")
    yield run_id
    for run in await client.runs.list(thread_id):
        if run["status"] in {"pending", "running"}:
            await client.runs.cancel(thread_id, run["run_id"], wait=True)


async def until_grown(server: Server, before: MetricsPage, **names: float) -> MetricsPage:
    """Return the page once each sample has grown by exactly this, its series added up."""
    grown: dict[str, float] = {}

    def has_grown(page: MetricsPage) -> bool:
        grown.update({name: sum(page.growth(before, name).values()) for name in names})
        return grown == names

    try:
        return await until_page(server.sidecar_url, has_grown)
    except TimeoutError:
        assert grown == names
        raise


async def test_a_run_that_works_and_one_that_fails_are_counted_and_timed(
    server: Server, client: LangGraphClient, thread_id: str, before: MetricsPage
) -> None:
    await client.runs.wait(thread_id, GRAPH, input=probe_input("good", 0))
    bad = await client.runs.create(thread_id, "failing", input={})
    assert await until_ended(client, thread_id, bad["run_id"]) == "error"
    page = await until_grown(
        server,
        before,
        langgraph_runs_created_total=2,
        langgraph_runs_finished_total=2,
        langgraph_run_duration_seconds_count=2,
        langgraph_run_queue_wait_seconds_count=2,
        langgraph_run_attempts_total=2,
        langgraph_run_errors_total=1,
        langgraph_graph_build_seconds_count=2,
    )
    error = {labelled(assistant="failing", error_class="ValueError"): 1.0}
    assert page.growth(before, "langgraph_run_errors_total") == error
    ended = page.growth(before, "langgraph_runs_finished_total")
    more = {"multitask_strategy": "enqueue"}
    assert ended[labelled(assistant=GRAPH, outcome="success", **more)] == 1
    assert ended[labelled(assistant="failing", outcome="error", **more)] == 1


async def test_what_a_run_stores_is_measured_with_the_pools_it_goes_through(
    server: Server, client: LangGraphClient, thread_id: str, before: MetricsPage
) -> None:
    await client.runs.wait(thread_id, GRAPH, input=probe_input("good", 0))
    saved = len(await client.threads.get_history(thread_id))
    page = await until_grown(
        server,
        before,
        langgraph_checkpoint_write_seconds_count=saved,
        langgraph_checkpoint_bytes_count=saved,
    )
    sizes = page.growth(before, "langgraph_checkpoint_bytes_sum")
    assert sizes[labelled(backend="sqlite")] > 100 * saved
    waits = page.growth(before, "langgraph_db_pool_acquire_seconds_count")
    assert waits[labelled(pool="writer")] >= 2
    assert waits[labelled(pool="graph_reader")] >= 1
    pool = {"pool": "graph_reader", "state": "idle"}
    name = "langgraph_db_pool_connections"
    await until_page(server.sidecar_url, lambda page: page.value(name, **pool) >= 1)


async def test_requests_and_the_lines_about_them_are_counted_and_loops_are_timed(
    server: Server, http: httpx.AsyncClient, before: MetricsPage
) -> None:
    assert (await http.get("/nowhere")).status_code == 404
    where = {"method": "GET", "route": "__unmatched__"}

    def is_there(page: MetricsPage) -> bool:
        timed = page.growth(before, "http_server_request_duration_seconds_count")
        counted = page.growth(before, "http_server_requests_total")
        lines = page.growth(before, "langgraph_log_lines_total")
        lags = page.growth(before, "langgraph_event_loop_lag_seconds_count")
        return (
            timed.get(labelled(**where, status_class="4xx")) == 1
            and counted.get(labelled(**where, status="404")) == 1
            and sum(lines.values()) >= 1
            and {labelled(role="api"), labelled(role="worker")} <= lags.keys()
        )

    await until_page(server.sidecar_url, is_there)


@pytest.mark.parametrize(
    "told",
    [
        ("reject", "rejected", 0),
        ("enqueue", "enqueued", 0),
        ("interrupt", "interrupted", 1),
        ("rollback", "rolled_back", 1),
    ],
)
async def test_a_second_message_counts_under_its_strategy_with_what_it_cost(
    server: Server,
    client: LangGraphClient,
    thread_id: str,
    held: str,
    before: MetricsPage,
    told: tuple[Any, str, int],
) -> None:
    strategy, result, cut = told
    asked = probe_input("second", 0)
    try:
        await client.runs.create(thread_id, GRAPH, input=asked, multitask_strategy=strategy)
    except ConflictError:
        assert strategy == "reject"
    page = await until_grown(
        server,
        before,
        langgraph_double_text_total=1,
        langgraph_double_text_cut_seconds_count=cut,
        langgraph_thread_queue_length_count=strategy == "enqueue",
    )
    counted = {labelled(strategy=strategy, result=result): 1.0}
    assert page.growth(before, "langgraph_double_text_total") == counted
    wasted = page.growth(before, "langgraph_double_text_wasted_seconds_total")
    assert (wasted.get(labelled(strategy=strategy), 0.0) > 0) == bool(cut)


async def test_who_waits_behind_a_thread_is_shown_with_its_age(
    server: Server, client: LangGraphClient, thread_id: str, held: str
) -> None:
    for name in ("second", "third"):
        await client.runs.create(thread_id, GRAPH, input=probe_input(name, 0))

    def waits(page: MetricsPage) -> bool:
        return (
            page.value("langgraph_run_queue_depth", blocked="true") == 2
            and page.value("langgraph_run_queue_oldest_seconds", blocked="true") > 0
            and page.value("langgraph_run_queue_oldest_seconds", blocked="false") == 0
            and page.value("langgraph_runs", status="running") == 1
            and page.value("langgraph_runs", status="pending") == 2
            and page.value("langgraph_threads", status="busy") == 1
        )

    await until_page(server.sidecar_url, waits)


async def test_a_stream_counts_what_it_sends_and_how_it_ends(
    server: Server, http: httpx.AsyncClient, thread_id: str, before: MetricsPage
) -> None:
    body = {"assistant_id": GRAPH, "input": probe_input("T", LONG_SECONDS)}
    body |= {"stream_mode": ["updates"], "on_disconnect": "cancel"}
    request = http.build_request("POST", f"/threads/{thread_id}/runs/stream", json=body)
    response = await http.send(request, stream=True)
    size = 0
    pieces = response.aiter_raw()  # kept: the end of this object would be the stream's
    async for piece in pieces:
        size += len(piece)
        if b"T:first" in piece:
            break
    page = await until_grown(
        server,
        before,
        langgraph_stream_events_total=2,
        langgraph_stream_first_event_seconds_count=1,
    )
    assert page.value("langgraph_streams_active", mode="updates") == 1
    assert page.value("http_server_active_requests", method="POST") == 1
    assert sum(page.growth(before, "langgraph_stream_bytes_total").values()) == size
    await response.aclose()
    page = await until_grown(server, before, langgraph_stream_closed_total=1)
    assert page.value("langgraph_streams_active", mode="updates") == 0
    closed = {labelled(reason="client_disconnect", on_disconnect="cancel"): 1.0}
    assert page.growth(before, "langgraph_stream_closed_total") == closed


async def test_a_reader_that_comes_back_too_late_has_lost_events_and_that_is_counted(
    server: Server, client: LangGraphClient, thread_id: str, before: MetricsPage
) -> None:
    modes = ["values", "updates", "debug", "tasks", "checkpoints"]
    run = await client.runs.create(
        thread_id,
        GRAPH,
        input=probe_input("T", 0),
        stream_mode=cast("Any", modes),
        stream_resumable=True,
    )
    await until_ended(client, thread_id, run["run_id"])
    joined = client.runs.join_stream(thread_id, run["run_id"], last_event_id="0-0")
    async with aclosing(cast("Any", joined)) as parts:
        assert [part async for part in parts]

    def is_counted(page: MetricsPage) -> bool:
        resumed = page.growth(before, "langgraph_stream_resumes_total")
        lost = page.growth(before, "langgraph_stream_events_lost_total")
        return sum(resumed.values()) == 1 and sum(lost.values()) > 0

    await until_page(server.sidecar_url, is_counted)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with started_receiver([500]) as receiver:
        yield receiver


async def test_a_webhook_is_counted_by_what_came_of_it_and_timed(
    server: Server,
    client: LangGraphClient,
    thread_id: str,
    receiver: Receiver,
    before: MetricsPage,
) -> None:
    asked = probe_input("T", 0)
    await client.runs.wait(thread_id, GRAPH, input=asked, webhook=receiver.url)
    page = await until_grown(
        server,
        before,
        langgraph_webhook_call_seconds_count=2,
        langgraph_webhook_delay_seconds_count=1,
        langgraph_webhook_deliveries_total=2,
    )
    outcomes = {labelled(outcome="failed"): 1.0, labelled(outcome="delivered"): 1.0}
    assert page.growth(before, "langgraph_webhook_deliveries_total") == outcomes


async def test_a_cron_that_fires_is_counted_with_how_late_it_was(
    server: Server, client: LangGraphClient, before: MetricsPage
) -> None:
    cron: Any = await client.crons.create("settings", schedule="* * * * * *", input={})

    def has_fired(page: MetricsPage) -> bool:
        fires = page.growth(before, "langgraph_cron_fires_total")
        lags = page.growth(before, "langgraph_cron_lag_seconds_count")
        return fires.get(labelled(result="created"), 0) >= 1 and sum(lags.values()) >= 1

    try:
        await until_page(server.sidecar_url, has_fired)
    finally:
        await client.crons.delete(cron["cron_id"])
