"""A server that is seen by its API alone: what it tells in each form, and what it does not tell."""

import json
import threading
from collections.abc import Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from prometheus_client.metrics_core import Metric

from outrigger_sidecar.collectors.remote_server import RemoteServerCollector
from outrigger_sidecar.collectors.remote_threads import RemoteThreadsCollector
from outrigger_sidecar.errors import RemoteError
from outrigger_sidecar.health import CheckState
from outrigger_sidecar.probes.remote_queue import RemoteQueueProbe
from outrigger_sidecar.probes.remote_workers import RemoteWorkersProbe
from outrigger_sidecar.remote_server import RemoteServer

QUEUE = {
    "n_pending": 3,
    "n_running": 1,
    "pending_runs_wait_time_max_secs": 40.5,
    "pending_unblocked_runs_wait_time_max_secs": 12.5,
}
WORKERS = {"max": 10, "active": 4, "available": 6}
AT_REST = {"n_pending": 0, "n_running": 0, "pending_unblocked_runs_wait_time_max_secs": None}
FULL = {"max": 4, "active": 4, "available": 0}
NONE = {"max": 0, "active": 0, "available": 0}
REQUESTS = [
    {"method": "POST", "path": "/threads", "status": 200, "count": 5},
    {"method": "BREW", "path": "", "status": 418, "count": 1},
]
TEXT = """\
# TYPE lg_api_num_pending_runs gauge
lg_api_num_pending_runs{project_id="p"} 3.0
lg_api_num_running_runs 1.0
lg_api_workers_max 10.0
lg_api_workers_available 6.0
lg_api_http_requests_total{method="GET",path="/ok",status="200"} 2.0
"""

Answer = tuple[int, dict[str, str], Any]


