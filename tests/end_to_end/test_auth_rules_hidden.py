"""What belongs to somebody else is not there: it is neither found, counted, changed nor removed."""

import json
from collections.abc import Iterator

import httpx
import pytest
from langgraph_sdk.errors import NotFoundError

from harness.callers import As, asked
from harness.processes import ROOT, Server, started_server

pytestmark = pytest.mark.end_to_end

OWNERS = ROOT / "tests" / "end_to_end" / "guarded" / "owners.json"
NEVER = "0 0 29 2 *"


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    data_dir = tmp_path_factory.mktemp("hidden") / "data"
    if request.param == "sqlite":
        with started_server(data_dir, config=OWNERS) as server:
            yield server
        return
    with request.getfixturevalue("postgres_server").fresh_database() as uri:
        environment = {"POSTGRES_URI": uri, "OUTRIGGER_MIGRATE_ON_START": "true"}
        with started_server(data_dir, config=OWNERS, environment=environment) as server:
            yield server


async def test_an_assistant_is_its_owners(who: As, http: httpx.AsyncClient) -> None:
    made = await who("alice").assistants.create("mirror", metadata={"a": 1})
    assert made["metadata"] == {"a": 1, "owner": "alice"}
    here = f"/assistants/{made['assistant_id']}"
    for method, path, body in (
        *(("GET", here + rest, None) for rest in ("", "/graph", "/schemas", "/subgraphs")),
        ("GET", f"{here}/subgraphs/inner", None),
        ("POST", f"{here}/versions", {}),
        ("POST", f"{here}/latest", {"version": 1}),
        ("PATCH", here, {"metadata": {"owner": "bob"}}),
        ("DELETE", here, None),
        ("DELETE", f"{here}?delete_threads=true", None),
        ("POST", "/runs", {"assistant_id": made["assistant_id"], "input": {}}),
        ("POST", "/runs/batch", [{"assistant_id": made["assistant_id"], "input": {}}]),
        ("POST", "/runs/crons", {"assistant_id": made["assistant_id"], "schedule": NEVER}),
    ):
        answer = await asked(http, "bob", method, path, body)
        assert answer.status_code == 404, (method, path, answer.text)
    assert await who("bob").assistants.search(metadata={"a": 1}) == []
    assert await who("bob").assistants.count() == 0
    taken = {"graph_id": "mirror", "assistant_id": made["assistant_id"], "if_exists": "do_nothing"}
    assert (await asked(http, "bob", "POST", "/assistants", taken)).status_code == 409
    assert [await who("alice").assistants.count()] == [1]
    assert await who("alice").assistants.get(made["assistant_id"]) == made
    await who("alice").assistants.delete(made["assistant_id"])


async def test_with_an_assistant_only_threads_of_ones_own_are_deleted(
    who: As, http: httpx.AsyncClient
) -> None:
    made = await who("alice").assistants.create("mirror")
    mine = await who("alice").threads.create()
    await who("alice").runs.wait(mine["thread_id"], made["assistant_id"], input={})
    kept = await who("bob").threads.create(metadata={"assistant_id": made["assistant_id"]})
    gone = f"/assistants/{made['assistant_id']}?delete_threads=true"
    assert (await asked(http, "alice", "DELETE", gone)).status_code == 204
    with pytest.raises(NotFoundError):
        await who("alice").threads.get(mine["thread_id"])
    assert (await who("bob").threads.get(kept["thread_id"]))["thread_id"] == kept["thread_id"]


async def test_a_cron_is_its_owners(who: As, http: httpx.AsyncClient) -> None:
    made = await who("alice").crons.create("mirror", schedule=NEVER, metadata={"a": 1})
    assert (made["metadata"], made["user_id"]) == ({"a": 1, "owner": "alice"}, "alice")
    here = f"/runs/crons/{made['cron_id']}"
    for method, body in (("GET", None), ("PATCH", {"enabled": False}), ("DELETE", None)):
        answer = await asked(http, "bob", method, here, body)
        assert answer.status_code == 404, (method, answer.text)
    assert await who("bob").crons.search() == []
    assert await who("bob").crons.count(metadata={"a": 1}) == 0
    assert [each["cron_id"] for each in await who("alice").crons.search()] == [made["cron_id"]]
    assert (await who("alice").crons.search())[0]["enabled"] is True
    thread = await who("alice").threads.create()
    there = f"/threads/{thread['thread_id']}/runs/crons"
    cron = {"assistant_id": "mirror", "schedule": NEVER}
    assert (await asked(http, "bob", "POST", there, cron)).status_code == 404
    assert await who("alice").crons.count() == 1
    await who("alice").crons.delete(made["cron_id"])


