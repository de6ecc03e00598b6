"""The rules of `auth.path` with the real SDK: who comes in, and what they see and may do."""

import uuid
from collections.abc import Iterator

import httpx
import pytest
from langgraph_sdk.errors import ConflictError, NotFoundError, PermissionDeniedError

from harness.callers import As, asked
from harness.metrics_page import labelled, read_metrics
from harness.processes import ROOT, Server, started_server

pytestmark = pytest.mark.end_to_end

GUARDED = ROOT / "tests" / "end_to_end" / "guarded" / "langgraph.json"
RUN = {"assistant_id": "mirror", "input": {}}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data_dir = tmp_path_factory.mktemp("guarded") / "data"
    with started_server(data_dir, config=GUARDED, sidecar=True) as server:
        yield server


async def test_without_credentials_only_what_tells_nothing_is_answered(
    http: httpx.AsyncClient,
) -> None:
    for path in ("/ok", "/info", "/docs", "/openapi.json"):
        assert (await http.get(path)).status_code == 200, path
    for method, path in (("POST", "/threads/search"), ("GET", "/nonsense"), ("GET", "/ok/")):
        refused = await http.request(method, path, json={})
        assert refused.status_code == 401
        assert refused.json() == {"detail": "bad token"}
        assert "x-request-id" in refused.headers


async def test_what_authenticating_raises_is_answered_and_tells_no_more_than_it_should(
    http: httpx.AsyncClient, server: Server
) -> None:
    tea = await asked(http, "teapot", "POST", "/threads", {})
    assert (tea.status_code, tea.json()) == (418, {"detail": "tea only"})
    assert tea.headers["x-tea"] == "yes"
    for name in ("broken", "nobody"):
        failed = await asked(http, name, "POST", "/threads", {})
        assert (failed.status_code, failed.json()) == (
            500,
            {"detail": "The authentication failed"},
        )
    assert "Bearer" not in server.log.read_text()


async def test_a_handler_that_says_no_or_something_unclear_lets_nothing_through(
    http: httpx.AsyncClient, who: As
) -> None:
    for path in ("/threads", "/threads/search", "/assistants/search"):
        denied = await asked(http, "denied", "POST", path, {})
        assert (denied.status_code, denied.json()) == (403, {"detail": "Forbidden"})
        unclear = await asked(http, "typo", "POST", path.removesuffix("/search") + "/search", {})
        assert unclear.status_code == 500
        assert unclear.json() == {"detail": "The authorization failed"}
    rejected = await asked(http, "rejected", "POST", "/threads/search", {})
    assert (rejected.status_code, rejected.json()) == (409, {"detail": "not today"})
    with pytest.raises(PermissionDeniedError):
        await who("denied").threads.create()


async def test_the_authenticator_gets_everything_the_sdk_promises(
    http: httpx.AsyncClient,
) -> None:
    made = await asked(http, "curious", "POST", "/threads?q=1", {"metadata": {"a": 1}})
    seen = made.json()["metadata"]["seen"]
    assert seen == {
        "path": "/threads",
        "method": "POST",
        "thread_id": None,
        "query": "1",
        "agent": True,
        "body": {"metadata": {"a": 1}},
        "again": '{"metadata":{"a":1}}',
    }


async def test_a_thread_is_its_owners_and_nothing_to_anybody_else(
    who: As, http: httpx.AsyncClient
) -> None:
    thread = await who("alice").threads.create()
    assert thread["metadata"] == {"owner": "alice"}
    here = f"/threads/{thread['thread_id']}"
    run = await who("alice").runs.create(thread["thread_id"], "mirror", input={})
    await who("alice").runs.join(thread["thread_id"], run["run_id"])
    missing = f"Thread with ID {thread['thread_id']} not found"
    of_run = f"{here}/runs/{run['run_id']}"
    for method, path, body, detail in (
        ("GET", here, None, missing),
        ("GET", f"{here}/state", None, missing),
        ("POST", f"{here}/state", {"values": {}}, missing),
        ("POST", f"{here}/state/checkpoint", {"checkpoint": {}}, missing),
        ("GET", f"{here}/state/{uuid.uuid4()}", None, missing),
        ("GET", f"{here}/history", None, missing),
        ("POST", f"{here}/history", {}, missing),
        ("PATCH", here, {"metadata": {"owner": "bob"}}, "Not Found"),
        ("GET", f"{here}/runs", None, missing),
        ("POST", f"{here}/runs", RUN, "Thread or assistant not found."),
        ("POST", f"{here}/runs/wait", RUN, "Thread or assistant not found."),
        ("POST", f"{here}/runs/stream", RUN, "Thread or assistant not found."),
        (
            *("POST", f"{here}/runs", {**RUN, "if_not_exists": "create"}),
            "Thread or assistant not found.",
        ),
        ("GET", of_run, None, missing),
        ("GET", f"{of_run}/join", None, missing),
        ("GET", f"{of_run}/stream", None, missing),
        ("POST", f"{of_run}/cancel", None, "No runs found to cancel."),
        ("DELETE", of_run, None, "Run not found"),
        ("DELETE", here, None, missing),
    ):
        answer = await asked(http, "bob", method, path, body)
        assert (answer.status_code, answer.json()) == (404, {"detail": detail}), (method, path)
    assert await who("bob").threads.search(ids=[thread["thread_id"]]) == []
    mine = await who("alice").threads.search(ids=[thread["thread_id"]])
    assert [each["thread_id"] for each in mine] == [thread["thread_id"]]
    assert len(await who("alice").runs.list(thread["thread_id"])) == 1
    await who("alice").threads.delete(thread["thread_id"])


