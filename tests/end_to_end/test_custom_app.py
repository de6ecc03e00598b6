"""An app of the user's own beside the API, and what else `http` in the manifest says."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from langgraph_sdk import get_client

from harness.processes import ROOT, Server, started_server
from harness.slots import logged, until_logged
from harness.starts import refused_start, write_files

pytestmark = pytest.mark.end_to_end

CUSTOM = ROOT / "tests" / "end_to_end" / "custom" / "langgraph.json"
GRAPHS = '"graphs": {"agent": "./agent.py:graph"}'
FAILING_START = """\
from contextlib import asynccontextmanager
from fastapi import FastAPI
async def life(app):
    raise OSError('no cellar')
    yield
app = FastAPI(lifespan=asynccontextmanager(life))
"""
ORIGIN = "https://app.example.org"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with started_server(tmp_path_factory.mktemp("custom") / "data", config=CUSTOM) as server:
        yield server


@pytest.fixture
async def ann(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"authorization": "Bearer ann"}
    async with httpx.AsyncClient(base_url=f"{server.url}/team", headers=headers) as client:
        yield client


async def test_the_users_routes_come_first_but_for_what_others_rely_on(
    ann: httpx.AsyncClient,
) -> None:
    mine = (await ann.get("/cheeses/3")).json()
    assert mine == {"number": 3, "by": "ann", "cellar": "open"}
    assert (await ann.post("/threads/search", json={})).json() == ["mine"]
    assert (await ann.get("/info")).json() == {"info": "mine"}
    assert (await ann.get("/ok")).json() == {"ok": True, "services": {}}
    assert (await ann.post("/threads", json={})).status_code == 200
    assert (await ann.get("/nothing")).json() == {"detail": "Not Found"}
    assert (await ann.delete("/cheeses/3")).status_code == 405


async def test_the_users_app_answers_its_own_errors_and_ours_stay_ours(
    ann: httpx.AsyncClient,
) -> None:
    gone = await ann.get("/cheeses/11")
    assert (gone.status_code, gone.json()) == (410, {"stock": 0})
    assert (await ann.get("/cheeses/brie")).status_code == 422
    assert (await ann.get("/cheeses/-1")).status_code == 500
    ours = await ann.get("/threads/brie")
    assert ours.json() == {"detail": "Invalid thread ID: must be a UUID"}


async def test_the_users_middleware_is_around_everything(ann: httpx.AsyncClient) -> None:
    for path in ("/cheeses/1", "/threads/brie", "/nothing"):
        answer = await ann.get(path, headers={"x-trace": "t1"})
        assert answer.headers["x-stamp"] == "t1", path
    stopped = await ann.get("/threads/brie", headers={"x-stop": "1"})
    assert (stopped.status_code, stopped.json()) == (418, {"stopped": True})


async def test_the_users_routes_ask_for_credentials_too(http: httpx.AsyncClient) -> None:
    for path in ("/team/cheeses/1", "/team/info", "/team/nothing"):
        refused = await http.get(path)
        assert (refused.status_code, refused.json()) == (401, {"detail": "bad token"})
        assert refused.headers["x-stamp"] == "none"
    for path in ("/team/ok", "/team/docs", "/team/openapi.json"):
        assert (await http.get(path)).status_code == 200, path


async def test_outside_the_prefix_there_is_only_what_probes_ask_for(
    http: httpx.AsyncClient,
) -> None:
    assert (await http.get("/ok")).status_code == 200
    for path in ("/info", "/threads/search", "/teams/ok", "/docs", "/cheeses/1"):
        assert (await http.get(path)).status_code == 404, path


async def test_what_is_disabled_is_not_there(ann: httpx.AsyncClient) -> None:
    assert (await ann.post("/assistants/search", json={})).status_code == 404
    document = (await ann.get("/openapi.json")).json()
    assert not [path for path in document["paths"] if path.startswith("/assistants")]


async def test_the_document_tells_of_both(ann: httpx.AsyncClient) -> None:
    document = (await ann.get("/openapi.json")).json()
    assert {"/cheeses/{number}", "/threads/{thread_id}/runs"} <= document["paths"].keys()
    assert "401" in document["paths"]["/threads"]["post"]["responses"]
    assert document["servers"] == [{"url": "/team"}]


async def test_chosen_headers_reach_the_graph_but_never_credentials(server: Server) -> None:
    headers = {
        "authorization": "Bearer ann",
        "x-trace": "t2",
        "X-Secret-Sauce": "s",
    }
    async with get_client(url=f"{server.url}/team", api_key="k", headers=headers) as client:
        thread = await client.threads.create()
        values = await client.runs.wait(thread["thread_id"], "mirror", input={})
        runs = await client.runs.list(thread["thread_id"])
    assert values["seen"]["headers"] == {"x-trace": "t2"}
    assert "Bearer" not in json.dumps(runs)
    for route in ("/threads", "/threads/{thread_id}/runs/wait"):
        assert await until_logged(server, "request", route=route, headers={"x-trace": "t2"})


async def test_only_the_origin_that_is_named_may_call(http: httpx.AsyncClient) -> None:
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "x-q"}
    allowed = await http.options("/team/threads", headers={"origin": ORIGIN, **asked})
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == ORIGIN
    assert allowed.headers["access-control-allow-credentials"] == "true"
    assert allowed.headers["access-control-max-age"] == "77"
    other = await http.options("/team/threads", headers={"origin": "https://evil.org", **asked})
    assert "access-control-allow-origin" not in other.headers
    refused = await http.post("/team/threads", json={}, headers={"origin": ORIGIN})
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == ORIGIN


def test_a_key_without_effect_is_named(server: Server) -> None:
    warnings = [line["reason"] for line in logged(server, "manifest")]
    assert len(warnings) == 1
    assert warnings[0].endswith("http.shape: unknown key, ignored")


@pytest.mark.parametrize(
    ("app", "says"),
    [
        ("app = 3", "http.app: ./web.py:app is int, not a Starlette or FastAPI app"),
        ("raise OSError('no cellar')", "importing ./web.py raised OSError: no cellar (web.py"),
        (
            FAILING_START,
            "http.app: starting ./web.py:app raised OSError: no cellar (web.py, line 4)",
        ),
    ],
    ids=["no_app", "import_raises", "start_raises"],
)
def test_an_app_that_cannot_be_served_stops_the_start(tmp_path: Path, app: str, says: str) -> None:
    manifest = f'{{{GRAPHS}, "http": {{"app": "./web.py:app"}}}}'
    write_files(tmp_path, {"web.py": app, "langgraph.json": manifest})
    ended = refused_start(tmp_path)
    assert ended.code == 1
    assert says in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr
    assert not ended.listens