async def test_a_thread_of_somebody_else_is_not_counted_copied_pruned_measured_or_followed(
    who: As, http: httpx.AsyncClient
) -> None:
    thread = await who("alice").threads.create(metadata={"only": "counted"})
    place = f"/threads/{thread['thread_id']}"
    for method, path in (("POST", "copy"), ("GET", "storage"), ("GET", "stream")):
        answer = await asked(http, "bob", method, f"{place}/{path}")
        assert answer.status_code == 404, (path, answer.text)
    wanted = {"metadata": {"only": "counted"}}
    counts = [(await asked(http, n, "POST", "/threads/count", wanted)) for n in ("alice", "bob")]
    assert [each.json() for each in counts] == [1, 0]
    for strategy in ("delete", "keep_latest"):
        body = {"thread_ids": [thread["thread_id"]], "strategy": strategy}
        pruned = await asked(http, "bob", "POST", "/threads/prune", body)
        assert pruned.json() == {"pruned_count": 0}
    found = await who("bob").threads.search(ids=[thread["thread_id"]])
    assert found == []
    mine = await who("alice").threads.search(ids=[thread["thread_id"]])
    assert [each["metadata"] for each in mine] == [{"only": "counted", "owner": "alice"}]


async def test_a_copy_is_of_whoever_makes_it_as_the_rules_say(who: As) -> None:
    source = await who("alice").threads.create(metadata={"subject": "whales"})
    await who("alice").runs.wait(source["thread_id"], "mirror", input={})
    # The SDK shows no answer: the copy is found as its maker's only thread.
    await who("reader").threads.copy(source["thread_id"])
    (copy,) = await who("reader").threads.search(metadata={"subject": "whales"})
    assert copy["metadata"]["owner"] == "reader"
    assert copy["values"]["seen"]["identity"] == "alice"
    assert len(await who("alice").threads.search(metadata={"subject": "whales"})) == 1


async def test_cancelling_by_status_stops_only_runs_of_ones_own(
    who: As, http: httpx.AsyncClient
) -> None:
    waiting = {}
    for name in ("alice", "bob"):
        thread = await who(name).threads.create()
        waiting[name] = await who(name).runs.create(
            thread["thread_id"], "mirror", input={}, after_seconds=3600
        )
    run = waiting["alice"]
    named = {"thread_id": run["thread_id"], "run_ids": [run["run_id"]]}
    assert (await asked(http, "bob", "POST", "/runs/cancel", named)).status_code == 404
    every = {"status": "all"}
    assert (await asked(http, "bob", "POST", "/runs/cancel", every)).status_code == 204
    statuses = {
        name: (await who(name).runs.get(run["thread_id"], run["run_id"]))["status"]
        for name, run in waiting.items()
    }
    assert statuses == {"alice": "pending", "bob": "interrupted"}
    assert (await asked(http, "alice", "POST", "/runs/cancel", named)).status_code == 204


async def test_a_stateless_run_of_somebody_else_is_not_followed_by_its_id(
    who: As, http: httpx.AsyncClient
) -> None:
    thread = await who("alice").threads.create()
    run = await who("alice").runs.create(thread["thread_id"], "mirror", input={})
    await who("alice").runs.join(thread["thread_id"], run["run_id"])
    missing = await asked(http, "bob", "GET", "/runs/00000000-0000-0000-0000-000000000000/stream")
    hidden = await asked(http, "bob", "GET", f"/runs/{run['run_id']}/stream")
    assert (hidden.status_code, hidden.text) == (missing.status_code, missing.text)
    assert "404: Run not found" in hidden.text
    assert "404" not in (await asked(http, "alice", "GET", f"/runs/{run['run_id']}/stream")).text


async def test_an_item_is_in_the_namespace_that_the_rule_says(who: As) -> None:
    alice, bob = who("alice").store, who("bob").store
    await alice.put_item(["notes"], "one", {"text": "mine"})
    item = await alice.get_item(["notes"], "one")
    assert item["namespace"] == ["alice", "notes"]
    # A missing item is shown as null, which the SDK returns as it is.
    assert await bob.get_item(["notes"], "one") is None
    assert (await bob.search_items(["notes"]))["items"] == []
    assert (await bob.list_namespaces())["namespaces"] == []
    await bob.delete_item(["notes"], "one")
    assert [each["key"] for each in (await alice.search_items(["notes"]))["items"]] == ["one"]
    assert (await alice.list_namespaces())["namespaces"] == [["alice", "notes"]]
    assert json.dumps(await bob.search_items([])).count("mine") == 0
    await alice.delete_item(["notes"], "one")
    assert await alice.get_item(["notes"], "one") is None