async def test_a_run_of_somebody_else_is_not_reached_through_a_thread_of_ones_own(
    who: As, http: httpx.AsyncClient
) -> None:
    theirs = await who("alice").threads.create()
    run = await who("alice").runs.create(theirs["thread_id"], "mirror", input={})
    own = await who("bob").threads.create()
    place = f"/threads/{own['thread_id']}/runs/{run['run_id']}"
    for method, path in (("GET", place), ("DELETE", place), ("POST", f"{place}/cancel")):
        assert (await asked(http, "bob", method, path)).status_code == 404, method
    joined = await asked(http, "bob", "GET", f"{place}/join")
    assert "404: Run not found" in joined.text
    assert await who("alice").runs.join(theirs["thread_id"], run["run_id"]) is not None


async def test_an_id_that_is_taken_is_told_but_the_thread_is_not_shown(who: As) -> None:
    taken = await who("alice").threads.create()
    for if_exists in ("raise", "do_nothing"):
        with pytest.raises(ConflictError):
            await who("bob").threads.create(thread_id=taken["thread_id"], if_exists=if_exists)
    again = await who("alice").threads.create(thread_id=taken["thread_id"], if_exists="do_nothing")
    assert again["metadata"] == {"owner": "alice"}


async def test_a_rule_may_ask_whether_a_list_has_an_element(who: As) -> None:
    shared = await who("alice").threads.create(metadata={"guests": ["erin", "guest"]})
    other = await who("alice").threads.create(metadata={"guests": "guest"})
    found = await who("guest").threads.search()
    assert [each["thread_id"] for each in found] == [shared["thread_id"]]
    assert (await who("guest").threads.get(shared["thread_id"]))["values"] is None
    with pytest.raises(NotFoundError):
        await who("guest").threads.get(other["thread_id"])


async def test_a_graph_knows_who_asks_and_believes_nobody_else_about_it(
    who: As, server: Server
) -> None:
    thread = await who("alice").threads.create()
    told = {"langgraph_auth_user_id": "root", "langgraph_auth_user": {"identity": "root"}}
    known = {
        "identity": "alice",
        "team": "red",
        "user_id": "alice",
        "permissions": ["of:alice"],
        "headers": {},
    }
    for more in ({"config": {"configurable": told}}, {"context": told}):
        values = await who("alice").runs.wait(thread["thread_id"], "mirror", input={}, **more)
        assert values["seen"] == known
    (run, *_) = await who("alice").runs.list(thread["thread_id"])
    assert run["metadata"]["owner"] == "alice"


async def test_a_thread_made_with_its_run_is_the_callers(who: As) -> None:
    thread_id = str(uuid.uuid4())
    await who("carol").runs.wait(thread_id, "mirror", input={}, if_not_exists="create")
    assert (await who("carol").threads.get(thread_id))["metadata"]["owner"] == "carol"
    with pytest.raises(NotFoundError):
        await who("bob").threads.get(thread_id)


async def test_a_graphs_own_assistant_can_be_run_though_the_rules_hide_it(who: As) -> None:
    assert await who("alice").assistants.search() == []
    (found,) = await who("auditor").assistants.search()
    with pytest.raises(NotFoundError):
        await who("alice").assistants.get(found["assistant_id"])
    thread = await who("alice").threads.create()
    values = await who("alice").runs.wait(thread["thread_id"], found["assistant_id"], input={})
    assert values["seen"]["identity"] == "alice"


async def test_the_idempotency_key_of_one_caller_means_nothing_to_another(
    http: httpx.AsyncClient,
) -> None:
    made = {}
    for name in ("alice", "bob", "alice"):
        headers = {"authorization": f"Bearer {name}", "idempotency-key": "the-same"}
        answer = await http.post("/threads", json={}, headers=headers)
        made.setdefault(name, set()).add(answer.json()["thread_id"])
    assert len(made["alice"]) == 1
    assert made["alice"].isdisjoint(made["bob"])


def test_refused_requests_are_counted_by_reason(server: Server) -> None:
    before = read_metrics(server.sidecar_url)
    with httpx.Client(base_url=server.url) as http:
        http.post("/threads", json={})
        http.post("/threads", json={}, headers={"authorization": "Basic x"})
        http.post("/threads", json={}, headers={"authorization": "Bearer denied"})
        http.post("/threads", json={}, headers={"authorization": "Bearer broken"})
        hidden = http.post("/threads", json={}, headers={"authorization": "Bearer alice"})
        path = f"/threads/{hidden.json()['thread_id']}"
        http.get(path, headers={"authorization": "Bearer bob"})
    grown = read_metrics(server.sidecar_url).growth(before, "langgraph_auth_failures_total")
    reasons = ("missing", "invalid", "denied", "failed", "hidden")
    assert grown == {labelled(reason=reason): 1 for reason in reasons}
