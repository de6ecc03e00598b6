"""Every operation asks the rules what decision 019 says: each route, each value."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from langgraph_sdk import get_sync_client

from harness.asked import CALLS, CANCELS_ONE, Call
from harness.known_things import KnownThings
from harness.processes import ROOT, Server, started_server
from outrigger_server.api.application import ROUTERS

pytestmark = pytest.mark.end_to_end

RECORDED = ROOT / "tests" / "end_to_end" / "guarded" / "recorded.json"
MAKER, CALLER = "maker", "caller"


@pytest.fixture(scope="module")
def asked_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("asked") / "asked.jsonl"
    file.touch()
    return file


@pytest.fixture(scope="module")
def server(asked_file: Path) -> Iterator[Server]:
    environment = {"ASKED_FILE": str(asked_file)}
    data_dir = asked_file.parent / "data"
    with started_server(data_dir, config=RECORDED, environment=environment) as server:
        yield server


@pytest.fixture(scope="module")
def things(server: Server) -> Iterator[KnownThings]:
    headers = {"authorization": f"Bearer {MAKER}"}
    with get_sync_client(url=server.url, api_key=None, headers=headers) as client:
        yield KnownThings(client, "mirror")


def asks_of_caller(file: Path) -> list[tuple[str, str, Any]]:
    asked = [json.loads(line) for line in file.read_text().splitlines()]
    return [(a["resource"], a["action"], a["value"]) for a in asked if a["by"] == CALLER]


def filled(template: Any, known: dict[str, str]) -> Any:
    """The template with the ids of what is there."""
    if isinstance(template, str):
        return template.format_map(known)
    if isinstance(template, dict):
        return {key: filled(each, known) for key, each in template.items()}
    if isinstance(template, list | tuple):
        return [filled(each, known) for each in template]
    return template


def fits(wanted: Any, found: Any) -> bool:
    if wanted == "*":
        return True
    if wanted == "uuid:*":
        return isinstance(found, str) and found.startswith("uuid:")
    if isinstance(wanted, dict) and isinstance(found, dict):
        return wanted.keys() == found.keys() and all(fits(wanted[k], found[k]) for k in wanted)
    return bool(wanted == found)


def test_no_route_is_without_a_call_here() -> None:
    routes = {
        (method, route.path)
        for _, router in ROUTERS
        for route in router.routes
        for method in route.methods
    }
    assert routes == {call.route for call in CALLS}


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.method} {call.path}{call.query}")
def test_an_operation_asks_what_is_documented_and_nothing_else(
    server: Server, things: KnownThings, asked_file: Path, call: Call
) -> None:
    known = {**things.all(), "by": CALLER, "namespace": "inner"}
    state = things.client.threads.get_state(known["thread_id"])
    known["checkpoint_id"] = state["checkpoint"]["checkpoint_id"]
    if call.path in CANCELS_ONE:
        known |= things.waiting_run()
    before = len(asks_of_caller(asked_file))
    with (
        httpx.Client(base_url=server.url, headers={"authorization": f"Bearer {CALLER}"}) as http,
        http.stream(
            call.method, filled(call.path, known) + call.query, json=filled(call.body, known)
        ) as answer,
    ):
        # A stream has been asked about when it begins; not every one ends.
        assert answer.status_code < 300, answer.read()
    wanted = [filled(ask, known) for ask in call.asks]
    found = [[*each] for each in asks_of_caller(asked_file)[before:]]
    assert len(found) == len(wanted), found
    for one, other in zip(wanted, found, strict=True):
        assert one[:2] == other[:2]
        assert fits(one[2], other[2]), (one[2], other[2])