class Api:
    """A server whose answers a test sets; each is a status, headers, and JSON or text."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[tuple[str, Any, str | None]] = []
        self.answers: dict[str, Answer] = {
            "/info": (200, {}, {"version": "0.9", "langgraph_py_version": "1.2"}),
            "/metrics": (200, {}, {"queue": QUEUE, "workers": WORKERS}),
            "/threads/count": (200, {}, 4),
        }


def handler_of(api: Api) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            api.asked.append((path, json.loads(body or "null"), self.headers.get("x-api-key")))
            status, headers, told = api.answers.get(path, (404, {}, {"detail": "Not Found"}))
            kind = "text/plain" if isinstance(told, str) else "application/json"
            content = (told if isinstance(told, str) else json.dumps(told)).encode()
            self.send_response(status)
            for name, value in {"content-type": kind, **headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815  the base class looks for this name

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@pytest.fixture
def api() -> Iterator[Api]:
    api = Api()
    with ThreadingHTTPServer(("127.0.0.1", 0), handler_of(api)) as server:
        api.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield api
        server.shutdown()


@pytest.fixture
def server(api: Api) -> Iterator[RemoteServer]:
    server = RemoteServer(api.url, timeout=5, api_key="a-key")
    yield server
    server.close()


def values(families: Iterable[Metric]) -> dict[tuple[str, str], float]:
    return {
        (sample.name, ",".join(sample.labels.values())): sample.value
        for metric in families
        for sample in metric.samples
    }


def test_what_json_tells_is_shown_under_our_names(api: Api, server: RemoteServer) -> None:
    api.answers["/metrics"] = (
        200,
        {},
        {"queue": QUEUE, "workers": WORKERS, "api": {"http_requests_total": REQUESTS}},
    )

    page = values(RemoteServerCollector(server, stall_seconds=10).collect())

    assert page == {
        ("langgraph_target_info", "0.9,1.2"): 1,
        ("langgraph_runs", "pending"): 3,
        ("langgraph_runs", "running"): 1,
        ("langgraph_run_queue_depth", "unknown"): 3,
        ("langgraph_run_queue_oldest_seconds", "unknown"): 40.5,
        ("langgraph_run_queue_oldest_seconds", "false"): 12.5,
        ("langgraph_runs_stuck", "pending_with_free_slots"): 3,
        ("langgraph_worker_slots", "busy"): 4,
        ("langgraph_worker_slots", "idle"): 6,
        ("http_server_requests_total", "POST,/threads,200"): 5,
        ("http_server_requests_total", "_OTHER,__unmatched__,418"): 1,
    }
    assert {key for _, _, key in api.asked} == {"a-key"}


def test_what_text_tells_is_shown_and_what_it_does_not_is_left_out(
    api: Api, server: RemoteServer
) -> None:
    api.answers["/metrics"] = (200, {}, TEXT)

    page = values(RemoteServerCollector(server, stall_seconds=10).collect())

    assert page["langgraph_runs", "pending"] == 3
    assert page["langgraph_worker_slots", "busy"] == 4
    assert page["http_server_requests_total", "GET,/ok,200"] == 2


@pytest.mark.parametrize(
    ("status", "body"), [(404, {}), (500, {}), (200, "<html>"), (200, [1]), (200, "a{ 1")]
)
def test_an_answer_that_tells_nothing_is_an_error_and_says_so(
    api: Api, server: RemoteServer, status: int, body: Any
) -> None:
    api.answers["/metrics"] = (status, {}, body)

    with pytest.raises(RemoteError):
        list(RemoteServerCollector(server, stall_seconds=10).collect())
    assert RemoteQueueProbe(server, stall_seconds=10).check().state is CheckState.UNKNOWN
    assert RemoteWorkersProbe(server).check().state is CheckState.UNKNOWN


@pytest.mark.parametrize(
    ("told", "queue", "workers"),
    [
        ({"queue": QUEUE, "workers": WORKERS}, CheckState.DEGRADED, CheckState.OK),
        ({"queue": AT_REST, "workers": WORKERS}, CheckState.OK, CheckState.OK),
        ({"queue": QUEUE, "workers": FULL}, CheckState.OK, CheckState.OK),
        ({"queue": QUEUE, "workers": NONE}, CheckState.OK, CheckState.DEGRADED),
        ({}, CheckState.OFF, CheckState.OFF),
    ],
)
def test_a_queue_is_stalled_when_runs_wait_although_slots_are_free(
    api: Api, server: RemoteServer, told: Any, queue: CheckState, workers: CheckState
) -> None:
    api.answers["/metrics"] = (200, {}, told)

    assert RemoteQueueProbe(server, stall_seconds=10).check().state is queue
    assert RemoteWorkersProbe(server).check().state is workers


def test_threads_are_counted_by_status_and_then_left_alone(api: Api, server: RemoteServer) -> None:
    now = [0.0]
    collector = RemoteThreadsCollector(server, clock=lambda: now[0])

    first = values(collector.collect())
    asked = len(api.asked)
    now[0] += 14
    again = values(collector.collect())

    assert first == again
    assert first == {
        ("langgraph_threads", each): 4 for each in ("idle", "busy", "interrupted", "error")
    }
    assert [body for _, body, _ in api.asked] == [
        {"status": each} for each in ("idle", "busy", "interrupted", "error")
    ]
    now[0] += 2
    list(collector.collect())
    assert len(api.asked) == 2 * asked


def test_a_server_without_a_count_is_searched(api: Api, server: RemoteServer) -> None:
    del api.answers["/threads/count"]
    api.answers["/threads/search"] = (200, {"x-pagination-total": "7"}, [])

    assert set(server.threads().values()) == {7}


def test_a_server_that_does_not_tell_is_asked_again_soon(api: Api, server: RemoteServer) -> None:
    del api.answers["/threads/count"]
    api.answers["/threads/search"] = (200, {}, [])
    now = [0.0]
    collector = RemoteThreadsCollector(server, clock=lambda: now[0])

    with pytest.raises(RemoteError, match="does not tell"):
        collector.collect()
    api.answers["/threads/count"] = (200, {}, 1)
    now[0] += 60

    assert values(collector.collect())["langgraph_threads", "idle"] == 1


def test_routes_beyond_the_cap_are_added_up(api: Api, server: RemoteServer) -> None:
    many = [{"method": "GET", "path": f"/{n}", "status": 200, "count": 1} for n in range(150)]
    api.answers["/metrics"] = (200, {}, {"api": {"http_requests_total": many}})

    page = values(RemoteServerCollector(server, stall_seconds=10).collect())

    assert page["http_server_requests_total", "GET,__other__,200"] == 50


def test_nobody_there_is_an_error_fit_for_strangers() -> None:
    server = RemoteServer("http://127.0.0.1:9", timeout=1)

    with pytest.raises(RemoteError, match=r"^the server cannot be reached$"):
        server.load()
    server.close()
