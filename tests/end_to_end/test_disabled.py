"""`http.disable_…` of `langgraph.json`: what is switched off is not there, and the rest is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from langgraph_sdk import get_sync_client

from harness.on_each_database import served
from harness.processes import Server

pytestmark = pytest.mark.end_to_end

NOWHERE = "00000000-0000-0000-0000-000000000000"
HOOK = "https://example.org/hook"
OPERATIONS = {
    "assistants": {("POST", "/assistants"), ("GET", f"/assistants/{NOWHERE}/versions")},
    "threads": {("POST", "/threads"), ("GET", f"/threads/{NOWHERE}/stream")},
    "runs": {
        ("POST", f"/threads/{NOWHERE}/runs"),
        ("POST", "/runs/batch"),
        ("POST", "/runs/cancel"),
        ("POST", "/runs/crons"),
        ("POST", f"/threads/{NOWHERE}/runs/crons"),
    },
    "store": {("PUT", "/store/items"), ("POST", "/store/namespaces")},
    "meta": {("GET", "/info"), ("GET", "/docs"), ("GET", "/openapi.json")},
}
STARTS = {
    "assistants": "/assistants",
    "threads": "/threads",
    "runs": "/runs",
    "store": "/store",
    "meta": "/info",
}


def serving(folder: Path, *nouns: str) -> Any:
    return served(folder, http={f"disable_{noun}": True for noun in nouns})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("disabled"), "store", "assistants", "webhooks") as server:
        yield server


def is_there(http: httpx.Client, method: str, path: str) -> bool:
    """Whether something takes the call: what is missing there is told in words of its own."""
    answer = http.request(method, path, json={})
    return answer.status_code != 404 or answer.json()["detail"] != "Not Found"


def test_what_is_disabled_is_neither_there_nor_in_the_document(server: Server) -> None:
    with httpx.Client(base_url=server.url) as http:
        for noun, operations in OPERATIONS.items():
            for method, path in operations:
                there = noun not in {"store", "assistants"}
                assert is_there(http, method, path) == there, path
        paths = http.get("/openapi.json").json()["paths"]
    seen = {noun for noun, start in STARTS.items() if any(p.startswith(start) for p in paths)}
    assert seen == {"threads", "runs", "meta"}


def test_the_nouns_around_it_stay_when_others_are_disabled(tmp_path: Path) -> None:
    with (
        serving(tmp_path, "runs", "threads", "meta") as server,
        httpx.Client(base_url=server.url) as http,
    ):
        for noun in ("runs", "threads", "meta"):
            for method, path in OPERATIONS[noun]:
                assert not is_there(http, method, path), path
        assert http.get("/ok").status_code == 200
        assert http.post("/assistants/search", json={}).status_code == 200
        assert http.post("/store/items/search", json={}).status_code == 200


def test_while_webhooks_are_disabled_nothing_is_made_that_names_one(server: Server) -> None:
    with get_sync_client(url=server.url, api_key=None) as client:
        thread = client.threads.create()
        here = f"/threads/{thread['thread_id']}/runs"
        cron = client.crons.create("chat", schedule="0 0 1 1 *", input={"messages": []})
    body = {"assistant_id": "chat", "input": {"messages": []}, "webhook": HOOK}
    later = {**body, "schedule": "0 0 1 1 *"}
    with httpx.Client(base_url=server.url) as http:
        before = http.post("/threads/count", json={}).json()
        for method, path, given in (
            *(("POST", f"{here}{way}", body) for way in ("", "/wait", "/stream")),
            *(("POST", f"/runs{way}", body) for way in ("", "/wait", "/stream")),
            ("POST", "/runs/batch", [body]),
            ("POST", "/runs/crons", later),
            ("POST", f"{here}/crons", later),
            ("PATCH", f"/runs/crons/{cron['cron_id']}", {"webhook": HOOK}),
        ):
            answer = http.request(method, path, json=given)
            assert answer.status_code == 422, (path, answer.text)
            assert answer.json()["detail"] == (
                "webhook: not served here (http.disable_webhooks in langgraph.json); leave it out"
            )
        assert http.get(here).json() == []
        assert http.post("/threads/count", json={}).json() == before
        assert http.post("/runs/crons/count", json={}).json() == 1
        assert "webhook" not in http.get(f"/runs/crons/{cron['cron_id']}").json()["payload"]
